"""A year of two streams, a picture every ten minutes: does memory grow, and is anything asked twice?

About 100,000 small frames from a rehearsal in a process of its own, through our collector with full
decode, fsync and catalog. `IMAGE_ASSETS_BENCH_DAYS` makes it shorter; the goals stay.
"""

import datetime as dt
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.harness import Goal, report
from image_assets import compose, library
from image_assets.core.model import DEFAULT_TENANT, ImageState
from image_assets.settings import Settings, isolated, isolated_environment
from image_assets.sources import SourceSpec
from image_assets.stages.due import EVERYTHING
from image_assets.stages.ranges import collect_each

DAYS = int(os.environ.get("IMAGE_ASSETS_BENCH_DAYS", "365"))
CONNECTIONS = "8"
_SITE = """\
import sys
from image_assets.rehearsal import Profile, Rehearsal, environment
import datetime as dt, json
profile = Profile(cadence=dt.timedelta(minutes=10), miniatures=True)
with Rehearsal(profile) as rehearsal:
    print(json.dumps(rehearsal.environment()), flush=True)
    sys.stdin.read()
"""


@contextmanager
def camera_site() -> Iterator[dict[str, str]]:
    """A rehearsal that ends with the block; the settings that point at it."""
    with subprocess.Popen(
        [sys.executable, "-c", _SITE],
        env=isolated_environment({}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())


def collected(settings: Settings, spec: SourceSpec) -> tuple[list[float], float, int]:
    """Resident MiB after each day, seconds in all, and pictures that failed."""
    dates = [spec.start + dt.timedelta(days=n) for n in range(DAYS)]
    partitions = library.partitions_of(spec, dates, ())
    memory, failed, started = [], 0, time.monotonic()
    with library.collecting(settings, spec.name, EVERYTHING) as collector:
        for number, (_, done) in enumerate(collect_each(collector, partitions)):
            failed += done.failed
            if number % len(spec.collections) == len(spec.collections) - 1:
                memory.append(_resident())
    return memory, time.monotonic() - started, failed


def grown(memory: list[float]) -> float:
    """Memory at the end over memory once everything was warm: medians of two tenths of the way."""
    tenth = max(1, len(memory) // 10)
    return statistics.median(memory[-tenth:]) / statistics.median(memory[tenth : 2 * tenth])


def _resident() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def _requests(environment: dict[str, str]) -> int:
    address = environment["DRAYDOG_INDEX_URL"].partition("/draydog")[0]
    with urllib.request.urlopen(f"{address}/_control/requests", timeout=60) as answer:
        total: int = json.load(answer)["total"]
    return total


def _stored(settings: Settings) -> int:
    with compose.catalog(settings) as catalog:
        states = catalog.totals.totals(DEFAULT_TENANT).images.states
    return states.get(ImageState.STORED, 0)


def main() -> None:
    """Collect, collect again, and judge."""
    logging.disable(logging.WARNING)  # five pictures in a hundred repeat, and are told
    with tempfile.TemporaryDirectory() as folder, camera_site() as environment:
        own: dict[str, Any] = {"IMAGE_ASSETS_DATA_DIR": folder, "DOWNLOAD_CONNECTIONS": CONNECTIONS}
        settings = isolated({**environment, **own})
        spec = settings.sources[0]
        memory, seconds, failed = collected(settings, spec)
        asked = _requests(environment)
        again_memory, again, _ = collected(settings, spec)
        asked_again = _requests(environment) - asked
        stored = _stored(settings)
    report(
        "year",
        [
            Goal("memory at the end / at a tenth of the way", grown(memory), 1.1),
            Goal("memory of the second run / of the first", max(again_memory) / max(memory), 1.1),
            Goal("requests of the second run", asked_again, 0),
            Goal("pictures that failed", failed, 0),
        ],
        versions=["httpx", "Pillow", "SQLAlchemy"],
        figures={
            "days": DAYS,
            "pictures": stored,
            "seconds": round(seconds, 1),
            "pictures a second": round(stored / seconds, 1),
            "seconds of the second run": round(again, 1),
            "MiB at the end": round(memory[-1]),
        },
    )


if __name__ == "__main__":
    main()
