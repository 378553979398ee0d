"""Days and times of a place, in UTC: a UTC day is made of the one or two local days it overlaps."""

import datetime as dt
from zoneinfo import ZoneInfo

UTC = ZoneInfo("UTC")


def start_of(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """The moment a local day begins, in UTC, whether or not its clocks show a midnight."""
    return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)


def end_of(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """The moment a local day ends, in UTC; 23, 24 or 25 hours after its start."""
    return start_of(day + dt.timedelta(days=1), zone)


def local_days(day: dt.date, zone: ZoneInfo) -> tuple[dt.date, ...]:
    """The local days that a UTC day overlaps, in order; a date that a place skipped is none."""
    start = dt.datetime.combine(day, dt.time(), dt.UTC)
    last = start + dt.timedelta(days=1, seconds=-1)
    hours = (start + dt.timedelta(hours=hour) for hour in range(24))
    return tuple(dict.fromkeys(at.astimezone(zone).date() for at in (*hours, last)))


def in_utc(at: dt.datetime, zone: ZoneInfo) -> dt.datetime | None:
    """A time in UTC, to the second: by its own offset, else by the clocks of the zone.

    None for a time that those clocks skipped. One that they showed twice, in autumn, is the first
    of the two.

    Raises:
        OverflowError: it lies before the year 1 or after 9999.
    """
    if at.tzinfo is not None:
        return at.astimezone(dt.UTC).replace(microsecond=0)
    moment = at.replace(tzinfo=zone, fold=0).astimezone(dt.UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != at.replace(fold=0):
        return None
    return moment.replace(microsecond=0)
