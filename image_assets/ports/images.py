"""Pictures received, and the days they belong to."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from image_assets.core.model import Blob, Entry, Fetched, ImageState, Partition, Variant


@dataclass(frozen=True, slots=True)
class Day:
    """What is known of a collection's day at its source.

    `limit` is how many of the `listed` pictures the last collection wanted at most; None: all.
    """

    listed_at: dt.datetime
    listed: int
    complete: bool
    sealed_at: dt.datetime | None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class KnownImage:
    """What the catalog holds of an item key.

    `received_at` is when it came, or was last refused or missed. `reason` is why it is not stored
    or, of a thumbnail, why it is all there is. `origin` is the address the listing gave for it.
    """

    state: ImageState
    sha256: str | None
    variant: Variant
    reason: str | None
    received_at: dt.datetime
    origin: str | None = None


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
        self,
        partition: Partition,
        *,
        listed: int,
        complete: bool,
        now: dt.datetime,
        limit: int | None = None,
    ) -> None:
        """Remember that the day was listed, and under which limit it is collected now."""
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
        the full-size blob. Other bytes than the stored ones are a conflict, recorded beside them
        with its own origin; equal bytes change nothing but the origin. Staleness is settled by
        capture time, whatever the order of arrival.
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

        Two absent looks at least `gone_after` apart make it gone (of no time at all: one look does);
        any other failure proves nothing.
        """
        ...

    def accept_thumbnail(self, partition: Partition, item_key: str, *, reason: str) -> None:
        """A record that is still a thumbnail keeps it for good; any other stays as it is."""
        ...

    def counts(self, partition: Partition) -> ImageCounts:
        """What the partition has."""
        ...

    def paths(self, partition: Partition) -> Sequence[str]:
        """Where the partition's stored pictures lie, by item key; equal bytes once."""
        ...
