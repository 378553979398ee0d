"""Looking at days for what they lack: the catalog's records against the camera's cadence."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from image_assets.core import cadence
from image_assets.core.cadence import Cadence, HourCounts, Service
from image_assets.core.completeness import Completeness, assess
from image_assets.core.gaps import HAD, Frame, Listed
from image_assets.core.model import Partition
from image_assets.core.spans import Span
from image_assets.ports import CompletenessCatalog, Day

PAST_DAYS = 28
"""How far away, before and after, a day may lie that a cadence is learned from."""

History = Mapping[str, Mapping[dt.date, HourCounts]]
"""Pictures by hour of the sealed days of each collection."""


@dataclass(frozen=True, slots=True)
class Assessed:
    """A day with its listing (None: never listed), what it lacks, and when its pictures were taken."""

    partition: Partition
    listing: Day | None
    completeness: Completeness
    taken: tuple[dt.datetime, ...]

    @property
    def held(self) -> bool:
        """Whether the day is sealed: closed, and all that was listed is settled."""
        return self.listing is not None and self.listing.sealed_at is not None


@dataclass(frozen=True, slots=True)
class Assessor:
    """Says of days what they lack. `service` is the source's cadence where the operator gives one."""

    catalog: CompletenessCatalog
    service: Service | None = None
    grace: dt.timedelta = dt.timedelta(hours=1)

    def day(self, partition: Partition, *, now: dt.datetime) -> Assessed:
        """One partition's day."""
        return next(self.span(Span.of(partition), now=now))

    def span(self, span: Span, *, now: dt.datetime) -> Iterator[Assessed]:
        """Every day of the span, collection by collection: three questions, however long it is."""
        listings, frames = self.catalog.days(span), self.catalog.frames(span)
        history = self._history(span)
        for partition in span.partitions():
            listing = listings.get(partition)
            pictures = frames.get(partition, ())
            found = assess(
                partition.day,
                pictures,
                _listed(listing),
                self._cadence(history, partition),
                now=now,
                grace=self.grace,
            )
            taken = tuple(filter(None, map(_taken, pictures)))
            yield Assessed(partition, listing, found, taken)

    def _history(self, span: Span) -> History:
        past: dict[str, dict[dt.date, HourCounts]] = {name: {} for name in span.collections}
        if self.service is None:
            for partition, hours in self.catalog.hours(span.widened(PAST_DAYS)).items():
                past[partition.collection][partition.day] = hours
        return past

    def _cadence(self, history: History, partition: Partition) -> Cadence:
        if self.service is not None:
            return cadence.given(self.service)
        near = _near(history[partition.collection], partition.day)
        day = partition.day
        return cadence.learned(cadence.lessons(near, day), cadence.same_weekday(near, day))


def _near(past: Mapping[dt.date, HourCounts], day: dt.date) -> dict[dt.date, HourCounts]:
    # Whatever span the day is looked at in: its cadence is learned from the same days.
    days = (day + dt.timedelta(days=n) for n in range(-PAST_DAYS, PAST_DAYS + 1))
    return {near: past[near] for near in days if near in past}


def _listed(day: Day | None) -> Listed | None:
    if day is None:
        return None
    return Listed(day.listed_at, day.listed, day.complete, day.sealed_at is not None, day.limit)


def _taken(frame: Frame) -> dt.datetime | None:
    return frame.captured_at if frame.state in HAD else None
