"""What its sidecar says of a visualisation: sensor, interval, the period it shows, its figures."""

import datetime as dt
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from image_assets.core import naming

_SENSOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_MOST_TEXT = 64
_FIRST_YEAR = 1970


class Interval(StrEnum):
    """How much of the time a visualisation shows."""

    HOURLY = "hourly"
    DAILY = "daily"
    CUMULATIVE = "cumulative"  # from a fixed beginning on: each shows more than the one before


@dataclass(frozen=True, slots=True)
class Plot:
    """What a sidecar says. Times are aware; `start_time` and `end_time` are as it spelled them."""

    sensor: str
    interval: Interval
    start: dt.datetime
    end: dt.datetime
    start_time: str
    end_time: str
    data_points: int | None
    processing_time: float | None

    @property
    def collection(self) -> str:
        """The collection it belongs to."""
        return naming.plots_collection(self.sensor, self.interval)

    def as_of(self, drawn_at: dt.datetime) -> dt.datetime:
        """The last moment that it can show, in UTC: nobody draws what has not been measured.

        That is what decides which of two is the newer one, whatever the order in which they are drawn.
        """
        return min(self.end, drawn_at).astimezone(dt.UTC)

    def day(self, drawn_at: dt.datetime) -> dt.date:
        """Its UTC date: on which its period begins; if that is fixed, of the last moment it shows."""
        if self.interval is Interval.CUMULATIVE:
            return (self.as_of(drawn_at) - dt.timedelta(microseconds=1)).date()
        return self.start.astimezone(dt.UTC).date()

    def told(self, filename: str) -> dict[str, Any]:
        """What is announced of it, under the names of the original."""
        return {
            "filename": filename,
            "sensor_type": self.sensor,
            "interval": self.interval.value,
            "data_points": self.data_points,
            "processing_time": self.processing_time,
            "start_time": self.start_time,
            "end_time": self.end_time,
        }


def read(content: bytes) -> Plot:
    """The plot that a sidecar describes: a JSON object with sensor_type, interval, start and end.

    `start_time` and `end_time` are understood as well; data_points and processing_time may be absent.

    Raises:
        ValueError: it does not describe one; says what it lacks.
    """
    try:
        told = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError("no JSON") from error
    if not isinstance(told, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - content, not code
    sensor = told.get("sensor_type")
    if not isinstance(sensor, str) or not _SENSOR.fullmatch(sensor):
        raise ValueError("its sensor_type is none: letters, digits, '_', '-' and '.' only")
    start_time, end_time = _text(told, "start"), _text(told, "end")
    start, end = _time("start", start_time), _time("end", end_time)
    if start >= end:
        raise ValueError(f"its period ends ({end_time}) before it begins ({start_time})")
    points, seconds = _number(told, "data_points"), _number(told, "processing_time")
    points = None if points is None else int(points)
    return Plot(sensor, _interval(told), start, end, start_time, end_time, points, seconds)


def _interval(told: Mapping[str, Any]) -> Interval:
    named = told.get("interval")
    if named not in list(Interval):
        raise ValueError(f"its interval is none of {', '.join(Interval)}")
    return Interval(named)


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(f"{name}_time", told.get(name))
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        raise ValueError(f"it has no {name}")
    return value


def _time(name: str, spelled: str) -> dt.datetime:
    try:
        at = dt.datetime.fromisoformat(spelled)
        at.astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"its {name} is no time: {spelled}") from error
    if at.year < _FIRST_YEAR:
        raise ValueError(f"its {name} is before {_FIRST_YEAR}: {spelled}")
    if at.utcoffset() is None:
        raise ValueError(f"its {name} has no offset from UTC: {spelled}")
    return at


def _number(told: Mapping[str, Any], name: str) -> float | None:
    value = told.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"its {name} is no number")  # noqa: TRY004
    if not math.isfinite(value) or value < 0 or value > 2**53:
        raise ValueError(f"its {name} is no number: {value}")
    return value
