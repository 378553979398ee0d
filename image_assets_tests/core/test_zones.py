import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from image_assets.core import zones

NEW_YORK = ZoneInfo("America/New_York")
SPRING, AUTUMN = dt.date(2025, 3, 9), dt.date(2025, 11, 2)


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (dt.date(2025, 9, 1), 24)])
def test_a_local_day_has_as_many_hours_as_its_clocks_gave_it(day, hours):
    length = zones.end_of(day, NEW_YORK) - zones.start_of(day, NEW_YORK)

    assert length == dt.timedelta(hours=hours)


@pytest.mark.parametrize("name", ["America/New_York", "Africa/Cairo", "America/Santiago"])
def test_a_day_begins_when_the_date_changes_also_where_midnight_was_skipped(name):
    zone = ZoneInfo(name)
    days = [dt.date(2025, 1, 1) + dt.timedelta(days=n) for n in range(400)]

    starts = [(day, zones.start_of(day, zone)) for day in days]

    second = dt.timedelta(seconds=1)
    assert [day for day, start in starts if start.astimezone(zone).date() != day] == []
    assert [day for day, start in starts if (start - second).astimezone(zone).date() >= day] == []


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("UTC", (2025, 9, 1), ["2025-09-01"]),
        ("America/New_York", (2025, 9, 1), ["2025-08-31", "2025-09-01"]),
        ("Asia/Kolkata", (2025, 9, 1), ["2025-09-01", "2025-09-02"]),
        ("Europe/London", (2025, 12, 1), ["2025-12-01"]),
        ("Pacific/Apia", (2011, 12, 30), ["2011-12-29", "2011-12-31"]),  # it skipped the 30th
    ],
)
def test_a_utc_day_is_made_of_the_local_days_that_it_overlaps(zone, day, expected):
    found = zones.local_days(dt.date(*day), ZoneInfo(zone))

    assert [local.isoformat() for local in found] == expected


@pytest.mark.parametrize("day", [SPRING, AUTUMN, dt.date(2025, 9, 1)])
def test_every_moment_of_a_utc_day_is_in_one_of_its_local_days(day):
    start = dt.datetime.combine(day, dt.time(), dt.UTC)
    moments = [start + dt.timedelta(minutes=15 * n) for n in range(96)]

    local = {moment.astimezone(NEW_YORK).date() for moment in moments}

    assert local == set(zones.local_days(day, NEW_YORK))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2025-09-01T10:07:34", utc(2025, 9, 1, 14, 7, 34)),
        ("2025-12-01T10:07:34", utc(2025, 12, 1, 15, 7, 34)),
        ("2025-09-01T10:07:34.999+00:00", utc(2025, 9, 1, 10, 7, 34)),
        ("2025-03-09T02:30:00", None),  # clocks went from 2 to 3
        ("2025-03-09T03:00:00", utc(2025, 3, 9, 7)),
        ("2025-11-02T01:30:00", utc(2025, 11, 2, 5, 30)),  # shown twice: the first
        ("2025-11-02T02:00:00", utc(2025, 11, 2, 7)),
    ],
)
def test_a_time_is_what_the_clocks_of_its_zone_showed(given, expected):
    assert zones.in_utc(dt.datetime.fromisoformat(given), NEW_YORK) == expected


def test_a_time_that_names_its_offset_needs_no_zone():
    second = dt.datetime(2025, 11, 2, 1, 30, tzinfo=dt.timezone(dt.timedelta(hours=-5)))

    assert zones.in_utc(second, NEW_YORK) == utc(2025, 11, 2, 6, 30)
