"""How a camera site spells its cameras and times, in addresses and listings, and the way back."""

import datetime as dt
import posixpath
import urllib.parse
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from image_assets.core import naming, zones
from image_assets.core.stamps import Pattern


@dataclass(frozen=True, slots=True)
class SiteNames:
    """A site's spelling.

    Args:
        picture: the address of a picture, by terminal, stream and capture time.
        thumbnail: the same of its thumbnail, or what stands before the extension of one, or None.
        stamps: how the listing writes times; ISO when None.
        zone: whose clocks show the times that name no zone.
        roots: the configured addresses: they are the site, and trusted exactly.
    """

    picture: Pattern
    thumbnail: Pattern | str | None = None
    stamps: Pattern | None = None
    zone: ZoneInfo = zones.UTC
    roots: tuple[str, ...] = ()

    def picture_url(self, collection: str, captured_at: dt.datetime) -> str:
        """Where a picture is."""
        return self.picture.spell(captured_at.astimezone(self.zone), camera(collection))

    def taken(self, url: str, collection: str) -> dt.datetime | None:
        """When the picture at an address was taken, as its zone's clocks showed it.

        None when the address is none of this collection's pictures.
        """
        bare = url.partition("?")[0]
        for spelling in (url, urllib.parse.unquote(url), bare, urllib.parse.unquote(bare)):
            reading = self.picture.read(spelling)
            if reading is not None and reading.names.items() <= camera(collection).items():
                return reading.at
        return None

    def thumbnail_url(self, url: str) -> str | None:
        """The address of a picture's thumbnail; None when the site has none for it."""
        if isinstance(self.thumbnail, str):
            return _with_suffix(url, self.thumbnail)
        return _respelled(url, self.picture, self.thumbnail) if self.thumbnail else None

    def full_url(self, url: str) -> str:
        """The address of the full picture, whichever of the two `url` is."""
        if isinstance(self.thumbnail, str):
            return _without_suffix(url, self.thumbnail)
        full = _respelled(url, self.thumbnail, self.picture) if self.thumbnail else None
        return full or url


def camera(collection: str) -> dict[str, str]:
    """The names in a template: a collection is terminal/stream, or a stream of the first terminal."""
    terminal, _, stream = collection.rpartition("/")
    return {"terminal": terminal or naming.DEFAULT_TERMINAL, "stream": stream}


def _respelled(url: str, known: Pattern, wanted: Pattern) -> str | None:
    reading = known.read(url)
    return None if reading is None else wanted.spell(reading.at, reading.names)


def _with_suffix(url: str, suffix: str) -> str:
    parts = urllib.parse.urlsplit(url)
    stem, extension = posixpath.splitext(parts.path)
    return urllib.parse.urlunsplit(parts._replace(path=f"{stem}{suffix}{extension}"))


def _without_suffix(url: str, suffix: str) -> str:
    parts = urllib.parse.urlsplit(url)
    stem, extension = posixpath.splitext(parts.path)
    path = f"{stem.removesuffix(suffix)}{extension}"
    return urllib.parse.urlunsplit(parts._replace(path=path))
