"""One look at a page: pick the day, let everything load, and read the pictures' addresses."""

import datetime as dt

from playwright.async_api import BrowserContext, Page

from image_assets.services.browsing import picker
from image_assets.services.browsing.orders import MOST_ADDRESSES, Failure, Look, LookError
from image_assets.services.browsing.traffic import Traffic

_STEP_MS = 60

# The pictures below the heading of that text, in the order of the page; null without the heading.
_PICTURES = """([selector, after]) => {
  const pictures = [...document.querySelectorAll(selector)];
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (after !== null) {
    const word = words.nextNode();
    if (word === null) return null;
    if (word.textContent.trim() !== after || !word.parentElement.getClientRects().length) continue;
    const below = Node.DOCUMENT_POSITION_FOLLOWING;
    return pictures.filter(p => word.compareDocumentPosition(p) & below).map(p => p.src);
  }
  return pictures.map(picture => picture.src);
}"""

# Everything that scrolls goes on by most of what it shows, or back to its beginning.
_SCROLL = """start => {
  let moved = false;
  const scrolls = e => e.scrollHeight > e.clientHeight + 1 && e.clientHeight > 0
    && (e === document.scrollingElement || /auto|scroll/.test(getComputedStyle(e).overflowY));
  for (const e of [...document.querySelectorAll('*')].filter(scrolls)) {
    const before = e.scrollTop;
    e.scrollTop = start ? 0 : before + Math.max(1, 0.8 * e.clientHeight);
    moved = moved || e.scrollTop !== before;
  }
  return moved;
}"""

_VISIBLE = """selector => [...document.querySelectorAll(selector)].some(
  e => e.getClientRects().length && getComputedStyle(e).visibility !== 'hidden')"""


async def addresses(
    context: BrowserContext, origins: tuple[str, ...], look: Look
) -> tuple[str, ...]:
    """The addresses of the day's pictures; none when the page proved that there are none.

    Raises:
        LookError: the page gave no list, or none that can be believed.
    """
    page = await context.new_page()
    try:
        traffic = Traffic(origins)
        await traffic.watch(context, page)
        await _open(page, look)
        await traffic.rest()
        answered = await _pick(page, look, traffic)
        found = await _read_all(page, look, traffic)
        if traffic.failures:
            raise LookError(Failure.TRANSIENT, f"{traffic.failures[0]}{traffic.strangers()}")
        if not found:
            await _prove_empty(page, look, traffic, called=traffic.answered > answered)
        return found
    finally:
        await context.unroute_all(behavior="ignoreErrors")
        await page.close()


async def _open(page: Page, look: Look) -> None:
    response = await page.goto(look.url, wait_until="domcontentloaded")
    status = 0 if response is None else response.status
    if status in (404, 410):
        raise LookError(Failure.MISSING, f"it answered {status}")
    if status != 200:
        passing = status in (408, 425, 429) or status >= 500
        kind = Failure.TRANSIENT if passing else Failure.PERMANENT
        raise LookError(kind, f"it answered {status}")


async def _pick(page: Page, look: Look, traffic: Traffic) -> int:
    """Pick the day; the number of calls that were answered before the page could show it."""
    field = page.locator(look.picker).first
    if await field.count() == 0:
        raise LookError(
            Failure.TRANSIENT,
            f"it shows no {look.picker!r}: an error page, or its markup has changed"
            f"{traffic.strangers()}",
        )
    before = await field.input_value()
    panel = await picker.open_panel(page, look.picker)
    cell = await picker.find_day(panel, dt.date.fromisoformat(look.day))
    answered = traffic.answered
    traffic.failures.clear()
    await cell.click()
    await panel.wait_for(state="hidden")
    await traffic.rest()
    # A page that shows the day already has no reason to ask for it again.
    return 0 if await field.input_value() == before else answered


async def _read_all(page: Page, look: Look, traffic: Traffic) -> tuple[str, ...]:
    """Scroll until a whole pass brings nothing new and nothing is loading."""
    found: dict[str, None] = {}
    known = -1
    while known < len(found) or await page.evaluate(_VISIBLE, look.loading):
        known = len(found)
        await page.evaluate(_SCROLL, True)
        moved = True
        while moved:
            await page.wait_for_timeout(_STEP_MS)
            found |= dict.fromkeys(await _shown(page, look))
            moved = await page.evaluate(_SCROLL, False)
            if not moved:  # the end may be a place where more is loaded
                await traffic.rest()
                moved = await page.evaluate(_SCROLL, False)
        found |= dict.fromkeys(await _shown(page, look))
        if len(found) > MOST_ADDRESSES:
            raise LookError(Failure.PERMANENT, f"it shows more than {MOST_ADDRESSES} pictures")
    return tuple(found)


async def _shown(page: Page, look: Look) -> list[str]:
    shown = await page.evaluate(_PICTURES, [look.pictures, look.after])
    if shown is None:
        message = f"it shows no heading {look.after!r}; if it stays so, its markup has changed"
        raise LookError(Failure.TRANSIENT, message)
    return [str(address) for address in shown]


async def _prove_empty(page: Page, look: Look, traffic: Traffic, *, called: bool) -> None:
    """An empty page may be one whose list never came."""
    if look.empty is not None:
        called = await page.evaluate(_VISIBLE, look.empty)
    if not called:
        message = f"it shows no picture of {look.day} and nothing that proves there are none"
        raise LookError(Failure.TRANSIENT, message + traffic.strangers())
