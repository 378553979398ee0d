"""The NAS of the shops: what it holds, and putting designs there."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import Partition


@dataclass(frozen=True, slots=True)
class NasFile:
    """A file of the NAS; its path is relative to the base, `/`-separated."""

    path: str
    size: int
    modified_at: dt.datetime


@dataclass(frozen=True, slots=True)
class NasRecord:
    """What the index says of a file: its bytes, and its look where it is a picture."""

    file: NasFile
    sha256: str
    look: Fingerprint | None = None


@dataclass(frozen=True, slots=True)
class Unshelved:
    """A design whose shown picture is not known to be on the NAS."""

    design_id: str
    name: str
    sha256: str
    path: str
    size: int
    extension: str
    look: Fingerprint


class Nas(Protocol):
    """Files of a NAS by path, below a base that is known to be there.

    A call that fails is tried again, bounded; `TransientError` says that the NAS is down.
    """

    name: str

    def files(self, folder: str) -> Sequence[NasFile]:
        """Every plain file below a folder, hidden ones left out; none when there is no such folder."""
        ...

    def fetch(self, path: str, into: Path) -> str:
        """Read a file into a new local one; its hex SHA-256.

        Raises:
            NotFoundError: it is not there any more.
        """
        ...

    def put(self, file: Path, path: str) -> bool:
        """Store a file whole or not at all; False when exactly its bytes are there already.

        Raises:
            RejectedError: the path holds other bytes; they stay.
        """
        ...

    def find(self, path: str) -> NasFile | None:
        """The file there is under a path."""
        ...


class NasCatalog(Protocol):
    """What the NAS is known to hold below a folder, and which designs it lacks there."""

    def unshelved(self, partition: Partition, folder: str) -> Sequence[Unshelved]:
        """Designs of the partition whose shown bytes and pixels the folder lacks, by item key."""
        ...

    def shelved(self, partition: Partition, folder: str) -> int:
        """How many of the partition's designs are in the folder, in these bytes or these pixels."""
        ...

    def indexed(self, tenant: str, folder: str) -> Mapping[str, NasFile]:
        """What the index holds below a folder, by path."""
        ...

    def outdated(self, tenant: str, folder: str, version: str) -> Collection[str]:
        """Paths below a folder whose looks are of another version: nothing is compared with them."""
        ...

    def looks(self, tenant: str, folder: str, version: str) -> Iterator[tuple[str, Fingerprint]]:
        """Looks of a version below a folder, by path and in its order; read as they are asked for."""
        ...

    def record(self, tenant: str, records: Iterable[NasRecord], *, now: dt.datetime) -> None:
        """Index files as they are now."""
        ...

    def forget(self, tenant: str, paths: Sequence[str]) -> None:
        """The NAS was listed whole and holds these no more."""
        ...

    def listed(self, tenant: str, folder: str, *, now: dt.datetime) -> None:
        """The folder was listed, and holds what is indexed."""
        ...

    def listed_at(self, tenant: str, folder: str) -> dt.datetime | None:
        """When a folder was last listed; None when never, or when it was empty."""
        ...
