"""Looking at published pictures again: what a look finds, and when two of them are proof."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

MASS_LOSS = 0.5
"""Share of the looks of one check above which what is gone looks like the host, not like pictures."""

_FEW = 10  # looks that say nothing about the host as a whole


class Finding(StrEnum):
    """What a look found."""

    ALIVE = "alive"
    GONE = "gone"  # the host answers that it has nothing there
    CHANGED = "changed"  # it shows something else
    UNREACHABLE = "unreachable"  # no usable answer: nothing is known

    @property
    def accuses(self) -> bool:
        """Whether the host said something that a second look may confirm."""
        return self in (Finding.GONE, Finding.CHANGED)


@dataclass(frozen=True, slots=True)
class LookTerms:
    """How published pictures are looked at.

    `every` separates two looks at a picture that was well, `confirm` the two looks that make one gone
    or changed. `most` bounds a check, `per_minute` its pace at one host.
    """

    every: dt.timedelta = dt.timedelta(days=30)
    confirm: dt.timedelta = dt.timedelta(hours=6)
    most: int = 200
    per_minute: float = 60.0

    def within(self, most: int | None = None, *, everything: bool = False) -> "LookTerms":
        """The same with another bound; `everything` is due, whenever it was looked at."""
        every = dt.timedelta(0) if everything else self.every
        return replace(self, most=most or self.most, every=every)


def confirmed(since: dt.datetime | None, now: dt.datetime, terms: LookTerms) -> bool:
    """Whether a finding that was first made at `since` is old enough to be believed."""
    return since is not None and now - since >= terms.confirm


def host_is_dying(findings: Counter[Finding]) -> bool:
    """Whether so much is gone or changed that the host, or the way to it, is the likelier cause."""
    looked = findings.total() - findings[Finding.UNREACHABLE]
    accused = findings[Finding.GONE] + findings[Finding.CHANGED]
    return looked >= _FEW and accused > MASS_LOSS * looked


def silent(findings: Sequence[Finding]) -> bool:
    """Whether these looks, one after the other, say that nobody answers there."""
    return len(findings) >= _SILENCE and set(findings) == {Finding.UNREACHABLE}


_SILENCE = 5
