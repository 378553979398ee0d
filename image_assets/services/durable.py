"""Files that survive a crash: written beside, synced, renamed, and the folder synced too."""

import errno
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from image_assets.core.errors import (
    ImageAssetsError,
    NoSpaceError,
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
)

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_PASSING = frozenset({
    errno.EIO, errno.ESTALE, errno.EAGAIN, errno.EINTR, errno.EBUSY, errno.EMFILE, errno.ENFILE,
    errno.ENOMEM, errno.ETIMEDOUT,
})  # fmt: skip
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_UNUSABLE = frozenset({errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP, errno.EILSEQ})


@contextmanager
def disk_errors(place: Path) -> Iterator[None]:
    """Speak the system's errors about `place` in ours."""
    try:
        yield
    except OSError as error:
        raise _translated(error, place) from error


def _translated(error: OSError, place: Path) -> ImageAssetsError:
    said = error.strerror or str(error)
    if error.errno in _FULL:
        return NoSpaceError(f"{place}: {said}; free space there, then run again")
    if error.errno in _PASSING:
        return TransientError(f"{place}: {said}; run again, and look at the disk if it stays")
    if error.errno == errno.ENOENT:
        return NotFoundError(f"{place}: {said}")
    if error.errno in _FORBIDDEN:
        return PermanentError(f"{place}: {said}; check its owner, its rights and its mount")
    if error.errno in _UNUSABLE:
        return RejectedError(f"{place}: {said}; this name or link cannot be used")
    return PermanentError(f"{place}: {said}")


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Create `folder` and what it lies in, durably."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def write(target: Path, chunks: Iterable[bytes], *, beside: Path | None = None) -> None:
    """Write a file durably, replacing what was there; nobody ever sees a part of it.

    `beside` is where it waits until it is whole: a folder on the same file system, the target's own
    when not given.
    """
    part = (beside or target.parent) / f".{uuid.uuid4().hex}.part"
    try:
        with part.open("xb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)
