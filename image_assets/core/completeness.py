"""What a camera's day has of what it should have, and whether camera, site or pipeline is to blame."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from image_assets.core.cadence import Cadence
from image_assets.core.gaps import HAD, Frame, Gap, GapCause, Listed, Sight
from image_assets.core.model import ImageState, Variant

MANY = 3
"""Lost or repeated pictures below which nothing is concluded from their share."""


class Condition(StrEnum):
    """What a day's gaps come to."""

    WHOLE = "whole"  # everything that was expected is here
    QUIET = "quiet"  # the camera took fewer than usual; what it took is here
    FROZEN = "frozen"  # the camera sends the same picture again and again
    LOST = "lost"  # a few listed pictures are gone or were refused
    BROKEN = "broken"  # the pipeline has not brought what is there to be had
    LIMITED = "limited"  # as many as a limit allows are here; the rest was not asked for
    OPEN = "open"  # the day is not over, or its listing not closed yet
    UNKNOWN = "unknown"  # nothing is missing that was listed, and nothing known of the cadence


@dataclass(frozen=True, slots=True)
class Completeness:
    """What a day has of what it should have.

    `got` pictures came, `listed` the source named, `expected` the cadence promises (None: unknown),
    `stale` and `thumbnails` are among those that came. `condition` says who has to act.
    """

    day: dt.date
    cadence: Cadence
    got: int
    listed: int
    expected: int | None
    stale: int
    thumbnails: int
    gaps: tuple[Gap, ...]
    condition: Condition

    @property
    def coverage(self) -> float | None:
        """The share that came of what was expected or listed, whichever is more; None of nothing."""
        wanted = max(self.expected or 0, self.listed)
        return min(1.0, self.got / wanted) if wanted else None

    def __str__(self) -> str:
        return f"{self.condition}: {self.summary}"

    @property
    def summary(self) -> str:
        """Counts, and gaps by cause, in a line."""
        wanted = max(self.expected or 0, self.listed)
        gaps = ", ".join(f"{count} {cause}" for cause, count in sorted(self.causes.items()))
        tail = f"; gaps: {gaps}; longest {self.longest:.0f} min" if self.gaps else ""
        return f"{self.got} of {wanted} pictures{tail}"

    @property
    def longest(self) -> float:
        """Minutes of the longest gap."""
        return max((gap.minutes for gap in self.gaps), default=0.0)

    @property
    def causes(self) -> Mapping[GapCause, int]:
        """Gaps by cause; causes without any are not named."""
        return Counter(gap.cause for gap in self.gaps)


def assess(
    day: dt.date,
    frames: Sequence[Frame],
    listed: Listed | None,
    cadence: Cadence,
    *,
    now: dt.datetime,
    grace: dt.timedelta,
) -> Completeness:
    """What the UTC day has and lacks at `now`, by its records, its listing and its cadence.

    A day is closed `grace` after its end; until then nothing is anybody's fault.
    """
    sight = Sight(day, frames, listed, cadence, now)
    gaps = tuple(sight.gaps())
    had = [frame for frame in frames if frame.state in HAD]
    stale = sum(frame.stale for frame in had)
    is_open = now < sight.midnight + dt.timedelta(days=1) + grace
    return Completeness(
        day,
        cadence,
        got=len(had),
        listed=max(sight.recorded, listed.pictures if listed else 0),
        expected=round(cadence.expected(0, sight.horizon)) if cadence.rates else None,
        stale=stale,
        thumbnails=sum(frame.variant is Variant.THUMBNAIL for frame in had),
        gaps=gaps,
        condition=Condition.OPEN if is_open else _condition(frames, gaps, stale, cadence),
    )


def _condition(
    frames: Sequence[Frame], gaps: Sequence[Gap], stale: int, cadence: Cadence
) -> Condition:
    causes = {gap.cause for gap in gaps}
    lost = sum(frame.state in (ImageState.GONE, ImageState.REJECTED) for frame in frames)
    # Half of a day refused or gone is no camera's bad picture: an address, a decoder, a site changed.
    if causes & {GapCause.FAILED, GapCause.UNLISTED} or lost >= max(MANY, len(frames) / 2):
        return Condition.BROKEN
    if GapCause.LIMITED in causes:
        return Condition.LIMITED
    if GapCause.SILENT in causes:
        return Condition.QUIET
    if stale >= max(MANY, len(frames) / 2):
        return Condition.FROZEN
    if causes:
        return Condition.LOST
    return Condition.WHOLE if cadence.rates else Condition.UNKNOWN
