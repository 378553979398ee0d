"""Plain HTML pages of a day, over the network or saved on disk."""

import datetime as dt
from collections.abc import Iterable, Iterator
from email.message import Message
from pathlib import Path

from image_assets.core.errors import ImageAssetsError, NotFoundError, PermanentError, TransientError
from image_assets.core.stamps import Pattern
from image_assets.services.durable import disk_errors
from image_assets.services.http import Answer, Http
from image_assets.services.listings.markup import Markup, Page, Shown
from image_assets.services.listings.sightings import Sighting, SiteDay, short
from image_assets.services.origins import shown
from image_assets.services.site_names import camera

_MOST_BYTES = 4 * 1024 * 1024
_MOST_PAGES = 100


class PageReader:
    """Reads the page of a day, and those it leads on to.

    Args:
        http: trusts the pages' origin.
        url: the address of a day's page, or the path of a saved one.
        markup: how to read it.
    """

    def __init__(self, http: Http, url: Pattern, markup: Markup) -> None:
        self._http = http
        self._url = url
        self._markup = markup

    def read_day(self, collection: str, day: dt.date) -> SiteDay:
        """The pictures of the day's pages.

        Raises:
            NotFoundError: the site does not know the day.
            TransientError: what it shows is no page of the day: an error page with 200, or one that
                is not finished.
        """
        names, what = camera(collection), f"{collection} {day}"
        first = self._url.spell(dt.datetime.combine(day, dt.time(), dt.UTC), names)
        if "://" not in first:
            page, saved_at = self._saved(what, Path(first), day)
            return SiteDay(self._sightings([page]), said_at=saved_at)
        return SiteDay(self._sightings(self._pages(what, first, day)))

    def _sightings(self, pages: Iterable[Page]) -> tuple[Sighting, ...]:
        pictures = (picture for page in pages for picture in page.pictures())
        return tuple(self._sighting(n, picture) for n, picture in enumerate(pictures))

    def _sighting(self, number: int, picture: Shown) -> Sighting:
        by_address = self._markup.time is None
        name = (picture.address if by_address else picture.time) or f"picture {number}"
        return Sighting(name, picture.time, picture.address, by_address=by_address)

    def _pages(self, what: str, first: str, day: dt.date) -> Iterator[Page]:
        url: str | None = first
        asked: set[str] = set()
        while url is not None and url not in asked:
            if len(asked) == _MOST_PAGES:
                raise PermanentError(
                    f"{what}: {shown(first)} leads on to more than {_MOST_PAGES} pages;"
                    " check the listing's `next`"
                )
            asked.add(url)
            page = self._fetched(what, url, day)
            yield page
            url = page.next()

    def _fetched(self, what: str, url: str, day: dt.date) -> Page:
        def explain(answer: Answer) -> ImageAssetsError | None:
            if answer.status not in (404, 410):
                return None
            return NotFoundError(
                f"{what}: {answer.what}; the site does not know this day:"
                " check the collection's name and the listing's url"
            )

        def check(answer: Answer) -> None:
            self._check(answer.what, self._page(url, answer), day)

        answer = self._http.request(
            "GET", url, check=check, explain=explain, limit=_MOST_BYTES, remember=True
        )
        return self._page(url, answer)

    def _saved(self, what: str, file: Path, day: dt.date) -> tuple[Page, dt.datetime]:
        """The page, and when it was saved."""
        if not file.exists():
            raise NotFoundError(f"{what}: there is no saved page {file}; check the listing's url")
        with disk_errors(file):
            saved_at = dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC)
            body = file.read_bytes()
        page = Page("", body, None, self._markup)
        self._check(str(file), page, day)
        return page, saved_at

    def _page(self, url: str, answer: Answer) -> Page:
        return Page(url, answer.body, _charset(answer), self._markup)

    def _check(self, what: str, page: Page, day: dt.date) -> None:
        """An error page comes with 200 as well, and is no day without pictures."""
        heading = page.heading
        if heading is None:
            raise TransientError(
                f"{what} without {self._markup.heading.select!r}, which every page of a day has;"
                " if it stays so, the site's markup has changed: check the listing's heading"
            )
        if not page.shows(day):
            raise TransientError(f"{what} for {short(heading)!r} instead of {day}")


def _charset(answer: Answer) -> str | None:
    header = Message()
    header["content-type"] = answer.headers.get("content-type", "")
    return header.get_content_charset()
