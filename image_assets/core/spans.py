"""A range of UTC days of some collections, as it is asked about in one question."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

from image_assets.core.model import DEFAULT_TENANT, Partition


@dataclass(frozen=True, slots=True)
class Span:
    """The days from `first` to `last`, both included, of collections of one source."""

    source: str
    collections: tuple[str, ...]
    first: dt.date
    last: dt.date
    tenant: str = DEFAULT_TENANT

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"a span ends ({self.last}) before it begins ({self.first})")

    @classmethod
    def of(cls, partition: Partition) -> Self:
        """A partition's own day.

        Raises:
            ValueError: its key is no date.
        """
        day = partition.day
        return cls(partition.source, (partition.collection,), day, day, partition.tenant)

    def partitions(self) -> Iterator[Partition]:
        """Every day of the first collection, then of the next."""
        for collection in self.collections:
            for n in range((self.last - self.first).days + 1):
                day = self.first + dt.timedelta(days=n)
                yield Partition(self.source, collection, day.isoformat(), self.tenant)

    def widened(self, days: int) -> Self:
        """The same with so many days more on either side."""
        more = dt.timedelta(days=days)
        return replace(self, first=self.first - more, last=self.last + more)
