"""Drafts in a shop: what a shop shows of its listings, and what is recorded of ours."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from image_assets.core.listings import ListingText
from image_assets.core.model import Blob, Partition


class ListingState(StrEnum):
    """How far a design's listing is."""

    INTENT = "intent"  # nothing was sent, or what was sent was refused
    SENDING = "sending"  # it was about to be sent: after a kill only asking tells
    IN_DOUBT = "in_doubt"  # it was sent, and no answer came
    DRAFTED = "drafted"  # the draft is there, images may lack
    LISTED = "listed"  # the draft is there with its images
    FAILED = "failed"  # refused; a later run tries again
    GONE = "gone"  # somebody deleted the draft: it is not made again


@dataclass(frozen=True, slots=True)
class Listed:
    """A listing as the shop shows it."""

    listing_id: int
    url: str
    title: str
    description: str
    state: str
    created_at: dt.datetime
    skus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A design without a finished listing: its pictures in rank order, and what they lack."""

    design_id: str
    name: str
    pictures: tuple[Blob, ...]
    lacking: int = 0


@dataclass(frozen=True, slots=True)
class ListingRow:
    """What is recorded of a design's listing."""

    number: int
    design_id: str
    state: ListingState
    title: str
    created_at: dt.datetime
    listing_id: int | None = None
    url: str | None = None
    reason: str | None = None


class ShopSite(Protocol):
    """One shop at a time, by its number there; every call may raise `QuotaExhaustedError`."""

    @property
    def deadline(self) -> float:
        """Seconds that one call may take, every attempt and wait included."""
        ...

    def drafts(self, shop: str, shop_id: int) -> Sequence[Listed]:
        """Every draft of the shop."""
        ...

    def created(self, shop: str, shop_id: int, since: dt.datetime) -> Sequence[Listed]:
        """Listings made since then, whatever became of them meanwhile; the oldest first."""
        ...

    def create(self, shop: str, shop_id: int, text: ListingText) -> Listed:
        """Make a draft; sent once at most.

        Raises:
            InDoubtError: it may have been made.
        """
        ...

    def label(self, shop: str, shop_id: int, listing_id: int, text: ListingText) -> None:
        """Give a draft its SKU."""
        ...

    def ranks(self, shop: str, shop_id: int, listing_id: int) -> Collection[int]:
        """The ranks of a listing's images that are there.

        Raises:
            NotFoundError: there is no such listing any more.
        """
        ...

    def add_image(
        self, shop: str, shop_id: int, listing_id: int, file: Path, image: Blob, rank: int
    ) -> None:
        """Put an image on a listing at a rank; sent once at most.

        Raises:
            InDoubtError: it may be there.
        """
        ...


class ListingsCatalog(Protocol):
    """Listings by shop and design: one row each, written before anything is sent."""

    def unlisted(
        self, partition: Partition, shop_id: int, templates: Sequence[str], recipe: str
    ) -> Sequence[Unlisted]:
        """Designs of the partition without a finished listing, by item key; mockups first, then the export."""
        ...

    def rows(self, partition: Partition, shop_id: int) -> Sequence[ListingRow]:
        """What is recorded of the partition's designs, by item key."""
        ...

    def claim(
        self,
        partition: Partition,
        shop_id: int,
        design_id: str,
        title: str,
        owner: str,
        *,
        until: dt.datetime,
        now: dt.datetime,
    ) -> ListingRow | None:
        """Record the intent, or take up what is there; None while another run has it, or it is over."""
        ...

    def renew(self, number: int, owner: str, *, until: dt.datetime, now: dt.datetime) -> None:
        """Keep it for longer.

        Raises:
            RejectedError: another run has it by now.
        """
        ...

    def sending(self, number: int, owner: str, *, until: dt.datetime, now: dt.datetime) -> None:
        """The draft is about to be sent; as `renew`."""
        ...

    def drafted(self, number: int, owner: str, listing: Listed, *, now: dt.datetime) -> bool:
        """The draft is there; False when another design has that listing."""
        ...

    def settle(
        self,
        number: int,
        owner: str,
        state: ListingState,
        reason: str | None = None,
        *,
        until: dt.datetime | None = None,
        now: dt.datetime,
    ) -> None:
        """It is that far, and free for other runs, `until` a moment only after it."""
        ...
