import datetime as dt
import os
import re

import pytest

from image_assets.core.errors import NotFoundError, PermanentError, TransientError
from image_assets.core.stamps import Pattern
from image_assets.services.http import Clock, Http, Retry
from image_assets.services.listings.days import DayListing
from image_assets.services.listings.markup import Markup, Place
from image_assets.services.listings.page import PageReader
from image_assets.services.site_names import SiteNames
from image_assets_tests.loopback import Loopback, reply

DAY = dt.date(2025, 9, 1)
NOW = dt.datetime(2025, 9, 3, tzinfo=dt.UTC)
CDN = "https://cdn.draydog.example"
PICTURE = f"{CDN}/{{terminal}}/%Y-%m-%d/%-H/%Y-%m-%dT%H:%M:%S-{{stream}}.jpeg"
NAMES = ("terminal", "stream")
SITE = SiteNames(Pattern(PICTURE, NAMES), "-thumbnail", roots=(CDN,))
HEADING = "<h2>2025-09-01</h2>"

DRAYDOG = Markup(
    Place("h2"),
    Pattern("%Y-%m-%d"),
    'img.el-image__inner[src*="cdn.draydog.example"]',
    Place(attribute="src"),
    next="a[rel=next]",
)


def image(time: str, *, size: str = "-thumbnail", cdn: str = CDN, stream: str = "in_gate") -> str:
    hour = int(time[:2])
    src = f"{cdn}/apm/2025-09-01/{hour}/2025-09-01T{time}-{stream}{size}.jpeg"
    return f'<div class="el-image"><img class="el-image__inner" src="{src}"></div>'


def shown(*answers: bytes | str, markup: Markup = DRAYDOG):
    """What becomes of a day whose pages these are."""
    raw = [reply(200, a.encode()) if isinstance(a, str) else a for a in answers]
    with Loopback(*raw) as server:
        clock = Clock(now=lambda: NOW, sleep=lambda _: None)
        http = Http("site", [server.url], clock=clock, retry=Retry())
        reader = PageReader(http, Pattern(f"{server.url}/%Y-%m-%d"), markup)
        return DayListing(reader, http, SITE).list_day("apm/in_gate", DAY)


def test_the_pictures_of_a_page_are_dated_by_their_addresses():
    listing = shown(HEADING + image("23:07:34") + image("07:05:09"))

    assert [entry.item_key for entry in listing.entries] == ["20250901230734", "20250901070509"]
    assert listing.entries[1].address == f"{CDN}/apm/2025-09-01/7/2025-09-01T07:05:09-in_gate.jpeg"
    assert (listing.complete, listing.misfits) == (True, ())


def test_a_picture_that_a_page_shows_twice_is_one():
    page = HEADING + image("07:05:09") + image("07:05:09", size="")

    assert (len(shown(page).entries), shown(page).misfits) == (1, ())


def test_what_the_selector_does_not_find_is_no_picture():
    page = HEADING + '<img src="logo.png">' + image("07:05:09", cdn="https://ads.example")

    assert shown(page) == shown(HEADING)
    assert shown(page).entries == ()


@pytest.mark.parametrize(
    "picture",
    [
        image("07:05:09", stream="out_gate"),
        image("07:05:60"),
        image("24:00:00"),
        f'<img class="el-image__inner" src="{CDN}/../../etc/passwd">',
        f'<img class="el-image__inner" src="{CDN}/apm/2025-09-01/7/2025-09-01T08:05:09-in_gate.jpeg">',
    ],
)
def test_an_address_that_tells_no_time_of_this_camera_is_told(picture):
    listing = shown(HEADING + picture + image("08:00:00"))

    assert [misfit.reason for misfit in listing.misfits] == [
        "its address is none of apm/in_gate, or tells no time"
    ]
    assert len(listing.entries) == 1


@pytest.mark.parametrize(
    "page",
    [
        "<h1>Just a moment...</h1>",
        "",
        "<html></html>",
        "not html at all \x00\xff",
        "<h2>2025-09-02</h2>" + image("07:05:09"),  # another day
        "<h2>Sorry, something went wrong</h2>",
    ],
)
def test_a_page_that_is_not_the_days_is_no_day_without_pictures(page):
    with pytest.raises(TransientError):
        shown(page)


def test_a_page_that_was_not_the_days_is_asked_for_again():
    assert len(shown("<h1>Just a moment...</h1>", HEADING + image("07:05:09")).entries) == 1


def test_a_day_goes_on_where_its_page_leads():
    more = '<a rel="next" href="?page=2">older</a>'
    first = HEADING + image("23:00:00") + more

    listing = shown(first, HEADING + image("22:00:00") + more, HEADING + image("21:00:00"))

    # The third answer is not asked for: the second page leads to itself.
    assert [entry.item_key[8:10] for entry in listing.entries] == ["23", "22"]


def test_a_next_page_that_is_missing_fails_the_day():
    more = '<a rel="next" href="?page=2">older</a>'

    with pytest.raises(TransientError):
        shown(HEADING + image("23:00:00") + more, reply(500))


@pytest.mark.parametrize(
    "href", ["file:///etc/passwd", "ftp://x.example/", "http://10.0.0.1/", "http://[::1"]
)
def test_a_next_page_is_never_looked_for_inside(href):
    with pytest.raises(PermanentError):
        shown(HEADING + f'<a rel="next" href="{href}">older</a>')


def test_pages_without_end_are_refused():
    pages = [
        reply(200, f'{HEADING}<a rel="next" href="?page={n}">x</a>'.encode()) for n in range(120)
    ]

    with pytest.raises(PermanentError, match="more than 100 pages"):
        shown(*pages)


@pytest.mark.parametrize("status", [404, 410])
def test_a_day_the_site_does_not_know_is_told_with_what_to_check(status):
    with pytest.raises(NotFoundError, match="the listing's url"):
        shown(reply(status))


OTHER = Markup(
    Place("h1"),
    None,
    "figure.shot",
    Place("a", "href"),
    Place("time", "datetime"),
)


@pytest.mark.parametrize(
    ("figure", "reason"),
    [
        ('<a href="x.jpg"></a>', "its timestamp is not YYYY-MM-DDTHH:MM:SS"),
        ('<a href="x.jpg"></a><time>noon</time>', "its timestamp is not YYYY-MM-DDTHH:MM:SS"),
        ('<a href="http://10.0.0.1/x"></a><time datetime="2025-09-01T10:00:00"></time>', "foreign"),
        ('<a href="http://[::1"></a><time datetime="2025-09-01T10:00:00"></time>', "not an address"),
        ('<a href="data:image/png;base64,"></a><time datetime="2025-09-01T10:00:00"></time>', "plain"),
        ('<a href="x.jpg"></a><time datetime="2025-09-02T10:00:00"></time>', "is not on 2025-09-01"),
    ],
)  # fmt: skip
def test_what_cannot_be_an_entry_is_told_and_the_rest_goes_on(figure, reason):
    good = (
        '<figure class="shot"><a href="/y.jpg"></a><time datetime="2025-09-01T12:00:00"></figure>'
    )
    page = f'<h1>Day</h1><figure class="shot">{figure}</figure>{good}'

    listing = shown(page, markup=OTHER)

    assert len(listing.entries) == 1
    assert reason in listing.misfits[0].reason


def test_a_relative_address_is_below_its_page():
    figure = '<a href="up/x.jpg"></a><time datetime="2025-09-01T12:00:00">'

    (entry,) = shown(f'<h1>Day</h1><figure class="shot">{figure}</figure>', markup=OTHER).entries

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/up/x\.jpg", entry.address)


def test_a_page_in_another_charset_is_read():
    markup = Markup(Place("h1"), None, "figure", Place("a", "href"), Place("b"))
    body = "<h1>Tag für Tag</h1>".encode("latin-1")

    listing = shown(reply(200, body, Content_Type="text/html; charset=latin-1"), markup=markup)

    assert listing.entries == ()


def test_monstrous_markup_is_read_or_refused():
    deep = HEADING + "<div>" * 20_000 + image("07:05:09")

    assert len(shown(deep).entries) == 1


def test_a_selector_that_is_none_is_told():
    with pytest.raises(PermanentError, match="is no CSS selector"):
        Markup(Place("h1"), None, "figure[", Place())


def saved(folder, body: bytes, markup: Markup = DRAYDOG):
    (folder / "apm-in_gate").mkdir()
    (folder / "apm-in_gate" / "2025-09-01.html").write_bytes(body)
    pattern = Pattern(f"{folder}/{{terminal}}-{{stream}}/%Y-%m-%d.html", NAMES)
    http = Http("site", [CDN], clock=Clock(now=lambda: NOW))
    return DayListing(PageReader(http, pattern, markup), http, SITE)


def test_a_saved_page_is_read_from_the_disk(tmp_path):
    listing = saved(tmp_path, (HEADING + image("07:05:09")).encode())

    assert len(listing.list_day("apm/in_gate", DAY).entries) == 1


def test_a_saved_page_leads_nowhere(tmp_path):
    page = HEADING + '<a rel="next" href="../../etc/passwd">older</a>'

    assert saved(tmp_path, page.encode()).list_day("apm/in_gate", DAY).entries == ()


def test_a_page_that_was_not_saved_is_a_day_nobody_knows(tmp_path):
    listing = saved(tmp_path, b"")

    with pytest.raises(NotFoundError, match=r"2025-09-02\.html"):
        listing.list_day("apm/in_gate", DAY + dt.timedelta(days=1))


@pytest.mark.parametrize(("hour", "complete"), [(23, False), (24, True)])
def test_a_saved_page_knows_all_of_a_day_that_was_over_when_it_was_saved(tmp_path, hour, complete):
    listing = saved(tmp_path, (HEADING + image("07:05:09")).encode())
    when = dt.datetime(2025, 9, 1, tzinfo=dt.UTC) + dt.timedelta(hours=hour)
    os.utime(tmp_path / "apm-in_gate" / "2025-09-01.html", (when.timestamp(),) * 2)

    assert listing.list_day("apm/in_gate", DAY).complete is complete


def test_an_address_is_read_with_escapes_and_a_query():
    listing = shown(
        HEADING + image("07:05:09").replace(":05:", "%3A05%3A").replace(".jpeg", ".jpeg?v=2")
    )

    assert [entry.item_key for entry in listing.entries] == ["20250901070509"]
