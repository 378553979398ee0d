"""Our side of `benchmarks.download`: the images stage over days of a site, in this process or alone.

Alone, `python -m benchmarks.collecting SITE DATA COUNT`, it tells the memory it holds after each day.
"""

import datetime as dt
import gc
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.camera_days import Days
from image_assets import compose
from image_assets.core.model import Partition
from image_assets.settings import Settings, isolated
from image_assets.stages.images import Collector, Terms
from image_assets.stages.report import Report

CONNECTIONS, WORKERS = 8, 12
"""Twelve workers keep eight connections busy: the others decode, sync and record meanwhile."""


def settings(site: str, data: Path) -> Settings:
    return isolated(
        {
            "IMAGE_ASSETS_DATA_DIR": str(data),
            "DRAYDOG_INDEX_URL": f"{site}/index",
            "DRAYDOG_CDN_URL": f"{site}/pictures",
            "DOWNLOAD_CONNECTIONS": CONNECTIONS,
            "DOWNLOAD_DATE_PAUSE": 0,
            "IMAGE_ASSETS_WORKERS": WORKERS,
        }
    )


def collect(
    site: str, data: Path, days: Days, *, told: Callable[[Partition, Report], None] | None = None
) -> None:
    """Every day, first to last; every picture is stored or was there."""
    with _collector(settings(site, data)) as collector:
        for partition in days.partitions:
            report = collector.collect(partition, now=dt.datetime.now(dt.UTC))
            assert not report.failed, report.failures
            assert report.counts.keys() <= {"stored", "sealed"}, report.counts
            if told is not None:
                told(partition, report)


@contextmanager
def _collector(chosen: Settings) -> Iterator[Collector]:
    catalog = compose.catalog(chosen)
    try:
        with compose.decoder(chosen) as decoder:
            yield Collector(
                compose.source(chosen, "camera"),
                catalog.images,
                compose.store(chosen),
                decoder,
                Terms(chosen.image_assets_workers, chosen.grace, chosen.gone_after),
            )
    finally:
        catalog.dispose()


def _resident_mib() -> float:
    gc.collect()
    status = Path("/proc/self/status").read_text()
    return (
        next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        / 1024
    )


def main() -> None:
    site, data, count = sys.argv[1:]
    held: list[float] = []
    collect(
        site,
        Path(data),
        Days(Path(), int(count)),
        told=lambda *_: held.append(_resident_mib()),
    )
    print(json.dumps(held))


if __name__ == "__main__":
    main()
