"""Element UI's date picker: its panel is turned to the month, and the day in it is clicked."""

import datetime as dt
import re

from playwright.async_api import Locator, Page

from image_assets.services.browsing.orders import Failure, LookError

_MOST_TURNS = 200
_PANEL = ".el-picker-panel"
_HEADER = ".el-date-picker__header-label"
_DAY = "td:not(.prev-month):not(.next-month)"
_TURNS = {
    (-1, True): ".el-icon-d-arrow-left, .d-arrow-left",
    (-1, False): ".el-icon-arrow-left, .arrow-left",
    (1, False): ".el-icon-arrow-right, .arrow-right",
    (1, True): ".el-icon-d-arrow-right, .d-arrow-right",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


async def open_panel(page: Page, selector: str) -> Locator:
    """The panel that a click on the picker's input opens."""
    await page.locator(selector).first.click()
    panel = page.locator(f"{_PANEL}:visible").last
    await panel.wait_for(state="visible")
    return panel


async def find_day(panel: Locator, day: dt.date) -> Locator:
    """The day's cell, with the panel turned to its month.

    Raises:
        LookError: the picker does not offer the day, or is none that we know.
    """
    for _ in range(_MOST_TURNS):
        months = await _months_to(panel, day)
        if months == 0:
            return await _cell(panel, day)
        way = -1 if months < 0 else 1
        await panel.locator(_TURNS[way, abs(months) >= 12]).first.click()
    raise LookError(Failure.MISSING, f"its date picker does not turn to {day:%B %Y}")


async def _months_to(panel: Locator, day: dt.date) -> int:
    header = " ".join(await panel.locator(_HEADER).all_inner_texts())
    year, month = re.search(r"\b\d{4}\b", header), re.search("|".join(_MONTHS), header)
    if year is None or month is None:
        message = f"its date picker says {header[:60]!r} where a month and a year should be"
        raise LookError(Failure.PERMANENT, message)
    shown = int(year[0]) * 12 + _MONTHS.index(month[0])
    return day.year * 12 + day.month - 1 - shown


async def _cell(panel: Locator, day: dt.date) -> Locator:
    cell = panel.locator(_DAY).filter(has_text=re.compile(rf"^\s*{day.day}\s*$")).first
    if await cell.count() == 0:
        raise LookError(Failure.PERMANENT, f"its date picker shows no {day.day} in {day:%B %Y}")
    if "disabled" in (await cell.get_attribute("class") or "").split():
        raise LookError(Failure.MISSING, f"its date picker does not offer {day}")
    return cell
