"""A camera site: its day as a listing tells it, its pictures by their addresses.

Cameras take pictures at random seconds, so an address cannot be guessed: the site is asked for its
list first.
"""

import logging
from collections.abc import Collection
from pathlib import Path

from image_assets.core.errors import NotFoundError, PermanentError, TransientError
from image_assets.core.model import Entry, Fetched, Listing, Partition, Variant
from image_assets.ports import ListingSite
from image_assets.services.http import Answer, Download, Http
from image_assets.services.site_names import SiteNames

log = logging.getLogger(__name__)

_MOST_BYTES = 100_000_000
_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM", b"RIFF")


class CameraSite:
    """Lists a day by its `listing`, fetches full size, else the thumbnail.

    Args:
        listing: how the site says what it has.
        http: trusts the site's own addresses.
        names: how it spells the address of a thumbnail.
        max_bytes: larger pictures are refused.
        absent: further statuses by which the site says that it has no such picture; 404 and 410 always
            do.
    """

    def __init__(
        self,
        listing: ListingSite,
        http: Http,
        names: SiteNames,
        *,
        max_bytes: int = _MOST_BYTES,
        absent: Collection[int] = (),
    ) -> None:
        self._listing = listing
        self._http = http
        self._names = names
        self._max_bytes = max_bytes
        self._absent = frozenset(absent)

    def list(self, partition: Partition) -> Listing:
        """What the site has for the collection's UTC day."""
        self._http.rest()
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
            thumbnail = self._names.thumbnail_url(entry.address)
            if thumbnail is None:
                raise
            try:
                fetched = self._get(thumbnail, into, None, Variant.THUMBNAIL)
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
            explain=self._explain,
        )
        return Fetched(got.sha256, got.size, variant, got.url)

    def _explain(self, answer: Answer) -> PermanentError | None:
        # No credential of ours is at fault here, so it concerns this picture and no other.
        if answer.status in self._absent and not _is_page(answer):
            return NotFoundError(
                f"{answer.what}, by which the site says that it has no such picture"
            )
        if answer.status in (401, 403):
            return _ForbiddenError(f"{answer.what}; the site has no such picture, or not for us")
        return None


class _ForbiddenError(PermanentError):
    """401 or 403 for one picture: absent, as S3 may say it, or not for us; it proves neither."""


def _is_page(answer: Answer) -> bool:
    """Whether it is a page for people: a storage says in XML or not at all what it lacks, and pages are
    what guards and proxies show to those whom they keep out.
    """
    return answer.headers.get("content-type", "").lower().startswith("text/html")


def _check_is_picture(got: Download) -> None:
    # A site's error page comes with 200, and a picture's type is what its bytes say.
    if not got.head.startswith(_STARTS):
        kind = got.headers.get("content-type", "no type")
        raise TransientError(f"{got.what} with {got.size} bytes of {kind} that are no picture")
