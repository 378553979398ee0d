"""Bytes kept on disk for a rehearsal's lifetime, so that a month of uploads fits in memory."""

import os
import tempfile
import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Extent:
    """Where bytes lie in the spool."""

    start: int
    size: int


class Spool:
    """A nameless file that grows and vanishes with the process, however that ends; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  (it lives as long as the spool)
        self._end = 0

    def add(self, content: bytes) -> Extent:
        """Keep `content`."""
        with self._lock:
            extent = Extent(self._end, len(content))
            self._end += len(content)
        view = memoryview(content)
        written = 0
        while written < len(view):
            written += os.pwrite(self._file.fileno(), view[written:], extent.start + written)
        return extent

    def read(self, extent: Extent) -> bytes:
        """The bytes that were kept there."""
        return os.pread(self._file.fileno(), extent.size, extent.start)

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._file.truncate(0)
            self._end = 0

    def close(self) -> None:
        """The end of the spool."""
        self._file.close()
