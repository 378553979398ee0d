"""A share of a NAS over a few pooled lines: files arrive whole or not at all, and replace nothing."""

import hashlib
import logging
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Self, TypeVar

from image_assets.core.errors import ImageAssetsError, RejectedError, TransientError
from image_assets.ports import NasFile
from image_assets.services.nas.line import Line
from image_assets.services.politeness import Clock, Retry

log = logging.getLogger(__name__)

T = TypeVar("T")
_CHUNK = 1 << 20


class Share:
    """Fulfils `ports.Nas`; threads may share it. Closed by `close` or at the end of a `with`.

    Args:
        name: the NAS in messages: its host or its mount.
        connect: opens a line; it has found the base to be there.
        connections: lines at a time.
        retry: bounds of one call.
        clock: time and chance.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], Line],
        *,
        connections: int = 4,
        retry: Retry | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self._connect = connect
        self._retry = retry or Retry()
        self._clock = clock or Clock()
        self._places = threading.BoundedSemaphore(connections)
        self._idle: list[Line] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def files(self, folder: str) -> Sequence[NasFile]:
        """Every plain file below a folder, hidden ones left out; none when there is no such folder."""
        found = self._do(lambda line: list(line.files(_inside(folder))))
        return sorted(found, key=lambda file: file.path)

    def fetch(self, path: str, into: Path) -> str:
        """Read a file into a new local one; its hex SHA-256."""

        def receive(line: Line) -> None:
            into.unlink(missing_ok=True)  # what an earlier attempt left
            line.receive(_inside(path), into)

        self._do(receive)
        return _sha256(into)

    def put(self, file: Path, path: str) -> bool:
        """Store a file whole or not at all; False when exactly its bytes are there already."""
        target = _inside(path)
        return self._do(lambda line: self._put(line, file, target))

    def find(self, path: str) -> NasFile | None:
        """The file there is under a path."""
        return self._do(lambda line: line.find(_inside(path)))

    def probe(self) -> None:
        """Write an empty file of a hidden name into the base, as a new shop's folder needs it; remove it."""
        self._do(_probe)

    def close(self) -> None:
        """End every line that is not in use."""
        with self._lock:
            idle, self._idle = self._idle, []
        for line in idle:
            line.close()

    def _put(self, line: Line, file: Path, target: str) -> bool:
        if self._holds(line, file, target):
            return False
        folder = PurePosixPath(target).parent
        line.make_folder(str(folder))
        part = str(folder / f".{uuid.uuid4().hex}.part")
        try:
            line.send(file, part)
            self._refuse_cut(line, file, part)
            if line.rename(part, target):
                return True
        except BaseException:
            with suppress(ImageAssetsError):  # a line that is down cannot tidy up either
                line.remove(part)
            raise
        line.remove(part)
        if not self._holds(line, file, target):
            raise TransientError(f"{self.name}: {target} was taken and is gone again; run again")
        return False  # another one was quicker with the same bytes

    def _refuse_cut(self, line: Line, file: Path, part: str) -> None:
        arrived, size = line.find(part), file.stat().st_size
        if arrived is None or arrived.size != size:
            has = "nothing" if arrived is None else f"{arrived.size} bytes"
            raise TransientError(f"{self.name}: of {size} bytes {has} arrived")

    def _holds(self, line: Line, file: Path, target: str) -> bool:
        """Whether exactly these bytes are there.

        Raises:
            RejectedError: others are.
        """
        held = line.find(target)
        if held is None:
            return False
        if held.size == file.stat().st_size and self._hash(line, target) == _sha256(file):
            return True
        if not held.size:  # a mount without links takes the name first, and we were killed then
            raise RejectedError(f"{self.name}: {target} is empty; remove it, then run again")
        raise RejectedError(
            f"{self.name}: {target} holds other bytes, which are never replaced; look at that file"
        )

    def _hash(self, line: Line, target: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "copy"
            line.receive(target, copy)
            return _sha256(copy)

    def _do(self, work: Callable[[Line], T]) -> T:
        """Do it on a line; again, on a new one, while the NAS is down and the bounds allow it."""
        deadline = self._clock.monotonic() + self._retry.seconds
        attempt = 1
        while True:
            try:
                with self._line() as line:
                    return work(line)
            except TransientError as error:
                pause = self._retry.pause(attempt, self._clock)
                late = self._clock.monotonic() + pause > deadline
                if attempt >= self._retry.attempts or late:
                    raise
                log.warning("%s: attempt %d: %s", self.name, attempt, error)
                self._clock.sleep(pause)
                attempt += 1

    @contextmanager
    def _line(self) -> Iterator[Line]:
        """A line that nobody else uses; kept for the next one unless it broke."""
        with self._places:
            with self._lock:
                line = self._idle.pop() if self._idle else None
            line = line or self._connect()
            try:
                yield line
            except ImageAssetsError as error:
                if isinstance(error, TransientError):
                    line.close()
                    self.close()  # the other lines, which broke with it: each would cost an attempt
                else:
                    self._keep(line)
                raise
            except BaseException:
                line.close()
                raise
            self._keep(line)

    def _keep(self, line: Line) -> None:
        with self._lock:
            self._idle.append(line)


def _probe(line: Line) -> None:
    part = f".{uuid.uuid4().hex}.part"
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty"
        empty.touch()
        try:
            line.send(empty, part)
        finally:
            with suppress(ImageAssetsError):  # what went wrong first is what is told
                line.remove(part)


def _inside(path: str) -> str:
    """A path that stays below the base.

    Raises:
        RejectedError: it does not.
    """
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or "\0" in path:
        raise RejectedError(f"{path[:100]!r} is not a path below the base of the NAS")
    return str(PurePosixPath(path))


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
