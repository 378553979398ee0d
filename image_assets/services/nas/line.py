"""What a share needs of one connection to a NAS, whatever it speaks."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from image_assets.ports import NasFile


class Line(Protocol):
    """One connection, used by one thread at a time; paths are below the base.

    Every method raises `TransientError` when the line or the NAS is down: the line is not used
    again then.
    """

    def find(self, path: str) -> NasFile | None:
        """The plain file there is under a path."""
        ...

    def files(self, folder: str) -> Iterable[NasFile]:
        """Every plain file below a folder; none when there is no such folder."""
        ...

    def make_folder(self, folder: str) -> None:
        """Create a folder and what it lies in."""
        ...

    def send(self, file: Path, path: str) -> None:
        """Write a new file, durably as far as the NAS lets us."""
        ...

    def receive(self, path: str, into: Path) -> None:
        """Read a file into a new local one; NotFoundError when it is not there."""
        ...

    def rename(self, path: str, new: str) -> bool:
        """Give a file its name in one step; False, and nothing changed, when the name is taken."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file; nothing happens when it is not there."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...
