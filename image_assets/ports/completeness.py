"""What is known of days: their listings, what became of each picture, and when a camera takes any."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from image_assets.core.cadence import HourCounts
from image_assets.core.gaps import Frame
from image_assets.core.model import Partition
from image_assets.core.spans import Span
from image_assets.ports.images import Day


class CompletenessCatalog(Protocol):
    """The records of a span of days, each kind in one question."""

    def days(self, span: Span) -> Mapping[Partition, Day]:
        """The listings of the days that were ever listed."""
        ...

    def frames(self, span: Span) -> Mapping[Partition, Sequence[Frame]]:
        """Every record by its day, in the order of capture; days without any are not named."""
        ...

    def hours(self, span: Span) -> Mapping[Partition, HourCounts]:
        """How many pictures the source listed in each UTC hour of each sealed day.

        Whatever became of them; what came in conflict under one key counts once.
        """
        ...
