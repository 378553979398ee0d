"""How every benchmark measures, judges and reports."""

import datetime as dt
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

RESULTS = Path(__file__).with_name("RESULTS.md")
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure beside its limit; `at_least` where more is better."""

    name: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def interleaved(
    sides: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    seconds: float = 60.0,
    clock: Clock = time.process_time,
    before: Callable[[], object] = lambda: None,
) -> dict[str, float]:
    """Median seconds of each side, run in turns (A B A B) after one turn that does not count.

    Args:
        sides: what to run, by name.
        rounds: turns that count, unless `seconds` on the wall are over before (two are made).
        seconds: the bound.
        clock: CPU seconds of this process, unless something else is measured.
        before: what makes ready for a turn, and is not measured.
    """
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for run in sides.values():
        before()
        run()
    end = time.monotonic() + seconds
    for turn in range(rounds):
        if turn >= 2 and time.monotonic() > end:
            break
        for name, run in sides.items():
            before()
            start = clock()
            run()
            taken[name].append(clock() - start)
    return {name: statistics.median(times) for name, times in taken.items()}


def report(
    name: str, goals: Sequence[Goal], *, versions: Sequence[str], figures: Mapping[str, Any]
) -> NoReturn:
    """Print and keep the results, and end: 0 when every goal is met, else 1.

    Args:
        name: the benchmark's.
        goals: what was to be reached.
        versions: distributions that took part.
        figures: what else was seen, for those who read the results.
    """
    named = {package: metadata.version(package) for package in versions}
    named["Python"] = platform.python_version()
    _keep(name, goals, named, figures)
    for goal in goals:
        relation = ">=" if goal.at_least else "<="
        print(
            f"{'met   ' if goal.met else 'MISSED'} {goal.name}: {goal.value:.3f} {relation} {goal.limit}"
        )
    judged = [asdict(goal) | {"value": round(goal.value, 4), "met": goal.met} for goal in goals]
    print(json.dumps({"benchmark": name, "goals": judged, "figures": figures, "versions": named}))
    sys.exit(0 if all(goal.met for goal in goals) else 1)


def _keep(
    name: str, goals: Sequence[Goal], versions: Mapping[str, str], figures: Mapping[str, Any]
) -> None:
    when = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    lines = [
        f"## {name}, {when}, {os.cpu_count()} cores",
        "",
        ", ".join(f"{package} {version}" for package, version in versions.items()),
        "",
        "| goal | value | limit | met |",
        "|---|---|---|---|",
        *(
            f"| {goal.name} | {goal.value:.3f} | {'>=' if goal.at_least else '<='} {goal.limit} "
            f"| {'yes' if goal.met else '**no**'} |"
            for goal in goals
        ),
        "",
        *(f"- {label}: {figure}" for label, figure in figures.items()),
        "",
    ]
    if not RESULTS.exists():
        RESULTS.write_text("# Results of the benchmarks, newest last\n\n", encoding="utf-8")
    with RESULTS.open("a", encoding="utf-8") as results:
        results.write("\n".join(lines) + "\n")
