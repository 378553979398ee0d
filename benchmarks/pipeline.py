"""What Dagster costs: its share of a backfill, the memory of a run, the loading of the definitions.

A backfill is taken twice in turns, run by run: each run that Dagster would make of it (its own
chunks, the committed instance file, a process for each), then the same partitions by a plain script.
Each side has a rehearsal, a catalog and a store of its own. Checks, contact sheets and metadata are on
Dagster's side: they are what orchestration adds. A run is timed by its record, from run start to run
end: no process that starts and no daemon that ticks is in it.
"""

import argparse
import datetime as dt
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import dagster as dg
from dagster._core.definitions.automation_tick_evaluation_context import (
    build_run_requests_with_backfill_policies,
)
from dagster._core.definitions.events import AssetKeyPartitionKey

from benchmarks.backfill import Request
from benchmarks.harness import Goal, interleaved, report
from benchmarks.memory import Peak, watched
from image_assets import compose
from image_assets.core.model import DEFAULT_TENANT, Partition
from image_assets.definitions import build_definitions
from image_assets.defs.partitions import frame_days, key_of, partition_of
from image_assets.ports import Totals
from image_assets.rehearsal import Profile, environment
from image_assets.settings import Settings, isolated, isolated_environment

ROOT = Path(__file__).parents[1]
FIRST_DAY, WHOLE_GOAL = dt.date(2025, 9, 1), 30
RANGE = "dagster/asset_partition_range"
SPEC = isolated({}).sources[0]
STAGES = ["images", "designs", "thumbnails", *(f"uploaded_urls/{d}" for d in SPEC.destinations)]
SHARE, MEMORY, LOADING = 0.15, 600.0, 2.0
FEW, MANY = 6, 32
"""Partitions of the two runs whose memory is compared."""

REHEARSAL = """\
from image_assets.rehearsal import pictures
from image_assets.rehearsal.__main__ import main
pictures.KEPT_BYTES = 1 << 30  # a month of frames: none is drawn while we measure
main()
"""


def main() -> None:
    options = _options()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        share = _share(folder, options.days, options.repetitions, figures)
        memory = _memory(folder, STAGES if options.days >= WHOLE_GOAL else STAGES[:2], figures)
        loading = _loading(folder, figures)
    figures["load average"] = " ".join(f"{load:.1f}" for load in os.getloadavg())
    report(
        "pipeline",
        [share, *memory, loading],
        versions=("dagster", "sqlalchemy", "pillow"),
        figures=figures,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    whole = f"length of the backfill; {WHOLE_GOAL} is the whole goal, and takes an hour"
    parser.add_argument("--days", type=int, default=3, help=whole)
    parser.add_argument("--repetitions", type=int, default=2)
    return parser.parse_args()


# ---------------------------------------------------------------- time


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the comparison in one turn: the folder of its data, and its rehearsal."""

    data: Path
    rehearsal: str

    @property
    def settings(self) -> Settings:
        return isolated(self._own)

    @property
    def _own(self) -> dict[str, str]:
        services = environment(self.rehearsal, Profile.demo())
        return services | {"IMAGE_ASSETS_DATA_DIR": str(self.data)}

    def start(self, side: str, answers: IO[str] | int) -> subprocess.Popen[str]:
        """A process of `benchmarks.backfill` that waits for requests."""
        home = self.data / "dagster_home"
        home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "dagster_home" / "dagster.yaml", home / "dagster.yaml")
        with (self.data / "errors.log").open("a") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "benchmarks.backfill", side],
                cwd=ROOT,
                env=isolated_environment(self._own | {"DAGSTER_HOME": str(home)}),
                stdin=subprocess.PIPE,
                stdout=answers,
                stderr=log,
                text=True,
            )

    def run(self, request: Request) -> tuple[float, Peak]:
        """Seconds and memory of one run of Dagster's."""
        with (self.data / "answer").open("w+") as answer:
            process = self.start("run", answer)
            assert process.stdin is not None
            process.stdin.write(request.line())
            process.stdin.close()
            peak = watched(process)
            answer.seek(0)
            return self.seconds(answer.read()), peak

    def seconds(self, answer: str) -> float:
        """What a process answered; when it did not, what it died of."""
        if not answer:
            raise RuntimeError((self.data / "errors.log").read_text()[-4000:])
        return float(answer.splitlines()[-1])

    def totals(self) -> Totals:
        catalog = compose.catalog(self.settings)
        try:
            return catalog.totals.totals(DEFAULT_TENANT)
        finally:
            catalog.dispose()


def _share(folder: Path, days: int, repetitions: int, figures: dict[str, Any]) -> Goal:
    todo = requests(days)
    turns = []
    with _rehearsing(folder / "one") as one, _rehearsing(folder / "other") as other:
        for address in (one, other):
            _draw(Side(folder / "drawn", address), days)
        for turn in range(repetitions):
            sides = Side(folder / f"dagster{turn}", one), Side(folder / f"plain{turn}", other)
            turns.append(_turn(*sides, todo))
            done = [side.totals() for side in sides]
            assert done[0] == done[1], f"the sides did not do the same: {done}"
            for side in sides:
                shutil.rmtree(side.data)
                _forget(side.rehearsal)
    # By request, so that a moment in which the machine was busy elsewhere counts once.
    dagster, plain = ([statistics.median(one) for one in zip(*of, strict=True)] for of in zip(*turns, strict=True))
    figures["backfill"] = (
        f"{days} days x {len(SPEC.collections)} streams, {sum(done[0].images.states.values())} frames,"
        f" {sum(done[0].uploads.values())} uploads in {len(todo)} runs, {repetitions} times each side"
    )
    figures["seconds by stage (Dagster, plain)"] = _by_stage(todo, dagster, plain)
    figures["seconds (Dagster, plain)"] = f"{sum(dagster):.1f}, {sum(plain):.1f}"
    part = "" if days >= WHOLE_GOAL else f" (the whole goal: --days {WHOLE_GOAL})"
    name = f"Dagster's share of {days} days x {len(SPEC.collections)} streams x 24 frames{part}"
    return Goal(name, sum(dagster) / sum(plain) - 1, SHARE)
