"""The folder in which somebody draws visualisations, and what proves that one of them was published."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from image_assets.core.model import Entry, ImageState, Listing, Partition
from image_assets.ports.sources import ImageSource


@dataclass(frozen=True, slots=True)
class PutAway:
    """A visualisation's file among those that were put away, and when."""

    name: str
    put_away_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of a visualisation.

    `proven` are the destinations that hold its own bytes, with when that was last proven; `settled`
    those at which nothing is left to be done, for whatever reason.
    """

    state: ImageState
    sha256: str | None
    proven: Mapping[str, dt.datetime]
    settled: frozenset[str]


class Plots(ImageSource, Protocol):
    """A folder that belongs to somebody else, who draws in it while we look.

    What is being written, cannot be read or is gone again is left alone, and told.
    """

    def waiting(self) -> Mapping[Partition, Listing]:
        """Every partition of which something lies there and has settled."""
        ...

    def troubles(self) -> Sequence[str]:
        """What lies there and cannot be taken, and what to do about it."""
        ...

    def sha256(self, entry: Entry) -> str:
        """Hex SHA-256 of the file as it is now.

        Raises:
            TransientError: somebody is writing it.
            NotFoundError: it is gone, or was drawn again.
        """
        ...

    def put_away(self, entry: Entry, *, now: dt.datetime) -> None:
        """Take the file and its sidecar out of the folder, so that a person can bring them back.

        Raises:
            NotFoundError: it is gone.
        """
        ...

    def away(self) -> Sequence[PutAway]:
        """What was put away and not purged, the oldest first."""
        ...

    def sha256_away(self, file: PutAway) -> str:
        """Hex SHA-256 of what was put away."""
        ...

    def purge(self, file: PutAway) -> None:
        """Remove what was put away, and its sidecar, for good."""
        ...


class PlotsCatalog(Protocol):
    """What the catalog can prove of visualisations."""

    def standings(self, partition: Partition) -> Mapping[str, Standing]:
        """What became of each picture of the partition, by item key."""
        ...

    def proven(self, tenant: str, sha256: str) -> Mapping[str, dt.datetime]:
        """The destinations that hold these bytes themselves, with when that was last proven."""
        ...
