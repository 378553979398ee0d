"""Looking at what hosts show: what became of pictures there, and what was found when."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from image_assets.core.fidelity import Habit, Shown, Sighting
from image_assets.core.looks import Finding, LookTerms
from image_assets.core.model import Content, Level, Partition, Receipt
from image_assets.ports.uploads import Upload


@runtime_checkable
class Showing(Protocol):
    """A host whose pictures can be read back: it says what became of one on the way."""

    def show(self, content: Content, file: Path, receipt: Receipt) -> Shown:
        """As `ImageHost.verify`, errors included."""
        ...


@runtime_checkable
class Looking(Protocol):
    """A host that can be looked at without the file that was sent."""

    def look(self, content: Content, receipt: Receipt, size: int | None = None) -> Level:
        """See that something of the right kind is there; `size` are the bytes it showed before.

        Raises:
            NotFoundError: the host answers that nothing is there.
            VerificationError: it is something else.
        """
        ...


@dataclass(frozen=True, slots=True)
class Link:
    """A published picture that is due for a look; `size` are the bytes it showed last, if known."""

    upload: Upload
    tenant: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found, and why; `level` and `size` where something was there."""

    finding: Finding
    reason: str | None = None
    level: Level | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Suspect:
    """A published picture that was not well at the last look.

    `since` is when a host first said so, None where it only did not answer; `settled` once two looks
    agreed and the ledger was told. `partitions` are where the picture belongs, the first few.
    """

    upload: Upload
    tenant: str
    finding: Finding
    since: dt.datetime | None
    looked_at: dt.datetime
    reason: str | None
    settled: bool
    partitions: tuple[Partition, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkCounts:
    """What is published at a destination: verified uploads, and the findings of their last looks.

    `never` were not looked at since they were published, `due` are due now.
    """

    verified: int
    never: int
    due: int
    findings: Mapping[Finding, int]


class FidelityCatalog(Protocol):
    """What hosts were seen to do with pictures."""

    def learn(
        self, destination: str, sightings: Sequence[Sighting], *, now: dt.datetime
    ) -> Sequence[Habit]:
        """Add what was seen; the habits of it that are a change, and new."""
        ...

    def habits(self, destination: str) -> Sequence[Habit]:
        """The profile of a destination, by format, then by how often."""
        ...

    def accept(self, destination: str, *, now: dt.datetime) -> int:
        """Take note of every change: how many there were."""
        ...


class LinksCatalog(Protocol):
    """When published pictures were looked at, and what was found."""

    def due(self, destination: str, terms: LookTerms, *, now: dt.datetime) -> Sequence[Link]:
        """Verified uploads that are due: those in question first, then the longest not looked at."""
        ...

    def look(self, upload_id: int, look: Look, *, now: dt.datetime) -> dt.datetime | None:
        """Record a look: since when its accusation stands, None where it is none.

        A look that found nobody there neither makes an accusation nor ends one.
        """
        ...

    def lose(self, upload_id: int, look: Look, *, now: dt.datetime) -> bool:
        """Tell the ledger that the host does not show it any more; False when the row has moved on.

        The next run of the upload looks once more, then publishes it again.
        """
        ...

    def suspects(self, destination: str | None, *, most: int = 100) -> Sequence[Suspect]:
        """What was not well at its last look and is not published again since, the latest first."""
        ...

    def counts(self, destination: str, terms: LookTerms, *, now: dt.datetime) -> LinkCounts:
        """How many there are, and how they are."""
        ...

    def destinations(self) -> Sequence[str]:
        """Every destination at which something was published, by name."""
        ...


class RepublishingCatalog(Protocol):
    """What a destination was given, whatever became of it there."""

    def given(
        self, destination: str, *, after: int = 0, most: int = 500
    ) -> Sequence[tuple[str, Upload]]:
        """Tenant and ledger row of all that had a receipt and was not removed, after a number."""
        ...

    def held(self, destination: str, tenant: str, hashes: Collection[str]) -> frozenset[str]:
        """Those of these bytes that are verified at a destination."""
        ...

    def homes(self, sha256: str, tenant: str) -> Sequence[Partition]:
        """The partitions that have or had these bytes, the first few."""
        ...

    def here(self, sha256: str, tenant: str) -> str | None:
        """The path of these bytes in the store, as the catalog knows it; None when it knows none."""
        ...
