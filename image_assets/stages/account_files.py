"""Accounts as files: JSON and CSV for programs, a page that is whole without a network for people."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Any

import jinja2

from image_assets.core.account import Account, DayAccount, Tally
from image_assets.core.charts import Chart, stacked

CAUSES = ("transient", "quota", "in_doubt", "permanent", "error", "absent", "gone", "rejected")
"""Columns of the CSV, whether anything failed so or not."""

_UNITS = ("B", "kB", "MB", "GB", "TB")
_NONE = "—"


class Form(StrEnum):
    """The forms of an account, by the extension of the file."""

    HTML = "html"
    JSON = "json"
    CSV = "csv"


def render(account: Account, form: Form) -> bytes:
    """The account as the content of a file, UTF-8."""
    return {Form.HTML: _page, Form.JSON: _json, Form.CSV: _csv}[form](account).encode(
        errors="backslashreplace"
    )


def figures(tally: Tally) -> dict[str, Any]:
    """A tally's numbers by the names that they have in every form."""
    return {
        "requested": tally.requested,
        "downloaded": tally.downloaded,
        "skipped": tally.skipped,
        "failed": tally.failures,
        "failed_by_cause": dict(tally.failed),
        "rejected_by_reason": dict(tally.rejections),
        "bytes": tally.bytes,
        "seconds": tally.seconds,
        "bytes_per_second": tally.bytes_per_second,
        "pictures_per_second": tally.pictures_per_second,
        "success_rate": tally.success_rate,
    }


def _json(account: Account) -> str:
    told = {
        "name": account.name,
        "title": account.title,
        "made_at": account.made_at.isoformat(),
        "total": figures(account.total),
        "unlisted_days": len(account.unlisted),
        "streams": {stream: figures(tally) for stream, tally in account.streams.items()},
        "days": [_place(day) | figures(day) | _extent(day) for day in account.days],
        "failures": [
            {"item": lost.item, "cause": lost.cause, "reason": lost.reason} for lost in account.lost
        ],
    }
    return json.dumps(told, indent=2) + "\n"


def _csv(account: Account) -> str:
    """A line for each day and stream."""
    import pandas as pd  # half a second, and only tables need it

    rows = [_place(day) | _columns(figures(day)) | _extent(day) for day in account.days]
    empty = _columns(figures(Tally()))
    names = ["date", "stream", *empty, "first_capture", "last_capture", "unlisted"]
    return str(pd.DataFrame(rows, columns=names).to_csv(index=False, lineterminator="\n"))


def _columns(told: Mapping[str, Any]) -> dict[str, Any]:
    flat = {name: value for name, value in told.items() if not isinstance(value, dict)}
    return flat | {f"failed_{cause}": told["failed_by_cause"].get(cause, 0) for cause in CAUSES}


def _place(day: DayAccount) -> dict[str, Any]:
    return {"date": day.partition.key, "stream": day.partition.collection}


def _extent(day: DayAccount) -> dict[str, Any]:
    first, last = (at.isoformat() if at else None for at in (day.first, day.last))
    return {"first_capture": first, "last_capture": last, "unlisted": day.unlisted}


def _page(account: Account) -> str:
    return (
        _templates()
        .get_template("account.html.j2")
        .render(
            account=account,
            total=account.total,
            days=[(day, _place(day)) for day in account.days],
            charts=_charts(account),
            sizes=_sizes(account.days),
        )
    )


def _charts(account: Account) -> Mapping[str, Chart]:
    """Each stream's pictures by day."""
    found: dict[str, list[tuple[str, Mapping[str, int]]]] = {s: [] for s in account.streams}
    for day in account.days:
        parts = {"downloaded": day.downloaded, "failed": day.failures, "skipped": day.skipped}
        found[day.partition.collection].append((day.partition.key, parts))
    return {stream: stacked(columns) for stream, columns in found.items()}


def _sizes(days: Sequence[DayAccount]) -> Chart:
    """Megabytes by day, all streams together."""
    sums: dict[str, int] = {}
    for day in days:
        sums[day.partition.key] = sums.get(day.partition.key, 0) + day.bytes
    columns = [(key, {"bytes": size}) for key, size in sorted(sums.items())]
    return stacked(columns, "MB", scale=1_000_000)


@cache
def _templates() -> jinja2.Environment:
    loader = jinja2.PackageLoader("image_assets.stages", "pages")
    templates = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    templates.filters |= {"size": _size, "share": _share, "length": len, "utc": _utc}
    return templates


def _size(value: float | None) -> str:
    if value is None:
        return _NONE
    power = min(max(0, (len(str(int(value))) - 1) // 3), len(_UNITS) - 1)
    shown = value / 1000**power
    return (
        f"{shown:.0f} {_UNITS[power]}"
        if power == 0 or shown >= 100
        else f"{shown:.1f} {_UNITS[power]}"
    )


def _share(value: float | None) -> str:
    """A percentage that says 100 of the whole alone."""
    if value is None:
        return _NONE
    return "100 %" if value == 1 else f"{min(value * 100, 99.9):.1f} %"


def _utc(at: dt.datetime | None) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC" if at else _NONE
