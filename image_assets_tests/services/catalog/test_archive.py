"""What the archive says of a range, on both databases."""

import datetime as dt

from image_assets.core.account import Lost
from image_assets.core.model import Fetched, Variant
from image_assets.core.spans import Span
from image_assets_tests.services.catalog.samples import (
    DAY,
    NEXT_DAY,
    NOW,
    at,
    blob,
    entry,
    store,
)

LATER = dt.timedelta(hours=6)
SPAN = Span("camera", ("apm/in_gate",), DAY.day, NEXT_DAY.day)


def listed(catalog, count: int, partition=DAY) -> None:
    catalog.images.record_listing(partition, listed=count, complete=True, now=NOW)


def miss(catalog, minute: float, *, absent: bool, now=NOW) -> None:
    catalog.images.add_missing(
        DAY, entry(minute), reason=f"minute {minute}", absent=absent, gone_after=LATER, now=now
    )


def refuse(catalog, minute: float, reason: str) -> None:
    catalog.images.add_rejected(
        DAY, entry(minute), reason=reason, sha256=None, quarantine=None, now=NOW
    )


def only(catalog):
    (day,) = catalog.archive.accounts(SPAN)
    return day


def test_a_range_of_which_nothing_is_known_has_no_accounts(catalog):
    assert (catalog.archive.accounts(SPAN), catalog.archive.lost(SPAN, 9)) == ((), ())


def test_pictures_are_told_by_what_became_of_them(catalog):
    listed(catalog, 9)
    store(catalog, 1, "a")
    store(catalog, 2, "b", variant=Variant.THUMBNAIL)
    refuse(catalog, 3, "truncated")
    refuse(catalog, 4, "not_an_image")
    miss(catalog, 5, absent=True)
    miss(catalog, 6, absent=False)
    miss(catalog, 7, absent=True)
    miss(catalog, 7, absent=True, now=NOW + LATER)

    day = only(catalog)

    assert (day.requested, day.downloaded, day.skipped) == (9, 2, 2)
    assert day.failed == {"absent": 1, "error": 1, "gone": 1, "rejected": 2}
    assert day.rejections == {"truncated": 1, "not_an_image": 1}
    assert (day.bytes, day.seconds, day.unlisted) == (2000, None, None)


def test_the_first_and_last_capture_are_of_what_came(catalog):
    for minute in (7, 3, 5):
        store(catalog, minute, f"word {minute}")
    miss(catalog, 1, absent=False)

    day = only(catalog)

    assert (day.first, day.last) == (at(3), at(7))


def test_a_frame_that_repeats_was_downloaded_again(catalog):
    store(catalog, 1, "same")
    store(catalog, 2, "same")

    assert (only(catalog).downloaded, only(catalog).bytes) == (2, 2000)


def test_other_bytes_for_a_second_are_one_more_than_the_listing_has(catalog):
    listed(catalog, 1)
    store(catalog, 1, "a")
    other = blob("b", "images/beside.jpg")
    catalog.images.add_stored(
        DAY, entry(1), other, fetched=Fetched(other.sha256, other.size), exif={}, now=NOW
    )

    day = only(catalog)

    assert (day.requested, day.downloaded, day.skipped) == (2, 2, 0)


def test_a_listing_that_shrank_makes_nothing_negative(catalog):
    store(catalog, 1, "a")
    store(catalog, 2, "b")
    listed(catalog, 0)

    assert (only(catalog).requested, only(catalog).skipped) == (2, 0)


def test_a_day_without_pictures_was_listed(catalog):
    listed(catalog, 0)

    assert (only(catalog).requested, only(catalog).first) == (0, None)


def test_days_come_in_order_and_others_do_not_come(catalog):
    listed(catalog, 1, NEXT_DAY)
    listed(catalog, 1, DAY)
    for other in (
        DAY.__class__("camera", "apm/out_gate", DAY.key),
        DAY.__class__("inbox", "apm/in_gate", DAY.key),
    ):
        listed(catalog, 1, other)

    days = catalog.archive.accounts(SPAN)

    assert [day.partition for day in days] == [DAY, NEXT_DAY]


def test_what_is_not_here_is_told_one_by_one_up_to_a_limit(catalog):
    store(catalog, 1, "a")
    miss(catalog, 3, absent=False)
    refuse(catalog, 2, "truncated")

    assert catalog.archive.lost(SPAN, 9) == (
        Lost("apm/in_gate 20250901000200.jpg", "rejected", "truncated"),
        Lost("apm/in_gate 20250901000300.jpg", "error", "minute 3"),
    )
    assert len(catalog.archive.lost(SPAN, 1)) == 1


def test_every_path_of_bytes_is_known(catalog):
    store(catalog, 1, "a", path="images/a.jpg")
    store(catalog, 2, "b", path="images/b.jpg")

    assert catalog.archive.paths() == {"images/a.jpg", "images/b.jpg"}
