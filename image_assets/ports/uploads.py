"""The ledger of what is published where, and the hosts that publish."""

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from image_assets.core.model import Content, Level, Partition, Publishes, Receipt, UploadState
from image_assets.core.recipes import Recipe
from image_assets.core.taking import Takes


@dataclass(frozen=True, slots=True)
class Upload:
    """A ledger row: one content at one destination."""

    id: int
    content: Content
    state: UploadState
    receipt: Receipt | None
    level: Level | None
    lease_until: dt.datetime | None
    reason: str | None
    rejected: bool
    """The host refuses this content: no later run offers it again by itself."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one upload, for the log that operators read."""

    started_at: dt.datetime
    seconds: float
    outcome: str
    error: str | None = None


class UploadStanding(StrEnum):
    """How a content stands at a destination where it is not simply open: to be sent, or verified."""

    PUBLISHED = "published"
    REFUSED = "refused"  # the host would refuse it again
    WITHDRAWN = "withdrawn"
    IN_DOUBT = "in doubt"  # to be asked for


@dataclass(frozen=True, slots=True)
class Published:
    """A verified upload, and the first picture of the partition that it shows."""

    item_key: str
    upload: Upload


class UploadsCatalog(Protocol):
    """The ledger: what is, or is on its way to be, published where."""

    def publishable(
        self, partition: Partition, publishes: Publishes, recipe: Recipe
    ) -> Sequence[Content]:
        """The partition's distinct live contents that a destination should hold, in a fixed order."""
        ...

    def register(
        self, destination: str, tenant: str, contents: Sequence[Content], *, now: dt.datetime
    ) -> Sequence[Upload]:
        """Intent rows for what is new, and the ledger's rows for all of `contents`."""
        ...

    def begin(
        self, upload_id: int, owner: str, *, lease_until: dt.datetime, now: dt.datetime
    ) -> UploadState | None:
        """Take the row to send it: the state it was taken from, at this moment.

        `intent` and `failed` are certainly not at the host; `in_doubt` and `sending` (under an
        expired lease) may be, and the host is asked before anything is sent. None when the row is
        settled, refused, or under a running lease.
        """
        ...

    def receive(
        self,
        upload_id: int,
        owner: str,
        receipt: Receipt,
        *,
        attempt: Attempt,
        tries: Sequence[Attempt] = (),
        now: dt.datetime,
    ) -> int:
        """The host gave its receipt: the number of the attempt among all at this row.

        `tries` came before the attempt, and are counted and kept like it; so for every outcome.

        Raises:
            RejectedError: the row is not this owner's any more; so for every outcome.
        """
        ...

    def verified(self, upload_id: int, level: Level, *, now: dt.datetime) -> None:
        """The host was shown to hold the content, at `level`.

        Raises:
            RejectedError: the row has no receipt.
        """
        ...

    def doubt(
        self,
        upload_id: int,
        owner: str,
        *,
        attempt: Attempt,
        tries: Sequence[Attempt] = (),
        now: dt.datetime,
    ) -> int:
        """Nobody knows whether the host has it; only asking settles it."""
        ...

    def fail(
        self,
        upload_id: int,
        owner: str,
        *,
        attempt: Attempt,
        rejected: bool,
        tries: Sequence[Attempt] = (),
        now: dt.datetime,
    ) -> int:
        """It is not there; a later run tries again, unless the host refuses this content."""
        ...

    def upload(self, upload_id: int) -> Upload:
        """The row as it stands now."""
        ...

    def standings(self, destination: str, tenant: str) -> Mapping[UploadStanding, frozenset[str]]:
        """The hashes of contents that stand somehow at a destination; all others are open there."""
        ...

    def reopen(self, upload_id: int, *, now: dt.datetime) -> None:
        """Have it sent again, whatever is known of it; its receipt is kept beside.

        Raises:
            TransientError: another run is sending it.
        """
        ...

    def removing(self, upload_id: int, *, now: dt.datetime) -> AbstractContextManager[None]:
        """Within the block the host is told to take it down; after a failure its receipt counts again.

        Raises:
            RejectedError: others live on the same thing there, or nobody else has the bytes any more.
            TransientError: another run is sending it.
        """
        ...

    def counts(self, partition: Partition, destination: str) -> Mapping[UploadState, int]:
        """The ledger's rows at a destination for anything the partition has, by state."""
        ...

    def published(self, partition: Partition, destination: str) -> Sequence[Published]:
        """The partition's verified uploads at a destination, by item key, then format."""
        ...

    def in_doubt(self, destination: str, tenant: str) -> Sequence[Upload]:
        """Rows of which nobody knows whether the host has the content, oldest first."""
        ...


class ImageHost(Protocol):
    """A place that gives content a URL.

    `name` is spelled in ledgers and must never change. `level` is the highest proof `verify` can
    reach. `max_bytes` and `formats` are what the host takes.
    """

    @property
    def name(self) -> str: ...

    @property
    def level(self) -> Level: ...

    @property
    def deadline(self) -> float:
        """Seconds after which `upload` has certainly ended, one way or the other."""
        ...

    def upload(self, content: Content, file: Path) -> Receipt:
        """Publish `file` under the content's name.

        Raises:
            InDoubtError: the body was sent and no answer came.
            RejectedError: the host refuses this content.
        """
        ...

    def find(self, content: Content, file: Path) -> Receipt | None:
        """Ask whether the host holds the content.

        None only when it answers that it does not, or where sending it again is as good as asking:
        the host gives the same content the same address.

        Raises:
            InDoubtError: this host cannot be asked.
        """
        ...

    def verify(self, content: Content, file: Path, receipt: Receipt) -> Level:
        """The level of proof reached now.

        Raises:
            VerificationError: the host holds something else.
            NotFoundError: the host answers that it has nothing there.
        """
        ...

    def remove(self, receipt: Receipt) -> None:
        """Take the content down; nothing happens when it is not there.

        Raises:
            RejectedError: this host offers no removal.
        """
        ...


@runtime_checkable
class Probing(Protocol):
    """A host whose credential can be tried without sending anything."""

    def probe(self) -> None:
        """See that the host answers and lets us in.

        Raises:
            AuthenticationError: it does not let us in.
        """
        ...


@runtime_checkable
class Identifying(Protocol):
    """A host whose receipts hold, in their id, what opens the removal of a picture."""

    def image_id(self, receipt: Receipt) -> str | None:
        """The part of the id that may be shown to anybody."""
        ...


@runtime_checkable
class Taking(Protocol):
    """A host that says what it takes as it is."""

    @property
    def takes(self) -> Takes: ...


class Contents(Protocol):
    """Where the bytes of contents are."""

    def local(self, path: str) -> AbstractContextManager[Path]:
        """A readable local file with the content that lies at `path` (`Content.path`).

        Raises:
            NotFoundError: nothing is there.
        """
        ...


@dataclass(slots=True)
class Repeated:
    """The tries of a call that it made again by itself; `began` is when the last one was let in."""

    tries: list[Attempt] = field(default_factory=list)
    began: dt.datetime | None = None


class Tries(Protocol):
    """Sees how often a call is tried within itself."""

    def __call__(self) -> AbstractContextManager[Repeated]:
        """What this thread calls until the block ends; filled while it runs."""
        ...


@runtime_checkable
class Closing(Protocol):
    """A host that holds connections or processes until it is closed."""

    def close(self) -> None:
        """Let go of them; nothing is asked after that."""
        ...
