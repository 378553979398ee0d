"""When a service was asked last, in a file: its pace holds for all processes of this machine."""

import fcntl
import os
from collections.abc import Iterator, MutableSequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from image_assets.services.durable import disk_errors, make_folder

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_MOST = 100_000  # bytes: more than any plan's window needs


@dataclass(frozen=True, slots=True)
class SharedWindow:
    """The last `requests` of everybody. Fulfils `politeness.Window`.

    The times are of the clock that runs since the machine was started, which all processes share and
    nobody sets; after another start what the file holds means nothing.
    """

    file: Path
    requests: int

    @contextmanager
    def open(self) -> Iterator[MutableSequence[float]]:
        """They, while nobody else can see them; a failure in the block changes nothing."""
        boot = _boot()
        with disk_errors(self.file):
            make_folder(self.file.parent)
            handle = os.open(self.file, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                begun = _read(os.read(handle, _MOST).decode("ascii", "replace"), boot)
                yield begun
                kept = " ".join([boot, *map(repr, begun[-self.requests :])])
                os.ftruncate(handle, 0)
                os.pwrite(handle, f"{kept}\n".encode(), 0)
            finally:
                os.close(handle)


def _read(text: str, boot: str) -> list[float]:
    """The times; none of another start, or of a file that was cut off."""
    first, *times = text.split() or [""]
    if first != boot or not text.endswith("\n"):
        return []
    with suppress(ValueError):
        return [float(time) for time in times]
    return []


def _boot() -> str:
    with suppress(OSError):
        return _BOOT.read_text("ascii").strip()
    return "unknown"
