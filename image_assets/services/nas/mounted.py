"""A NAS as a path of this machine, by whatever mount.

A mount that is away looks like an empty folder: without the marker file nothing is read or written.
"""

import datetime as dt
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from image_assets.core.errors import PermanentError, TransientError
from image_assets.ports import NasFile
from image_assets.services.durable import disk_errors, make_folder, sync_folder

MARKER = ".image_assets_nas"

_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


class MountedLine:
    """Fulfils `line.Line` below `base`."""

    def __init__(self, base: Path) -> None:
        self._base = base
        with disk_errors(base):
            if (base / MARKER).is_file():
                return
            if base.is_dir() and any(base.iterdir()):
                raise PermanentError(
                    f"{base} has no {MARKER}: is it the NAS? Then: touch {base / MARKER}"
                )
        raise TransientError(f"{base} is empty or absent: the NAS is not mounted (no {MARKER})")

    def find(self, path: str) -> NasFile | None:
        """The plain file there is under a path."""
        place = self._base / path
        with disk_errors(place):
            try:
                found = place.lstat()
            except (FileNotFoundError, NotADirectoryError):
                return None
        return _file(path, found) if stat.S_ISREG(found.st_mode) else None

    def files(self, folder: str) -> Iterator[NasFile]:
        """Every plain file below a folder; none when there is no such folder."""
        with disk_errors(self._base / folder):
            for below, folders, names in os.walk(self._base / folder, onerror=_raise_but_absent):
                folders[:] = [name for name in folders if not name.startswith(".")]
                for name in names:
                    path = (Path(below) / name).relative_to(self._base).as_posix()
                    if not name.startswith(".") and (found := self.find(path)) is not None:
                        yield found

    def make_folder(self, folder: str) -> None:
        """Create a folder and what it lies in."""
        with disk_errors(self._base / folder):
            make_folder(self._base / folder)

    def send(self, file: Path, path: str) -> None:
        """Write a new file durably."""
        place = self._base / path
        with disk_errors(place), file.open("rb") as source, place.open("xb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())

    def receive(self, path: str, into: Path) -> None:
        """Read a file into a new local one."""
        with disk_errors(self._base / path):
            shutil.copyfile(self._base / path, into, follow_symlinks=False)

    def rename(self, path: str, new: str) -> bool:
        """Give a file its name in one step; False when the name is taken."""
        old, target = self._base / path, self._base / new
        with disk_errors(target):
            try:
                # Linking is the one way to move that never replaces; some mounts have no links.
                target.hardlink_to(old)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                return _take_first(old, target)
            old.unlink()
            sync_folder(target.parent)
        return True

    def remove(self, path: str) -> None:
        """Remove a file; nothing happens when it is not there."""
        with disk_errors(self._base / path):
            (self._base / path).unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing is open."""


def _take_first(old: Path, target: Path) -> bool:
    """Take the name, empty, and then replace what only we have."""
    try:
        target.touch(exist_ok=False)
    except FileExistsError:
        return False
    with suppress(FileNotFoundError):
        old.replace(target)
    sync_folder(target.parent)
    return True


def _raise_but_absent(error: OSError) -> None:
    if error.errno != errno.ENOENT:
        raise error


def _file(path: str, found: os.stat_result) -> NasFile:
    return NasFile(path, found.st_size, dt.datetime.fromtimestamp(int(found.st_mtime), dt.UTC))
