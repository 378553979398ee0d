"""What the catalog says should lie in the store, what lies there, and how records are opened again."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from image_assets.core.model import Partition
from image_assets.core.spans import Span


@dataclass(frozen=True, slots=True)
class Kept:
    """Bytes that stored pictures of a partition stand on: where they should be and what they are."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class FileInStore:
    """A file that lies in the store, by key."""

    path: str
    size: int
    modified_at: dt.datetime


@dataclass(frozen=True, slots=True, order=True)
class Reopened:
    """A picture that is to be collected again, by the partition and key of its record."""

    partition: Partition
    item_key: str


class Inventory(Protocol):
    """Lists what lies in the store, and moves a file of it out of the way."""

    def files(self, folder: str) -> Iterator[FileInStore]:
        """Every file below a folder, by key; none where the folder is not there.

        Raises:
            PermanentError: the store, or a folder in it, cannot be read: that says nothing of files.
        """
        ...

    def set_aside(self, path: str) -> str:
        """Move a file into quarantine, under its own hash, durably; gives the new key.

        Raises:
            NotFoundError: nothing is stored under `path`.
            PermanentError: other bytes lie under that hash already; the file stays where it is.
        """
        ...


class VerifyCatalog(Protocol):
    """The records that files are compared with, and what a loss does to them."""

    def kept(self, partition: Partition) -> Sequence[Kept]:
        """The bytes of the partition's stored pictures, by path; equal bytes once."""
        ...

    def tracked(self, paths: Collection[str]) -> frozenset[str]:
        """Those of the paths that some record says are its bytes, of whatever tenant."""
        ...

    def lose(self, tenant: str, kept: Kept, *, reason: str, now: dt.datetime) -> Sequence[Reopened]:
        """The bytes are not in the store: every picture on them is missing, with the reason.

        Their days are open again, exports on the same bytes are expired, and the bytes forgotten, so
        that the next collection fetches those pictures and nothing else. Gives the pictures; none when the record says something else by now. One transaction.
        """
        ...

    def lost(self, partition: Partition) -> Sequence[Reopened]:
        """Pictures that were here and are missing, by item key."""
        ...

    def recall(self, span: Span) -> Sequence[Reopened]:
        """Pictures of the span that are gone at their source are missing, their days open again.

        One more absent look makes them gone for good. Gives the pictures.
        """
        ...
