"""The store of bytes on a disk of this machine, or on one that is mounted.

Folders are opened one below the other and never through a link, so no link that appears at any time
leads a write out of the root. The root itself may be a link.
"""

import datetime as dt
import errno
import hashlib
import logging
import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from image_assets.core import naming
from image_assets.core.errors import NotFoundError, PermanentError, RejectedError
from image_assets.core.retention import TemporaryFile
from image_assets.services.durable import disk_errors, make_folder
from image_assets.services.store.keys import segments

log = logging.getLogger(__name__)

_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe in the way must not hold us


class LocalStore:
    """Files below `root` by key. Files on their way in wait in `tmp/`, on the same file system."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._scratch = root / naming.TEMPORARY

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A private folder for files on their way in; removed at the end, whatever it holds then."""
        folder = self._scratch / uuid.uuid4().hex
        if self._scratch.is_symlink():
            raise RejectedError(f"{self._scratch} is a link, and links are not followed; remove it")
        with disk_errors(folder):
            make_folder(self._scratch)
            folder.mkdir()
        try:
            yield folder
        finally:
            # What cannot be removed now is a scratch file that retention finds.
            shutil.rmtree(folder, ignore_errors=True)

    def put(self, file: Path, key: str) -> bool:
        """Move a scratch file to `key`: when this returns True, a crash does not undo it.

        False, and nothing changed, when `key` is taken.
        """
        with self._errors(key), self._folder(key, create=True) as (folder, name):
            _sync_file(file)
            try:
                _move(file, folder, name)
            except FileExistsError:
                return False
            os.fsync(folder)
            file.unlink(missing_ok=True)
        return True

    def put_bytes(self, content: bytes, key: str) -> None:
        """Write `content` to `key`, replacing what was there: a crash does not undo it."""
        segments(key)
        with self.scratch() as scratch, self._errors(key):
            file = scratch / "content"
            file.write_bytes(content)
            _sync_file(file)
            with self._folder(key, create=True) as (folder, name):
                os.replace(file, name, dst_dir_fd=folder)
                os.fsync(folder)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """The file of `key` itself: read it, do not change it.

        Raises:
            NotFoundError: nothing is stored under `key`.
        """
        if self.size(key) is None:
            raise NotFoundError(f"{key}: not in the store at {self._root}")
        yield self._root / key

    def size(self, key: str) -> int | None:
        """Bytes under `key`; None when nothing is there.

        Raises:
            PermanentError: the store itself is not there, which says nothing about the key.
        """
        with self._errors(key):
            try:
                with self._folder(key, create=False) as (folder, name):
                    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except (FileNotFoundError, NotADirectoryError):
                return None
        if not stat.S_ISREG(found.st_mode):
            raise RejectedError(f"{key}: not a plain file in the store at {self._root}")
        return found.st_size

    def sha256(self, key: str) -> str | None:
        """Hex SHA-256 of what is under `key`; None when nothing is there, or no longer."""
        try:
            content = self.open(key)
        except NotFoundError:
            return None
        with content, self._errors(key):
            return hashlib.file_digest(content, "sha256").hexdigest()

    def open(self, key: str) -> BufferedReader:
        """The file of `key` itself, opened: what is read is below the root whatever happens meanwhile.

        Raises:
            NotFoundError: nothing is stored under `key`.
            RejectedError: it is a link, or anything else that is no plain file.
        """
        with self._errors(key):
            try:
                with self._folder(key, create=False) as (folder, name):
                    handle = os.open(name, _FILE, dir_fd=folder)
            except (FileNotFoundError, NotADirectoryError) as error:
                raise NotFoundError(f"{key}: not in the store at {self._root}") from error
            if stat.S_ISREG(os.fstat(handle).st_mode):
                return os.fdopen(handle, "rb")
            os.close(handle)
        raise RejectedError(f"{key}: not a plain file in the store at {self._root}")

    def delete(self, key: str) -> None:
        """Remove `key`, and the scratch folder that it leaves empty."""
        with self._errors(key):
            try:
                with self._folder(key, create=False) as (folder, name):
                    os.unlink(name, dir_fd=folder)
                    os.fsync(folder)
            except (FileNotFoundError, NotADirectoryError):
                return
            self._tidy(key)

    def temporary_files(self) -> Iterator[TemporaryFile]:
        """Files in scratch folders, of whatever age and owner; their paths are keys."""
        for folder, _, files in os.walk(self._scratch):
            for name in sorted(files):
                file = Path(folder) / name
                try:
                    found = file.lstat()
                except FileNotFoundError:
                    continue  # its owner was quicker
                modified = dt.datetime.fromtimestamp(found.st_mtime, dt.UTC)
                key = file.relative_to(self._root).as_posix()
                yield TemporaryFile(key, found.st_size, modified)

    @contextmanager
    def _folder(self, key: str, *, create: bool) -> Iterator[tuple[int, str]]:
        """A handle on the folder that holds `key`, and the name in it."""
        *folders, name = segments(key)
        if create:
            make_folder(self._root)
        elif not self._root.is_dir():
            raise PermanentError(
                f"the store {self._root} is not there; check IMAGE_ASSETS_DATA_DIR and its mount"
            )
        handle = os.open(self._root, _FOLDER & ~os.O_NOFOLLOW)
        try:
            for folder in folders:
                below = _enter(handle, folder, create=create)
                os.close(handle)
                handle = below
            yield handle, name
        finally:
            os.close(handle)

    @contextmanager
    def _errors(self, key: str) -> Iterator[None]:
        with disk_errors(self._root / key):
            yield

    def _tidy(self, key: str) -> None:
        above = self._root / Path(key).parent
        if above.parent == self._scratch:
            try:
                above.rmdir()
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.ENOENT):
                    raise


def _enter(handle: int, folder: str, *, create: bool) -> int:
    if create:
        try:
            os.mkdir(folder, dir_fd=handle)
            os.fsync(handle)
        except FileExistsError:
            log.debug("%s is there", folder)
    try:
        return os.open(folder, _FOLDER, dir_fd=handle)
    except OSError as error:
        if error.errno == errno.ELOOP or _is_link(handle, folder):
            raise RejectedError(
                f"{folder} in the store is a link, and links are not followed; link the whole store"
            ) from error
        raise


def _move(file: Path, folder: int, name: str) -> None:
    """Give `file` its name in `folder`; of two who want the name, one gets FileExistsError."""
    try:
        # Linking is the one way to move that never replaces.
        os.link(file, name, dst_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # exFAT and some shares have no links: there the name is taken first, empty.
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666, dir_fd=folder))
        os.replace(file, name, dst_dir_fd=folder)


def _is_link(handle: int, name: str) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _sync_file(file: Path) -> None:
    handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise RejectedError(f"{file}: not a plain file")
        os.fsync(handle)
    finally:
        os.close(handle)
