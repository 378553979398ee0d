"""Folders of pictures that are nobody's source: what lies in one is exported, and left alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FolderPicture:
    """A file of the folder: its `/`-separated name below it, as the disk spells it, path and bytes."""

    name: str
    path: Path
    size: int


class PictureFolder(Protocol):
    """A folder, looked through with what is below it."""

    def pictures(self) -> Sequence[FolderPicture]:
        """Every plain file that is named as a picture, by name; no link leads anywhere.

        Raises:
            NotFoundError: there is no such folder.
        """
        ...

    def sha256(self, picture: FolderPicture) -> str:
        """Hex SHA-256 of its bytes.

        Raises:
            NotFoundError: it is gone meanwhile.
        """
        ...
