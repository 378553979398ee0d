import datetime as dt
import hashlib
import json
from pathlib import Path

import pytest

from image_assets import cameras, sites
from image_assets.core import naming
from image_assets.core.errors import (
    AuthenticationError,
    NotFoundError,
    PermanentError,
    TransientError,
    UnreadableImageError,
)
from image_assets.core.model import Entry, Fetched, Listing, Misfit, Partition, Variant
from image_assets.ports import ListingSite
from image_assets.rehearsal.server import Profile, Rehearsal
from image_assets.services.camera_site import CameraSite
from image_assets.services.http import Clock, Http, Retry
from image_assets.services.site_names import SiteNames
from image_assets.settings import isolated
from image_assets.sources import SourceSpec
from image_assets_tests.loopback import Loopback, reply
from image_assets_tests.source_contract import SourceBench, SourceContract

DAY = dt.date(2025, 9, 1)
PARTITION = Partition("camera", "apm/in_gate", "2025-09-01")
NOW = dt.datetime(2025, 9, 3, tzinfo=dt.UTC)
CDN = "https://cdn.example"
JPEG = b"\xff\xd8\xff\xe0" + bytes(2000)
AT = "2025-09-01T10:07:34"
CAMERA = {"name": "camera", "kind": "draydog", "collections": ["apm/in_gate"], "start": DAY}


def names(cdn: str = CDN) -> SiteNames:
    return cameras.names(sites.draydog("https://index.example", cdn, "https://app.example"))


def listing_at(index: str, cdn: str, client: Http) -> ListingSite:
    settings = isolated({"DRAYDOG_INDEX_URL": index, "DRAYDOG_CDN_URL": cdn})
    return cameras.listing(settings, SourceSpec.model_validate(CAMERA), client)


def site_at(index: str, cdn: str, client: Http) -> CameraSite:
    return CameraSite(listing_at(index, cdn, client), client, names(cdn))


def http(*trusted: str, now: dt.datetime = NOW, **options) -> Http:
    clock = Clock(now=lambda: now, sleep=lambda _: None)
    known = {"a.example": ["93.184.216.34"], "inside.example": ["10.0.0.1"]}

    def look_up(host: str, port: int) -> list[str]:
        if host == "unknown.example":
            raise OSError("no such name")
        return known.get(host, [host])

    return Http("site", trusted, clock=clock, look_up=look_up, retry=Retry(), **options)


def listed(*images, now: dt.datetime = NOW, **body):
    """What becomes of an index that lists these images."""
    day = {"terminal": "apm", "stream": "in_gate", "date": "2025-09-01", "complete": True}
    answer = reply(200, json.dumps({**day, "images": images, **body}).encode())
    with Loopback(answer) as server:
        listing = listing_at(server.url, CDN, http(server.url, CDN, now=now))
        return listing.list_day("apm/in_gate", DAY)


@pytest.mark.parametrize(
    ("collection", "at", "expected"),
    [
        ("apm/in_gate", (2025, 9, 1, 7, 5, 9), "apm/2025-09-01/7/2025-09-01T07:05:09-in_gate.jpeg"),
        ("apm/in_gate", (2025, 9, 1), "apm/2025-09-01/0/2025-09-01T00:00:00-in_gate.jpeg"),
        ("t18/out", (2025, 12, 31, 23, 59, 59), "t18/2025-12-31/23/2025-12-31T23:59:59-out.jpeg"),
        ("in_gate", (2025, 9, 1, 20), "apm/2025-09-01/20/2025-09-01T20:00:00-in_gate.jpeg"),
    ],
)
def test_an_address_has_the_hour_without_a_leading_zero(collection, at, expected):
    url = names().picture_url(collection, dt.datetime(*at, tzinfo=dt.UTC))

    assert url == f"{CDN}/{expected}"


def test_a_thumbnail_is_beside_its_picture():
    url = names().thumbnail_url(f"{CDN}/apm/2025-09-01/7/2025-09-01T07:05:09-in_gate.jpeg")

    assert url == f"{CDN}/apm/2025-09-01/7/2025-09-01T07:05:09-in_gate-thumbnail.jpeg"


def test_the_index_is_asked_for_by_terminal_stream_and_day():
    with Loopback(reply(200, b'{"images": []}')) as server:
        listing = listing_at(f"{server.url}/index/", CDN, http(server.url))
        listing.list_day("apm/in_gate", DAY)

        assert server.asked[0].path == "/index/apm/in_gate/2025-09-01.json"


def test_an_image_becomes_an_entry():
    url = f"{CDN}/apm/2025-09-01/10/{AT}-in_gate.jpeg"

    listing = listed({"timestamp": AT, "url": url, "bytes": 98123, "camera": "new"}, more="keys")

    at = dt.datetime(2025, 9, 1, 10, 7, 34, tzinfo=dt.UTC)
    assert listing.entries == (Entry("20250901100734", f"{AT}-in_gate.jpeg", at, url, 98123),)
    assert (listing.complete, listing.misfits) == (True, ())


def test_without_an_address_the_sites_pattern_applies():
    (entry,) = listed({"timestamp": AT}).entries

    assert entry.address == f"{CDN}/apm/2025-09-01/10/{AT}-in_gate.jpeg"


def test_a_listed_thumbnail_stands_for_its_picture():
    url = f"{CDN}/apm/2025-09-01/10/{AT}-in_gate-thumbnail.jpeg"

    (entry,) = listed({"timestamp": AT, "url": url}).entries

    assert entry.address == f"{CDN}/apm/2025-09-01/10/{AT}-in_gate.jpeg"


def test_an_empty_day_is_an_empty_listing():
    assert listed() == listed(complete=True)
    assert listed().entries == ()


@pytest.mark.parametrize(
    ("said", "now", "complete"),
    [
        (True, NOW, True),
        (False, NOW, False),
        ("yes", NOW, False),
        (1, NOW, False),
        (None, NOW, False),
        (True, dt.datetime(2025, 9, 1, 23, 59, 59, tzinfo=dt.UTC), False),
        (True, dt.datetime(2025, 9, 2, tzinfo=dt.UTC), True),
    ],
)
def test_a_day_is_complete_when_the_site_says_so_and_it_is_over(said, now, complete):
    assert listed(complete=said, now=now).complete is complete


@pytest.mark.parametrize(
    ("stamp", "key"),
    [
        ("2025-09-01T10:07:34Z", "20250901100734"),
        ("2025-09-01T10:07:34.999", "20250901100734"),
        ("2025-09-01T03:07:34-07:00", "20250901100734"),
        ("2025-09-02T01:00:00+02:00", "20250901230000"),
        ("2025-09-01T00:00:00", "20250901000000"),
        ("2025-09-01T23:59:59", "20250901235959"),
    ],
)
def test_times_are_utc_unless_they_say_otherwise(stamp, key):
    assert [entry.item_key for entry in listed({"timestamp": stamp}).entries] == [key]


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ({"timestamp": "2025-09-01T10:07:60"}, "its timestamp is not a time"),
        ({"timestamp": "2025-09-01T24:00:00"}, "its timestamp is not a time"),
        ({"timestamp": "2025-02-30T10:00:00"}, "its timestamp is not a time"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, "its timestamp is not a time"),
        ({"timestamp": "9999-12-31T23:59:59-14:00"}, "its timestamp is not a time"),
        ({"timestamp": "2025-09-02T00:00:00"}, "its timestamp is not on 2025-09-01 (UTC)"),
        ({"timestamp": "2025-08-31T23:59:59"}, "its timestamp is not on 2025-09-01 (UTC)"),
        ({"timestamp": "2025-09-01T23:00:00-02:00"}, "its timestamp is not on 2025-09-01 (UTC)"),
        ({"timestamp": "2025-09-01"}, "its timestamp is not YYYY-MM-DDTHH:MM:SS"),
        ({"timestamp": "20250901T100734"}, "its timestamp is not YYYY-MM-DDTHH:MM:SS"),
        ({"timestamp": "٢025-09-01T10:07:34"}, "its timestamp is not YYYY-MM-DDTHH:MM:SS"),
        ({"timestamp": 1756721254}, "its timestamp is not YYYY-MM-DDTHH:MM:SS"),
        ({"timestamp": None}, "its timestamp is not YYYY-MM-DDTHH:MM:SS"),
        ({}, "its timestamp is not YYYY-MM-DDTHH:MM:SS"),
        ("2025-09-01T10:07:34", "not an object"),
        (None, "not an object"),
        ({"timestamp": AT, "url": 7}, "its url is not an address"),
        ({"timestamp": AT, "url": ""}, "its url is not a plain http address"),
        ({"timestamp": AT, "url": "/apm/x.jpeg"}, "its url is not a plain http address"),
        ({"timestamp": AT, "url": "file:///etc/passwd"}, "its url is not a plain http address"),
        ({"timestamp": AT, "url": "ftp://a.example/x"}, "its url is not a plain http address"),
        ({"timestamp": AT, "url": "javascript:alert(1)"}, "its url is not a plain http address"),
        ({"timestamp": AT, "url": "https://u:p@a.example/x"}, "its url is not a plain http address"),
        ({"timestamp": AT, "url": "https://a.example:99999/"}, "its url is not an address"),
        ({"timestamp": AT, "url": "https://[::1/x"}, "its url is not an address"),
        ({"timestamp": AT, "url": "https://a.example/\r\nX: 1"}, "its url is not an address"),
        ({"timestamp": AT, "url": "https://a.example/" + "x" * 3000}, "its url is not an address"),
    ],
)  # fmt: skip
def test_what_cannot_be_an_entry_is_told_and_the_rest_goes_on(image, reason):
    listing = listed(image, {"timestamp": "2025-09-01T12:00:00"})

    assert [misfit.reason for misfit in listing.misfits] == [reason]
    assert len(listing.entries) == 1


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "100.64.0.1", "192.168.0.1",
     "[::1]", "[::ffff:10.0.0.1]", "[fd00::1]", "inside.example", "0.0.0.0"],
)  # fmt: skip
def test_an_address_that_leads_inside_is_told_as_foreign(host):
    listing = listed({"timestamp": AT, "url": f"http://{host}/x.jpeg"})

    (misfit,) = listing.misfits
    assert misfit.reason.startswith("its url is foreign: ")


def test_another_public_site_may_hold_the_picture():
    assert len(listed({"timestamp": AT, "url": "https://a.example/x.jpeg"}).entries) == 1


def test_a_name_that_does_not_resolve_now_stays_listed():
    """A day must not be sealed without its pictures because a name server slept."""
    assert len(listed({"timestamp": AT, "url": "https://unknown.example/x.jpeg"}).entries) == 1


def test_no_more_than_sixteen_other_sites_are_looked_up_for_one_listing():
    names = [f"https://{number}.example/x.jpeg" for number in range(1000)]
    urls = [*names, names[0], f"{CDN}:443/x.jpeg"]
    body = {"images": [{"timestamp": AT, "url": f"{url}?{n}"} for n, url in enumerate(urls)]}
    asked = []

    def look_up(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["93.184.216.34"] if host.endswith(".example") else [host]

    with Loopback(reply(200, json.dumps(body).encode())) as server:
        client = Http("site", [server.url, CDN], clock=Clock(now=lambda: NOW), look_up=look_up)
        listing = listing_at(server.url, CDN, client).list_day("apm/in_gate", DAY)

    foreign = [host for host in asked if host.endswith(".example")]
    assert foreign == [f"{number}.example" for number in range(16)]
    assert len(listing.entries) == 16 + 2
    assert {misfit.reason for misfit in listing.misfits} == {
        "its url is foreign: the listing names more than 16 other sites"
    }


def test_a_time_in_the_future_is_told():
    now = dt.datetime(2025, 9, 1, 10, tzinfo=dt.UTC)

    listing = listed({"timestamp": "2025-09-01T10:04:59"}, {"timestamp": AT}, now=now)

    assert [entry.item_key for entry in listing.entries] == ["20250901100459"]
    assert listing.misfits == (Misfit(AT, "its timestamp is in the future"),)


def test_two_pictures_of_one_second_are_two():
    listing = listed(*({"timestamp": AT, "url": f"{CDN}/{name}.jpeg"} for name in "ba"))

    assert [(entry.item_key, entry.address[-6]) for entry in listing.entries] == [
        ("20250901100734", "b"),
        ("20250901100734-2", "a"),
    ]


@pytest.mark.parametrize("url", [None, f"{CDN}/x.jpeg"])
def test_one_picture_listed_twice_is_one_and_keeps_no_day_open(url, caplog):
    listing = listed({"timestamp": AT, "url": url}, {"timestamp": AT, "url": url})

    assert (len(listing.entries), listing.misfits, listing.complete) == (1, (), True)
    assert f"apm/in_gate 2025-09-01: 1 listed twice: {AT}" in caplog.text


def test_a_misfit_is_told_without_what_may_be_a_key():
    listing = listed({"timestamp": "https://cdn.example/x.jpeg?token=secret"})

    assert listing.misfits[0].name == "https://cdn.example/x.jpeg"


@pytest.mark.parametrize("size", [-1, 0, "98123", 1.5, True, None])
def test_a_size_that_is_none_is_ignored(size):
    (entry,) = listed({"timestamp": AT, "bytes": size}).entries

    assert entry.size is None


def test_hostile_text_becomes_a_plain_name():
    url = f"{CDN}/%00%1b%5B31m%E2%80%AE%2F..%2Fx.jpeg"

    listing = listed({"timestamp": AT, "url": url}, {"timestamp": "\ud800\0" + "x" * 999})

    assert listing.entries[0].name.isprintable()
    assert listing.misfits[0].name.isprintable()
    assert len(listing.misfits[0].name) == 200


@pytest.mark.parametrize(
    "echo", [{"date": "2025-09-02"}, {"terminal": "t18"}, {"stream": "out_gate"}, {"date": 7}]
)
def test_an_answer_for_another_day_or_stream_is_refused_whole(echo):
    with pytest.raises(PermanentError, match="mixes days up"):
        listed({"timestamp": AT}, **echo)


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b'{"images": {}}', b'{"images": null}', b"7", b"null"]
)
def test_an_answer_of_another_shape_is_refused(body):
    with Loopback(reply(200, body)) as server, pytest.raises(PermanentError, match="no day of"):
        listing_at(server.url, CDN, http(server.url)).list_day("apm/in_gate", DAY)


@pytest.mark.parametrize("body", [b"", b"<html>moment</html>", b'{"images": [', b"\xff"])
def test_an_answer_that_is_no_json_is_asked_for_again(body):
    with Loopback(reply(200, body), reply(200, b'{"images": []}')) as server:
        listing = listing_at(server.url, CDN, http(server.url)).list_day("apm/in_gate", DAY)

    assert listing.entries == ()


@pytest.mark.parametrize("status", [404, 410])
def test_a_day_the_site_does_not_know_is_told_with_what_to_check(status):
    with Loopback(reply(status)) as server, pytest.raises(NotFoundError, match="DRAYDOG_INDEX_URL"):
        listing_at(server.url, CDN, http(server.url)).list_day("apm/in_gate", DAY)


@pytest.fixture(scope="module")
def rehearsal():
    shares = {"thumbnail_only_share": 0.3, "lost_share": 0.2}
    with Rehearsal(Profile(**shares, cadence=dt.timedelta(hours=1))) as rehearsal:
        yield rehearsal


@pytest.fixture(scope="module")
def connect(rehearsal):
    def connect(timeout: float = 60.0) -> CameraSite:
        settings = rehearsal.environment()
        index, cdn = settings["DRAYDOG_INDEX_URL"], settings["DRAYDOG_CDN_URL"]
        client = Http("site", [index, cdn], retry=Retry(delay=0.001), timeout=timeout)
        return site_at(index, cdn, client)

    return connect


@pytest.fixture(scope="module")
def fetches(connect, tmp_path_factory):
    """What became of every listed picture of the day: as it was fetched, or None."""
    site, folder = connect(), tmp_path_factory.mktemp("day")

    def fetched(entry: Entry) -> Fetched | None:
        try:
            return site.fetch(entry, folder / entry.item_key)
        except NotFoundError:
            return None

    return folder, {entry: fetched(entry) for entry in site.list(PARTITION).entries}


@pytest.fixture
def site(rehearsal, connect):
    rehearsal.clear_faults()
    return connect()


@pytest.fixture(scope="module")
def entry(fetches) -> Entry:
    """A picture that is there in full size."""
    _, pictures = fetches
    return next(entry for entry, got in pictures.items() if got and got.variant is Variant.FULL)


def test_every_listed_picture_is_got_in_one_of_its_sizes_or_is_not_there(fetches):
    folder, pictures = fetches
    got = [fetched for fetched in pictures.values() if fetched is not None]

    assert {fetched.variant for fetched in got} == set(Variant)
    assert 0 < len(got) < len(pictures)
    assert len(list(folder.iterdir())) == len(got)


def test_what_is_got_is_what_was_written(site, entry, tmp_path):
    fetched = site.fetch(entry, tmp_path / "new")

    content = (tmp_path / "new").read_bytes()
    assert (fetched.sha256, fetched.size) == (hashlib.sha256(content).hexdigest(), entry.size)
    assert fetched.url == entry.address


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html"},
        {"kind": "truncate"},
        {"kind": "empty"},
        {"kind": "drop_before"},
        {"kind": "drop_after", "reset": True},
        {"kind": "status", "status": 429, "headers": {"Retry-After": "0"}},
        {"kind": "status", "status": 500},
    ],
    ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}",
)
def test_a_picture_that_fails_once_arrives(rehearsal, site, entry, tmp_path, fault):
    rehearsal.inject("GET /draydog/cdn/", fault, times=1)

    assert site.fetch(entry, tmp_path / "new").size == entry.size


def test_a_picture_that_dribbles_in_is_asked_for_again(rehearsal, connect, entry, tmp_path):
    rehearsal.clear_faults()
    rehearsal.inject("GET /draydog/cdn/", {"kind": "slow_body", "seconds": 60.0}, times=1)

    assert connect(timeout=2.0).fetch(entry, tmp_path / "new").size == entry.size


def test_a_site_that_shows_a_page_for_every_picture_is_transient(rehearsal, site, entry, tmp_path):
    rehearsal.inject("GET /draydog/cdn/", {"kind": "html"})

    with pytest.raises(TransientError, match="text/html"):
        site.fetch(entry, tmp_path / "new")

    assert not (tmp_path / "new").exists()


def test_a_picture_under_a_wrong_type_is_a_picture(rehearsal, site, entry, tmp_path):
    rehearsal.inject("GET /draydog/cdn/", {"kind": "wrong_type"})

    assert site.fetch(entry, tmp_path / "new").size == entry.size


def test_a_site_that_forbids_is_told_and_not_taken_for_absence(rehearsal, site, entry, tmp_path):
    rehearsal.inject("GET /draydog/cdn/", {"kind": "status", "status": 403})

    with pytest.raises(PermanentError, match="403") as refusal:
        site.fetch(entry, tmp_path / "new")

    # Neither proves anything about the picture, and it says nothing about the others.
    assert not isinstance(refusal.value, NotFoundError | AuthenticationError)


def test_where_the_full_picture_is_forbidden_the_thumbnail_is_tried(
    rehearsal, site, entry, tmp_path
):
    rehearsal.inject(r"GET /draydog/cdn/.*in_gate\.jpeg", {"kind": "status", "status": 403})

    assert site.fetch(entry, tmp_path / "new").variant is Variant.THUMBNAIL


ABSENT = reply(403, b"<Error><Code>AccessDenied</Code></Error>", Content_Type="application/xml")
GUARD = reply(403, b"<h1>Access denied</h1>", Content_Type="text/html; charset=utf-8")


def test_a_site_that_forbids_what_it_has_not_is_believed_where_the_file_says_so(tmp_path):
    with Loopback(ABSENT) as server, pytest.raises(NotFoundError, match="has no such picture"):
        fetch(server, tmp_path, absent=(403,))


def test_a_guards_page_proves_no_absence_whatever_the_file_says(tmp_path):
    with Loopback(GUARD) as server, pytest.raises(PermanentError) as refusal:
        fetch(server, tmp_path, absent=(403,))

    assert not isinstance(refusal.value, NotFoundError | AuthenticationError)


def test_a_source_says_by_which_statuses_its_site_has_no_picture(tmp_path):
    spec = SourceSpec.model_validate(CAMERA | {"absent_statuses": [403]})
    with Loopback(ABSENT) as server:
        site = cameras.source(isolated({"DRAYDOG_CDN_URL": server.url}), spec, http(server.url))
        with pytest.raises(NotFoundError):
            site.fetch(Entry("k", "n", None, f"{server.url}/x.jpeg"), tmp_path / "new")


class TestDrayDog(SourceContract):
    @pytest.fixture
    def bench(self):
        contents = {f"202509011{hour}0000": JPEG + b"%d" % hour for hour in range(4)}
        pages = {address(key): content for key, content in contents.items()}
        images = [{"timestamp": f"{naming.captured_at(key):%Y-%m-%dT%H:%M:%S}"} for key in contents]
        pages["/apm/in_gate/2025-09-01.json"] = json.dumps({"images": images}).encode()
        with Loopback(pages=pages) as server:
            source = site_at(server.url, server.url, http(server.url))
            yield SourceBench(source, contents, lambda entry: pages.pop(address(entry.item_key)))


def address(key: str) -> str:
    return names().picture_url("apm/in_gate", naming.captured_at(key)).removeprefix(CDN)


class NoListing:
    """For a site whose pictures are known already."""

    def list_day(self, collection: str, day: dt.date) -> Listing:
        raise NotFoundError(f"{collection} {day}: nobody lists here")


def fetch(server: Loopback, folder: Path, **options) -> Fetched:
    site = CameraSite(NoListing(), http(server.url), names(server.url), **options)
    return site.fetch(Entry("k", "n", None, f"{server.url}/a/x.jpeg"), folder / "new")


def test_the_thumbnail_is_asked_for_only_when_the_picture_is_not_there(tmp_path):
    with Loopback(reply(404), reply(200, JPEG)) as server:
        fetched = fetch(server, tmp_path)

        paths = [asked.path for asked in server.asked]

    assert (fetched.variant, paths) == (Variant.THUMBNAIL, ["/a/x.jpeg", "/a/x-thumbnail.jpeg"])


def test_a_picture_that_is_nowhere_is_told_by_its_own_address(tmp_path):
    with Loopback(reply(404)) as server, pytest.raises(NotFoundError, match=r"/a/x\.jpeg answered"):
        fetch(server, tmp_path)


def test_a_thumbnail_that_fails_is_no_absence(tmp_path):
    with Loopback(reply(404), reply(500)) as server, pytest.raises(TransientError):
        fetch(server, tmp_path)


def test_a_picture_beyond_the_limit_is_refused_and_not_kept(tmp_path):
    with Loopback(reply(200, JPEG)) as server, pytest.raises(UnreadableImageError) as raised:
        fetch(server, tmp_path, max_bytes=1000)

    assert (raised.value.reason, list(tmp_path.iterdir())) == ("too_large", [])


@pytest.mark.parametrize(
    "head",
    [b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM\x9a", b"RIFF\0\0\0\0WEBPVP8 "],
)
def test_a_picture_of_any_accepted_kind_arrives(tmp_path, head):
    with Loopback(reply(200, head + bytes(100))) as server:
        fetched = fetch(server, tmp_path)

    assert fetched.size == len(head) + 100
