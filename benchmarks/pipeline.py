"""What Dagster costs: its share of a backfill, the memory of a run, the loading of the definitions.

A backfill is taken by both sides in turns, run by run: each run that Dagster makes of it (its own
chunks, the committed instance file, a fresh process), then the same partitions by a plain script that
calls the stages. Checks, contact sheets and metadata are on Dagster's side: they are what orchestration
adds. A run is timed by its record, from start to end: no process that starts and no daemon is in it.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.backfill import Request
from benchmarks.harness import Goal, interleaved, report
from benchmarks.sides import SPEC, STAGES, Side, draw, ranged, rehearsing, requests
from image_assets.settings import isolated_environment

WHOLE_GOAL = 30
SHARE, MEMORY_MIB, LOADING = 0.15, 600.0, 2.0
PARTITIONS = (6, 32)
"""Of the two runs whose memory is measured."""


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # what was started is stopped
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        goals = [
            _share(Path(folder), options.days, options.repetitions, figures),
            *_memory(Path(folder), STAGES if options.days >= WHOLE_GOAL else STAGES[:2], figures),
            _loading(Path(folder), figures),
        ]
    figures["load average"] = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    report("pipeline", goals, versions=("dagster", "sqlalchemy", "pillow"), figures=figures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline")
    whole = f"length of the backfill; {WHOLE_GOAL} is the whole goal and takes long"
    parser.add_argument("--days", type=int, default=7, help=whole)
    parser.add_argument("--repetitions", type=int, default=1, help="of the backfill, by each side")
    return parser.parse_args()


def _share(folder: Path, days: int, repetitions: int, figures: dict[str, Any]) -> Goal:
    todo, turns = requests(days), []
    with rehearsing(folder / "one") as one, rehearsing(folder / "other") as other:
        for address in (one, other):
            draw(address, days)
        for turn in range(repetitions):
            sides = Side(folder / f"dagster-{turn}", one), Side(folder / f"plain-{turn}", other)
            turns.append(_turn(*sides, todo))
            made = [side.totals() for side in sides]
            assert made[0] == made[1], f"the sides did not make the same: {made}"
            for side in sides:
                side.forget()
    seconds = _medians(turns)
    dagster, plain = (sum(taken) for taken in zip(*seconds, strict=True))
    what = f"{days} days x {len(SPEC.collections)} streams x 24 frames"
    frames, uploads = sum(made[0].images.states.values()), made[0].verified
    figures["measured"] = (
        f"{what} ({frames} frames, {uploads} uploads) in {len(todo)} runs, {repetitions} repetitions"
    )
    figures["seconds, Dagster beside plain"] = f"{dagster:.1f}, {plain:.1f}"
    figures["by stage"] = _by_stage(todo, seconds)
    return Goal(f"Dagster's share of {what}", dagster / plain - 1, SHARE)


Seconds = tuple[float, float]
"""Dagster's and the plain script's, of one request."""


def _turn(dagster: Side, plain: Side, todo: Sequence[Request]) -> list[Seconds]:
    taken = []
    with plain.script() as ask:
        for request in todo:
            alone = ask(request)
            taken.append((dagster.run(request)[0], alone))
    return taken


def _medians(turns: Sequence[Sequence[Seconds]]) -> list[Seconds]:
    """Of each request over the turns: a moment in which the machine was busy spoils one of them."""
    return [
        (statistics.median(dagster), statistics.median(plain))
        for dagster, plain in (zip(*taken, strict=True) for taken in zip(*turns, strict=True))
    ]


def _by_stage(todo: Sequence[Request], seconds: Sequence[Seconds]) -> str:
    stages: dict[str, Seconds] = defaultdict(lambda: (0.0, 0.0))
    for request, (dagster, plain) in zip(todo, seconds, strict=True):
        so_far = stages[request.stage]
        stages[request.stage] = so_far[0] + dagster, so_far[1] + plain
    return "; ".join(f"{stage} {one:.1f}, {other:.1f}" for stage, (one, other) in stages.items())


def _memory(folder: Path, stages: Sequence[str], figures: dict[str, Any]) -> list[Goal]:
    goals = []
    with rehearsing(folder / "for memory") as rehearsal:
        for count in PARTITIONS:
            side = Side(folder / f"memory-{count}", rehearsal)
            peaks = {stage: side.run(ranged(stage, count))[1] for stage in stages}
            side.forget()
            figures[f"MiB, run of {count} partitions beside its largest decoding worker"] = (
                "; ".join(
                    f"{stage} {peak.own:.0f}, {peak.worker:.0f}" for stage, peak in peaks.items()
                )
            )
            largest = max(peak.own for peak in peaks.values())
            goals.append(Goal(f"MiB of a run of {count} partitions", largest, MEMORY_MIB))
    return goals


def _loading(folder: Path, figures: dict[str, Any]) -> Goal:
    empty = "import dagster\n\ndefs = dagster.Definitions()\n"
    (folder / "empty_location.py").write_text(empty)
    sides = {
        "ours": partial(_load, "image_assets.definitions", folder),
        "empty": partial(_load, "empty_location", folder),
    }
    seconds = interleaved(sides, rounds=9, seconds=90, clock=time.perf_counter)
    figures["seconds to load"] = ", ".join(f"{side} {took:.2f}" for side, took in seconds.items())
    name = "loading the definitions beside an empty code location"
    return Goal(name, seconds["ours"] / seconds["empty"], LOADING)


def _load(module: str, folder: Path) -> None:
    command = [sys.executable, "-c", f"from {module} import defs; defs.get_repository_def()"]
    subprocess.run(command, cwd=folder, env=isolated_environment({}), check=True)


if __name__ == "__main__":
    main()
