"""Drafts of listings: one for each design, made once, with its images in rank order.

The intent is recorded before anything is sent, and what may have been sent is asked for before it is
sent again. A draft is never made active: that costs, and is a person's to do.
"""

import datetime as dt
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from image_assets.core.errors import (
    ImageAssetsError,
    InDoubtError,
    NotFoundError,
    PermanentError,
    QuotaExhaustedError,
    RejectedError,
    TransientError,
    VerificationError,
)
from image_assets.core.listings import MOST_IMAGES, ListingTemplate, ListingText
from image_assets.core.model import Blob, Partition
from image_assets.ports import (
    FileStore,
    Listed,
    ListingRow,
    ListingsCatalog,
    ListingState,
    ShopSite,
    Unlisted,
)
from image_assets.stages.report import Clock, Outcome, Progress, Report, each

log = logging.getLogger(__name__)

_SKEW = dt.timedelta(minutes=5)
"""By how much the shop's clock may be behind ours."""

_OVER = frozenset({ListingState.LISTED, ListingState.GONE})

_ASKED_FOR = frozenset({ListingState.SENDING, ListingState.IN_DOUBT})
"""What may be there without our knowing."""


@dataclass(frozen=True, slots=True)
class Planned:
    """The exact listing that a design would get, and what keeps it from one."""

    design: Unlisted
    text: ListingText
    images: tuple[Blob, ...]

    @property
    def trouble(self) -> str | None:
        """Why it would not be listed yet."""
        if self.design.lacking:
            return f"{self.design.lacking} of its pictures are not made yet"
        return None if self.images else "it has no picture to show"


@dataclass(frozen=True, slots=True)
class Lister:
    """The rooms that listing needs, together, for one shop of one source.

    `shop` is its folder, `shop_id` its number there. `templates` are those of its mockups, `recipe` the
    export shown after them. What is in doubt is sent again when it was looked for in vain `settle` later.
    """

    shop_id: int
    template: ListingTemplate
    catalog: ListingsCatalog
    site: ShopSite
    store: FileStore
    owner: str
    clock: Clock
    templates: Sequence[str] = ()
    recipe: str = "thumbnail"
    settle: dt.timedelta = dt.timedelta(minutes=5)
    workers: int = 2

    def plan(self, partition: Partition) -> tuple[Planned, ...]:
        """What `list_all` would make, and what lacks; nobody is asked, nothing recorded."""
        found = self.catalog.unlisted(partition, self.shop_id, self.templates, self.recipe)
        return tuple(self._planned(partition, design) for design in found)

    def list_all(self, partition: Partition, *, progress: Progress | None = None) -> Report:
        """Make the drafts that the partition's designs lack; one that fails stops no other.

        A spent day ends the batch: what was not begun is in the report, and waits.
        """
        planned = self.plan(partition)
        if not planned:
            return Report()
        try:
            drafts = _Drafts(self.site.drafts(partition.collection, self.shop_id))
        except QuotaExhaustedError as spent:
            return each(list(planned), _raising(spent), workers=1)
        return each(
            list(planned),
            lambda one: self._list(partition, one, drafts),
            workers=self.workers,
            name=lambda one: f"{partition}: {one.design.name}",
            progress=progress,
        )

    def _planned(self, partition: Partition, design: Unlisted) -> Planned:
        text = self.template.text(design.design_id, design.name, partition.collection)
        return Planned(design, text, design.pictures[:MOST_IMAGES])

    def _list(self, partition: Partition, one: Planned, drafts: "_Drafts") -> Outcome:
        if one.trouble is not None:
            raise RejectedError(f"{one.design.name}: {one.trouble}; run its stages first")
        now = self.clock()
        row = self.catalog.claim(
            partition,
            self.shop_id,
            one.design.design_id,
            one.text.title,
            self.owner,
            until=self.until(),
            now=now,
        )
        if row is None:
            return self._not_ours(partition, one)
        work = _Work(self, partition.collection, one, row)
        try:
            return work.done(drafts)
        except ImageAssetsError as error:
            work.give_up(error)
            raise

    def _not_ours(self, partition: Partition, one: Planned) -> Outcome:
        """Another run has it, or had it when it was killed; or it was asked for too early to prove anything."""
        rows = self.catalog.rows(partition, self.shop_id)
        row = next((row for row in rows if row.design_id == one.design.design_id), None)
        if row is not None and row.state in _OVER:
            return Outcome("another run's")
        if row is not None and row.state is ListingState.IN_DOUBT:
            raise InDoubtError(f"{row.reason}; it is looked for again in a few minutes")
        raise TransientError(
            f"{one.design.name}: another run has its listing, or was killed at it a few minutes ago"
        )

    def until(self) -> dt.datetime:
        """How long a listing is kept for one more call."""
        return self.clock() + dt.timedelta(seconds=self.site.deadline + 30)


def _raising(error: ImageAssetsError) -> Callable[[object], Outcome]:
    """Work that fails at once, for the same reason."""

    def work(_: object) -> Outcome:
        raise error

    return work


class _Drafts:
    """The drafts that a shop had when the batch began, by SKU."""

    def __init__(self, drafts: Sequence[Listed]) -> None:
        self._by_sku: dict[str, list[Listed]] = {}
        for draft in drafts:
            for sku in draft.skus:
                self._by_sku.setdefault(sku, []).append(draft)

    def of(self, sku: str) -> Sequence[Listed]:
        """Those that bear it."""
        return self._by_sku.get(sku, ())


def _like(made: Sequence[Listed], title: str, text: ListingText) -> list[Listed]:
    """Of these listings those that may be the one that was sent under this title, the likeliest first.

    One that bears another design's SKU is that design's.
    """
    own = [one for one in made if text.sku in one.skus]
    nobodys = [one for one in made if not any(one.skus) and _same(one.title, title)]
    return own + sorted(nobodys, key=lambda one: not _same(one.description, text.description))


def _same(left: str, right: str) -> bool:
    return " ".join(left.split()) == " ".join(right.split())


@dataclass(slots=True)
class _Work:
    """One listing while it is made: how far it is, and what becomes of it when something fails."""

    lister: Lister
    shop: str
    planned: Planned
    row: ListingRow
    state: ListingState = field(init=False)

    def __post_init__(self) -> None:
        self.state = self.row.state

    def done(self, drafts: "_Drafts") -> Outcome:
        """Draft, SKU, images, receipt."""
        listing_id, note = self.row.listing_id, "completed"
        if listing_id is None:
            found = self._found(drafts)
            note = "found" if found is not None else "drafted"
            listing_id = (found or self._created()).listing_id
        lister = self.lister
        self._renew()
        lister.site.label(self.shop, lister.shop_id, listing_id, self.planned.text)
        sent = self._show(listing_id)
        self._settle(ListingState.LISTED)
        log.info("%s: listing %d is a draft with its images", self.planned.design.name, listing_id)
        return Outcome(note, sent)

    def give_up(self, error: ImageAssetsError) -> None:
        """Record how far it is; what is in doubt stays so, and is asked for before it is sent again."""
        state, until = self.state, None
        if isinstance(error, NotFoundError) and state is ListingState.DRAFTED:
            state = ListingState.GONE
        elif state in _ASKED_FOR:
            state = ListingState.IN_DOUBT
            until = self.lister.clock() + self.lister.settle
        elif state is not ListingState.DRAFTED and isinstance(error, PermanentError):
            state = ListingState.FAILED
        self._settle(state, str(error), until)

    def _found(self, drafts: "_Drafts") -> Listed | None:
        """The draft of this design that is there already, recorded as its own."""
        lister, sku = self.lister, self.planned.text.sku
        candidates = list(drafts.of(sku))
        if len(candidates) > 1:
            numbers = ", ".join(str(one.listing_id) for one in candidates)
            raise VerificationError(
                f"{self.planned.design.name}: the shop has {len(candidates)} drafts with the SKU"
                f" {sku} ({numbers}); keep one, delete the others there"
            )
        if not candidates and self.state in _ASKED_FOR:
            since = self.row.created_at - _SKEW
            made = lister.site.created(self.shop, lister.shop_id, since)
            candidates = _like(made, self.row.title, self.planned.text)
        return next((one for one in candidates if self._take(one)), None)

    def _created(self) -> Listed:
        """A new draft. An answer that never came is asked for at once: most often it is there."""
        lister, text = self.lister, self.planned.text
        lister.catalog.sending(
            self.row.number, lister.owner, until=lister.until(), now=lister.clock()
        )
        before, self.state = self.state, ListingState.SENDING
        try:
            made = lister.site.create(self.shop, lister.shop_id, text)
        except InDoubtError as error:
            log.warning("%s: %s; looking for it", self.planned.design.name, error)
            made = self._recovered(error)
        except ImageAssetsError:
            # Refused, or never sent: nothing was made.
            self.state = ListingState.INTENT if before in _ASKED_FOR else before
            raise
        else:
            if not self._take(made):
                raise VerificationError(f"listing {made.listing_id} belongs to another design")
        return made

    def _recovered(self, error: InDoubtError) -> Listed:
        lister, since = self.lister, self.row.created_at - _SKEW
        made = lister.site.created(self.shop, lister.shop_id, since)
        for one in _like(made, self.planned.text.title, self.planned.text):
            if self._take(one):
                return one
        raise error

    def _take(self, listing: Listed) -> bool:
        """Record a draft as this design's; False when it is another's."""
        lister = self.lister
        taken = lister.catalog.drafted(self.row.number, lister.owner, listing, now=lister.clock())
        if taken:
            self.state = ListingState.DRAFTED
        return taken

    def _show(self, listing_id: int) -> int:
        """Send the images that lack, one at a time in rank order; their bytes."""
        lister, sent = self.lister, 0
        there = lister.site.ranks(self.shop, lister.shop_id, listing_id)
        for rank, image in enumerate(self.planned.images, 1):
            if rank in there:
                continue
            self._renew()
            self._send(listing_id, image, rank)
            sent += image.size
        return sent

    def _send(self, listing_id: int, image: Blob, rank: int) -> None:
        lister = self.lister
        with lister.store.local(image.path) as file:
            try:
                lister.site.add_image(self.shop, lister.shop_id, listing_id, file, image, rank)
            except InDoubtError:
                if rank not in lister.site.ranks(self.shop, lister.shop_id, listing_id):
                    raise

    def _renew(self) -> None:
        lister = self.lister
        lister.catalog.renew(
            self.row.number, lister.owner, until=lister.until(), now=lister.clock()
        )

    def _settle(
        self, state: ListingState, reason: str | None = None, until: dt.datetime | None = None
    ) -> None:
        lister = self.lister
        lister.catalog.settle(
            self.row.number, lister.owner, state, reason, until=until, now=lister.clock()
        )
