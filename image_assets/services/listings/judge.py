"""The one judge of what listings say: which sightings of a UTC day are pictures, and what is wrong with the rest."""

import datetime as dt
import posixpath
import urllib.parse
from collections.abc import Callable, Iterable
from typing import Any
from zoneinfo import ZoneInfo

from image_assets.core import naming, zones
from image_assets.core.model import Entry, Misfit
from image_assets.services import origins
from image_assets.services.listings import moments
from image_assets.services.listings.sightings import Sighting, short
from image_assets.services.site_names import SiteNames

_MOST_FOREIGN = 16  # other sites that one listing may name: each costs a look-up, one by one
_MOST_ADDRESS = 2048
_SKEW = dt.timedelta(minutes=5)  # clocks of cameras run ahead

_Origin = tuple[str, str | None, int | None]


class _MisfitError(Exception):
    """One sighting cannot be an entry."""


class Judge:
    """Turns the sightings of one UTC day into entries and misfits; a picture `repeated` is one.

    Args:
        names: the site's spelling.
        collection: whose pictures they are.
        day: the UTC day; pictures of others are left to theirs.
        now: cameras take no pictures after it.
        refusal: why an address may not be contacted (see `Http.refusal`).
    """

    def __init__(
        self,
        names: SiteNames,
        collection: str,
        day: dt.date,
        now: dt.datetime,
        refusal: Callable[[str], str | None],
    ) -> None:
        self.entries: list[Entry] = []
        self.misfits: list[Misfit] = []
        self.repeated: list[str] = []
        self._names = names
        self._collection = collection
        self._day = day
        self._until = now + _SKEW
        self._refusal = refusal
        self._own = frozenset(_origin(url) for url in names.roots)
        self._refusals: dict[_Origin, str | None] = {}
        self._seen: dict[dt.datetime, list[str]] = {}

    def hear(self, sightings: Iterable[Sighting], day: dt.date, zone: ZoneInfo = zones.UTC) -> None:
        """Take in what the site says of its day `day`, by the clocks of `zone`."""
        for sighting in sightings:
            try:
                entry = self._entry(sighting, day, zone)
            except _MisfitError as misfit:
                # Of an address, no more than may be shown: its query may be a key.
                self.misfits.append(Misfit(short(origins.shown(sighting.name)), str(misfit)))
            else:
                if entry is not None:
                    self.entries.append(entry)

    def _entry(self, sighting: Sighting, day: dt.date, zone: ZoneInfo) -> Entry | None:
        if sighting.flaw is not None:
            raise _MisfitError(sighting.flaw)
        at = self._moment(sighting)
        if not zones.start_of(day, zone) <= at < zones.end_of(day, zone):
            raise _MisfitError(f"its timestamp is not on {day} ({zone.key})")
        if at > self._until:
            raise _MisfitError("its timestamp is in the future")
        if at.date() != self._day:
            return None
        url = self._url(sighting.url, at)
        seen = self._seen.setdefault(at, [])
        if url in seen:
            if not sighting.by_address:  # pages show a picture again where they like
                self.repeated.append(short(origins.shown(sighting.name)))
            return None
        seen.append(url)
        key = naming.item_key(at, len(seen))  # two pictures may share a second
        name = urllib.parse.unquote(posixpath.basename(urllib.parse.urlsplit(url).path))
        return Entry(key, short(name) or key, at, url, _size(sighting.size))

    def _moment(self, sighting: Sighting) -> dt.datetime:
        try:
            if sighting.by_address:
                url = self._address(sighting.url)
                return moments.in_address(url, self._collection, self._names)
            return moments.listed(sighting.timestamp, self._names)
        except ValueError as error:
            raise _MisfitError(str(error)) from error

    def _url(self, url: Any, at: dt.datetime) -> str:
        return self._names.picture_url(self._collection, at) if url is None else self._address(url)

    def _address(self, url: Any) -> str:
        if (
            not isinstance(url, str)
            or len(url) > _MOST_ADDRESS
            or not url.isascii()
            or not url.isprintable()
        ):
            raise _MisfitError("its url is not an address")
        try:
            parts = urllib.parse.urlsplit(url)
            origin = _origin(url)
        except ValueError as error:
            raise _MisfitError("its url is not an address") from error
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise _MisfitError("its url is not a plain http address")
        if origin not in self._own and (reason := self._foreign(origin, url)) is not None:
            raise _MisfitError(f"its url is foreign: {reason}")
        return self._names.full_url(url)

    def _foreign(self, origin: _Origin, url: str) -> str | None:
        """Why an origin that is not ours is refused; asking may cost a look-up of its name."""
        if origin not in self._refusals:
            if len(self._refusals) >= _MOST_FOREIGN:
                return f"the listing names more than {_MOST_FOREIGN} other sites"
            self._refusals[origin] = self._refusal(url)
        return self._refusals[origin]


def _size(size: Any) -> int | None:
    known = isinstance(size, int) and not isinstance(size, bool) and size > 0
    return size if known else None


def _origin(url: str) -> _Origin:
    """Scheme, host and port; ValueError when the port is none."""
    parts = urllib.parse.urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, port
