import math

import pytest

from image_assets.core import calibration, nearest
from image_assets.core.calibration import Compared, Library
from image_assets.core.likeness import Difference
from image_assets.core.model import Policy
from image_assets.core.nearest import Limits
from image_assets_tests import looks

LIMITS = Limits(near_bits=40, near_colour=16.0, near_detail=26.0, seed_bits=5)


def pair(share: float, *, merged: bool = False, name: str = "a") -> Compared:
    """A pair that needs this share of the limits, for its colour."""
    return Compared(name, "b", merged, 1, Difference(16 * share, 1.0))


@pytest.mark.parametrize(
    ("bits", "colour", "detail", "one"),
    [(40, 15.9, 25.9, True), (41, 0, 0, False), (0, 16.0, 0, False), (0, 0, 26.0, False)],
)
def test_a_pair_below_its_limits_is_one_design(bits, colour, detail, one):
    compared = Compared("a", "b", one, bits, Difference(colour, detail))

    assert (compared.reach(LIMITS) < 1) is one


def test_seed_counts_bits_alone():
    assert Compared("a", "b", True, 5).reach(LIMITS) < 1
    assert Compared("a", "b", False, 6).reach(LIMITS) == 1


def test_a_limit_of_nothing_is_reached_by_nobody():
    limits = Limits(near_colour=0.0)

    assert Compared("a", "b", False, 0, Difference(0.0, 0.0)).reach(limits) == math.inf


def test_close_pairs_are_those_of_the_plain_comparison():
    ours = [looks.relative(family, member) for family in range(4) for member in range(3)]

    counts, close = calibration.close_pairs(ours)

    expected = [
        (a, b)
        for a in range(len(ours))
        for b in range(a + 1, len(ours))
        if max(nearest.distances(ours[a], ours[b])) <= 48
    ]
    assert close == expected
    assert len(close) == 4 * 3
    assert int(counts.sum()) == 12 * 11 // 2
    assert int(counts[:49].sum()) == len(close)


def test_of_nothing_there_are_no_pairs():
    counts, close = calibration.close_pairs([])

    assert (int(counts.sum()), close) == (0, [])


def test_pairs_that_thin_out_towards_the_limits_thin_out_below_them():
    thin = [pair(1.2)] * 3 + [pair(1.7)] * 31
    even = [pair(1.2)] * 31 + [pair(1.7)] * 31

    few, many = (calibration.false_merges(pairs, LIMITS) for pairs in (thin, even))

    assert few.value < 1 < many.value
    for estimate in (few, many):
        assert estimate.low < estimate.value < estimate.high


def test_without_pairs_beside_the_limits_none_is_expected_but_some_are_possible():
    estimate = calibration.false_merges([pair(0.2, merged=True)], LIMITS)

    assert (estimate.value, estimate.low) == (0.0, 0.0)
    assert estimate.high > 0


def test_merged_pairs_are_no_evidence_of_false_merges():
    merged = [pair(1.2, merged=True)] * 9

    assert calibration.false_merges(merged, LIMITS).value == 0


def test_a_change_is_scaled_from_the_sample_to_the_library():
    pairs = [pair(15.5 / 16, merged=True), pair(16.5 / 16), pair(3)]
    library = Library(designs=1000, merged=50, sampled_designs=100, sampled_merged=10)

    found = {(c.name, c.limit): c for c in calibration.changes(pairs, Policy.NEAR, LIMITS, library)}

    assert (found["near_colour", 15.0].apart, found["near_colour", 15.0].together) == (5.0, 0.0)
    assert found["near_colour", 17.0].apart == 0.0
    assert found["near_colour", 17.0].together == pytest.approx(1000 * 999 / (100 * 99))
    assert found["near_bits", 41].together == 0


def test_a_limit_of_zero_has_nothing_below():
    limits = Limits(seed_bits=0)

    found = calibration.changes([], Policy.SEED, limits, Library(0, 0, 0, 0))

    assert [(change.name, change.limit) for change in found] == [("seed_bits", 1)]


def test_the_border_has_the_nearest_of_either_side():
    pairs = [pair(s, merged=s < 1, name=str(s)) for s in (0.1, 0.5, 0.9, 1.1, 1.5, 2.0)]

    found = calibration.border(pairs, LIMITS, 4)

    assert [p.a for p in found] == ["0.5", "0.9", "1.1", "1.5"]


def test_columns_hold_every_pair_within_them():
    pairs = [pair(0.05, merged=True), pair(0.95, merged=True), pair(1.0), pair(7.0)]

    columns = dict(calibration.by_reach(pairs, LIMITS))

    assert columns["0 %"] == {"merged": 1, "apart": 0}
    assert columns["90 %"] == {"merged": 1, "apart": 0}
    assert columns["100 %"] == {"merged": 0, "apart": 1}
    assert sum(sum(column.values()) for column in columns.values()) == 3
