"""From a camera site's description to its source: its spelling, its listing, its browser."""

import os

from image_assets import sites
from image_assets.core.stamps import Pattern
from image_assets.ports import ImageSource, ListingSite
from image_assets.services.browsing.browser import Browser, executable
from image_assets.services.browsing.orders import Launch, Look
from image_assets.services.camera_site import CameraSite
from image_assets.services.http import Http
from image_assets.services.listings.browser import BrowserReader
from image_assets.services.listings.days import DayListing
from image_assets.services.listings.index import IndexReader
from image_assets.services.listings.sightings import DayReader
from image_assets.services.listings.timestamps import TimestampsReader
from image_assets.services.site_names import SiteNames
from image_assets.settings import Settings, display
from image_assets.sites import (
    BrowserSpec,
    IndexSpec,
    PageSpec,
    PlaceSpec,
    SiteSpec,
    TimestampsSpec,
)
from image_assets.sources import SourceSpec


def described(settings: Settings, spec: SourceSpec) -> SiteSpec:
    """The site of a source: as the sources file describes it, or Dray Dog where the settings say."""
    if spec.site is not None:
        return spec.site
    return sites.draydog(
        settings.draydog_index_url, settings.draydog_cdn_url, settings.draydog_app_url
    )


def names(site: SiteSpec) -> SiteNames:
    """How a site spells."""
    thumbnail: Pattern | str | None = site.thumbnail
    if site.thumbnail is not None and sites.is_template(site.thumbnail):
        thumbnail = site.pattern(site.thumbnail)
    return SiteNames(
        site.pattern(site.picture),
        thumbnail,
        Pattern(site.timestamps) if site.timestamps else None,
        site.time_zone,
        tuple(site.roots.values()),
    )


def source(settings: Settings, spec: SourceSpec, http: Http) -> ImageSource:
    """The camera site of a source. `http` trusts the site's roots.

    Raises:
        PermanentError: its listing needs a browser, and there is none; or a selector is none.
    """
    site = described(settings, spec)
    return CameraSite(
        listing(settings, spec, http),
        http,
        names(site),
        max_bytes=settings.image_assets_max_bytes,
        absent=spec.absent_statuses,
    )


def listing(settings: Settings, spec: SourceSpec, http: Http) -> ListingSite:
    """How a source's site says what it has: by daily index files where the source says nothing."""
    site, asked = described(settings, spec), spec.listing or IndexSpec()
    match asked:
        case IndexSpec():
            remedy = "DRAYDOG_INDEX_URL" if spec.site is None else "the listing's url"
            reader: DayReader = IndexReader(http, site.pattern(asked.url), remedy)
        case PageSpec():
            reader = _page_reader(http, site, asked)
        case TimestampsSpec():
            reader = TimestampsReader(site.pattern(asked.file), names(site))
        case BrowserSpec():
            look = _look(asked, settings.browser_timeout)
            chromium = browser(settings, site, asked)
            reader = BrowserReader(chromium, site.pattern(asked.url), look, http.retry, http.clock)
    return DayListing(reader, http, names(site), asked.days)


def browser(settings: Settings, site: SiteSpec, spec: BrowserSpec) -> Browser:
    """The browser for a listing; it starts when it is first asked.

    Raises:
        PermanentError: there is none.
    """
    launch = Launch(
        executable(settings.browser_executable),
        (*site.roots.values(), *spec.origins),
        settings.download_user_agent,
        (spec.days or site.time_zone).key,
        settings.browser_headless,
        sandbox=os.geteuid() != 0,  # Chromium refuses to sandbox itself for root
    )
    return Browser(launch, {} if settings.browser_headless else display())


def _page_reader(http: Http, site: SiteSpec, spec: PageSpec) -> DayReader:
    # Here, because a parser of HTML is a third of what collecting imports, and few sites need one.
    from image_assets.services.listings.markup import Markup, Place
    from image_assets.services.listings.page import PageReader

    def place(told: PlaceSpec) -> Place:
        return Place(told.select, told.attribute)

    markup = Markup(
        Place(spec.heading.select, spec.heading.attribute),
        Pattern(spec.heading.format) if spec.heading.format else None,
        spec.pictures,
        place(spec.address),
        place(spec.time) if spec.time else None,
        spec.next,
    )
    return PageReader(http, site.pattern(spec.url), markup)


def _look(spec: BrowserSpec, seconds: float) -> Look:
    """How to look at the page; where and for which day is said each time."""
    return Look(
        url="",
        day="",
        picker=spec.picker,
        pictures=spec.pictures,
        after=spec.after,
        loading=spec.loading,
        empty=spec.empty,
        seconds=seconds,
    )
