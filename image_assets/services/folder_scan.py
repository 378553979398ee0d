"""What lies below a folder of frames: every file dated and placed, or told why it cannot be."""

import csv
import datetime as dt
import os
import re
import stat
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from image_assets.core import naming
from image_assets.core.errors import PermanentError
from image_assets.core.model import Entry, Misfit
from image_assets.services import capture_times
from image_assets.services.capture_times import Capture
from image_assets.services.durable import disk_errors

_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"})
_COLUMNS = {"file", "stream", "timestamp"}
_DATE_FOLDER = re.compile(r"\d{4}|\d\d?|\d{4}([-_]?)\d\d(\1\d\d)?", flags=re.ASCII)
_RACY = 2_000_000_000  # nanoseconds in which a folder may change without a new time of change

ARRIVING = "still being written; run again"
NO_TIME = "no capture time in index, name or EXIF; put it into the index or the name"


@dataclass(frozen=True, slots=True)
class Scan:
    """Entries by collection and day, misfits by collection, and what tells that it is still true."""

    days: Mapping[str, Mapping[dt.date, Sequence[Entry]]]
    misfits: Mapping[str, Sequence[Misfit]]
    folders: Mapping[Path, int]
    index: tuple[int, int] | None
    settled: bool


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the index; `at` is None where its timestamp is none."""

    collection: str | None
    at: dt.datetime | None


def scan(root: Path, index_name: str, *, settle: dt.timedelta, now: dt.datetime) -> Scan:
    """Look at everything below `root`; what changed within `settle` of `now` is still arriving.

    Raises:
        NotFoundError: there is no such folder.
        PermanentError: the index cannot be read; names what it lacks.
    """
    began = time.time_ns()
    with disk_errors(root):
        root.stat()
    index = _stamp(root / index_name)
    rows, repeated = _rows(root / index_name) if index else ({}, [])
    look = _Look(root, rows, index_name, settle, now)
    look.walk(repeated)
    settled = not look.arriving and all(
        began - changed > _RACY for changed in look.folders.values()
    )
    return Scan(look.days(), look.misfits, look.folders, index, settled)


def is_current(scan: Scan, root: Path, index_name: str) -> bool:
    """Whether nothing below the folder was added, removed or renamed since."""
    same = scan.settled and scan.index == _stamp(root / index_name)
    return same and all(_changed_at(folder) == at for folder, at in scan.folders.items())


def open_plainly(path: Path) -> int:
    """Open a file without following a link that came in between, and without waiting at a pipe."""
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)


def plain(text: str) -> str:
    """A file's name, fit for the catalog: no control characters, no bytes that are no text."""
    return "".join(c if c.isprintable() else "?" for c in text[-300:])


class _Look:
    """One walk through the folder."""

    def __init__(
        self,
        root: Path,
        rows: Mapping[str, _Row],
        index_name: str,
        settle: dt.timedelta,
        now: dt.datetime,
    ) -> None:
        self._root = root
        self._real = root.resolve()
        self._rows = rows
        self._index = index_name
        self._settle = settle
        self._now = now
        self._frames: dict[tuple[str, dt.datetime], list[tuple[Capture, str, int]]] = {}
        self.misfits: dict[str, list[Misfit]] = defaultdict(list)
        self.folders: dict[Path, int] = {}
        self.arriving = False

    def walk(self, repeated: Sequence[str]) -> None:
        """Visit every file; then tell which lines of the index found none, or say it again."""
        seen = set()
        for folder, folders, files in os.walk(self._root, onerror=self._closed):
            self.folders[Path(folder)] = _changed_at(Path(folder))
            for name in [name for name in folders if self._is_link(folder, name)]:
                self._misfit(self._relative(folder, name), "a link to a folder; never followed")
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                seen.add(self._relative(folder, name))
                self._visit(self._relative(folder, name))
        for file in repeated:
            self._misfit(file, f"named twice in {self._index}; its first line counts")
        for file in [file for file in self._rows if file not in seen]:
            self._misfit(
                file, f"named in {self._index}, and not there; add the file or drop the line"
            )

    def days(self) -> dict[str, dict[dt.date, list[Entry]]]:
        """The frames as entries; those of one second in the order of their numbers, then names."""
        found: dict[str, dict[dt.date, list[Entry]]] = defaultdict(lambda: defaultdict(list))
        for (collection, second), frames in sorted(self._frames.items()):
            ordinal = 0
            for capture, file, size in sorted(frames, key=_rank):
                ordinal = max(ordinal + 1, capture.number or 1)
                found[collection][second.date()].append(
                    Entry(
                        naming.item_key(second, ordinal),
                        plain(file),
                        capture.at,
                        quote(os.fsencode(file)),
                        size,
                    )
                )
        return {collection: dict(days) for collection, days in found.items()}

    def _visit(self, file: str) -> None:
        path = PurePosixPath(file)
        row = self._rows.get(file)
        if row is None and (path.name.startswith(".") or path.suffix.lower() not in _PICTURES):
            return
        facts = self._facts(file)
        if isinstance(facts, str):
            self._misfit(file, facts)
            return
        named = capture_times.from_name(path.stem)
        at = row.at if row else self._time(file, named)
        if at is None:
            self._misfit(file, f"no time in {self._index} that can be read" if row else NO_TIME)
            return
        collection = self._collection(file, named)
        capture = Capture(at, number=named.number if named else None)
        frames = self._frames.setdefault((collection, at.replace(microsecond=0)), [])
        frames.append((capture, file, facts))

    def _facts(self, file: str) -> int | str:
        """The size of a plain readable file below the root, or why it is none."""
        path = self._root / file
        try:
            if path.is_symlink() and not path.resolve(strict=True).is_relative_to(self._real):
                return "a link that leaves the folder; never followed"
            found = path.stat()
        except (OSError, RuntimeError):  # RuntimeError: links in a circle
            return "a link that leads nowhere" if path.is_symlink() else "gone while looking"
        if not stat.S_ISREG(found.st_mode):
            return "not a plain file; never opened"
        if not os.access(path, os.R_OK):
            return "not readable; check its owner and rights"
        if self._is_arriving(found.st_mtime):
            self.arriving = True
            return ARRIVING
        return found.st_size

    def _is_arriving(self, modified: float) -> bool:
        # A time of change far ahead is a wrong clock's: such a file is not kept waiting for it.
        return abs(self._now.timestamp() - modified) < self._settle.total_seconds()

    def _time(self, file: str, named: Capture | None) -> dt.datetime | None:
        if named is not None:
            return named.at
        try:
            with os.fdopen(open_plainly((self._root / file).resolve()), "rb") as opened:
                return capture_times.from_exif(opened.read(capture_times.HEAD))
        except OSError:
            return None  # gone or closed meanwhile: without a time it is told as such

    def _collection(self, file: str, named: Capture | None) -> str:
        """By the index, else stream by name or folder, camera by the folder above; dates are neither."""
        row = self._rows.get(file)
        if row is not None and row.collection is not None:
            return row.collection
        above = [
            part for part in PurePosixPath(file).parts[:-1] if not _DATE_FOLDER.fullmatch(part)
        ]
        stream = (named.stream if named else None) or (above[-1] if above else self._real.name)
        if above and above[-1] == stream:
            above.pop()
        return plain(f"{above[-1]}/{stream}" if above else stream)

    def _misfit(self, file: str, reason: str) -> None:
        stem = PurePosixPath(file).stem
        collection = self._collection(file, capture_times.from_name(stem))
        self.misfits[collection].append(Misfit(plain(file), reason))

    def _closed(self, error: OSError) -> None:
        folder = os.path.relpath(error.filename, self._root)
        reason = f"cannot be looked into ({error.strerror}); check its owner and rights"
        self._misfit(f"{folder}/", reason)

    def _relative(self, folder: str, name: str) -> str:
        return (Path(folder) / name).relative_to(self._root).as_posix()

    @staticmethod
    def _is_link(folder: str, name: str) -> bool:
        return (Path(folder) / name).is_symlink()


def _rank(frame: tuple[Capture, str, int]) -> tuple[dt.datetime, float, str]:
    capture, file, _ = frame
    return capture.at, capture.number or float("inf"), file


def _rows(index: Path) -> tuple[dict[str, _Row], list[str]]:
    """The index by file, and the files that it names again."""
    rows: dict[str, _Row] = {}
    repeated = []
    # surrogateescape: names that are no UTF-8 come out as the file system gives them.
    with disk_errors(index), index.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
        reader = csv.DictReader(lines)
        try:
            if lacking := _COLUMNS - set(reader.fieldnames or ()):
                raise PermanentError(f"{index}: lacks the columns {', '.join(sorted(lacking))}")
            for file, row in map(_row, reader):
                if rows.setdefault(file, row) is not row:
                    repeated.append(file)
        except csv.Error as error:
            raise PermanentError(f"{index}: line {reader.line_num}: {error}") from error
    return rows, repeated


def _row(line: Mapping[str, str | None]) -> tuple[str, _Row]:
    stream, camera = (line.get("stream") or "").strip(), (line.get("camera") or "").strip()
    collection = plain(f"{camera}/{stream}" if camera else stream) if stream else None
    at = capture_times.from_text(line["timestamp"] or "")
    return PurePosixPath(line["file"] or "").as_posix(), _Row(collection, at)


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size


def _changed_at(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return -1
