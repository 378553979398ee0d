"""What each policy finds of one design, and takes for one that is not; which limits `near` should have.

Goals of issue C, on the labelled pictures of `../shared/data`. Every picture is looked at once.
"""

import itertools
import math
import statistics
import sys
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks import labelled
from benchmarks.harness import Goal, report
from benchmarks.labelled import Pair
from image_assets.core import likeness, nearest
from image_assets.core.fingerprint import FLAT_SCORE
from image_assets.core.likeness import Difference
from image_assets.core.model import Policy
from image_assets.core.nearest import Limits

DEFAULT = Limits()
_BITS = (16, 24, 32, 40, 48)
_COLOURS = (10.0, 12.0, 14.0, 16.0, 18.0, 20.0)
_DETAILS = (18.0, 20.0, 22.0, 24.0, 26.0, 28.0, 30.0, 32.0, 34.0)
_APART = ("alpha_collision", "colour_variants", "large")


@dataclass(frozen=True, slots=True)
class Judged:
    """A pair with what `near` compares, so that any limits can be tried; None where it abstains."""

    pair: Pair
    bits: int
    difference: Difference | None

    def near(self, limits: Limits) -> bool:
        """What `nearest.matches` says under these limits."""
        if self.pair.a.pixel_hash == self.pair.b.pixel_hash:
            return True
        if self.difference is None or self.bits > limits.near_bits:
            return False
        within = self.difference.colour < limits.near_colour
        return within and self.difference.detail < limits.near_detail


def main() -> None:
    if not labelled.DATA.is_dir():
        sys.exit(f"{labelled.DATA} is not here: there is nothing to measure on")
    warnings.simplefilter("ignore")  # some of the pictures are odd on purpose
    published = [_judged(pair) for pair in labelled.published()]
    apart = {group: [_judged(pair) for pair in labelled.distinct(group)] for group in _APART}
    made = [_judged(pair) for pair in labelled.made()]
    flat = [_judged(pair) for pair in labelled.flat()]
    everything = [*published, *itertools.chain.from_iterable(apart.values()), *made]
    figures = {f"policy {policy}": _row(published, policy) for policy in Policy}
    figures |= {
        f"near, {source}": _row(rows, Policy.NEAR) for source, rows in _by_source(everything)
    }
    figures["the plain rule of issue C"] = _plain_rule(published)
    figures |= _bits_table(published) | _left_out(published)
    strict = [judged for judged in published if judged.pair.level == "strict"]
    report(
        "dedup_quality",
        [
            Goal("strict pairs found by near", _share(strict, DEFAULT), 0.98, at_least=True),
            Goal("false pairs of near", _false(published, DEFAULT), 0),
            *(
                Goal(f"false pairs of near, {group}", _false(apart[group], DEFAULT), 0)
                for group in apart
            ),
            Goal("flat pictures that did not abstain", _found(flat, DEFAULT), 0),
            Goal(
                "strict pairs made here found by near", _share(made, DEFAULT), 0.98, at_least=True
            ),
        ],
        versions=("pillow", "numpy"),
        figures=figures,
    )


def _judged(pair: Pair) -> Judged:
    bits = max(nearest.distances(pair.a, pair.b))
    compared = bits <= max(_BITS) and min(pair.a.score, pair.b.score) >= FLAT_SCORE
    return Judged(pair, bits, likeness.difference(pair.a, pair.b) if compared else None)


def _row(rows: Sequence[Judged], policy: Policy) -> str:
    """`strict 265 of 266, 0.996 (0.979 to 0.999); moderate …; hard …; false pairs 0 of 29,000`."""
    told = []
    for level in ("strict", "moderate", "hard"):
        ours = [judged.pair for judged in rows if judged.pair.level == level]
        found = sum(nearest.matches(policy, pair.a, pair.b, DEFAULT) for pair in ours)
        if ours:
            low, high = wilson(found, len(ours))
            share = found / len(ours)
            told.append(f"{level} {found} of {len(ours)}, {share:.3f} ({low:.3f} to {high:.3f})")
    others = [judged.pair for judged in rows if judged.pair.level == "different"]
    if others:
        false = sum(nearest.matches(policy, pair.a, pair.b, DEFAULT) for pair in others)
        told.append(f"false pairs {false} of {len(others):,}")
        told[-1] += f" (at most {wilson(false, len(others))[1]:.5f})"
    return "; ".join(told)


def wilson(found: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """The interval of a share, 95 % (Wilson 1927)."""
    share, square = found / of, z * z / of
    middle = (share + square / 2) / (1 + square)
    half = z / (1 + square) * math.sqrt(share * (1 - share) / of + square / (4 * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def _plain_rule(rows: Iterable[Judged]) -> str:
    """Candidates within 40 bits, 8x8 cells within 16, a mean difference below 8 at 32x32 on white."""

    def taken(judged: Judged) -> bool:
        cells = _apart(judged.pair.a.cells, judged.pair.b.cells).max()
        small = _apart(judged.pair.a.small, judged.pair.b.small).mean()
        return judged.bits <= 40 and bool(cells < 16 and small < 8)

    rows = list(rows)
    strict = [taken(judged) for judged in rows if judged.pair.level == "strict"]
    false = sum(taken(judged) for judged in rows if judged.pair.level == "different")
    return (
        f"strict {sum(strict)} of {len(strict)}, {statistics.mean(strict):.3f}; false pairs {false}"
    )


def _apart(a: bytes, b: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.int16]]":
    one, other = (np.frombuffer(side, np.uint8).astype(np.int16) for side in (a, b))
    return np.abs(one - other)


def _bits_table(rows: Sequence[Judged]) -> dict[str, str]:
    """What the first stage lets through, and both stages find, by `near_bits`."""
    strict = [judged for judged in rows if judged.pair.level == "strict"]
    others = [judged for judged in rows if judged.pair.level == "different"]
    return {
        f"near_bits {bits}": f"strict {_share(strict, replace(DEFAULT, near_bits=bits)):.4f}, "
        f"candidates that are other designs {sum(judged.bits <= bits for judged in others)}, "
        f"false pairs {_false(rows, replace(DEFAULT, near_bits=bits))}"
        for bits in _BITS
    }


def _left_out(rows: Sequence[Judged]) -> dict[str, str]:
    """For each source: limits chosen without it, and what they do on it."""
    told = {"limits chosen on all": _said(chosen(rows))}
    for source, own in _by_source(rows):
        strict = [judged for judged in own if judged.pair.level == "strict"]
        if source == "across sources":
            continue
        limits = chosen([judged for judged in rows if judged.pair.source != source])
        recall = f"strict {_share(strict, limits):.4f} of {len(strict)}, " if strict else ""
        told[f"without {source}"] = f"{_said(limits)}: {recall}false pairs {_false(own, limits)}"
    return told


def chosen(rows: Sequence[Judged]) -> Limits:
    """Limits without a false pair that find the most strict pairs; of several the middle ones."""
    strict = [judged for judged in rows if judged.pair.level == "strict"]
    tried = [
        replace(DEFAULT, near_colour=colour, near_detail=detail)
        for colour, detail in itertools.product(_COLOURS, _DETAILS)
    ]
    least = min(_false(rows, limits) for limits in tried)
    clean = [limits for limits in tried if _false(rows, limits) == least]
    most = max(_share(strict, limits) for limits in clean)
    best = [limits for limits in clean if _share(strict, limits) == most]
    colour = statistics.median_low(sorted({limits.near_colour for limits in best}))
    detail = statistics.median_low(
        sorted({limits.near_detail for limits in best if limits.near_colour == colour})
    )
    return replace(DEFAULT, near_colour=colour, near_detail=detail)


def _said(limits: Limits) -> str:
    return f"near_colour {limits.near_colour:g}, near_detail {limits.near_detail:g}"


def _share(rows: Sequence[Judged], limits: Limits) -> float:
    return _found(rows, limits) / len(rows)


def _false(rows: Iterable[Judged], limits: Limits) -> int:
    return _found((judged for judged in rows if judged.pair.level == "different"), limits)


def _found(rows: Iterable[Judged], limits: Limits) -> int:
    return sum(judged.near(limits) for judged in rows)


def _by_source(rows: Iterable[Judged]) -> list[tuple[str, list[Judged]]]:
    found: dict[str, list[Judged]] = {}
    for judged in rows:
        found.setdefault(judged.pair.source, []).append(judged)
    return sorted(found.items())


if __name__ == "__main__":
    main()
