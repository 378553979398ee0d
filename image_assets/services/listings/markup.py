"""HTML pages of a site, read by CSS selectors. A page may say anything: it is parsed in Python."""

import datetime as dt
import urllib.parse
from dataclasses import dataclass

import soupsieve
from bs4 import BeautifulSoup, Tag

from image_assets.core.errors import PermanentError
from image_assets.core.stamps import Pattern

_MOST_TEXT = 4096


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: an attribute, or the text, of the first element that `select` finds.

    Without `select` it is the element itself.
    """

    select: str | None = None
    attribute: str | None = None

    def of(self, element: Tag) -> str | None:
        """What stands there in an element; None when nothing does."""
        found = element if self.select is None else element.select_one(self.select)
        if found is None:
            return None
        text = found.get_text(" ") if self.attribute is None else found.get(self.attribute)
        return None if text is None else " ".join(str(text).split())[:_MOST_TEXT]


@dataclass(frozen=True, slots=True)
class Markup:
    """How a site's pages of a day are made: see `sites.PageSpec`, whose words these are."""

    heading: Place
    day: Pattern | None
    pictures: str
    address: Place
    time: Place | None = None
    next: str | None = None

    def __post_init__(self) -> None:
        places = (self.heading, self.address, self.time)
        for selector in (self.pictures, self.next, *(p.select for p in places if p is not None)):
            if selector is not None:
                _check(selector)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows of one picture: its address, whole, and its time, as it is written."""

    address: str | None
    time: str | None


class Page:
    """A page as it arrived.

    Args:
        url: its address; addresses on it may be relative to it.
        body: its bytes.
        charset: as its headers name it.
        markup: how to read it.
    """

    def __init__(self, url: str, body: bytes, charset: str | None, markup: Markup) -> None:
        self._url = url
        self._markup = markup
        self._soup = BeautifulSoup(body, "html.parser", from_encoding=charset)

    @property
    def heading(self) -> str | None:
        """The heading's text; None when the page has none."""
        return self._markup.heading.of(self._soup)

    def shows(self, day: dt.date) -> bool:
        """Whether it is a page of the day, as far as its heading says."""
        heading, spelled = self.heading, self._markup.day
        if heading is None or spelled is None:
            return heading is not None
        reading = spelled.read(heading)
        return reading is not None and reading.at.date() == day

    def pictures(self) -> list[Shown]:
        """The pictures, in the order of the page."""
        return [self._picture(element) for element in self._soup.select(self._markup.pictures)]

    def next(self) -> str | None:
        """The address of the page after this one; None when this is the last."""
        link = self._markup.next and Place(self._markup.next, "href").of(self._soup)
        return self._whole(link) if link else None

    def _picture(self, element: Tag) -> Shown:
        address, time = self._markup.address.of(element), self._markup.time
        return Shown(
            None if address is None else self._whole(address), time.of(element) if time else None
        )

    def _whole(self, address: str) -> str:
        try:
            return urllib.parse.urljoin(self._url, address)
        except ValueError:
            return address  # none at all; whoever judges it says so


def _check(selector: str) -> None:
    try:
        soupsieve.compile(selector)
    except soupsieve.SelectorSyntaxError as error:
        reason = str(error).partition("\n")[0]
        raise PermanentError(
            f"{selector!r} is no CSS selector: {reason}; mend the listing"
        ) from error
