"""What the stages need of the outside, one small Protocol per need.

Services fulfil these, and so do the fakes of the tests; neither inherits from anything here. Every
method raises errors of `core.errors` only. All times are aware UTC.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import (
    Blob,
    Content,
    DeletionKind,
    Entry,
    Fetched,
    ImageFormat,
    ImageState,
    LatestState,
    Level,
    Listing,
    Partition,
    Picture,
    Publishes,
    Receipt,
    Scope,
    UploadState,
    Variant,
)
from image_assets.core.render import Recipe
from image_assets.core.retention import DeletionPlan, ExportFacts, TemporaryFile

# ---------------------------------------------------------------- where pictures come from


class ListingSite(Protocol):
    """Says which pictures a camera took on a day; URLs cannot be guessed."""

    def list_day(self, collection: str, day: dt.date) -> Listing:
        """The day's pictures.

        Raises:
            NotFoundError: the site does not know the day; an empty day is an empty listing.
        """
        ...


class ImageSource(Protocol):
    """Lists a partition's pictures and fetches one."""

    def list(self, partition: Partition) -> Listing:
        """What the source has for the partition."""
        ...

    def fetch(self, entry: Entry, into: Path) -> Fetched:
        """Write the entry's bytes to the new file `into`, whole or not at all, and hash them.

        Raises:
            NotFoundError: the source answers that the picture is not there.
            TransientError: it did not arrive whole, after the attempts the service is allowed.
        """
        ...


# ---------------------------------------------------------------- where bytes live


class FileStore(Protocol):
    """Files by key (`/`-separated, from `core.naming`). What `put` returned from survives a crash."""

    def scratch(self) -> AbstractContextManager[Path]:
        """A private folder for files on their way in, beside the store; removed at the end."""
        ...

    def put(self, file: Path, key: str) -> None:
        """Move a scratch file to `key` durably, replacing what was there."""
        ...

    def put_bytes(self, content: bytes, key: str) -> None:
        """Write `content` to `key` durably, replacing what was there."""
        ...

    def local(self, key: str) -> AbstractContextManager[Path]:
        """A readable local file with the content of `key`.

        Raises:
            NotFoundError: nothing is stored under `key`.
        """
        ...

    def size(self, key: str) -> int | None:
        """Bytes under `key`; None when the store answers that nothing is there."""
        ...

    def delete(self, key: str) -> None:
        """Remove `key`; nothing happens when it is not there."""
        ...

    def temporary_files(self) -> Iterable[TemporaryFile]:
        """Scratch files left behind, by whomever."""
        ...


# ---------------------------------------------------------------- looking at pictures


class Decoder(Protocol):
    """Decodes in processes that can be killed: a picture can fail, never the caller.

    Every method raises `UnreadableImageError` with a reason for a picture that is refused, and
    `TransientError` where the worker died for a reason that is not the picture's.
    """

    def inspect(self, file: Path) -> Picture:
        """Decode every pixel of `file` and say what it is; the name's extension counts nothing."""
        ...

    def fingerprint(self, file: Path) -> Fingerprint:
        """The current version's fingerprint of `file`."""
        ...

    def render(self, file: Path, recipe: Recipe) -> Mapping[ImageFormat, bytes]:
        """`file` in every format of the recipe, decoded once; all formats or an error."""
        ...

    def contact_sheet(self, files: Sequence[Path], *, columns: int, width: int) -> bytes:
        """Small pictures of `files` side by side as one JPEG, `width` pixels wide in all."""
        ...


# ---------------------------------------------------------------- the catalog, stage by stage


@dataclass(frozen=True, slots=True)
class Day:
    """What is known of a collection's day at its source."""

    listed_at: dt.datetime
    listed: int
    complete: bool
    sealed_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class KnownImage:
    """What the catalog holds of an item key."""

    state: ImageState
    sha256: str | None
    variant: Variant
    reason: str | None


@dataclass(frozen=True, slots=True)
class StoredImage:
    """How a picture was recorded.

    `path` is where its bytes live, which is an older path when the bytes were known already.
    `stale` says that an earlier picture of its source has the same bytes.
    """

    item_key: str
    path: str
    stale: bool


class ImagesCatalog(Protocol):
    """Pictures received, and the days they belong to."""

    def day(self, partition: Partition) -> Day | None:
        """The day's listing, None when it was never listed."""
        ...

    def record_listing(
        self, partition: Partition, *, listed: int, complete: bool, now: dt.datetime
    ) -> None:
        """Remember that the day was listed."""
        ...

    def seal(self, partition: Partition, *, now: dt.datetime) -> None:
        """The day is closed and settled: it costs no request again."""
        ...

    def known(self, partition: Partition) -> Mapping[str, KnownImage]:
        """Every record of the partition by item key."""
        ...

    def add_stored(
        self,
        partition: Partition,
        entry: Entry,
        blob: Blob,
        *,
        fetched: Fetched,
        exif: Mapping[str, str],
        now: dt.datetime,
    ) -> StoredImage:
        """Record a picture and its bytes (once per tenant) in one transaction.

        A record of the same item key in state missing becomes stored; a thumbnail's record takes
        the full-size blob. Staleness is settled by capture time, whatever the order of arrival.
        """
        ...

    def add_rejected(
        self,
        partition: Partition,
        entry: Entry,
        *,
        reason: str,
        sha256: str | None,
        quarantine: str | None,
        now: dt.datetime,
    ) -> None:
        """Record a picture that is refused, with the reason and where its bytes wait."""
        ...

    def add_missing(
        self,
        partition: Partition,
        entry: Entry,
        *,
        reason: str,
        absent: bool,
        gone_after: dt.timedelta,
        now: dt.datetime,
    ) -> ImageState:
        """Record a picture that was listed and not got; `absent` when the source said so.

        Two absent looks at least `gone_after` apart make it gone; any other failure proves nothing.
        """
        ...


@dataclass(frozen=True, slots=True)
class Undesigned:
    """A stored picture that belongs to no design yet."""

    image_id: int
    item_key: str
    sha256: str
    path: str
    design_of_blob: str | None
    """The design, in the same scope, of another picture with the same bytes."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A design as matching sees it."""

    design_id: str
    fingerprint: Fingerprint


class Admission(Protocol):
    """One open admission to a scope: nobody else admits to it meanwhile."""

    def exact(self, pixel_sha256: str, version: str) -> str | None:
        """The design whose anchor or alias has exactly these pixels."""
        ...

    def anchors(self, version: str) -> Iterable[Anchor]:
        """The scope's designs with fingerprints of `version`, in the order of their ids."""
        ...

    def create(self, image_id: int, fingerprint: Fingerprint, *, now: dt.datetime) -> str:
        """A new design with this picture as anchor and display image; its id."""
        ...

    def join(self, image_id: int, design_id: str, pixel_sha256: str | None) -> None:
        """The picture is of this design (as its anchor's or as an alias)."""
        ...


class DesignsCatalog(Protocol):
    """Distinct pictures and which received picture is of which design."""

    def undesigned(self, partition: Partition, scope: Scope) -> Sequence[Undesigned]:
        """Stored pictures of the partition without a design, by item key."""
        ...

    def admission(self, scope: Scope) -> AbstractContextManager[Admission]:
        """Open one transaction that admits to `scope`; all of it or nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Unexported:
    """A design that lacks exports of a recipe, and the bytes to make them from."""

    design_id: str
    sha256: str
    path: str


@dataclass(frozen=True, slots=True)
class ExportsCount:
    """How many designs a partition has, and how many have every format of a recipe."""

    designs: int
    whole: int


class ThumbnailsCatalog(Protocol):
    """Exports of designs."""

    def unexported(self, partition: Partition, recipe: Recipe) -> Sequence[Unexported]:
        """Designs of the partition that never had every format of the recipe (expired ones had)."""
        ...

    def add_exports(
        self,
        design_id: str,
        recipe: Recipe,
        blobs: Sequence[Blob],
        *,
        encoder: str,
        now: dt.datetime,
    ) -> None:
        """Record all formats of a design at once; what is recorded already stays as it is."""
        ...

    def exports_count(self, partition: Partition, recipe: Recipe) -> ExportsCount:
        """How complete the partition's sets are; expired sets count as whole."""
        ...


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
    ) -> bool:
        """Take the row to send it; False when it is settled or another owner's lease is running."""
        ...

    def receive(
        self, upload_id: int, owner: str, receipt: Receipt, *, attempt: Attempt, now: dt.datetime
    ) -> None:
        """The host gave its receipt."""
        ...

    def verified(self, upload_id: int, level: Level, *, now: dt.datetime) -> None:
        """The host was shown to hold the content, at `level`."""
        ...

    def doubt(self, upload_id: int, owner: str, *, attempt: Attempt, now: dt.datetime) -> None:
        """Nobody knows whether the host has it; only asking settles it."""
        ...

    def fail(
        self, upload_id: int, owner: str, *, attempt: Attempt, rejected: bool, now: dt.datetime
    ) -> None:
        """It is not there; a later run tries again, unless the host refuses this content."""
        ...


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest verified picture of a collection at a destination."""

    item_key: str
    captured_at: dt.datetime
    upload: Upload
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class LatestEntry:
    """One sequence of a latest key."""

    key: str
    sequence: int
    captured_at: dt.datetime
    value: str
    state: LatestState
    hold: bool
    published_at: dt.datetime | None


class LatestCatalog(Protocol):
    """What each latest key announced, in order; the newest sequence rules."""

    def newest_verified(
        self,
        source: str,
        collection: str,
        destination: str,
        recipe: str,
        format: ImageFormat,
        *,
        until: dt.datetime,
        tenant: str,
    ) -> Newest | None:
        """The newest picture captured not after `until` whose upload is verified."""
        ...

    def current(self, tenant: str, key: str) -> LatestEntry | None:
        """The newest sequence of a key."""
        ...

    def append(
        self, tenant: str, key: str, *, captured_at: dt.datetime, value: str, now: dt.datetime
    ) -> LatestEntry:
        """The next sequence, pending.

        Raises:
            RejectedError: it would go back in capture time.
        """
        ...

    def published(self, tenant: str, key: str, sequence: int, *, now: dt.datetime) -> None:
        """The store was read back and holds this sequence."""
        ...

    def lease(self, name: str, owner: str, *, until: dt.datetime, now: dt.datetime) -> bool:
        """Take or renew a named lease; False while another owner's is running."""
        ...

    def release(self, name: str, owner: str) -> None:
        """Give a lease back before its time."""
        ...


@dataclass(frozen=True, slots=True)
class PlannedDeletion:
    """A deletion that waits to be applied."""

    id: int
    kind: DeletionKind
    subject: str
    path: str
    size: int
    reason: str


class RetentionCatalog(Protocol):
    """What may go, what went, and why."""

    def export_facts(self) -> Iterable[ExportFacts]:
        """Every live export, with what decides whether it may go."""
        ...

    def record_plan(self, plan: DeletionPlan, *, now: dt.datetime) -> None:
        """Replace what was planned and not applied by this plan."""
        ...

    def planned(self) -> Sequence[PlannedDeletion]:
        """Deletions planned and not tombstoned, oldest first."""
        ...

    def tombstone(self, deletion_id: int, *, now: dt.datetime) -> bool:
        """Mark the subject deleted, if nothing came to need it since the plan; else withdraw it."""
        ...

    def purged(self, deletion_id: int, *, now: dt.datetime) -> None:
        """The bytes are gone."""
        ...


# ---------------------------------------------------------------- where pictures are published


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
        """Ask whether the host holds the content; None only when it answers that it does not.

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


class LatestStore(Protocol):
    """Holds the value of each latest key. Reads may be stale; there is no compare-and-set."""

    @property
    def name(self) -> str: ...

    @property
    def staleness(self) -> dt.timedelta:
        """For how long after a write a read may still give the older value."""
        ...

    def get(self, key: str) -> str | None:
        """The value of `key`; None when the store answers that there is none."""
        ...

    def put(self, key: str, value: str) -> None:
        """Set the value of `key`."""
        ...
