"""A folder of pictures on a disk of this machine, read and never changed."""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from image_assets.core.errors import NotFoundError, RejectedError
from image_assets.ports import FolderPicture
from image_assets.services.durable import disk_errors

# Also what we cannot read: a picture that is left out in silence would be missed too late.
_NAMED = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif",
    ".heic", ".heif", ".jxl", ".jp2",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class PicturesBelow:
    """What is below `root`, but for what is below `without`. Fulfils `ports.PictureFolder`."""

    root: Path
    without: Path | None = None

    def pictures(self) -> Sequence[FolderPicture]:
        """Every plain file that is named as a picture, by name; no link is followed.

        Raises:
            NotFoundError: there is no such folder.
        """
        with disk_errors(self.root):
            if not stat.S_ISDIR(self.root.stat().st_mode):
                raise NotFoundError(f"{self.root}: not a folder")
            return sorted(self._found(), key=lambda picture: os.fsencode(picture.name))

    def sha256(self, picture: FolderPicture) -> str:
        """Hex SHA-256 of its bytes.

        Raises:
            NotFoundError: it is gone meanwhile.
        """
        with disk_errors(picture.path):
            # No waiting at a pipe that took the file's name in between.
            handle = os.open(picture.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as content:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise RejectedError(f"{picture.path}: not a plain file any more")
                return hashlib.file_digest(content, "sha256").hexdigest()

    def _found(self) -> Iterator[FolderPicture]:
        without = self.without and self.without.resolve()
        for folder, folders, files in os.walk(self.root):
            here = Path(folder)
            folders[:] = [
                name
                for name in folders
                if not name.startswith(".") and (here / name).resolve() != without
            ]
            for name in files:
                path = here / name
                if path.suffix.lower() in _NAMED and not name.startswith("."):
                    yield from self._plain(path)

    def _plain(self, path: Path) -> Iterator[FolderPicture]:
        """The file, unless it is none, or no longer there."""
        with suppress(FileNotFoundError):
            found = path.lstat()
            if stat.S_ISREG(found.st_mode):
                name = path.relative_to(self.root).as_posix()
                yield FolderPicture(name, path.absolute(), found.st_size)
