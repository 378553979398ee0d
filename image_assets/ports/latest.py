"""What each latest key announced, and the stores that say so."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

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
    told: Mapping[str, Any] = field(default_factory=dict)
    """What is announced of it beside, from where it came."""


@dataclass(frozen=True, slots=True)
class LatestEntry:
    """One sequence of a latest key. `sha256` is the content it points at.

    `written_at` is when the store was last given it, answered or not; `touched_at` the same of any
    sequence of the key.
    """

    key: str
    sequence: int
    captured_at: dt.datetime
    value: str
    sha256: str
    state: LatestState
    hold: bool
    created_at: dt.datetime
    published_at: dt.datetime | None
    written_at: dt.datetime | None = None
    touched_at: dt.datetime | None = None


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
        target: str | None = None,
    ) -> Newest | None:
        """The newest picture captured not after `until` whose upload is verified.

        That is its design's export in this recipe and format; without a recipe (a source that
        publishes originals) the picture's own bytes, whatever their format. With a `target` only
        what has that item key, SHA-256, URL or content identifier.
        """
        ...

    def current(self, tenant: str, key: str) -> LatestEntry | None:
        """The newest sequence of a key."""
        ...

    def history(self, tenant: str, key: str, *, most: int) -> Sequence[LatestEntry]:
        """The last sequences of a key, the newest first."""
        ...

    def entry(self, tenant: str, key: str, sequence: int) -> LatestEntry | None:
        """One sequence of a key."""
        ...

    def keys(self, tenant: str) -> Sequence[str]:
        """Every key that was ever announced, by name."""
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
        hold: bool = False,
    ) -> LatestEntry:
        """Announce the content `sha256` as this sequence, pending.

        With `hold` it is a person's word: it may go back in capture time, and stays until it is let go.

        Raises:
            RejectedError: the sequence is not the next one, or it would go back in capture time.
        """
        ...

    def written(self, tenant: str, key: str, sequence: int, *, now: dt.datetime) -> None:
        """The store was given this sequence, whether it answered or not."""
        ...

    def published(self, tenant: str, key: str, sequence: int, *, now: dt.datetime) -> None:
        """The store was read back and holds this sequence."""
        ...

    def let_go(self, tenant: str, key: str) -> bool:
        """The newest sequence is held no more; False when it was not."""
        ...

    def lease(self, name: str, owner: str, *, until: dt.datetime, now: dt.datetime) -> bool:
        """Take or renew a named lease; False while another owner's is running."""
        ...

    def release(self, name: str, owner: str) -> None:
        """Give a lease back before its time."""
        ...


@dataclass(frozen=True, slots=True)
class Statement:
    """A value for a store, and what is kept beside it for listings where the store can do that."""

    value: str
    about: Mapping[str, str | int] = field(default_factory=dict)


class LatestStore(Protocol):
    """Holds the value of each latest key. Reads may be stale; there is no compare-and-set."""

    @property
    def name(self) -> str: ...

    @property
    def staleness(self) -> dt.timedelta:
        """For how long after a write a read may still give the older value."""
        ...

    @property
    def deadline(self) -> dt.timedelta:
        """After which any of these calls has certainly ended."""
        ...

    @property
    def lifetime(self) -> dt.timedelta | None:
        """After which a value that is not written again is gone; None when it stays."""
        ...

    @property
    def rest(self) -> dt.timedelta:
        """The least time between two writes of one key."""
        ...

    def get(self, key: str) -> str | None:
        """The value of `key`; None when the store answers that there is none."""
        ...

    def get_many(self, keys: Collection[str]) -> Mapping[str, str]:
        """The values of those of these keys that have one."""
        ...

    def put(self, key: str, value: str, about: Mapping[str, str | int] | None = None) -> None:
        """Set the value of `key`; `about` is kept beside it where the store can do that."""
        ...

    def put_many(self, values: Mapping[str, Statement]) -> frozenset[str]:
        """Set many, together; the keys that the store did not take."""
        ...
