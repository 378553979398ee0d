"""What the sources file says of a camera site: where its pictures are, and how it lists them.

Dray Dog is one such description; another site needs no code either (`docs/cameras.md`).
"""

import re
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from image_assets.core.stamps import Pattern

NAMES = ("terminal", "stream")
"""What a template may hold beside the site's roots and the fields of a time."""

_ROOT = re.compile(r"\{(\w+)\}")


def _zone(name: Any) -> Any:
    if not isinstance(name, str):
        return name
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError(f"{name!r} is no time zone such as America/Los_Angeles") from None


Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]
Root = Annotated[str, Field(pattern=r"^https?://[^\s@?#{}]+$")]
Css = Annotated[str, Field(min_length=1)]


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class PlaceSpec(_Spec):
    """Something on a page: the first element that `select` finds, and what of it is read.

    Without `select` it is the picture's own element; without `attribute` it is the text.
    """

    select: Css | None = None
    attribute: str | None = None


class HeadingSpec(_Spec):
    """What a page of a day must show; with a `format` it is the day, so written."""

    select: Css
    attribute: str | None = None
    format: str | None = None

    def model_post_init(self, context: Any, /) -> None:
        """What no single field can know."""
        if self.format is not None and not Pattern(self.format).tells_the_day:
            raise ValueError(f"heading: {self.format!r} does not tell the day")


class _ListingSpec(_Spec):
    def templates(self) -> tuple[str, ...]:
        """What is spelled for a terminal, a stream and a day."""
        return ()


class _DaysSpec(_ListingSpec):
    days: Zone | None = None
    """Whose days the site lists; those of its `time_zone` when not given."""


class IndexSpec(_DaysSpec):
    """A JSON file a day, by our index convention."""

    kind: Literal["index"] = "index"
    url: str = "{index}/{terminal}/{stream}/%Y-%m-%d.json"

    def templates(self) -> tuple[str, ...]:
        """The address of a day's file."""
        return (self.url,)


class PageSpec(_DaysSpec):
    """An HTML page a day, over the network or saved; the markup is told by CSS selectors.

    `url` without a scheme is the path of a saved page. `heading` proves that a page is one of the
    asked day's: an error page has none. `pictures` are the elements that stand for one picture
    each; `address` and `time` are looked for in them. Without `time` the address tells it. `next`
    is the link to the day's next page.
    """

    kind: Literal["page"]
    url: str
    heading: HeadingSpec
    pictures: Css = "img.el-image__inner"
    address: PlaceSpec = PlaceSpec(attribute="src")
    time: PlaceSpec | None = None
    next: Css | None = None

    def templates(self) -> tuple[str, ...]:
        """The address, or the path, of a day's page."""
        return (self.url,)


class TimestampsSpec(_ListingSpec):
    """A text, CSV or JSON file of capture times for each stream."""

    kind: Literal["timestamps"]
    days: ClassVar[ZoneInfo] = ZoneInfo("UTC")  # a file is no list of anybody's days
    file: str

    def templates(self) -> tuple[str, ...]:
        """The path of a stream's file."""
        return (self.file,)


class BrowserSpec(_DaysSpec):
    """A page whose scripts list the pictures, with a date picker; the defaults are Dray Dog's.

    `picker` is the date picker's input, of Element UI. `after` is the heading below which the
    pictures of the picked day are. While anything that `loading` selects is visible the page is
    not finished; what `empty` selects is shown for a day without pictures. `origins` are further
    addresses that the page's scripts may reach.
    """

    kind: Literal["browser"]
    url: str = "{app}/terminal_cameras/{terminal}?streamName={stream}"
    picker: Css = "input.el-input__inner[placeholder='Pick a day']"
    pictures: Css = "img.el-image__inner"
    after: str | None = "History"
    loading: Css = ".el-loading-mask, .el-image__placeholder"
    empty: Css | None = None
    origins: tuple[Root, ...] = ()

    def templates(self) -> tuple[str, ...]:
        """The address of a stream's page."""
        return (self.url,)


def _by_name(listing: Any) -> Any:
    return {"kind": listing} if isinstance(listing, str) else listing


ListingSpec = Annotated[
    Annotated[IndexSpec | PageSpec | TimestampsSpec | BrowserSpec, Field(discriminator="kind")],
    BeforeValidator(_by_name),
]


class SiteSpec(_Spec):
    """A camera site. Templates hold `{terminal}`, `{stream}`, the `{roots}` and fields of a time.

    `thumbnail` is a template as well, or what stands before the extension of a picture's thumbnail.
    `timestamps` is how the listing writes times; ISO when not given. `time_zone` is the zone of
    times that name none, in listings and addresses, and of the site's days.
    """

    roots: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Root]
    picture: str
    thumbnail: Annotated[str, Field(min_length=1)] | None = None
    timestamps: str | None = None
    time_zone: Zone = ZoneInfo("UTC")

    def model_post_init(self, context: Any, /) -> None:
        """What no single field can know."""
        if taken := set(NAMES) & self.roots.keys():
            raise ValueError(f"no root may be called {taken.pop()!r}")
        if not self._address(self.picture).tells_the_second:
            raise ValueError(f"picture {self.picture!r} does not tell the second")
        if self.thumbnail and is_template(self.thumbnail):
            self._address(self.thumbnail)
        if self.timestamps and not Pattern(self.timestamps).tells_the_second:
            raise ValueError(f"timestamps {self.timestamps!r} do not tell the second")

    def pattern(self, template: str) -> Pattern:
        """A template with this site's roots in their places.

        Raises:
            ValueError: it holds a field or a name that is not known.
        """
        return Pattern(_ROOT.sub(self._root, template), NAMES)

    def check(self, listing: ListingSpec) -> None:
        """That a listing asks for what this site has.

        Raises:
            ValueError: it does not.
        """
        for template in listing.templates():
            is_path = isinstance(listing, TimestampsSpec | PageSpec) and "://" not in template
            is_path = is_path and not template.startswith("{")
            pattern = self.pattern(template) if is_path else self._address(template)
            if isinstance(listing, IndexSpec | PageSpec) and not pattern.tells_the_day:
                raise ValueError(f"listing: {template!r} does not tell the day")

    def _address(self, template: str) -> Pattern:
        if template.partition("}")[0].removeprefix("{") not in self.roots:
            known = ", ".join(f"{{{root}}}" for root in self.roots)
            raise ValueError(f"{template!r} does not begin with one of the site's roots ({known})")
        return self.pattern(template)

    def _root(self, found: re.Match[str]) -> str:
        root = self.roots.get(found[1])
        return found[0] if root is None else root.rstrip("/").replace("%", "%%")


def draydog(index_url: str, cdn_url: str, app_url: str) -> SiteSpec:
    """Dray Dog terminal cameras: times and days are UTC, and the hour in an address is not padded."""
    return SiteSpec(
        roots={"index": index_url, "cdn": cdn_url, "app": app_url},
        picture="{cdn}/{terminal}/%Y-%m-%d/%-H/%Y-%m-%dT%H:%M:%S-{stream}.jpeg",
        thumbnail="-thumbnail",
    )


def is_template(thumbnail: str) -> bool:
    """Whether thumbnails have addresses of their own, and no mere suffix."""
    return "{" in thumbnail or "%" in thumbnail
