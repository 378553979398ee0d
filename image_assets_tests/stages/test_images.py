import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from image_assets.core.errors import NotFoundError, TransientError, UnreadableImageError
from image_assets.core.model import (
    Entry,
    Fetched,
    ImageState,
    Listing,
    Misfit,
    Partition,
    Variant,
)
from image_assets.ports import DesignFlaws
from image_assets.services.folder import FolderSource
from image_assets.services.store.local import LocalStore
from image_assets.stages.due import OUR_LIMITS, Choice
from image_assets.stages.images import Terms
from image_assets_tests.drawing import picture
from image_assets_tests.fakes import FakeSource
from image_assets_tests.stages.conftest import DAY, NOW, House

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "camera"
HOUR = dt.timedelta(hours=1)
FRAMES = {
    "20250901100000_in_gate.jpg": picture(1),
    "20250901110000_in_gate.jpg": picture(2),
    "20250901120000_in_gate.jpg": picture(3),
}


def entry(hour: int) -> Entry:
    at = dt.datetime(2025, 9, 1, hour, tzinfo=dt.UTC)
    return Entry(f"20250901{hour:02}0000", f"{hour}.jpg", at, str(hour))


def site(answers: dict[int, bytes | Exception], *, complete: bool = True) -> FakeSource:
    """A source whose picture of each hour arrives, or fails, as given."""
    entries = tuple(entry(hour) for hour in answers)
    return FakeSource(
        Listing(entries, complete), {entry(h).item_key: answer for h, answer in answers.items()}
    )


def states(house: House) -> dict[ImageState, int]:
    return dict(house.catalog.images.counts(DAY).states)


def test_every_frame_is_stored_under_its_date_and_stream(house):
    report = house.collect(FRAMES)

    assert report.counts == {"stored": 3}
    assert house.files("images") == [f"images/2025-09-01/in_gate/{name}" for name in FRAMES]


def test_the_stored_bytes_are_those_of_the_source(house):
    house.collect(FRAMES)

    stored = house.root / "data/images/2025-09-01/in_gate"
    assert {f.name: f.read_bytes() for f in stored.iterdir()} == FRAMES


def test_a_second_run_fetches_nothing(house):
    house.collect(FRAMES)

    assert house.collect(FRAMES).counts == {"known": 3}


def test_a_frame_that_repeats_is_a_record_of_its_own_on_the_same_bytes(house):
    repeats = dict(FRAMES) | {"20250901130000_in_gate.jpg": FRAMES["20250901120000_in_gate.jpg"]}

    report = house.collect(repeats)

    counts = house.catalog.images.counts(DAY)
    # Which of the two is told to be stale is chance: it may arrive first, and make room later.
    assert (report.done, report.failed, counts.stale) == (4, 0, 1)
    assert len(house.files("images")) == 3


def test_a_file_under_a_lying_name_is_stored_under_its_true_type(house):
    house.collect({"20250901100000_in_gate.jpg": picture(1, format="PNG")})

    assert house.files("images") == ["images/2025-09-01/in_gate/20250901100000_in_gate.png"]


def test_a_broken_frame_is_quarantined_with_its_reason_and_the_rest_goes_on(house):
    broken = dict(FRAMES) | {"20250901130000_in_gate.jpg": picture(4)[:700]}

    report = house.collect(broken)

    known = house.catalog.images.known(DAY)["20250901130000"]
    assert report.counts == {"stored": 3, "rejected": 1}
    assert (known.state, known.reason) == (ImageState.REJECTED, "truncated")
    assert len(house.files("quarantine")) == 1


def test_a_rejected_frame_is_not_fetched_again(house):
    broken = {"20250901130000_in_gate.jpg": b"no picture at all"}
    house.collect(broken)

    assert house.collect(broken).counts == {"known": 1}


def test_a_frame_that_does_not_arrive_is_missing_and_the_rest_goes_on(house):
    source = site({10: picture(1), 11: TransientError("cut off"), 12: picture(2)})

    report = house.collector(source).collect(DAY, now=NOW)

    assert (report.counts, report.failed) == ({"stored": 2}, 1)
    assert report.transient_only
    assert states(house) == {ImageState.STORED: 2, ImageState.MISSING: 1}


def test_what_was_missing_is_fetched_by_the_next_run(house):
    house.collector(site({10: TransientError("cut off")})).collect(DAY, now=NOW)

    report = house.collector(site({10: picture(1)})).collect(DAY, now=NOW)

    assert report.counts == {"stored": 1}
    assert states(house) == {ImageState.STORED: 1}


def test_a_frame_is_gone_after_two_absent_looks_hours_apart(house):
    collector = house.collector(site({10: NotFoundError("404")}))

    first = collector.collect(DAY, now=NOW)
    soon = collector.collect(DAY, now=NOW + dt.timedelta(minutes=5))
    late = collector.collect(DAY, now=NOW + dt.timedelta(hours=7))

    assert [dict(r.counts) for r in (first, soon, late)] == [
        {"missing": 1},
        {"missing": 1},
        {"gone": 1},
    ]


def test_a_day_is_sealed_once_it_is_closed_and_settled_and_costs_no_request_again(house):
    source = site({10: picture(1)})
    house.collector(source).collect(DAY, now=NOW)

    report = house.collector(source).collect(DAY, now=NOW)

    assert report.counts == {"sealed": 1}
    assert source.listings == 1


def test_an_empty_day_is_legal_and_sealed(house):
    house.collector(site({})).collect(DAY, now=NOW)

    day = house.catalog.images.day(DAY)
    assert (day.listed, day.sealed_at) == (0, NOW)


@pytest.mark.parametrize(
    ("source", "now"),
    [
        (site({10: picture(1)}, complete=False), NOW),
        (site({10: picture(1)}), dt.datetime(2025, 9, 1, 23, tzinfo=dt.UTC)),
        (site({10: picture(1)}), dt.datetime(2025, 9, 2, 0, 30, tzinfo=dt.UTC)),
        (site({10: TransientError("cut off")}), NOW),
        (site({10: NotFoundError("404")}), NOW),
    ],
    ids=[
        "the listing may grow",
        "the day goes on",
        "within the grace",
        "one is missing",
        "one look",
    ],
)
def test_a_day_that_is_not_closed_or_not_settled_is_not_sealed(house, source, now):
    house.collector(source, Terms(workers=1)).collect(DAY, now=now)

    assert house.catalog.images.day(DAY).sealed_at is None


def test_a_listing_that_fails_fails_the_partition_and_says_nothing_about_the_day(house):
    class Silent(FakeSource):
        def list(self, partition: Partition) -> Listing:
            raise TransientError("the site does not answer")

    with pytest.raises(TransientError):
        house.collector(Silent(Listing((), True), {})).collect(DAY, now=NOW)

    assert house.catalog.images.day(DAY) is None


def test_what_a_listing_names_and_cannot_be_is_counted(house):
    source = FakeSource(Listing((), True, (Misfit("x", "twice"),)), {})

    assert house.collector(source).collect(DAY, now=NOW).counts == {"misfit": 1}


def test_a_file_that_a_cut_off_run_left_is_adopted_when_its_bytes_are_right(house):
    left = house.root / "data/images/2025-09-01/in_gate/20250901100000_in_gate.jpg"
    left.parent.mkdir(parents=True)
    left.write_bytes(picture(1))

    house.collector(site({10: picture(1)})).collect(DAY, now=NOW)

    assert house.files("images") == ["images/2025-09-01/in_gate/20250901100000_in_gate.jpg"]
    assert states(house) == {ImageState.STORED: 1}


def test_a_file_with_other_bytes_is_never_overwritten(house):
    left = house.root / "data/images/2025-09-01/in_gate/20250901100000_in_gate.jpg"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"somebody's")

    house.collector(site({10: picture(1)})).collect(DAY, now=NOW)

    assert left.read_bytes() == b"somebody's"
    (path,) = house.catalog.images.paths(DAY)
    assert (house.root / "data" / path).read_bytes() == picture(1)


def test_nothing_is_left_in_the_scratch_folder(house):
    house.collect(dict(FRAMES) | {"20250901130000_in_gate.jpg": b"no picture"})

    assert house.files("tmp") == []


class OnlyThumbnails(FakeSource):
    """Has the small rendition of every picture for the moment."""

    def fetch(self, entry: Entry, into: Path) -> Fetched:
        return dataclasses.replace(super().fetch(entry, into), variant=Variant.THUMBNAIL)


def small() -> OnlyThumbnails:
    full = site({10: picture(1)})
    return OnlyThumbnails(full.listing, full.pictures)


def test_a_thumbnail_is_counted_as_such_and_does_not_seal_the_day(house):
    report = house.collector(small()).collect(DAY, now=NOW)

    assert report.counts == {"thumbnail": 1}
    assert house.catalog.images.day(DAY).sealed_at is None


def test_a_full_picture_that_was_absent_for_a_moment_replaces_its_thumbnail(house):
    house.collector(small()).collect(DAY, now=NOW)
    house.admit()

    report = house.collector(site({10: picture(2)})).collect(DAY, now=NOW + HOUR)

    known = house.catalog.images.known(DAY)["20250901100000"]
    assert (report.counts, known.variant) == ({"stored": 1}, Variant.FULL)
    assert house.admit().counts["designs"] == 1
    assert house.catalog.designs.flaws(DAY) == DesignFlaws((), (), ())


def test_a_thumbnail_is_all_there_is_after_a_second_look_hours_later(house):
    source = small()

    for hours in (0, 1, 7):
        house.collector(source).collect(DAY, now=NOW + hours * HOUR)

    assert source.fetches == 3
    assert house.catalog.images.day(DAY).sealed_at == NOW + 7 * HOUR
    assert list(house.catalog.images.known(DAY)) == ["20250901100000"]


def test_a_look_that_fails_accepts_no_thumbnail(house):
    house.collector(small()).collect(DAY, now=NOW)

    silent = house.collector(site({10: TransientError("cut off")}))
    silent.collect(DAY, now=NOW + 7 * HOUR)

    assert house.catalog.images.known(DAY)["20250901100000"].reason is None
    assert house.catalog.images.day(DAY).sealed_at is None


def test_an_accepted_thumbnail_is_not_fetched_again_where_no_day_is_sealed(house):
    source = small()
    source.listing = dataclasses.replace(source.listing, complete=False)

    reports = [house.collector(source).collect(DAY, now=NOW + h * HOUR) for h in (0, 7, 8)]

    assert reports[-1].counts == {"known": 1}


def test_a_file_that_was_still_arriving_is_taken_once_it_is_whole(house):
    house.collect({"20250901130000_in_gate.jpg": picture(4)[:700]})

    report = house.collect({"20250901130000_in_gate.jpg": picture(4)})

    assert report.counts == {"stored": 1}
    assert states(house) == {ImageState.STORED: 1}


@pytest.mark.parametrize("reason", sorted(OUR_LIMITS))
def test_what_our_limits_refused_is_looked_at_again_and_keeps_no_day_open(house, reason):
    source = site({10: UnreadableImageError(reason)}, complete=False)
    house.collector(source).collect(DAY, now=NOW)

    house.collector(source).collect(DAY, now=NOW)
    source.listing = dataclasses.replace(source.listing, complete=True)
    house.collector(source).collect(DAY, now=NOW)

    assert source.fetches == 3
    assert house.catalog.images.day(DAY).sealed_at == NOW


def test_a_new_file_in_a_known_second_is_kept_beside_the_first(house):
    first = {"20250901100000_in_gate.jpg": picture(1)}
    both = first | {"2025-09-01T10:00:00-in_gate.jpg": picture(2)}  # its name comes before
    house.collect(first)

    house.collect(both)
    third = house.collect(both)

    contents = {(house.root / "data" / p).read_bytes() for p in house.files("images")}
    assert (contents, third.counts) == ({picture(1), picture(2)}, {"known": 2})


def test_another_host_is_not_another_picture(house):
    at_first, later = site({10: picture(1)}, complete=False), site({10: picture(1)})
    for source, host in ((at_first, "cdn"), (later, "mirror")):
        (listed,) = source.listing.entries
        moved = dataclasses.replace(listed, address=f"https://{host}.example/10.jpg")
        source.listing = dataclasses.replace(source.listing, entries=(moved,))
    house.collector(at_first).collect(DAY, now=NOW)

    house.collector(later).collect(DAY, now=NOW)

    assert later.fetches == 0


class TidiedMeanwhile(LocalStore):
    """Another run takes its duplicate away, once, just after we found the name taken."""

    def put(self, file: Path, key: str) -> bool:
        taken = not super().put(file, key)
        if taken:
            self.delete(key)
        return not taken


def test_a_file_that_another_run_takes_away_meanwhile_is_put_again(house):
    left = house.root / "data/images/2025-09-01/in_gate/20250901100000_in_gate.jpg"
    left.parent.mkdir(parents=True)
    left.write_bytes(picture(1))
    busy = dataclasses.replace(house, store=TidiedMeanwhile(house.root / "data"))

    report = busy.collector(site({10: picture(1)})).collect(DAY, now=NOW)

    assert (report.counts, left.read_bytes()) == ({"stored": 1}, picture(1))


def test_misfits_beyond_the_first_twenty_are_told_as_a_number(house, caplog):
    misfits = tuple(Misfit(f"file {n}", "no time") for n in range(50))

    house.collector(FakeSource(Listing((), True, misfits), {})).collect(DAY, now=NOW)

    told = [r.getMessage() for r in caplog.records if "listing names" in r.getMessage()]
    assert (len(told), told[-1]) == (21, f"{DAY}: listing names 30 more that do not fit")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared real frames are not here")
def test_the_shared_cameras_lose_no_frame(house):
    source = FolderSource(SHARED)
    partitions = [
        Partition("archive", collection, day.isoformat())
        for collection in source.collections()
        for day in source.days(collection)
    ]

    reports = [house.collector(source).collect(partition, now=NOW) for partition in partitions]

    counts = [house.catalog.images.counts(partition) for partition in partitions]
    assert sum(report.failed for report in reports) == 0
    assert sum(c.states[ImageState.STORED] for c in counts) == 147
    assert len(house.files("images")) == 128
    hogan = [c for p, c in zip(partitions, counts, strict=True) if "hogan" in p.collection]
    assert (len(hogan), sum(c.stale for c in hogan)) == (25, 19)


def limited(limit: int | None, *, newest_first: bool = False) -> Terms:
    return Terms(workers=1, choice=Choice(limit, newest_first))


@pytest.mark.parametrize(
    ("newest_first", "hours"), [(False, ["10", "11"]), (True, ["13", "12"])], ids=["old", "new"]
)
def test_of_a_limited_day_the_first_pictures_of_either_end_come(house, newest_first, hours):
    source = site({hour: picture(hour) for hour in (11, 13, 10, 12)})

    report = house.collector(source, limited(2, newest_first=newest_first)).collect(DAY, now=NOW)

    assert report.counts == {"stored": 2, "beyond_limit": 2}
    assert sorted(house.catalog.images.known(DAY)) == sorted(f"20250901{h}0000" for h in hours)


def test_the_same_limit_again_asks_for_nothing_more(house):
    source = site({hour: picture(hour) for hour in (10, 11, 12)})
    collector = house.collector(source, limited(2))
    collector.collect(DAY, now=NOW)

    assert collector.collect(DAY, now=NOW).counts == {"known": 2, "beyond_limit": 1}


def test_a_limited_day_stays_open_and_is_sealed_when_the_rest_has_come(house):
    source = site({hour: picture(hour) for hour in (10, 11, 12)})
    house.collector(source, limited(2)).collect(DAY, now=NOW)
    half = house.catalog.images.day(DAY)

    house.collector(source, limited(None)).collect(DAY, now=NOW)

    whole = house.catalog.images.day(DAY)
    assert (half.sealed_at, whole.sealed_at) == (None, NOW)


def test_a_limit_that_no_day_reaches_changes_nothing(house):
    source = site({10: picture(1), 11: picture(2)})

    house.collector(source, limited(5)).collect(DAY, now=NOW)

    assert house.catalog.images.day(DAY).sealed_at == NOW


@pytest.mark.parametrize("left", [{10: picture(1)}, {}], ids=["shrunk", "empty"])
def test_a_listing_that_shrinks_seals_no_day_that_still_misses_a_picture(house, left):
    house.collector(site({10: picture(1), 11: TransientError("cut off")})).collect(DAY, now=NOW)

    house.collector(site(left)).collect(DAY, now=NOW)

    assert house.catalog.images.day(DAY).sealed_at is None
    assert states(house) == {ImageState.STORED: 1, ImageState.MISSING: 1}


@pytest.mark.parametrize("left", [{10: picture(10)}, {}], ids=["shrunk", "empty"])
def test_a_listing_that_shrinks_seals_no_day_of_which_not_all_was_asked_for(house, left):
    """What a limit left out, or a run that was cut off, has no record yet that could keep the day open."""
    source = site({hour: picture(hour) for hour in (10, 11, 12)})
    house.collector(source, limited(1)).collect(DAY, now=NOW)

    house.collector(site(left)).collect(DAY, now=NOW)

    day = house.catalog.images.day(DAY)
    assert (day.listed, day.sealed_at) == (3, None)


def test_a_listing_that_shrinks_keeps_no_day_open_of_which_all_is_here(house):
    source = site({10: picture(1), 11: picture(2)}, complete=False)
    house.collector(source).collect(DAY, now=NOW)

    house.collector(site({10: picture(1)})).collect(DAY, now=NOW)

    assert house.catalog.images.day(DAY).sealed_at == NOW


def test_a_missing_picture_that_is_listed_no_more_is_asked_for_where_it_was(house):
    house.collector(site({10: TransientError("cut off")})).collect(DAY, now=NOW)
    emptied = FakeSource(Listing((), complete=True), {entry(10).item_key: picture(1)})

    report = house.collector(emptied).collect(DAY, now=NOW)

    assert report.counts == {"stored": 1}
    assert house.catalog.images.day(DAY).sealed_at == NOW


def test_a_missing_picture_that_is_listed_no_more_is_gone_after_two_absent_looks(house):
    house.collector(site({10: NotFoundError("404")})).collect(DAY, now=NOW)
    emptied = house.collector(site({}))

    reports = [emptied.collect(DAY, now=NOW + hours * HOUR) for hours in (1, 7)]

    assert [dict(report.counts) for report in reports] == [{"missing": 1}, {"gone": 1}]
    assert house.catalog.images.day(DAY).sealed_at == NOW + 7 * HOUR


def test_a_picture_that_was_refused_on_its_own_day_is_looked_at_again_when_the_day_is_closed(house):
    """A camera may have been still sending it to the site when we took it."""
    evening = dt.datetime(2025, 9, 1, 20, tzinfo=dt.UTC)
    for content, now in ((picture(1)[:700], evening), (picture(1)[:700], evening + HOUR)):
        house.collector(site({10: content})).collect(DAY, now=now)
    last = site({10: picture(1)})

    report = house.collector(last).collect(DAY, now=NOW)

    assert report.counts == {"stored": 1}
    assert house.catalog.images.day(DAY).sealed_at == NOW


def test_a_picture_that_is_refused_after_its_day_is_refused_for_good(house):
    evening = dt.datetime(2025, 9, 1, 20, tzinfo=dt.UTC)
    broken = site({10: picture(1)[:700]}, complete=False)

    for now in (evening, evening + HOUR, NOW, NOW + HOUR):
        house.collector(broken).collect(DAY, now=now)

    assert broken.fetches == 2


def test_bytes_that_a_disk_lost_under_their_older_name_come_back_to_it(house):
    house.collector(site({10: picture(1)}, complete=False)).collect(DAY, now=NOW)
    first = house.root / "data/images/2025-09-01/in_gate/20250901100000_in_gate.jpg"
    first.unlink()

    house.collector(site({10: picture(1), 11: picture(1)})).collect(DAY, now=NOW)

    assert first.read_bytes() == picture(1)
    assert house.catalog.images.paths(DAY) == (str(first.relative_to(house.root / "data")),)


def test_a_day_remembers_the_limit_that_it_was_collected_under(house):
    source = site({hour: picture(hour) for hour in (10, 11, 12)})

    limits = []
    for limit in (2, None):
        house.collector(source, limited(limit)).collect(DAY, now=NOW)
        limits.append(house.catalog.images.day(DAY).limit)

    assert limits == [2, None]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_that_is_none_is_refused(limit):
    with pytest.raises(ValueError, match="1 at least"):
        Choice(limit)
