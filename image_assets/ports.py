"""What the stages need of the outside, one small Protocol per need.

Services fulfil these, and so do the fakes of the tests; neither inherits from anything here. Every
method raises errors of `core.errors` only. All times are aware UTC.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
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
    Rendered,
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

    def put(self, file: Path, key: str) -> bool:
        """Move a scratch file to `key` durably; False, and nothing changed, when `key` is taken."""
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

    def render(self, file: Path, recipe: Recipe) -> Rendered:
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


@dataclass(frozen=True, slots=True)
class ImageCounts:
    """What a partition, or a tenant, has: pictures by state, and the bytes of its distinct blobs.

    `stale` and `conflicts` are among the stored ones.
    """

    states: Mapping[ImageState, int]
    stale: int
    conflicts: int
    bytes: int


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

    def counts(self, partition: Partition) -> ImageCounts:
        """What the partition has."""
        ...

    def paths(self, partition: Partition) -> Sequence[str]:
        """Where the partition's stored pictures lie, by item key; equal bytes once."""
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
        """A new design with this picture as anchor and display image; its id.

        The picture is joined to it. Where the picture, or an anchor with these pixels, has a design
        already, that one is given: repeating changes nothing.
        """
        ...

    def join(self, image_id: int, design_id: str, pixel_sha256: str | None) -> None:
        """The picture is of this design (as its anchor or as an alias), unless it has one already."""
        ...


@dataclass(frozen=True, slots=True)
class DesignCounts:
    """Of a partition: its distinct designs, its pictures that have one, and how many are aliases."""

    designs: int
    images: int
    aliases: int


@dataclass(frozen=True, slots=True)
class DesignFlaws:
    """Where the invariants of designs do not hold; all empty when all is well.

    `undesigned` are item keys of stored pictures without a design, `unanchored` ids of designs whose
    anchor picture is not theirs, `twins` ids of designs that share exact pixels with another one.
    """

    undesigned: Sequence[str]
    unanchored: Sequence[str]
    twins: Sequence[str]


class DesignsCatalog(Protocol):
    """Distinct pictures and which received picture is of which design."""

    def undesigned(self, partition: Partition, scope: Scope) -> Sequence[Undesigned]:
        """Stored pictures of the partition without a design, by item key."""
        ...

    def admission(self, scope: Scope) -> AbstractContextManager[Admission]:
        """Open one transaction that admits to `scope`; all of it or nothing."""
        ...

    def counts(self, partition: Partition) -> DesignCounts:
        """How many designs the partition's pictures show."""
        ...

    def flaws(self, partition: Partition) -> DesignFlaws:
        """Where the partition's designs break an invariant."""
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
    ) -> Sequence[str]:
        """Record all formats of a design at once; a live export stays as it is, an expired one lives.

        Gives the path under which each blob's bytes live, which is an older one when the bytes
        were known already, or the path of the live export that stays instead of them.
        """
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
        self, upload_id: int, owner: str, receipt: Receipt, *, attempt: Attempt, now: dt.datetime
    ) -> None:
        """The host gave its receipt.

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

    def doubt(self, upload_id: int, owner: str, *, attempt: Attempt, now: dt.datetime) -> None:
        """Nobody knows whether the host has it; only asking settles it."""
        ...

    def fail(
        self, upload_id: int, owner: str, *, attempt: Attempt, rejected: bool, now: dt.datetime
    ) -> None:
        """It is not there; a later run tries again, unless the host refuses this content."""
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
    created_at: dt.datetime
    published_at: dt.datetime | None


class LatestCatalog(Protocol):
    """What each latest key announced, in order; the newest sequence rules."""

    def newest_verified(
        self,
        source: str,
        collection: str,
        destination: str,
        recipe: str | None,
        format: ImageFormat,
        *,
        until: dt.datetime,
        tenant: str,
    ) -> Newest | None:
        """The newest picture captured not after `until` whose upload is verified.

        That is its design's export in this recipe and format; without a recipe (a source that
        publishes originals) the picture's own bytes, whatever their format.
        """
        ...

    def current(self, tenant: str, key: str) -> LatestEntry | None:
        """The newest sequence of a key."""
        ...

    def append(
        self,
        tenant: str,
        key: str,
        *,
        sequence: int,
        captured_at: dt.datetime,
        value: str,
        sha256: str,
        now: dt.datetime,
    ) -> LatestEntry:
        """Announce the content `sha256` as this sequence, pending.

        Raises:
            RejectedError: the sequence is not the next one, or it would go back in capture time.
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

    def export_facts(self, recipes: Collection[str]) -> Iterable[ExportFacts]:
        """Every live export, with what decides whether it may go; `recipes` are those still known."""
        ...

    def record_plan(self, plan: DeletionPlan, *, now: dt.datetime) -> None:
        """Replace what was planned and not applied by this plan."""
        ...

    def planned(self) -> Sequence[PlannedDeletion]:
        """Deletions planned and not tombstoned, oldest first."""
        ...

    def tombstone(self, deletion_id: int, *, now: dt.datetime) -> str | None:
        """Mark the subject deleted, if nothing came to need it since the plan; else withdraw it.

        Gives the path of the file that is nobody's any more: delete it, then say `purged`. None when
        no file may go: the deletion was withdrawn, or something else lives on the same bytes.
        """
        ...

    def unpurged(self) -> Sequence[PlannedDeletion]:
        """Deletions tombstoned and not purged: a run was cut off before its file went."""
        ...

    def purged(self, deletion_id: int, *, now: dt.datetime) -> None:
        """The bytes are gone."""
        ...


@dataclass(frozen=True, slots=True)
class Totals:
    """All that a tenant has, in a few figures.

    `designs` are distinct, `exports` live files, `uploads` ledger rows by state, `latest` keys that
    were published at least once.
    """

    images: ImageCounts
    designs: int
    exports: int
    uploads: Mapping[UploadState, int]
    latest: int

    @property
    def received(self) -> int:
        """Ledger rows with a receipt."""
        return self.uploads.get(UploadState.RECEIPT, 0) + self.verified

    @property
    def verified(self) -> int:
        """Ledger rows proven at their host."""
        return self.uploads.get(UploadState.VERIFIED, 0)


class TotalsCatalog(Protocol):
    """The catalog as a whole, for summaries."""

    def totals(self, tenant: str) -> Totals:
        """Everything at one moment."""
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
