"""What a running download looks like: bars, a table of every stream and date, or lines of JSON."""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TextIO

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from image_assets.core.model import Partition
from image_assets.stages.report import Report

_EVERY_SECONDS = 0.5
_MOST_ROWS = 40
_MOST_ENDED = 20  # bars of what has ended: a year of them would be drawn anew ten times a second


class Display(AbstractContextManager["Display"], Protocol):
    """Shows work on partitions while the block runs."""

    def told(self, partition: Partition, report: Report, total: int) -> None:
        """So far, and of how many; from whichever thread."""
        ...

    def ended(self, partition: Partition, report: Report) -> None:
        """What became of a partition."""
        ...

    def summed(self, report: Report) -> None:
        """What became of them all."""
        ...


class Bars:
    """One bar for each partition that is begun, and a line at the end."""

    def __init__(self, partitions: Sequence[Partition], console: Console) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._console = console
        self._bars = Progress(*columns, console=console)
        self._tasks: dict[Partition, Any] = {}
        self._ended: list[Partition] = []

    def __enter__(self) -> "Bars":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def told(self, partition: Partition, report: Report, total: int) -> None:
        """Move the partition's bar."""
        self._bars.update(self._task(partition), completed=_done(report), total=total)

    def ended(self, partition: Partition, report: Report) -> None:
        """Fill the partition's bar."""
        done = _done(report) or 1
        self._bars.update(self._task(partition), completed=done, total=done)
        self._ended.append(partition)
        if len(self._ended) > _MOST_ENDED:
            self._bars.remove_task(self._tasks.pop(self._ended.pop(0)))

    def summed(self, report: Report) -> None:
        """Counts, bytes and failures in words."""
        tell(report, self._console)

    def _task(self, partition: Partition) -> Any:
        if partition not in self._tasks:
            name = f"{partition.key} {partition.collection}"
            self._tasks[partition] = self._bars.add_task(name, total=None)
        return self._tasks[partition]


class Tasks:
    """One bar for each thing that is named, while the block runs."""

    def __init__(self, console: Console) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
        self._bars = Progress(*columns, TimeElapsedColumn(), console=console)
        self._tasks: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> "Tasks":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def told(self, name: str, report: Report, total: int) -> None:
        """Move its bar; from whichever thread."""
        with self._lock:
            if name not in self._tasks:
                self._tasks[name] = self._bars.add_task(name, total=total)
        self._bars.update(self._tasks[name], completed=_done(report), total=total)


class Watch:
    """A live table: every stream and date with what is done, bytes, rate and failures by cause."""

    def __init__(self, partitions: Sequence[Partition], console: Console) -> None:
        self._console = console
        self._waiting = len(partitions)
        self._rows: dict[Partition, tuple[Report, int | None]] = {}
        self._live = Live(console=console, refresh_per_second=4, get_renderable=self._table)

    def __enter__(self) -> "Watch":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def told(self, partition: Partition, report: Report, total: int) -> None:
        """Renew the partition's row."""
        self._rows[partition] = report, total

    def ended(self, partition: Partition, report: Report) -> None:
        """Renew the partition's row for the last time."""
        self._rows[partition] = report, None
        self._waiting -= 1

    def summed(self, report: Report) -> None:
        """Counts, bytes and failures in words."""
        tell(report, self._console)

    def _table(self) -> Table:
        names = ("date", "stream", "done", "MB", "MB/s", "outcomes", "failed")
        table = Table(*names, title=f"{self._waiting} streams and dates to do")
        for partition, (report, total) in list(self._rows.items())[-_MOST_ROWS:]:
            table.add_row(
                partition.key,
                partition.collection,
                f"{_done(report)} of {total}" if total is not None else f"{_done(report)} ended",
                f"{report.bytes / 1e6:.1f}",
                f"{_rate(report) / 1e6:.2f}",
                _words(report.counts),
                _words({cause.value: n for cause, n in report.causes.items()}),
            )
        return table


class JsonLines:
    """One JSON object a line: `progress` twice a second, `ended` for each partition, `summary`.

    Members: `event`, `stream`, `date`, `done`, `total`, `bytes`, `bytes_per_second`, `seconds`,
    `counts` by outcome, `failed` by cause and, in the last two, `failures` with item and reason.
    """

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._last = 0.0

    def __enter__(self) -> "JsonLines":
        return self

    def __exit__(self, *_: object) -> None:
        self._output.flush()

    def told(self, partition: Partition, report: Report, total: int) -> None:
        """A line, unless the last one is younger than half a second."""
        now = time.monotonic()
        if now - self._last >= _EVERY_SECONDS:
            self._last = now
            self._write("progress", report, _place(partition) | {"total": total})

    def ended(self, partition: Partition, report: Report) -> None:
        """A line with the partition's failures."""
        self._write("ended", report, _place(partition) | _failures(report))

    def summed(self, report: Report) -> None:
        """The last line."""
        self._write("summary", report, _failures(report))

    def _write(self, event: str, report: Report, more: Mapping[str, Any]) -> None:
        told = {
            "event": event,
            **more,
            "done": report.done,
            "counts": dict(report.counts),
            "failed": {cause.value: count for cause, count in report.causes.items()},
            "bytes": report.bytes,
            "bytes_per_second": round(_rate(report)),
            "seconds": round(report.seconds, 3),
        }
        print(json.dumps(told), file=self._output, flush=True)


def tell(report: Report, console: Console) -> None:
    """A report in words: counts, bytes, and each failure that it lists."""
    counts = _words(report.counts) or "nothing"
    console.print(Text(f"{counts}; {report.bytes / 1e6:.1f} MB; {report.failed} failed"))
    for failure in report.failures:
        console.print("[red]failed:[/red]", Text(f"{failure.item}: {failure.reason}"))


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {note}" for note, count in sorted(counts.items()))


def _place(partition: Partition) -> dict[str, Any]:
    return {"stream": partition.collection, "date": partition.key}


def _failures(report: Report) -> dict[str, Any]:
    return {
        "failures": [
            {"item": f.item, "cause": f.cause.value, "reason": f.reason} for f in report.failures
        ]
    }


def _done(report: Report) -> int:
    return report.done + report.failed


def _rate(report: Report) -> float:
    return report.bytes / report.seconds if report.seconds else 0.0
