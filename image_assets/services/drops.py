"""What lies in an inbox: which of the dropped files have settled, and how they make batches."""

import datetime as dt
import fcntl
import logging
import os
import signal
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from image_assets.core import naming
from image_assets.services.durable import disk_errors

log = logging.getLogger(__name__)

MOST_FILES = 10_000
"""Files of a batch, however small they are: so much is listed at a time."""

_PATIENCE = 10
"""A batch that is not full waits for files that still arrive, at most this many times settling."""

_LITTER = frozenset({"Thumbs.db", "desktop.ini", "__MACOSX"})
_UNFINISHED = (".part", ".partial", ".filepart", ".crdownload", ".download", ".tmp")
_NO_LINK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file of a shop: its path in the shop's folder, its size, and when it last changed."""

    file: str
    size: int
    changed_at: float


@dataclass(frozen=True, slots=True)
class Drop:
    """A shop's settled files in order of their paths; `arriving` counts those that are not."""

    settled: Sequence[Dropped]
    arriving: int


def shops(root: Path, named: Sequence[str]) -> tuple[list[str], list[str]]:
    """The shops' folders below the inbox, and what is wrong with everything else there."""
    found, troubles = [], []
    with disk_errors(root):
        entries = sorted(os.scandir(root), key=lambda entry: entry.name) if root.is_dir() else []
    for entry in entries:
        if entry.name.startswith("."):
            continue
        shown = ascii(entry.name)
        if not entry.is_dir(follow_symlinks=False):
            troubles.append(f"{shown} is in no shop's folder; move it into one")
        elif not naming.is_shop(entry.name):
            troubles.append(f"{shown} is no name of a shop: letters, digits, '_', '-' and '.' only")
        elif named and entry.name not in named:
            troubles.append(f"{shown} is no shop of the sources file, which names {len(named)}")
        else:
            found.append(entry.name)
    return found, troubles


def look(shop: Path, *, settle: dt.timedelta, now: dt.datetime) -> Drop:
    """What has settled of a shop's folder and what has not; hidden and unfinished files do neither."""
    settled, arriving = [], 0
    for dropped in _files(shop):
        if _is_arriving(shop / dropped.file, dropped, settle, now):
            arriving += 1
        else:
            settled.append(dropped)
    settled.sort(key=lambda dropped: dropped.file)
    return Drop(settled, arriving)


def portions(
    drop: Drop, *, most_bytes: int, settle: dt.timedelta, now: dt.datetime
) -> Iterator[Sequence[Dropped]]:
    """The batches that a drop makes: each as large as it may be, in order of the files' paths.

    The last one, which is not full, waits while other files still arrive, but not for ever.
    """
    batch: list[Dropped] = []
    size = 0
    for dropped in drop.settled:
        if batch and (size + dropped.size > most_bytes or len(batch) >= MOST_FILES):
            yield batch
            batch, size = [], 0
        batch.append(dropped)
        size += dropped.size
    if batch and (not drop.arriving or _is_overdue(batch, settle, now)):
        yield batch


def emptied(shop: Path, files: Iterable[str]) -> None:
    """Remove the folders that taking these files left empty, but never the shop's own."""
    folders = {parent for file in files for parent in Path(file).parents if parent.name}
    for folder in sorted(folders, key=lambda folder: -len(folder.parts)):
        try:
            (shop / folder).rmdir()
        except OSError:
            continue  # not empty, or gone: either is fine


def _files(shop: Path) -> Iterator[Dropped]:
    for folder, folders, files in os.walk(shop, onerror=_tell):
        linked = [name for name in folders if _is_link(Path(folder, name))]
        folders[:] = [n for n in folders if not _is_hidden(n) and n not in linked]
        for name in (*files, *linked):
            if _is_hidden(name) or name.lower().endswith(_UNFINISHED):
                continue
            path = Path(folder, name)
            try:
                found = path.lstat()
            except FileNotFoundError:
                continue
            except OSError as error:
                _tell(error)
                continue
            size = found.st_size if stat.S_ISREG(found.st_mode) else 0
            # A copy may bring its old time of modification with it; of the inode's none can.
            changed = max(found.st_mtime, found.st_ctime)
            yield Dropped(path.relative_to(shop).as_posix(), size, changed)


def _tell(error: OSError) -> None:
    """What cannot be looked at (its path is too long, say) keeps no other file waiting."""
    log.warning("%.200s: cannot be looked at: %s", error.filename, error.strerror)


def _is_link(folder: Path) -> bool:
    try:
        return folder.is_symlink()
    except OSError:
        return False  # looking into it tells


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in _LITTER


def _is_arriving(path: Path, dropped: Dropped, settle: dt.timedelta, now: dt.datetime) -> bool:
    # A time of change far ahead is a wrong clock's: such a file is not kept waiting for it.
    recent = abs(now.timestamp() - dropped.changed_at) < settle.total_seconds()
    return recent or is_written(path)


def _is_overdue(batch: Sequence[Dropped], settle: dt.timedelta, now: dt.datetime) -> bool:
    oldest = min(dropped.changed_at for dropped in batch)
    return now.timestamp() - oldest > _PATIENCE * settle.total_seconds()


def is_written(path: Path) -> bool:
    """Whether somebody has the file open for writing, as far as the system tells.

    Linux gives a read lease on a file of ours only when nobody writes it. Whoever wants to write in
    the microseconds in which we hold it waits, and we are told by a signal that does nothing.
    """
    try:
        handle = os.open(path, _NO_LINK)
    except OSError:
        return False  # what cannot be opened is the listing's to tell
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return False
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False  # another's file, or a file system that cannot tell: its times must do
    finally:
        os.close(handle)
    return False
