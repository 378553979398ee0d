"""Pictures in folders of this machine that are published where they lie, and what is known of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol

from image_assets.core.attempt_log import LoggedAttempt
from image_assets.core.file_filter import FileFilter
from image_assets.core.model import Content, ImageFormat

# A folder may hold a hundred thousand: as tuples they are made in a third of the time.


class Stamp(NamedTuple):
    """What tells that a file is what it was: bytes, times in nanoseconds, and its number on the disk."""

    size: int
    modified_ns: int
    changed_ns: int
    inode: int


class LocalFile(NamedTuple):
    """A file below a folder: `name` is its `/`-separated path there, `address` as the ledger has it."""

    name: str
    root: Path
    address: str
    stamp: Stamp

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.root / self.name


class KnownFile(NamedTuple):
    """What a file held while it had this stamp: a picture of a format, or why it is none."""

    stamp: Stamp
    sha256: str
    format: ImageFormat | None
    problem: str | None = None
    exif: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder has: files to publish, in the order of their names, and others with the reason."""

    files: Sequence[LocalFile]
    left_out: Mapping[str, int]


class LocalFolder(Protocol):
    """A folder of pictures on a disk of this machine."""

    def look(self, wanted: FileFilter, *, recursive: bool) -> Found:
        """The files that are wanted; no link is followed.

        Raises:
            NotFoundError: there is no such folder.
        """
        ...

    def sha256(self, file: LocalFile) -> str:
        """Hex SHA-256 of its bytes.

        Raises:
            TransientError: it changes while it is read, or has changed.
        """
        ...

    def move(self, file: LocalFile, content: Content) -> Path:
        """Put the file to where what was published goes: never over another.

        Raises:
            TransientError: it is not what it was.
        """
        ...


class AttemptLog(Protocol):
    """The log of attempts that people read."""

    def add(self, *attempts: LoggedAttempt) -> None:
        """A line for each, at the end."""
        ...


class LocalFilesCatalog(Protocol):
    """What is known of files by their address, so that nobody reads them twice."""

    def known(self, tenant: str, below: str) -> Mapping[str, KnownFile]:
        """Every file whose address begins with `below`, by address; without its EXIF."""
        ...

    def exif(self, tenant: str, addresses: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        """The EXIF of known files, by address."""
        ...

    def remember(self, tenant: str, files: Mapping[str, KnownFile]) -> None:
        """What files hold; what was known of them is replaced."""
        ...

    def moved(self, tenant: str, old: str, new: str) -> None:
        """A file lies elsewhere now: the ledger says so too."""
        ...
