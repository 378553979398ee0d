"""`image-assets download`: the images stage over dates and streams, shown while it runs."""

import datetime as dt
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rich.console import Console

from image_assets import library
from image_assets.cli.display import Bars, Display, JsonLines, Watch
from image_assets.cli.report import keep_run
from image_assets.cli.spans import check_range
from image_assets.core.model import Partition
from image_assets.settings import Settings
from image_assets.stages.ranges import collect_each
from image_assets.stages.report import Report


class Shown(StrEnum):
    """How a download shows what it does."""

    BARS = "bars"
    WATCH = "watch"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Order:
    """What the operator asked for; None leaves it to the settings."""

    dates: Sequence[dt.date]
    source: str
    streams: Sequence[str] = ()
    limit: int | None = None
    newest_first: bool | None = None


def days(first: dt.date, last: dt.date) -> list[dt.date]:
    """Every day of a range, both ends included.

    Raises:
        PermanentError: the range is reversed.
    """
    check_range(first, last)
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def run(settings: Settings, order: Order, shown: Shown, console: Console) -> int:
    """Collect every day of every stream; 1 when anything failed. One failure stops no other."""
    partitions = library.partitions_of(settings.source(order.source), order.dates, order.streams)
    choice = library.choice_of(settings, order.limit, order.newest_first)
    began, reports = dt.datetime.now(dt.UTC), {}
    with (
        _display(shown, partitions, console) as display,
        library.collecting(settings, order.source, choice) as collector,
    ):
        for partition, report in collect_each(collector, partitions, told=display.told):
            display.ended(partition, report)
            reports[partition] = report
    total = sum(reports.values(), Report())
    display.summed(total)
    keep_run(settings, order.source, reports, began=began, console=console)
    return 1 if total.failed else 0


def _display(shown: Shown, partitions: Sequence[Partition], console: Console) -> Display:
    if shown is Shown.JSON:
        return JsonLines(sys.stdout)
    return (Watch if shown is Shown.WATCH else Bars)(partitions, console)
