"""The upload log on disk: lines are added whole, also by several processes at once."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from image_assets.core.attempt_log import LoggedAttempt, header, line
from image_assets.core.errors import PermanentError
from image_assets.services.durable import disk_errors, make_folder

_APPENDING = os.O_RDWR | os.O_APPEND | os.O_CREAT


@dataclass(frozen=True, slots=True)
class AttemptLog:
    """The file of that name, which may be there already; `exif` adds columns after the nine."""

    file: Path
    exif: bool = False

    def check(self) -> None:
        """See that lines can be added, before there are any.

        Raises:
            PermanentError: it has other columns, or cannot be written.
        """
        with self._alone() as handle:
            first = header(exif=self.exif)
            there = os.pread(handle, len(first) + 2, 0).replace(b"\r\n", b"\n")
            if there and not there.startswith(first):
                raise PermanentError(
                    f"{self.file}: its columns are others (with --exif there are more); name"
                    " another file: --output"
                )

    def add(self, *attempts: LoggedAttempt) -> None:
        """A line for each, at the end; a file that is empty gets its header before."""
        lines = b"".join(line(attempt, exif=self.exif) for attempt in attempts)
        with self._alone() as handle:
            size = os.fstat(handle).st_size
            if size == 0:
                lines = header(exif=self.exif) + lines
            elif os.pread(handle, 1, size - 1) != b"\n":
                lines = b"\n" + lines  # a line before was cut off
            while lines:
                lines = lines[os.write(handle, lines) :]

    @contextmanager
    def _alone(self) -> Iterator[int]:
        """The file, which nobody else writes meanwhile."""
        with disk_errors(self.file):
            make_folder(self.file.absolute().parent)
            handle = os.open(self.file, _APPENDING, 0o666)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield handle
            finally:
                os.close(handle)
