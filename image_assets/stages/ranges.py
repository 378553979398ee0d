"""Collecting partition after partition: one that cannot be listed stops no other."""

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Sequence

from image_assets.core.errors import ImageAssetsError
from image_assets.core.model import Partition
from image_assets.stages.images import Collector
from image_assets.stages.report import Cause, Clock, ItemFailure, Report

log = logging.getLogger(__name__)

Told = Callable[[Partition, Report, int], None]
"""Told after each picture: the partition, what is done of it so far, and of how many."""


def now() -> dt.datetime:
    """The time, aware UTC."""
    return dt.datetime.now(dt.UTC)


def collect_each(
    collector: Collector,
    partitions: Sequence[Partition],
    *,
    told: Told | None = None,
    clock: Clock = now,
) -> Iterator[tuple[Partition, Report]]:
    """Each partition with its report, as soon as it is done.

    A partition that could not be listed has one failure, named after itself.
    """
    for partition in partitions:
        yield partition, _collect(collector, partition, told, clock)


def _collect(collector: Collector, partition: Partition, told: Told | None, clock: Clock) -> Report:
    def progress(report: Report, total: int) -> None:
        if told is not None:
            told(partition, report, total)

    try:
        return collector.collect(partition, now=clock(), progress=progress)
    except ImageAssetsError as error:
        log.error("%s: %s", partition, error, extra={"partition": str(partition)})  # noqa: TRY400
        cause = Cause.of(error)
        return Report(causes={cause: 1}, failures=(ItemFailure(str(partition), cause, str(error)),))
