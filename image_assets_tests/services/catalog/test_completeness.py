"""Spans of days in one question each, the same from both databases."""

import datetime as dt

from image_assets.core.cadence import HOURS
from image_assets.core.gaps import Frame
from image_assets.core.model import ImageState, Variant
from image_assets.core.spans import Span
from image_assets.services.catalog import Catalog
from image_assets_tests.services.catalog.samples import (
    DAY,
    NEXT_DAY,
    NOW,
    OTHER_SHOP,
    add_tenant,
    at,
    entry,
    sha256,
    store,
)

BOTH = Span("camera", ("apm/in_gate",), DAY.day, NEXT_DAY.day)
FIRST = Span.of(DAY)
HOUR = dt.timedelta(hours=1)


def seal(catalog: Catalog, *days: object) -> None:
    for day in days:
        catalog.images.record_listing(day, listed=1, complete=True, now=NOW)
        catalog.images.seal(day, now=NOW)


def test_listings_are_those_of_the_days_that_were_listed(catalog: Catalog) -> None:
    seal(catalog, DAY)

    found = catalog.completeness.days(BOTH)

    assert list(found) == [DAY]
    assert found[DAY] == catalog.images.day(DAY)


def test_frames_are_every_record_by_its_day(catalog: Catalog) -> None:
    store(catalog, 1, "a", variant=Variant.THUMBNAIL)
    store(catalog, 2, "a")
    catalog.images.add_missing(DAY, entry(3), reason="404", absent=False, gone_after=HOUR, now=NOW)
    store(catalog, 1441, "b", partition=NEXT_DAY)

    found = catalog.completeness.frames(BOTH)

    assert found == {
        DAY: (
            Frame(at(1), ImageState.STORED, None, Variant.THUMBNAIL),
            Frame(at(2), ImageState.STORED, stale=True),
            Frame(at(3), ImageState.MISSING, "404"),
        ),
        NEXT_DAY: (Frame(at(1441), ImageState.STORED),),
    }


def test_other_bytes_under_a_known_key_are_a_conflict(catalog: Catalog) -> None:
    store(catalog, 1, "a")
    store(catalog, 1, "b", path="images/other.jpg")

    (one, other) = catalog.completeness.frames(FIRST)[DAY]

    assert (one.conflict, other.conflict) == (False, True)


def test_hours_count_what_was_listed_of_sealed_days_in_utc(catalog: Catalog) -> None:
    seal(catalog, DAY, NEXT_DAY)
    for minute in (0, 59, 61, 1439):
        store(catalog, minute, f"frame {minute}")
    catalog.images.add_rejected(
        DAY, entry(62), reason="truncated", sha256=sha256("x"), quarantine=None, now=NOW
    )

    found = catalog.completeness.hours(BOTH)

    assert found[DAY] == (2, 2, *(0,) * 21, 1)
    assert found[NEXT_DAY] == (0,) * HOURS


def test_a_conflict_counts_once(catalog: Catalog) -> None:
    seal(catalog, DAY)
    store(catalog, 1, "a")
    store(catalog, 1, "b", path="images/other.jpg")

    assert sum(catalog.completeness.hours(FIRST)[DAY]) == 1


def test_days_that_are_not_sealed_teach_nothing(catalog: Catalog) -> None:
    catalog.images.record_listing(DAY, listed=1, complete=True, now=NOW)
    store(catalog, 1, "a")

    assert catalog.completeness.hours(BOTH) == {}


def test_a_span_is_one_tenants_one_sources_and_of_its_collections(catalog: Catalog) -> None:
    add_tenant(catalog, "other")
    seal(catalog, OTHER_SHOP)
    store(catalog, 1, "a", partition=OTHER_SHOP)

    for span in (BOTH, Span("camera", ("apm/out_gate",), DAY.day, DAY.day)):
        assert catalog.completeness.days(span) == {}
        assert catalog.completeness.frames(span) == {}
        assert catalog.completeness.hours(span) == {}
    theirs = Span.of(OTHER_SHOP)
    assert list(catalog.completeness.frames(theirs)) == [OTHER_SHOP]


def test_the_limit_of_a_day_is_known(catalog: Catalog) -> None:
    catalog.images.record_listing(DAY, listed=9, complete=True, limit=4, now=NOW)

    assert [day.limit for day in catalog.completeness.days(Span.of(DAY)).values()] == [4]
