"""What each latest key announced, and the stores that say so."""

import datetime as dt
from dataclasses import dataclass
from typing import Protocol

from image_assets.core.model import ImageFormat, LatestState
from image_assets.ports.uploads import Upload


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
