"""Frames already on disk: found once, listed by collection and UTC day, copied and never adopted.

A frame's time and stream come from the folder's index file, else from its name, else from EXIF and
the folder it lies in. A collection is `{camera}/{stream}` or, where nothing tells the camera,
`{stream}`: then it answers to any camera's name. A folder can always receive another file, so no
listing of it is complete and no day is ever sealed.
"""

import datetime as dt
import hashlib
import logging
import os
import stat
import threading
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar

from image_assets.core.errors import (
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
    UnreadableImageError,
)
from image_assets.core.model import Entry, Fetched, Listing, Misfit, Partition, Variant
from image_assets.services import folder_scan
from image_assets.services.durable import disk_errors
from image_assets.services.folder_scan import Scan, open_plainly

log = logging.getLogger(__name__)

T = TypeVar("T")
_MOST_BYTES = 100_000_000
_CHUNK = 1 << 20


class FolderSource:
    """Lists and copies the pictures below a folder.

    A file that cannot be an entry is a misfit in every listing of the collection its place belongs
    to, and in `misfits()`: without a capture time nobody knows its day.

    Args:
        root: the folder.
        index_name: a CSV in it with the columns file, stream, timestamp and perhaps camera.
        max_bytes: larger files are refused unread.
        settle: a file that changed more recently is a misfit: it may still be arriving.
        now: the time, aware UTC.
    """

    def __init__(
        self,
        root: Path,
        index_name: str = "frames.csv",
        *,
        max_bytes: int = _MOST_BYTES,
        settle: dt.timedelta = dt.timedelta(0),
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._root = root
        self._index = index_name
        self._max_bytes = max_bytes
        self._settle = settle
        self._now = now
        self._lock = threading.Lock()
        self._scan: Scan | None = None

    def collections(self) -> Sequence[str]:
        """Every collection that has frames or misfits, in order."""
        scan = self._current()
        return sorted(scan.days.keys() | scan.misfits.keys())

    def days(self, collection: str) -> Sequence[dt.date]:
        """The UTC days on which a collection has frames, in order."""
        return sorted(_of(collection, self._current().days) or ())

    def misfits(self) -> Sequence[Misfit]:
        """Everything below the folder that cannot be an entry, and what to do about it."""
        found = self._current().misfits
        return [misfit for collection in sorted(found) for misfit in found[collection]]

    def list(self, partition: Partition) -> Listing:
        """The collection's frames of a UTC day; a day without frames is an empty listing."""
        scan = self._current()
        entries = (_of(partition.collection, scan.days) or {}).get(partition.day, ())
        misfits = _of(partition.collection, scan.misfits) or ()
        return Listing(tuple(entries), complete=False, misfits=tuple(misfits))

    def fetch(self, entry: Entry, into: Path) -> Fetched:
        """Copy the file to the new file `into`.

        Raises:
            NotFoundError: it is no longer in the folder.
            TransientError: it changed while it was copied.
        """
        path = self.locate(entry)
        with disk_errors(path), os.fdopen(open_plainly(path), "rb") as source:
            before = os.fstat(source.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise RejectedError(f"{path}: no longer a plain file")
            if before.st_size > self._max_bytes:
                message = f"{path}: {before.st_size:,} bytes; at most {self._max_bytes:,} are taken"
                raise UnreadableImageError("too_large", message)
            digest, size = _copy(source, into, self._max_bytes)
            after = os.fstat(source.fileno())
        if (size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            into.unlink()
            raise TransientError(
                f"{path}: it changed while it was copied; it may still be arriving"
            )
        thumbnail = path.stem.endswith("-thumbnail")
        return Fetched(digest, size, Variant.THUMBNAIL if thumbnail else Variant.FULL)

    def _current(self) -> Scan:
        with self._lock:
            known = self._scan
            if known is None or not folder_scan.is_current(known, self._root, self._index):
                known = self._scan = folder_scan.scan(
                    self._root, self._index, settle=self._settle, now=self._now()
                )
                count = sum(len(misfits) for misfits in known.misfits.values())
                log.debug("%s: looked through; %d files do not fit", self._root, count)
            return known

    def locate(self, entry: Entry) -> Path:
        """The entry's file itself, all links followed, still below the root.

        Raises:
            NotFoundError: it is not there; RejectedError: it cannot be reached, or leads elsewhere.
        """
        if entry.address is None:
            raise PermanentError(f"{entry.name}: its listing gave no path")
        path = self._root / os.fsdecode(urllib.parse.unquote_to_bytes(entry.address))
        try:
            real = path.resolve(strict=True)
        except FileNotFoundError as error:
            raise NotFoundError(f"{path}: no longer in the folder") from error
        except (OSError, RuntimeError, ValueError) as error:
            raise RejectedError(f"{path}: cannot be reached: {error}") from error
        if not real.is_relative_to(self._root.resolve()):
            raise RejectedError(f"{path}: leads out of {self._root}; never opened")
        return real


def _of(collection: str, found: Mapping[str, T]) -> T | None:
    """What was found for a collection, else for its stream of no known camera."""
    return found.get(collection, found.get(collection.rpartition("/")[2]))


def _copy(source: BinaryIO, into: Path, most: int) -> tuple[str, int]:
    """SHA-256 and size of what was copied; a file that grows is not followed beyond `most`."""
    digest, size = hashlib.sha256(), 0
    with disk_errors(into), into.open("xb") as target:
        try:
            while size <= most and (chunk := source.read(_CHUNK)):
                digest.update(chunk)
                size += len(chunk)
                target.write(chunk)
        except BaseException:
            into.unlink()
            raise
    return digest.hexdigest(), size
