"""What lies in the store on this machine's disk, file by file; links are not followed."""

import datetime as dt
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from image_assets.core import naming
from image_assets.core.errors import NotFoundError, PermanentError
from image_assets.ports import FileInStore
from image_assets.services.durable import disk_errors
from image_assets.services.store.keys import segments
from image_assets.services.store.local import LocalStore


class LocalInventory:
    """Fulfils `ports.Inventory` for the store below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._store = LocalStore(root)

    def files(self, folder: str) -> Iterator[FileInStore]:
        """Every file below a folder, by key; none where the folder is not there.

        A link counts as a file: nothing of ours ever made one.
        """
        segments(folder)
        if not self._root.is_dir():
            raise PermanentError(
                f"the store {self._root} is not there; check IMAGE_ASSETS_DATA_DIR and its mount"
            )
        return self._below(self._root / folder)

    def set_aside(self, path: str) -> str:
        """Move a file into quarantine, under its own hash, durably; gives the new key."""
        sha256 = self._store.sha256(path)
        if sha256 is None:
            raise NotFoundError(f"{path}: not in the store at {self._root}")
        aside = naming.quarantine_path(sha256)
        if self._store.put(self._root / path, aside):
            return aside
        if self._store.sha256(aside) != sha256:
            raise PermanentError(
                f"{aside}: holds other bytes than its name says, so {path} stays; look at both"
            )
        self._store.delete(path)  # the same bytes were set aside before
        return aside

    def _below(self, folder: Path) -> Iterator[FileInStore]:
        with disk_errors(folder):
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except (FileNotFoundError, NotADirectoryError):
                return
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from self._below(folder / entry.name)
            elif (found := _state(entry)) is not None:
                modified = dt.datetime.fromtimestamp(found.st_mtime, dt.UTC)
                key = (folder / entry.name).relative_to(self._root).as_posix()
                yield FileInStore(key, found.st_size, modified)


def _state(entry: "os.DirEntry[str]") -> os.stat_result | None:
    """What the entry is; None of what has gone meanwhile, and of what is no file at all."""
    with disk_errors(Path(entry.path)):
        try:
            found = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return None
    return found if stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode) else None
