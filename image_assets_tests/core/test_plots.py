import datetime as dt
import json

import pytest

from image_assets.core.plots import Interval, read
from image_assets_tests.plotting import DRAWN, sidecar

LATE = dt.datetime(2025, 1, 16, 8, tzinfo=dt.UTC)


def plot(**told):
    return read(json.dumps(sidecar(**told)).encode())


def test_a_sidecar_tells_sensor_interval_and_figures():
    found = plot()

    assert (found.sensor, found.interval) == ("temperature", Interval.DAILY)
    assert (found.data_points, found.processing_time) == (1440, 1.23)
    assert found.collection == "temperature:daily"


def test_start_and_end_are_understood_without_their_suffix():
    told = {"sensor_type": "humidity", "interval": "hourly"}
    told |= {"start": "2025-01-15T10:00:00Z", "end": "2025-01-15T11:00:00Z"}

    found = read(json.dumps(told).encode())

    assert found.start == dt.datetime(2025, 1, 15, 10, tzinfo=dt.UTC)
    assert (found.data_points, found.processing_time) == (None, None)


def test_what_is_announced_has_the_names_and_spellings_of_the_original():
    told = plot().told("2025-01-15_daily.png")

    assert told == {"filename": "2025-01-15_daily.png", **sidecar()}


def test_it_shows_no_more_than_was_measured_when_it_was_drawn():
    early = DRAWN - dt.timedelta(days=1)

    assert plot().as_of(DRAWN) == LATE
    assert plot().as_of(early) == early


@pytest.mark.parametrize(
    ("interval", "start", "end", "day"),
    [
        ("daily", "2025-01-15T00:00:00-08:00", "2025-01-16T00:00:00-08:00", "2025-01-15"),
        ("daily", "2025-01-15T00:00:00+09:00", "2025-01-16T00:00:00+09:00", "2025-01-14"),
        ("hourly", "2025-01-15T23:00:00Z", "2025-01-16T00:00:00Z", "2025-01-15"),
        ("cumulative", "2025-01-01T00:00:00Z", "2025-01-16T00:00:00Z", "2025-01-15"),
        ("cumulative", "2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z", "2025-01-16"),
    ],
)
def test_its_utc_date_is_of_its_beginning_or_of_the_last_moment_it_shows(interval, start, end, day):
    assert plot(interval=interval, start=start, end=end).day(DRAWN).isoformat() == day


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ({"sensor": 7}, "sensor_type"),
        ({"sensor": "a:b"}, "sensor_type"),
        ({"sensor": "../etc"}, "sensor_type"),
        ({"interval": "weekly"}, "none of hourly, daily, cumulative"),
        ({"interval": ["daily"]}, "none of hourly"),
        ({"start": "yesterday"}, "its start is no time"),
        ({"start": "2025-01-15T00:00:00"}, "its start has no offset"),
        ({"start": "0001-01-01T00:00:00+23:00"}, "its start is no time"),
        ({"start": "0999-01-01T00:00:00Z"}, "its start is before 1970"),
        ({"end": None}, "it has no end"),
        ({"end": "2025-01-14T00:00:00Z"}, "before it begins"),
        ({"data_points": "many"}, "data_points is no number"),
        ({"data_points": True}, "data_points is no number"),
        ({"processing_time": float("nan")}, "processing_time is no number"),
        ({"processing_time": -1}, "processing_time is no number"),
    ],
)
def test_what_describes_no_visualisation_is_told(told, complaint):
    with pytest.raises(ValueError, match=complaint):
        plot(**told)


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_what_is_no_json_object_is_told(content):
    with pytest.raises(ValueError, match="no JSON"):
        read(content)
