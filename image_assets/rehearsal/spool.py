"""What a rehearsal keeps on disk: the bytes of uploads, and a tape of what happened to replay."""

import json
import os
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Extent:
    """Where bytes lie in the spool."""

    start: int
    size: int


class Spool:
    """A file of bytes that only grows; thread-safe.

    Without a name it vanishes with the process, however that ends: a month of uploads must not
    live in memory.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._lock = threading.Lock()
        if file is None:
            self._file = _nameless()
        else:
            self._file = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        self._end = os.fstat(self._file).st_size

    def add(self, content: bytes) -> Extent:
        """Keep `content`."""
        with self._lock:
            extent = Extent(self._end, len(content))
            self._end += len(content)
        written = 0
        while written < len(content):
            rest = memoryview(content)[written:]
            written += os.pwrite(self._file, rest, extent.start + written)
        return extent

    def read(self, extent: Extent) -> bytes:
        """The bytes that were kept there."""
        return os.pread(self._file, extent.size, extent.start)

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            os.ftruncate(self._file, 0)
            self._end = 0

    def close(self) -> None:
        """The end of the spool."""
        os.close(self._file)


class Tape:
    """JSON objects in the order they were written, one a line; without a file it keeps nothing."""

    def __init__(self, file: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._file = None if file is None else file.open("a+b", buffering=0)

    def replay(self) -> Iterator[dict[str, Any]]:
        """What was written before. The rest of a line that broke off in a crash is cut away."""
        if self._file is None:
            return
        self._file.seek(0)
        recorded = self._file.read()
        whole = recorded[: recorded.rfind(b"\n") + 1]
        self._file.truncate(len(whole))
        for line in whole.splitlines():
            yield json.loads(line)

    def write(self, entry: dict[str, Any]) -> None:
        """Add one object."""
        if self._file is not None:
            with self._lock:
                self._file.write(json.dumps(entry).encode() + b"\n")

    def clear(self) -> None:
        """Let go of everything."""
        if self._file is not None:
            self._file.truncate(0)

    def close(self) -> None:
        """The end of the tape."""
        if self._file is not None:
            self._file.close()


def _nameless() -> int:
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
