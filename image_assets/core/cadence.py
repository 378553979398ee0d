"""How many pictures a camera is expected to take in each UTC hour: given, or learned from its past.

A rate is pictures an hour, one for each of the 24 hours; an hour of rate 0 is out of service, and
nothing that is not taken there is missed. Times within a day are hours since its midnight, 0..24.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from statistics import median

HOURS = 24
LEAST_DAYS = 3
"""Sealed days below which nothing is claimed of a camera: fewer have no median worth the name."""

MOST_DAYS = 14
"""Sealed days that are learned from: two weeks follow a season's daylight and outlive a bad day."""

MOST_WEEKS = 4
"""Days of the same weekday that are learned from."""

HourCounts = tuple[int, ...]
"""Pictures that a source listed in each UTC hour of one day."""


class Basis(StrEnum):
    """How we came to expect what we expect."""

    GIVEN = "given"
    LEARNED = "learned"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Service:
    """What the operator says of a camera: minutes between pictures, and when it takes any.

    `hours` are its first UTC hour of service and the one it ends before: (7, 20), or over midnight
    (13, 1); the whole day when None.
    """

    minutes: float
    hours: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Cadence:
    """The expected pictures an hour; no `rates` when nothing is known. `days` were learned from."""

    rates: tuple[float, ...] | None
    basis: Basis
    days: int = 0
    sums: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        rates = self.rates or (0.0,) * HOURS
        object.__setattr__(self, "sums", (0.0, *accumulate(rates), sum(rates)))

    def expected(self, start: float, end: float) -> float:
        """How many pictures are taken between two times of the day, as the rates have it."""
        return self._until(end) - self._until(start)

    def stretches(self, start: float, end: float) -> list[tuple[float, float]]:
        """The parts of a stretch of the day that lie in hours of service."""
        parts: list[tuple[float, float]] = []
        for hour, rate in enumerate(self.rates or ()):
            begin, stop = max(start, hour), min(end, hour + 1)
            if rate <= 0 or begin >= stop:
                continue
            if parts and parts[-1][1] == begin:
                parts[-1] = (parts[-1][0], stop)
            else:
                parts.append((begin, stop))
        return parts

    def _until(self, time: float) -> float:
        hour = int(time)
        return self.sums[hour] + (self.sums[hour + 1] - self.sums[hour]) * (time - hour)


UNKNOWN = Cadence(None, Basis.UNKNOWN)
"""Of a camera nothing is known of."""


def given(service: Service) -> Cadence:
    """The cadence that the operator describes."""
    rate = 60 / service.minutes
    rates = tuple(rate if _serves(service, hour) else 0.0 for hour in range(HOURS))
    return Cadence(rates, Basis.GIVEN)


def learned(days: Sequence[HourCounts], weekdays: Sequence[HourCounts] = ()) -> Cadence:
    """The cadence of a camera's past days, hour by hour; unknown from fewer than `LEAST_DAYS`.

    An hour's rate is the median of its counts: a day that failed, or on which the camera slept, moves
    nothing. A camera of less than a picture an hour takes it now in this hour, now in the next, and
    each hour's median would be 0: where the medians add up to less than half of a median day, that
    day's total is shared out by what each hour had in all.

    Terminals rest on Sundays: an hour in which every one of the same `weekdays` had less than half of
    the usual, or more than twice as much, has their median. One bad Sunday is not every Sunday.
    """
    if len(days) < LEAST_DAYS:
        return Cadence(None, Basis.UNKNOWN, len(days))
    rates = tuple(float(median(counts)) for counts in zip(*days, strict=True))
    total = median(map(sum, days))
    if sum(rates) < total / 2:
        each = tuple(map(sum, zip(*days, strict=True)))
        rates = tuple(total * count / sum(each) for count in each)
    elif len(weekdays) >= LEAST_DAYS:
        rates = tuple(map(_of_weekday, rates, zip(*weekdays, strict=True)))
    return Cadence(rates, Basis.LEARNED, len(days))


def lessons(past: Mapping[dt.date, HourCounts], day: dt.date) -> list[HourCounts]:
    """The days to learn a day's cadence from: the `MOST_DAYS` before it, or else the next after it.

    Later days count only as far as earlier ones are lacking: an archive may be filled backwards.
    """
    before = sorted((d for d in past if d < day), reverse=True)
    after = sorted(d for d in past if d > day)
    return [past[d] for d in (before + after)[:MOST_DAYS]]


def same_weekday(past: Mapping[dt.date, HourCounts], day: dt.date) -> list[HourCounts]:
    """Of the days to learn from, those of the day's weekday, the nearest `MOST_WEEKS` of them."""
    alike = [d for d in past if d != day and d.weekday() == day.weekday()]
    return [past[d] for d in sorted(alike, key=lambda d: abs(d - day))[:MOST_WEEKS]]


def _of_weekday(usual: float, counts: Sequence[int]) -> float:
    differs = max(counts) < usual / 2 or min(counts) > 2 * usual
    return float(median(counts)) if differs else usual


def _serves(service: Service, hour: int) -> bool:
    if service.hours is None:
        return True
    first, end = service.hours
    return first <= hour < end if first < end else hour >= first or hour < end
