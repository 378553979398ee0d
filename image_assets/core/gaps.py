"""Where a day has no picture, and why: silences by the camera's cadence, and what was listed and lacks.

**Silences.** Two pictures that follow one another are about one expected picture apart; with the
jitter of real cameras (a fifth of the interval) at most 1.4, and 1.6 at least when one was left out.
More than `TOLERANCE` = 1.5 expected pictures between two listed ones, within hours of service, is a
gap. So the rule needs no unit of time and follows a cadence that changes from hour to hour. At the
day's edges it counts from midnight: what the day before had is not looked at.

**Who says so.** Silence means something only as far as the listing reaches (`_reach`): a complete
one to the time it was made, an open one to its last picture. Behind that the day is *unlisted*. A
listing that named more than was ever recorded does not prove silence either: the picture that seems
not to have been taken may be among those that nobody asked for yet, or that a limit left out.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from image_assets.core.cadence import HOURS, Cadence
from image_assets.core.model import ImageState, Variant

TOLERANCE = 1.5
"""Expected pictures that may lie between two: the middle between none left out and one."""

HAD = frozenset({ImageState.STORED, ImageState.EXPIRED})
"""The states of pictures that came here; what retention took away later was no gap."""


class GapCause(StrEnum):
    """Why there is no picture."""

    SILENT = "silent"  # the listing is complete there, and the camera took none
    FAILED = "failed"  # listed, and not got yet
    GONE = "gone"  # listed, and no longer at the source
    REJECTED = "rejected"  # came, and was no acceptable picture
    UNLISTED = "unlisted"  # the day was not listed, or not as far as this
    LIMITED = "limited"  # listed, and beyond the limit that the day was collected under


_CAUSES = {
    ImageState.MISSING: GapCause.FAILED,
    ImageState.GONE: GapCause.GONE,
    ImageState.REJECTED: GapCause.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture that was listed for the day: when it was taken, and what became of it."""

    captured_at: dt.datetime | None
    state: ImageState
    reason: str | None = None
    variant: Variant = Variant.FULL
    stale: bool = False
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """The listing that the day is known by, and how many of its pictures were wanted (None: all)."""

    at: dt.datetime
    pictures: int
    complete: bool
    sealed: bool = False
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without a picture. `pictures` are those lacking: counted, or estimated of silence."""

    start: dt.datetime
    end: dt.datetime
    cause: GapCause
    pictures: int
    reason: str | None = None

    @property
    def minutes(self) -> float:
        """How long it lasts."""
        return (self.end - self.start) / dt.timedelta(minutes=1)


class Sight:
    """A day as it is seen at `now`: times are hours since midnight, pictures in their order.

    `recorded` counts pictures, with what came in conflict under one key once; `horizon` is how much of the
    day is over.
    """

    def __init__(
        self,
        day: dt.date,
        frames: Sequence[Frame],
        listed: Listed | None,
        cadence: Cadence,
        now: dt.datetime,
    ) -> None:
        self.midnight = dt.datetime.combine(day, dt.time(), dt.UTC)
        self.recorded = sum(not frame.conflict for frame in frames)
        self.horizon = self._hours(now)
        self._listed, self._cadence = listed, cadence
        timed = [(self._hours(f.captured_at), f) for f in frames if f.captured_at is not None]
        timed.sort(key=lambda pair: pair[0])
        self._times = [time for time, _ in timed]
        self._frames = [frame for _, frame in timed]

    def gaps(self) -> list[Gap]:
        """Every gap of the day, in order."""
        silences = self._silences()
        if self._unasked and not any(silences.values()) and self._reach > 0:
            silences = {-1: [self._gap(0.0, self._reach, self._quiet, self._unasked)]}
        found = [gap for gaps in silences.values() for gap in gaps]
        found += self._lacking(set(silences)) + self._unlisted()
        return sorted(found, key=lambda gap: (gap.start, gap.end))

    @property
    def _unasked(self) -> int:
        """Pictures that were listed and have no record: a limit, or a run that was cut off."""
        return max(0, self._listed.pictures - self.recorded) if self._listed else 0

    @property
    def _quiet(self) -> GapCause:
        """Why nothing is recorded between two pictures, as far as the listing reaches."""
        if not self._unasked or self._listed is None:
            return GapCause.SILENT
        limit = self._listed.limit
        wanted = self._listed.pictures if limit is None else min(limit, self._listed.pictures)
        return GapCause.FAILED if self.recorded < wanted else GapCause.LIMITED

    @property
    def _reach(self) -> float:
        """How far into the day silence in the listing means something."""
        if self._listed is None:
            return 0.0
        if self._listed.sealed:
            return float(HOURS)
        last = self._times[-1] if self._times else 0.0
        return max(last, self._hours(self._listed.at)) if self._listed.complete else last

    def _silences(self) -> dict[int, list[Gap]]:
        """Gaps between pictures that follow one another, by the number of the later one."""
        edges = [0.0, *self._times, self._reach]
        found: dict[int, list[Gap]] = {}
        for place, (start, end) in enumerate(pairwise(edges)):
            if self._cadence.expected(start, end) <= TOLERANCE:
                continue
            bounds = {start} if place else set()
            bounds |= {end} if place < len(self._times) else set()
            if gaps := self._silent(start, end, bounds, self._quiet):
                found[place] = gaps
        return found

    def _silent(self, start: float, end: float, bounds: set[float], cause: GapCause) -> list[Gap]:
        """The parts in service that are too long; a bound that is a picture is half of one."""
        return [
            self._gap(begin, stop, cause, max(1, round(n - 0.5 * len({begin, stop} & bounds))))
            for begin, stop in self._cadence.stretches(start, end)
            if (n := self._cadence.expected(begin, stop)) > TOLERANCE
        ]

    def _lacking(self, silent: set[int]) -> list[Gap]:
        """Runs of listed pictures that are not here for one cause, out to their neighbours."""
        gaps, place = [], 0
        while place < len(self._frames):
            first, cause = place, _CAUSES.get(self._frames[place].state)
            while place < len(self._frames) and _CAUSES.get(self._frames[place].state) is cause:
                place += 1
                if place in silent:
                    break
            if cause is not None:
                gaps.append(self._run(first, place, cause, silent))
        return gaps

    def _run(self, first: int, after: int, cause: GapCause, silent: set[int]) -> Gap:
        """The pictures from `first` to before `after`, as one gap that overlaps no other."""
        start, end = self._times[first], self._times[after - 1]
        if first and first not in silent and self._frames[first - 1].state in HAD:
            start = self._times[first - 1]
        if after < len(self._times) and after not in silent:
            end = self._times[after]
        return self._gap(start, end, cause, after - first, self._frames[first].reason)

    def _unlisted(self) -> list[Gap]:
        start, end = self._reach, self.horizon
        if start >= end:
            return []
        if self._listed is None or self._cadence.rates is None:
            return [self._gap(start, end, GapCause.UNLISTED, round(self._cadence.expected(0, end)))]
        bounds = {start} if self._times else set()
        return self._silent(start, end, bounds, GapCause.UNLISTED)

    def _gap(
        self, start: float, end: float, cause: GapCause, pictures: int, reason: str | None = None
    ) -> Gap:
        return Gap(self._moment(start), self._moment(end), cause, pictures, reason)

    def _hours(self, moment: dt.datetime) -> float:
        hours = (moment - self.midnight).total_seconds() / 3600
        return min(max(hours, 0.0), float(HOURS))

    def _moment(self, hours: float) -> dt.datetime:
        return self.midnight + dt.timedelta(seconds=round(hours * 3600))
