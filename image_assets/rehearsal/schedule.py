"""Which pictures a camera took on a day: a pure function of profile, terminal, stream and date."""

import datetime as dt
import random
from dataclasses import dataclass
from functools import lru_cache

from image_assets.rehearsal.profile import Profile

DAY = 86_400
JITTER = 120  # seconds either side of the cadence, as the real cameras have it


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture under its capture time. `shows` is the time on its face: earlier when it is stale."""

    captured_at: dt.datetime
    shows: dt.datetime
    lost: bool = False
    thumbnail_only: bool = False

    @property
    def stale(self) -> bool:
        """Whether it repeats the previous picture's bytes."""
        return self.shows != self.captured_at


@lru_cache(maxsize=512)
def frames(profile: Profile, terminal: str, stream: str, day: dt.date) -> tuple[Frame, ...]:
    """The day's pictures in order of time, all within the UTC day, at random seconds.

    The first is never stale: a stale picture repeats one of its own day.
    """
    if f"{terminal}/{stream}" in profile.quiet:
        return ()
    chance = random.Random(f"{profile.seed}/{terminal}/{stream}/{day.isoformat()}")
    midnight = dt.datetime.combine(day, dt.time(), dt.UTC)
    taken: list[Frame] = []
    for second in _seconds(int(profile.cadence.total_seconds()), chance):
        frame = _frame(profile, chance, midnight + dt.timedelta(seconds=second), taken)
        if frame is not None:
            taken.append(frame)
    return tuple(taken)


def _seconds(cadence: int, chance: random.Random) -> list[int]:
    """Strictly increasing seconds of a day, one a cadence, jittered by at most two minutes."""
    jitter = min(JITTER, (cadence - 1) // 2)
    phase = chance.randint(jitter, cadence - 1 - jitter)
    slots = range(phase, DAY - jitter, cadence)
    return [slot + chance.randint(-jitter, jitter) for slot in slots]


def _frame(
    profile: Profile, chance: random.Random, at: dt.datetime, taken: list[Frame]
) -> Frame | None:
    # Every draw is made for every slot, so that one share never moves what another decides.
    gap, stale, lost, thumbnail = (chance.random() for _ in range(4))
    if gap < profile.gap_share:
        return None
    repeats = bool(taken) and stale < profile.stale_share
    return Frame(
        captured_at=at,
        shows=taken[-1].shows if repeats else at,
        lost=lost < profile.lost_share,
        thumbnail_only=thumbnail < profile.thumbnail_only_share,
    )
