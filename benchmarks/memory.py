"""How much memory a run and its decoding workers had resident at most, read from /proc."""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
EVERY_SECONDS = 0.05
"""The kernel keeps the high water itself: a look misses what happens between it and the end alone."""


@dataclass(frozen=True, slots=True)
class Peak:
    """High water in MiB: of the run's own process, and of the largest of its decoding workers."""

    own: float = 0.0
    worker: float = 0.0

    def __or__(self, other: "Peak") -> "Peak":
        return Peak(max(self.own, other.own), max(self.worker, other.worker))


def watched(process: subprocess.Popen[str]) -> Peak:
    """Wait for the end of `process`; what it and its workers had at most."""
    peak = Peak()
    while process.poll() is None:
        workers = [_high_water(child) for child in _children(process.pid) if _decodes(child)]
        peak |= Peak(_high_water(process.pid), max(workers, default=0.0))
        time.sleep(EVERY_SECONDS)
    return peak


def _children(pid: int) -> list[int]:
    try:
        tasks = list((PROC / str(pid) / "task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:  # ended meanwhile
        return []


def _decodes(pid: int) -> bool:
    """Whether it is a worker already: until a child is one, its memory is its parent's."""
    try:
        return b"decoding.worker" in (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return False


def resident() -> float:
    """MiB that this process has now."""
    return _status("self", "VmRSS:")


def _high_water(pid: int) -> float:
    return _status(str(pid), "VmHWM:")


def _status(process: str, name: str) -> float:
    try:
        status = (PROC / process / "status").read_text()
    except OSError:
        return 0.0
    for line in status.splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    return 0.0  # ended, and not waited for yet
