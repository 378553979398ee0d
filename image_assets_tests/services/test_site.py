"""A site that no code knows: described by a sources file, listed and fetched from the rehearsal."""

import datetime as dt
import json
from dataclasses import replace

import pytest

from image_assets import cameras
from image_assets.core.errors import NotFoundError
from image_assets.core.model import Misfit, Partition, Variant
from image_assets.rehearsal import schedule
from image_assets.rehearsal.server import Profile, Rehearsal
from image_assets.services.http import Clock, Http, Retry
from image_assets.settings import isolated
from image_assets.sources import SourceSpec
from image_assets_tests.loopback import Loopback, reply
from image_assets_tests.source_contract import SourceBench, SourceContract

NOW = dt.datetime(2025, 11, 10, tzinfo=dt.UTC)
JPEG = b"\xff\xd8\xff\xe0" + bytes(2000)


def spec(web: str, listing: object, **site: object) -> SourceSpec:
    described = {
        "roots": {"web": web},
        "picture": "{web}/full/{terminal}/%Y%m%d/{stream}_%H%M%S.jpg",
        "thumbnail": "{web}/small/{terminal}/%Y%m%d/{stream}_%H%M%S.jpg",
        "time_zone": "America/New_York",
    }
    return SourceSpec.model_validate(
        {
            "name": "archive",
            "kind": "site",
            "collections": ["pier/north"],
            "start": "2025-01-01",
            "site": described | site,
            "listing": listing,
        }
    )


def client(web: str, now: dt.datetime = NOW) -> Http:
    clock = Clock(now=lambda: now, sleep=lambda _: None)
    return Http("site", [web], clock=clock, retry=Retry())


def source(web: str, listing: object, now: dt.datetime = NOW, **site: object):
    return cameras.source(isolated({}), spec(web, listing, **site), client(web, now))


HARBOR = {
    "kind": "page",
    "url": "{web}/archive/{terminal}/{stream}/%Y/%m/%d",
    "heading": {"select": "h1", "format": "%A, %B %-d, %Y"},
    "pictures": "figure.shot",
    "address": {"select": "a", "attribute": "href"},
    "time": {"select": "figcaption"},
    "next": "a.next",
}
STAMPS = "%b %-d, %Y %I:%M:%S %p %z"


@pytest.fixture(scope="module")
def rehearsal():
    shares = {"thumbnail_only_share": 0.3, "lost_share": 0.2}
    with Rehearsal(Profile(**shares, now=NOW)) as rehearsal:
        yield rehearsal


def harbor(rehearsal, **listing: object):
    return source(f"{rehearsal.address}/harbor", HARBOR | listing, timestamps=STAMPS)


def taken(rehearsal, day: dt.date) -> list[str]:
    frames = schedule.frames(rehearsal.profile, "pier", "north", day)
    return [f"{frame.captured_at:%Y%m%d%H%M%S}" for frame in frames]


@pytest.mark.parametrize("day", ["2025-09-01", "2025-11-02", "2025-11-03", "2025-03-09"])
def test_a_utc_day_is_gathered_from_the_local_days_of_the_site(rehearsal, day):
    listing = harbor(rehearsal).list(Partition("archive", "pier/north", day))

    assert sorted(e.item_key for e in listing.entries) == taken(
        rehearsal, dt.date.fromisoformat(day)
    )
    assert (listing.complete, listing.misfits) == (True, ())


def test_where_the_page_names_no_time_the_address_does(rehearsal):
    partition = Partition("archive", "pier/north", "2025-09-01")

    listing = harbor(rehearsal, time=None).list(partition)

    assert listing == harbor(rehearsal).list(partition)


def test_every_listed_picture_is_got_in_one_of_its_sizes_or_is_not_there(rehearsal, tmp_path):
    site = harbor(rehearsal)
    variants = []
    for entry in site.list(Partition("archive", "pier/north", "2025-09-01")).entries:
        try:
            variants.append(site.fetch(entry, tmp_path / entry.item_key).variant)
        except NotFoundError:
            variants.append(None)

    assert set(variants) == {Variant.FULL, Variant.THUMBNAIL, None}


def test_a_day_is_open_until_each_of_its_local_days_is_over():
    body = {"images": [], "complete": True}
    with Loopback(reply(200, json.dumps(body).encode())) as server:
        listing = {"kind": "index", "url": "{web}/{stream}/%Y-%m-%d.json"}
        closed = [
            source(server.url, listing, now).list(Partition("a", "pier/north", "2025-09-01"))
            for now in (
                dt.datetime(2025, 9, 2, 3, 59, 59, tzinfo=dt.UTC),
                dt.datetime(2025, 9, 2, 4, tzinfo=dt.UTC),
            )
        ]

        assert [asked.path for asked in server.asked[:2]] == [
            "/north/2025-08-31.json",
            "/north/2025-09-01.json",
        ]
    assert [day.complete for day in closed] == [False, True]


def index_of(day: str, *stamps: str, **site: object):
    """What becomes of times that each local day's index gives, as far as they are its own."""
    pages = {
        f"/north/{stamp[:10]}.json": {
            "images": [{"timestamp": s} for s in stamps if s[:10] == stamp[:10]]
        }
        for stamp in stamps
    }
    empty = {
        f"/north/{dt.date.fromisoformat(day) + dt.timedelta(days=n)}.json": {"images": []}
        for n in (-1, 0, 1)
    }
    answers = {path: json.dumps(body).encode() for path, body in (empty | pages).items()}
    with Loopback(pages=answers) as server:
        listing = {"kind": "index", "url": "{web}/{stream}/%Y-%m-%d.json"}
        return source(server.url, listing, **site).list(Partition("a", "pier/north", day))


def test_pictures_of_the_neighbouring_utc_days_are_left_to_them():
    listing = index_of("2025-09-01", "2025-08-31T19:59:59", "2025-08-31T20:00:00", "2025-09-01T19:59:59", "2025-09-01T20:00:00")  # fmt: skip

    assert [entry.item_key for entry in listing.entries] == ["20250901000000", "20250901235959"]
    assert listing.misfits == ()


def test_a_time_that_the_clocks_skipped_is_told_and_the_rest_goes_on():
    listing = index_of("2025-03-09", "2025-03-09T01:59:59", "2025-03-09T02:30:00", "2025-03-09T03:00:00")  # fmt: skip

    assert [entry.item_key for entry in listing.entries] == ["20250309065959", "20250309070000"]
    reason = "its timestamp is no time that clocks showed in America/New_York"
    assert listing.misfits == (Misfit("2025-03-09T02:30:00", reason),)


def test_a_time_that_the_clocks_showed_twice_is_the_first_unless_it_names_its_offset():
    listing = index_of("2025-11-02", "2025-11-02T01:30:00", "2025-11-02T01:30:00-05:00")

    assert [entry.item_key for entry in listing.entries] == ["20251102053000", "20251102063000"]


def test_a_time_is_on_the_site_day_that_lists_it_or_is_told():
    body = {"images": [{"timestamp": "2025-09-01T12:00:00"}]}
    with Loopback(reply(200, json.dumps(body).encode())) as server:
        listing = {"kind": "index", "url": "{web}/{stream}/%Y-%m-%d.json"}
        found = source(server.url, listing).list(Partition("a", "pier/north", "2025-09-01"))

    reason = "its timestamp is not on 2025-08-31 (America/New_York)"
    assert found.misfits == (Misfit("2025-09-01T12:00:00", reason),)
    assert len(found.entries) == 1


def test_whose_days_are_listed_is_said_apart_from_whose_clocks_name_the_times(rehearsal):
    body = {"images": [{"timestamp": "2025-09-01T03:00:00"}, {"timestamp": "2025-09-01T04:00:00"}]}
    with Loopback(reply(200, json.dumps(body).encode())) as server:
        listing = {"kind": "index", "url": "{web}/%Y-%m-%d", "days": "America/New_York"}
        found = source(server.url, listing, time_zone="UTC").list(
            Partition("a", "pier/north", "2025-09-01")
        )

    # Four in the morning of UTC is midnight in New York: one of them is on each local day.
    assert [entry.item_key for entry in found.entries] == ["20250901030000", "20250901040000"]
    assert len(found.misfits) == 2


def test_without_a_thumbnail_there_is_no_second_request(tmp_path):
    with Loopback(reply(404)) as server:
        site = source(server.url, {"kind": "index", "url": "{web}/%Y-%m-%d"}, thumbnail=None)
        entry = index_of("2025-09-01", "2025-09-01T12:00:00").entries[0]
        with pytest.raises(NotFoundError):
            site.fetch(replace(entry, address=f"{server.url}/x.jpg"), tmp_path / "new")

        assert len(server.asked) == 1


class TestSite(SourceContract):
    @pytest.fixture
    def bench(self):
        keys = [f"202509011{hour}0000" for hour in range(4)]
        contents = {key: JPEG + key.encode() for key in keys}
        pages = {
            f"/full/apm/20250901/in_gate_{int(k[8:]) - 40000:06}.jpg": c
            for k, c in contents.items()
        }
        images = "".join(f'<img src="{path}">' for path in pages)
        page = f"<h1>2025-09-01</h1>{images}".encode()
        pages |= {"/2025-09-01": page, "/2025-08-31": b"<h1>2025-08-31</h1>"}
        with Loopback(pages=pages) as server:
            listing = {
                "kind": "page",
                "url": "{web}/%Y-%m-%d",
                "heading": {"select": "h1", "format": "%Y-%m-%d"},
                "pictures": "img",
            }
            site = source(server.url, listing)
            lose = lambda entry: pages.pop(entry.address.removeprefix(server.url))  # noqa: E731
            yield SourceBench(site, contents, lose)


TODAY = dt.datetime(2025, 9, 1, 5, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("zone", "known"),
    [
        ("Asia/Tokyo", ["2025-09-01"]),  # 2 September begins there in ten hours
        ("America/New_York", ["2025-08-31"]),  # 1 September is an hour old, and has no page yet
    ],
)
def test_a_day_that_goes_on_is_listed_as_far_as_the_site_knows_it(zone, known):
    stamp = "2025-09-01T04:00:00Z" if zone == "Asia/Tokyo" else "2025-09-01T03:00:00Z"
    body = json.dumps({"images": [{"timestamp": stamp}], "complete": True}).encode()
    with Loopback(pages={f"/north/{day}.json": body for day in known}) as server:
        listing = {"kind": "index", "url": "{web}/{stream}/%Y-%m-%d.json"}
        site = source(server.url, listing, TODAY, time_zone=zone)
        found = site.list(Partition("a", "pier/north", "2025-09-01"))

    assert (len(found.entries), found.complete) == (1, False)


def test_a_day_of_the_site_that_is_over_and_unknown_fails_the_utc_day():
    with Loopback(pages={"/north/2025-09-01.json": b'{"images": [], "complete": true}'}) as server:
        listing = {"kind": "index", "url": "{web}/{stream}/%Y-%m-%d.json"}
        with pytest.raises(NotFoundError, match="2025-08-31"):
            source(server.url, listing).list(Partition("a", "pier/north", "2025-09-01"))


def test_a_day_that_goes_on_and_that_the_site_does_not_know_at_all_is_unknown():
    with Loopback(pages={}) as server:
        listing = {"kind": "index", "url": "{web}/{stream}/%Y-%m-%d.json"}
        with pytest.raises(NotFoundError, match="does not know this day"):
            source(server.url, listing, TODAY, time_zone="UTC").list(
                Partition("a", "pier/north", "2025-09-01")
            )
