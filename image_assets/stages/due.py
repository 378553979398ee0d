"""Which pictures of a listing are wanted, and which of those are due: not settled, or worth a look."""

import datetime as dt
import posixpath
import urllib.parse
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from image_assets.core import naming
from image_assets.core.model import (
    SETTLED,
    Entry,
    ImageState,
    Listing,
    Variant,
)
from image_assets.ports import KnownImage

OUR_LIMITS = frozenset(
    {
        *("too_slow", "too_much_memory", "too_large", "too_many_pixels", "crashes_the_decoder"),
        *("too_small", "side_too_long", "format_not_taken"),
    }
)
"""Reasons of refusals that another setting or machine may cure."""

Known = Mapping[str, KnownImage]
RefusedSize = Callable[[KnownImage], int | None]
"""Bytes of what was refused; None where nothing is kept of it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of the pictures that are listed for a date are wanted, and in which order they come.

    The first `limit` of them in the order of capture, or from the newest back; all without a limit.
    What is here already counts: the same choice made again asks for nothing more.
    """

    limit: int | None = None
    newest_first: bool = False

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"a limit is 1 at least, and not {self.limit}")

    def of(self, listing: Listing) -> Listing:
        """The listing with the wanted entries alone, in their order."""
        ordered = sorted(
            listing.entries, key=lambda entry: entry.item_key, reverse=self.newest_first
        )
        return replace(listing, entries=tuple(ordered[: self.limit]))

    def beyond(self, listing: Listing) -> int:
        """How many listed pictures the limit leaves out."""
        return 0 if self.limit is None else max(0, len(listing.entries) - self.limit)


EVERYTHING = Choice()


def due(
    listing: Listing,
    known: Known,
    refused_size: RefusedSize,
    *,
    closed_at: dt.datetime | None = None,
) -> tuple[Entry, ...]:
    """The listed pictures to fetch.

    What was refused before the day was `closed_at` is looked at once more: it may have been on its way
    to the site when we took it.
    """
    paths = _paths(known)
    return tuple(
        entry
        for entry in listing.entries
        if (held := known.get(entry.item_key)) is None
        or is_open(held)
        or _is_early_refusal(held, closed_at)
        or _is_worth_a_look(entry, held, paths, refused_size)
    )


def left_out(listing: Listing, known: Known) -> tuple[Entry, ...]:
    """What an earlier listing named, is not here, and is named no more: by the address that it had.

    That a listing leaves it out proves nothing, and its address may still answer: with the picture,
    or with its absence.
    """
    listed = {entry.item_key for entry in listing.entries}
    return tuple(
        _entry(key, held.origin)
        for key, held in known.items()
        if key not in listed and held.origin is not None and is_open(held)
    )


def unsettled(listing: Listing, known: Known, listed: int) -> bool:
    """Whether something keeps the day from being sealed: `listed` pictures were named of it in all.

    What an earlier listing named and this one leaves out is among them, whether or not anybody asked
    for it yet.
    """
    waits = any(is_open(known.get(entry.item_key)) for entry in listing.entries)
    waits = waits or any(is_open(held) for held in known.values())
    shrunk = listed > len(listing.entries)
    return waits or (shrunk and len({naming.undisputed_key(key) for key in known}) < listed)


def is_open(held: KnownImage | None) -> bool:
    """Whether a picture is not here, or only as a thumbnail that nobody accepted yet."""
    return held is None or held.state not in SETTLED or is_provisional(held)


def is_provisional(held: KnownImage) -> bool:
    """Whether this is a thumbnail whose full size may have been absent for a moment only."""
    stored = held.state is ImageState.STORED
    return stored and held.variant is Variant.THUMBNAIL and held.reason is None


def is_last_look(held: KnownImage | None, now: dt.datetime, after: dt.timedelta) -> bool:
    """Whether a look at `now` that finds no full size shows that the thumbnail is all there is."""
    return held is not None and is_provisional(held) and now - held.received_at >= after


def _is_early_refusal(held: KnownImage, closed_at: dt.datetime | None) -> bool:
    refused = held.state is ImageState.REJECTED
    return refused and closed_at is not None and held.received_at < closed_at


def _is_worth_a_look(
    entry: Entry, held: KnownImage, paths: Mapping[str, set[str]], refused_size: RefusedSize
) -> bool:
    if held.state is ImageState.STORED:
        return _is_elsewhere(entry, held, paths)
    if held.state is not ImageState.REJECTED:
        return False
    return held.reason in OUR_LIMITS or _is_resized(entry, refused_size(held))


def _is_elsewhere(entry: Entry, held: KnownImage, paths: Mapping[str, set[str]]) -> bool:
    """Whether the listing's address is none that gave a picture of this key: perhaps another one."""
    if entry.address is None or held.origin is None:
        return False
    return _path(entry.address) not in paths[naming.undisputed_key(entry.item_key)]


def _is_resized(entry: Entry, refused: int | None) -> bool:
    return None not in (entry.size, refused) and entry.size != refused


def _paths(known: Known) -> Mapping[str, set[str]]:
    """Where the pictures of each item key came from, conflicts included."""
    found: dict[str, set[str]] = defaultdict(set)
    for key, held in known.items():
        if held.origin is not None:
            found[naming.undisputed_key(key)].add(_path(held.origin))
    return found


def _entry(key: str, origin: str) -> Entry:
    name = urllib.parse.unquote(posixpath.basename(_path(origin)))
    return Entry(key, name or key, naming.captured_at(naming.undisputed_key(key)), origin)


def _path(address: str) -> str:
    """An address without its host: a site may be reached by another name one day."""
    return urllib.parse.urlsplit(address).path
