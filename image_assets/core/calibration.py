"""What limits of likeness mean in one's own library: how near its pairs are, and how many are wrong."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from image_assets.core import likeness, nearest
from image_assets.core.codes import MOST_BITS, packed, unpacked
from image_assets.core.fingerprint import FLAT_SCORE, Fingerprint
from image_assets.core.likeness import Difference
from image_assets.core.model import Policy
from image_assets.core.nearest import Limits

Histogram = NDArray[np.int64]

_BITS = 256
_STEP = 0.1  # of the limits: a column of the chart
_LAST = 3.0
_Z = 1.96  # intervals of 95 %


@dataclass(frozen=True, slots=True)
class Compared:
    """Two pictures by name, whether they are one design now, and what sets them apart.

    `bits` is the largest of the four distances; `difference` is None under policy seed.
    """

    a: str
    b: str
    merged: bool
    bits: int
    difference: Difference | None = None

    def reach(self, limits: Limits) -> float:
        """Which share of the limits the pair needs: below 1 it is one design, at 1 and beyond two."""
        if self.difference is None:
            return self.bits / (limits.seed_bits + 1)
        needed = (
            self.bits / (limits.near_bits + 1),
            _share(self.difference.colour, limits.near_colour),
            _share(self.difference.detail, limits.near_detail),
        )
        return max(needed)


@dataclass(frozen=True, slots=True)
class Library:
    """How large the library is, and how much of it was looked at: designs, and merged pictures."""

    designs: int
    merged: int
    sampled_designs: int
    sampled_merged: int

    @property
    def pair_scale(self) -> float:
        """For how many pairs of designs a pair of the sample stands."""
        there, here = (n * (n - 1) for n in (self.designs, self.sampled_designs))
        return there / here if here else 0.0

    @property
    def merged_scale(self) -> float:
        """For how many merged pictures one of the sample stands."""
        return self.merged / self.sampled_merged if self.sampled_merged else 0.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with the interval that holds it 95 times in 100."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> "Estimate":
        """The same in another unit."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class Change:
    """What another limit would do to the library: pictures that come apart, pairs that merge."""

    name: str
    limit: float
    apart: float
    together: float


def compare(policy: Policy, a: Fingerprint, b: Fingerprint) -> tuple[int, Difference | None] | None:
    """What the policy sees between two pictures; None where it does not look: flat, or far away."""
    bits = max(nearest.distances(a, b))
    if bits > MOST_BITS or min(a.score, b.score) < FLAT_SCORE:
        return None
    return bits, likeness.difference(a, b) if policy is Policy.NEAR else None


def close_pairs(looks: Sequence[Fingerprint]) -> tuple[Histogram, list[tuple[int, int]]]:
    """Of all pairs, how many are how many bits apart (257 counts), and those within `MOST_BITS`.

    The largest of the four distances counts. Flat pictures are left out.
    """
    told = [n for n, look in enumerate(looks) if look.score >= FLAT_SCORE]
    codes = unpacked([packed(looks[n]) for n in told])
    counts = np.zeros(_BITS + 1, np.int64)
    close: list[tuple[int, int]] = []
    for place in range(len(told) - 1):
        apart = np.bitwise_count(codes[place + 1 :] ^ codes[place]).reshape(-1, 4, 4)
        most = apart.sum(axis=2, dtype=np.int64).max(axis=1)
        counts += np.bincount(most, minlength=_BITS + 1)
        near = np.flatnonzero(most <= MOST_BITS) + place + 1
        close.extend((told[place], told[int(other)]) for other in near)
    return counts, close


def false_merges(pairs: Iterable[Compared], limits: Limits) -> Estimate:
    """How many pairs of the sample are probably one design without being one.

    Nobody labels a library. But pairs that are two designs, and by a little, can be counted: `beside`
    within 1 to 1.5 of the limits, `beyond` within 1.5 to 2. Other designs get fewer the nearer one
    looks; if they go on getting fewer below the limits as they do above, by `beside / beyond` every
    half, a geometric series is what lies within. Duplicates that the limits miss are counted among
    them, so it is rather too many. The interval is that of the counts (Poisson, Wilson and Hilferty).
    """
    apart = [pair.reach(limits) for pair in pairs if not pair.merged]
    beside = sum(1 <= reach < 1.5 for reach in apart)
    beyond = sum(1.5 <= reach < 2 for reach in apart)
    # One more in each: with few pairs a quotient of counts says little. Never growing inwards.
    ratio = min(1.0, (beside + 1) / (beyond + 1))
    within = ratio + ratio * ratio  # two halves below the limits
    return Estimate(float(beside), *_poisson(beside)).times(within)


def changes(
    pairs: Sequence[Compared], policy: Policy, limits: Limits, library: Library
) -> list[Change]:
    """What each of the policy's limits would do one lower, and one higher, in the whole library."""
    names = ("seed_bits",) if policy is Policy.SEED else ("near_bits", "near_colour", "near_detail")
    found = []
    for name in names:
        for step in (-1, 1):
            limit = getattr(limits, name) + step
            if limit >= 0:
                other = replace(limits, **{name: limit})
                found.append(_change(pairs, name, limit, _turned(limits, other), library))
    return found


def border(pairs: Iterable[Compared], limits: Limits, most: int) -> list[Compared]:
    """The pairs that are nearest to the limits, half of them from either side, from near to far."""
    ordered = sorted(pairs, key=lambda pair: (pair.reach(limits), pair.a, pair.b))
    inside = [pair for pair in ordered if pair.merged][-(most // 2) :]
    outside = [pair for pair in ordered if not pair.merged][: most // 2]
    return inside + outside


def by_bits(
    counts: Histogram, pairs: Iterable[Compared], last: int
) -> list[tuple[str, Mapping[str, int]]]:
    """Columns of a chart: pairs by bits, merged ones below those of two designs."""
    merged = np.bincount([p.bits for p in pairs if p.merged], minlength=_BITS + 1)
    return [(str(n), {"merged": int(merged[n]), "apart": int(counts[n])}) for n in range(last + 1)]


def by_reach(pairs: Iterable[Compared], limits: Limits) -> list[tuple[str, Mapping[str, int]]]:
    """Columns of a chart: pairs by the share of the limits that they need, in per cent."""
    columns: list[dict[str, int]] = [{"merged": 0, "apart": 0} for _ in range(round(_LAST / _STEP))]
    for pair in pairs:
        place = int(pair.reach(limits) / _STEP + 1e-9)
        if place < len(columns):
            columns[place]["merged" if pair.merged else "apart"] += 1
    return [(f"{round(n * _STEP * 100)} %", column) for n, column in enumerate(columns)]


def _turned(limits: Limits, other: Limits) -> Callable[[Compared], int]:
    """1 for a pair that other limits bring together, -1 for one that they take apart, else 0."""

    def turned(pair: Compared) -> int:
        return (pair.reach(other) < 1) - (pair.reach(limits) < 1)

    return turned


def _change(
    pairs: Iterable[Compared],
    name: str,
    limit: float,
    turned: Callable[[Compared], int],
    library: Library,
) -> Change:
    sides = list(_sides(pairs, turned))
    apart = sides.count((True, -1)) * library.merged_scale
    together = sides.count((False, 1)) * library.pair_scale
    return Change(name, limit, apart, together)


def _sides(
    pairs: Iterable[Compared], turned: Callable[[Compared], int]
) -> Iterator[tuple[bool, int]]:
    return ((pair.merged, turned(pair)) for pair in pairs)


def _share(value: float, limit: float) -> float:
    return value / limit if limit else math.inf


def _poisson(count: int) -> tuple[float, float]:
    """The interval of what was counted (Wilson and Hilferty 1931)."""
    low = 0.0
    if count:
        low = count * (1 - 1 / (9 * count) - _Z / (3 * math.sqrt(count))) ** 3
    more = count + 1
    return max(0.0, low), more * (1 - 1 / (9 * more) + _Z / (3 * math.sqrt(more))) ** 3
