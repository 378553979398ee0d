"""Dray Dog terminal cameras: the day's pictures by our index convention, each by the site's addresses.

A camera takes about a picture every ten minutes at random seconds, so an address cannot be guessed:
the site is asked for its list first. Times are UTC, and so are days.
"""

import datetime as dt
import logging
import posixpath
import re
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from image_assets.core import naming
from image_assets.core.errors import NotFoundError, PermanentError, TransientError
from image_assets.core.model import Entry, Fetched, Listing, Misfit, Partition, Variant
from image_assets.ports import ListingSite
from image_assets.services.http import Answer, Download, Http

log = logging.getLogger(__name__)

_MOST_BYTES = 100_000_000
_MOST_FOREIGN = 16  # other sites that one listing may name: each costs a look-up, one by one
_SKEW = dt.timedelta(minutes=5)  # clocks of cameras run ahead
_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?", flags=re.ASCII
)
_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM", b"RIFF")

_Origin = tuple[str, str | None, int | None]


class IndexListing:
    """Reads `{index}/{terminal}/{stream}/{YYYY-MM-DD}.json`, which any site can write as a file.

    Args:
        http: trusts the index's and the pictures' origins.
        index_url: root of the daily files.
        cdn_url: root of the pictures, for entries that give no address.
    """

    def __init__(self, http: Http, index_url: str, cdn_url: str) -> None:
        self._http = http
        self._index = index_url.rstrip("/")
        self._cdn = cdn_url.rstrip("/")

    def list_day(self, collection: str, day: dt.date) -> Listing:
        """The day's pictures, in the order of the index; what cannot be one is a misfit.

        Raises:
            NotFoundError: the site does not know the day.
            PermanentError: what it answers is not a day of our convention, or another day.
        """
        terminal, stream = _parts(collection)
        url = f"{self._index}/{_quoted(terminal)}/{_quoted(stream)}/{day.isoformat()}.json"

        def explain(answer: Answer) -> NotFoundError | None:
            if answer.status not in (404, 410):
                return None
            return NotFoundError(
                f"{collection} {day}: {answer.what}; the site does not know this day:"
                " check the collection's name and DRAYDOG_INDEX_URL"
            )

        answer = self._http.request("GET", url, check=Answer.json, explain=explain)
        body = _day(answer, {"terminal": terminal, "stream": stream, "date": day.isoformat()})
        now = self._http.clock.now()
        own = (_origin(self._index), _origin(self._cdn))
        reader = _Reader(day, now + _SKEW, self._http.refusal, own)
        for number, image in enumerate(body["images"]):
            reader.read(number, image, lambda at: picture_url(self._cdn, collection, at))
        complete = body.get("complete") is True and now >= _end(day)
        return Listing(tuple(reader.entries), complete, tuple(reader.misfits))


class DrayDog:
    """A camera site: lists a day by its `listing`, fetches full size, else the thumbnail.

    Args:
        listing: how the site says what it has.
        http: trusts the origin of the pictures.
        cdn_url: root of the pictures, for entries without an address.
        max_bytes: larger pictures are refused.
    """

    def __init__(
        self, listing: ListingSite, http: Http, cdn_url: str, *, max_bytes: int = _MOST_BYTES
    ) -> None:
        self._listing = listing
        self._http = http
        self._cdn = cdn_url.rstrip("/")
        self._max_bytes = max_bytes

    def list(self, partition: Partition) -> Listing:
        """What the site has for the collection's UTC day."""
        listing = self._listing.list_day(partition.collection, partition.day)
        log.debug("%s: %d pictures listed", partition, len(listing.entries))
        return listing

    def fetch(self, entry: Entry, into: Path) -> Fetched:
        """Write the picture to the new file `into`: full size, or the thumbnail when that is all.

        Raises:
            NotFoundError: the site has neither.
        """
        if entry.address is None:
            raise PermanentError(f"{entry.name}: its listing gave no address")
        try:
            return self._get(entry.address, into, entry.size, Variant.FULL)
        except (NotFoundError, _ForbiddenError) as missing:
            try:
                fetched = self._get(thumbnail_url(entry.address), into, None, Variant.THUMBNAIL)
            except (NotFoundError, _ForbiddenError):
                raise missing from None
        log.debug("%s: only the thumbnail is there", entry.name)
        return fetched

    def _get(self, url: str, into: Path, size: int | None, variant: Variant) -> Fetched:
        got = self._http.download(
            url,
            into,
            limit=self._max_bytes,
            size=size,
            check=_check_is_picture,
            explain=_explain_forbidden,
        )
        return Fetched(got.sha256, got.size, variant, got.url)


class _ForbiddenError(PermanentError):
    """401 or 403 for one picture: absent, as S3 may say it, or not for us; it proves neither."""


def _explain_forbidden(answer: Answer) -> _ForbiddenError | None:
    # No credential of ours is at fault here, so it concerns this picture and no other.
    if answer.status not in (401, 403):
        return None
    return _ForbiddenError(f"{answer.what}; the site has no such picture, or not for us")


def picture_url(cdn: str, collection: str, captured_at: dt.datetime) -> str:
    """`{cdn}/{terminal}/{date}/{hour, not padded}/{time}-{stream}.jpeg`, as the site spells it."""
    terminal, stream = _parts(collection)
    at = captured_at.astimezone(dt.UTC)
    name = f"{at:%Y-%m-%dT%H:%M:%S}-{_quoted(stream)}.jpeg"
    return f"{cdn}/{_quoted(terminal)}/{at:%Y-%m-%d}/{at.hour}/{name}"


def thumbnail_url(url: str) -> str:
    """The address of a picture's thumbnail: `-thumbnail` before the extension."""
    parts = urllib.parse.urlsplit(url)
    stem, extension = posixpath.splitext(parts.path)
    return urllib.parse.urlunsplit(parts._replace(path=f"{stem}-thumbnail{extension}"))


def full_url(url: str) -> str:
    """The address of the full picture, whichever of the two `url` is."""
    parts = urllib.parse.urlsplit(url)
    stem, extension = posixpath.splitext(parts.path)
    path = f"{stem.removesuffix('-thumbnail')}{extension}"
    return urllib.parse.urlunsplit(parts._replace(path=path))


class _Reader:
    """Turns a listing's images into entries and misfits."""

    def __init__(
        self,
        day: dt.date,
        until: dt.datetime,
        refusal: Callable[[str], str | None],
        own: tuple[_Origin, ...],
    ) -> None:
        self.entries: list[Entry] = []
        self.misfits: list[Misfit] = []
        self._day = day
        self._until = until
        self._refusal = refusal
        self._own = own
        self._refusals: dict[_Origin, str | None] = {}
        self._seen: dict[dt.datetime, list[str]] = {}

    def read(self, number: int, image: Any, address: Callable[[dt.datetime], str]) -> None:
        """One element of `images`; `address` is where it is when it does not say."""
        stamp = image.get("timestamp") if isinstance(image, dict) else None
        try:
            self.entries.append(self._entry(image, address))
        except _MisfitError as misfit:
            name = _short(stamp) if isinstance(stamp, str) else f"images[{number}]"
            self.misfits.append(Misfit(name, str(misfit)))

    def _entry(self, image: Any, address: Callable[[dt.datetime], str]) -> Entry:
        if not isinstance(image, dict):
            raise _MisfitError("not an object")
        at = self._time(image.get("timestamp"))
        url = self._address(image.get("url"), address(at))
        key = naming.item_key(at, self._ordinal(at, url))
        size = image.get("bytes")
        known = isinstance(size, int) and not isinstance(size, bool) and size > 0
        name = urllib.parse.unquote(posixpath.basename(urllib.parse.urlsplit(url).path))
        return Entry(key, _short(name) or key, at, url, size if known else None)

    def _ordinal(self, at: dt.datetime, url: str) -> int:
        """Two pictures may share a second; one picture listed twice is one."""
        seen = self._seen.setdefault(at, [])
        if url in seen:
            raise _MisfitError("listed twice")
        seen.append(url)
        return len(seen)

    def _time(self, stamp: Any) -> dt.datetime:
        if not isinstance(stamp, str) or not _TIME.fullmatch(stamp):
            raise _MisfitError("its timestamp is not YYYY-MM-DDTHH:MM:SS")
        try:
            given = dt.datetime.fromisoformat(stamp)
            at = given if given.tzinfo else given.replace(tzinfo=dt.UTC)
            at = at.astimezone(dt.UTC).replace(microsecond=0)
        except (ValueError, OverflowError) as error:  # the year 1 may begin in the year 0 of UTC
            raise _MisfitError("its timestamp is not a time") from error
        if at.date() != self._day:
            raise _MisfitError(f"its timestamp is not on {self._day} (UTC)")
        if at > self._until:
            raise _MisfitError("its timestamp is in the future")
        return at

    def _address(self, url: Any, pattern: str) -> str:
        if url is None:
            return pattern
        if (
            not isinstance(url, str)
            or len(url) > 2048
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
        return full_url(url)

    def _foreign(self, origin: _Origin, url: str) -> str | None:
        """Why an origin that is not ours is refused; asking may cost a look-up of its name."""
        if origin not in self._refusals:
            if len(self._refusals) >= _MOST_FOREIGN:
                return f"the listing names more than {_MOST_FOREIGN} other sites"
            self._refusals[origin] = self._refusal(url)
        return self._refusals[origin]


class _MisfitError(Exception):
    """One element of a listing cannot be an entry."""


def _day(answer: Answer, asked: dict[str, str]) -> dict[str, Any]:
    body = answer.json()
    if not isinstance(body, dict) or not isinstance(body.get("images"), list):
        raise PermanentError(f"{answer.what}, which is no day of the index: `images` is missing")
    for name, value in asked.items():
        if body.get(name, value) != value:
            raise PermanentError(
                f"{answer.what} for {name} {_short(str(body[name]))!r} instead of {value!r};"
                " the site's index mixes days up"
            )
    return body


def _check_is_picture(got: Download) -> None:
    # A site's error page comes with 200, and a picture's type is what its bytes say.
    if not got.head.startswith(_STARTS):
        kind = got.headers.get("content-type", "no type")
        raise TransientError(f"{got.what} with {got.size} bytes of {kind} that are no picture")


def _parts(collection: str) -> tuple[str, str]:
    terminal, _, stream = collection.rpartition("/")
    return terminal or naming.DEFAULT_TERMINAL, stream


def _origin(url: str) -> _Origin:
    """Scheme, host and port; ValueError when the port is none."""
    parts = urllib.parse.urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, port


def _quoted(segment: str) -> str:
    return urllib.parse.quote(segment, safe="")


def _end(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), dt.UTC)


def _short(text: str) -> str:
    """Text from outside, fit for a name in the catalog: no control characters, no lone surrogates."""
    return "".join(c if c.isprintable() else "?" for c in text[:200])
