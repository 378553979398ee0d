"""Days against a cadence that is learned from their neighbours, wherever in a span they lie."""

import datetime as dt

import pytest

from image_assets.core.cadence import Basis, Service
from image_assets.core.completeness import Condition
from image_assets.core.model import Blob, Entry, Fetched, ImageFormat, Partition
from image_assets.core.naming import image_path, item_key
from image_assets.core.spans import Span
from image_assets.services.catalog import Catalog
from image_assets.stages.completeness import Assessor

FIRST = dt.date(2025, 9, 1)
LATER = dt.datetime(2025, 12, 1, tzinfo=dt.UTC)
STREAM = "apm/in_gate"


def partition(n: int) -> Partition:
    return Partition("camera", STREAM, (FIRST + dt.timedelta(days=n)).isoformat())


def take(catalog: Catalog, n: int, hours: range) -> None:
    """A sealed day with a picture at half past each of these hours."""
    day = partition(n)
    midnight = dt.datetime.combine(day.day, dt.time(), dt.UTC)
    for hour in hours:
        at = midnight + dt.timedelta(hours=hour, minutes=30)
        key = item_key(at)
        sha256 = f"{n:032}{hour:032}"
        path = image_path(day, key, ImageFormat.JPEG)
        catalog.images.add_stored(
            day,
            Entry(key, f"{key}.jpg", at),
            Blob(sha256, path, 100, ImageFormat.JPEG, 8, 8),
            fetched=Fetched(sha256, 100),
            exif={},
            now=LATER,
        )
    catalog.images.record_listing(day, listed=len(hours), complete=True, now=LATER)
    catalog.images.seal(day, now=LATER)


@pytest.fixture
def archive(sqlite_catalog: Catalog) -> Catalog:
    """Five days: one of them with a morning only, one after them that was never listed."""
    for n in range(5):
        take(sqlite_catalog, n, range(6, 12) if n == 3 else range(6, 18))
    return sqlite_catalog


def test_a_quiet_day_is_known_by_its_neighbours(archive):
    found = Assessor(archive.completeness).day(partition(3), now=LATER)

    assert (found.held, found.completeness.condition) == (True, Condition.QUIET)
    assert (found.completeness.got, found.completeness.expected) == (6, 12)
    (gap,) = found.completeness.gaps
    assert (gap.start.hour, gap.end.hour, gap.pictures) == (11, 18, 6)


def test_a_day_does_not_teach_itself(archive):
    found = Assessor(archive.completeness).day(partition(3), now=LATER)

    assert (found.completeness.cadence.basis, found.completeness.cadence.days) == (Basis.LEARNED, 4)


def test_a_day_is_the_same_alone_and_within_a_span(archive):
    assessor = Assessor(archive.completeness)
    span = Span("camera", (STREAM,), FIRST, FIRST + dt.timedelta(days=5))

    together = list(assessor.span(span, now=LATER))

    assert together == [assessor.day(partition(n), now=LATER) for n in range(6)]
    assert [found.completeness.condition.value for found in together] == [
        *("whole", "whole", "whole", "quiet", "whole"),
        "broken",
    ]


def test_a_given_cadence_needs_no_history(archive):
    service = Service(60, (6, 18))

    found = Assessor(archive.completeness, service).day(partition(3), now=LATER)

    assert found.completeness.cadence.basis is Basis.GIVEN
    assert found.completeness.condition is Condition.QUIET


def test_days_that_are_far_away_teach_nothing(archive):
    found = Assessor(archive.completeness).day(partition(60), now=LATER)

    assert found.completeness.cadence.basis is Basis.UNKNOWN


def test_times_of_pictures_are_told_for_the_strip(archive):
    found = Assessor(archive.completeness).day(partition(3), now=LATER)

    assert [moment.hour for moment in found.taken] == list(range(6, 12))
