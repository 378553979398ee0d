"""A folder of this machine whose pictures are published where they lie."""

import errno
import hashlib
import os
import re
import shutil
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

from image_assets.core import naming
from image_assets.core.errors import (
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
)
from image_assets.core.file_filter import FileFilter
from image_assets.core.model import Content
from image_assets.ports import Contents, Found, LocalFile, Stamp
from image_assets.services.durable import disk_errors, sync_folder
from image_assets.services.store.keys import segments
from image_assets.services.store.local import LocalStore

_SCHEME = "file://"
_PLAINLY = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # no link, and no waiting at a pipe
_PLAIN = re.compile(r"[A-Za-z0-9._~-]+")
_POSITIVE = 0x7FFF_FFFF_FFFF_FFFF  # what every database keeps of a file's number


@dataclass(frozen=True, slots=True)
class InPlace:
    """Contents where they lie: a file of this machine, or whatever the store has."""

    store: Contents

    @contextmanager
    def local(self, path: str) -> Iterator[Path]:
        """The file at an address, or the store's file of a key.

        Raises:
            NotFoundError: nothing is there.
        """
        if not path.startswith(_SCHEME):
            with self.store.local(path) as file:
                yield file
            return
        file = Path(os.fsdecode(unquote_to_bytes(path.removeprefix(_SCHEME))))
        with disk_errors(file):
            if not stat.S_ISREG(file.lstat().st_mode):
                raise NotFoundError(f"{file}: no plain file any more")
        yield file


@dataclass(frozen=True, slots=True)
class PlainFolder:
    """The files below `root`, an absolute path. Fulfils `ports.LocalFolder`.

    `moved` is where files go that were published; what lies there is not looked at.
    """

    root: Path
    moved: Path | None = None

    def look(self, wanted: FileFilter, *, recursive: bool) -> Found:
        """The files that are wanted, by name; no link is followed."""
        left_out: Counter[str] = Counter()
        with disk_errors(self.root):
            if not stat.S_ISDIR(self.root.stat().st_mode):
                raise NotFoundError(f"{self.root}: not a folder")
            found = list(self._files(self.root, "", wanted, recursive, left_out))
        found.sort(key=itemgetter(0))  # by name, in the order of code points
        return Found(found, left_out)

    def single(self, name: str) -> LocalFile:
        """One file of the folder, whatever it is called.

        Raises:
            NotFoundError: it is not there.
            RejectedError: it is no plain file.
        """
        path = self.root / name
        with disk_errors(path):
            found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise RejectedError(f"{path}: no plain file")
        return LocalFile(name, self.root, path.as_uri(), _stamp(found))

    def sha256(self, file: LocalFile) -> str:
        """Hex SHA-256 of its bytes, which stay the same while they are read."""
        with disk_errors(file.path):
            handle = os.open(file.path, _PLAINLY)
            with os.fdopen(handle, "rb") as content:
                _check(file, os.fstat(handle))
                digest = hashlib.file_digest(content, "sha256").hexdigest()
                _check(file, os.fstat(handle))
        return digest

    def move(self, file: LocalFile, content: Content) -> Path:
        """Put the file below `moved`, under its name there or beside it: never over another."""
        if self.moved is None:
            raise PermanentError(f"{file.path}: there is no folder to move it to")
        store, key = LocalStore(self.moved), _key(file.name)
        with disk_errors(file.path):
            _check(file, file.path.lstat())
        for place in (key, naming.beside(key, content.sha256)):
            if _put(store, file.path, place):
                break
            if store.sha256(place) == content.sha256:
                _drop(file)  # the same bytes are there already
                break
        else:
            raise RejectedError(f"{file.path}: {self.moved / key} and the name beside are taken")
        with suppress(OSError):  # not empty: somebody else moves to here as well
            (self.moved / naming.TEMPORARY).rmdir()
        return self.moved / place

    def _files(
        self, folder: Path, below: str, wanted: FileFilter, recursive: bool, left_out: Counter[str]
    ) -> Iterator[LocalFile]:
        folders: list[str] = []
        prefix = folder.as_uri().rstrip("/") + "/"
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue
                if not entry.is_file(follow_symlinks=False):
                    if entry.is_symlink():
                        left_out["a link"] += 1
                    elif entry.is_dir(follow_symlinks=False):
                        folders.append(name)
                    continue
                try:
                    stamp = _stamp(entry.stat(follow_symlinks=False))
                except FileNotFoundError:
                    continue  # its owner was quicker
                reason = wanted.lacks(below + name, stamp.size, stamp.modified_ns)
                if reason is None:
                    yield LocalFile(below + name, self.root, prefix + _spelled(name), stamp)
                else:
                    left_out[reason] += 1
        for name in sorted(folders) if recursive else ():
            if folder / name != self.moved:
                yield from self._files(
                    folder / name, f"{below}{name}/", wanted, recursive, left_out
                )


def _spelled(name: str) -> str:
    """A name in an address; of a hundred thousand hardly any is spelled otherwise there."""
    plain = _PLAIN.fullmatch(name) is not None
    return name if plain else quote_from_bytes(os.fsencode(name))


def _stamp(found: os.stat_result) -> Stamp:
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino & _POSITIVE)


def _check(file: LocalFile, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode) or _stamp(found) != file.stamp:
        raise TransientError(f"{file.path}: it changed meanwhile, or is still written; run again")


def _key(name: str) -> str:
    """A file's name as a key: names that no key can hold are spelled as plain ones."""
    try:
        return "/".join(segments(name))
    except RejectedError:
        return "/".join(naming.segment(part) for part in name.split("/"))


def _put(store: LocalStore, path: Path, key: str) -> bool:
    """Move a file into the store, onto another disk too; False when the key is taken."""
    try:
        return store.put(path, key)
    except PermanentError as error:
        if getattr(error.__cause__, "errno", None) != errno.EXDEV:
            raise
    with store.scratch() as scratch, disk_errors(path):
        copy = scratch / "copy"
        shutil.copy2(path, copy, follow_symlinks=False)
        if not store.put(copy, key):
            return False
        path.unlink()
    return True


def _drop(file: LocalFile) -> None:
    with disk_errors(file.path):
        _check(file, file.path.lstat())
        file.path.unlink()
        sync_folder(file.path.parent)
