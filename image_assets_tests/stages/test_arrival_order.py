"""The invariants of designs hold whatever the order of arrival."""

import logging
import random
from itertools import combinations

import pytest

from image_assets.core.model import Policy, Scope
from image_assets.core.nearest import Limits, matches
from image_assets.ports import Undesigned
from image_assets.stages.designs import Admitter
from image_assets_tests.fakes import FakeDesigns, KnownLooks
from image_assets_tests.looks import relative
from image_assets_tests.stages.conftest import DAY, NOW

SHUFFLES = 1000
SCOPE = Scope("inbox", Policy.NEAR)
LIMITS = Limits()

# Far relatives too: of three pictures the outer two may be no relatives any more.
LOOKS = {
    f"{family}/{member}": relative(family, member, turned=4 + 6 * member)
    for family in range(2)
    for member in range(3)
}


def arrived(names: list[str], *, later: int) -> FakeDesigns:
    """The catalog after the pictures came in this order, `later` of them in a second run."""
    pictures = [
        Undesigned(number, f"{number:03}", name, name, None) for number, name in enumerate(names)
    ]
    looks = KnownLooks(LOOKS)
    first = FakeDesigns(SCOPE, pictures[: len(pictures) - later])
    Admitter(SCOPE, first, looks, looks, LIMITS, workers=1).admit(DAY, now=NOW)
    first._pictures = pictures
    Admitter(SCOPE, first, looks, looks, LIMITS, workers=1).admit(DAY, now=NOW)
    return first


def test_a_thousand_shuffles_leave_the_invariants_true(caplog):
    caplog.set_level(logging.ERROR)  # every alias is told
    chance = random.Random(1)
    for _ in range(SHUFFLES):
        names = chance.sample(sorted(LOOKS), len(LOOKS))
        catalog = arrived(names, later=chance.randrange(len(names)))

        assert sorted(catalog.design_of) == list(range(len(names)))
        assert set(catalog.design_of.values()) == set(catalog.anchors)
        for a, b in combinations(catalog.anchors.values(), 2):
            assert not matches(Policy.NEAR, a, b, LIMITS)


def test_every_picture_is_of_a_design_that_it_matches():
    names = sorted(LOOKS)
    random.Random(2).shuffle(names)

    catalog = arrived(names, later=3)

    for number, name in enumerate(names):
        anchor = catalog.anchors[catalog.design_of[number]]
        assert matches(Policy.NEAR, LOOKS[name], anchor, LIMITS)


def test_one_order_gives_one_result_however_it_was_cut():
    names = random.Random(3).sample(sorted(LOOKS), len(LOOKS))

    results = [arrived(names, later=later).design_of for later in (0, 2, 5)]

    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("policy", [Policy.NEAR, Policy.SEED])
def test_a_picture_that_cannot_be_looked_at_stops_no_other(policy):
    pictures = [Undesigned(n, f"{n}", name, name, None) for n, name in enumerate(["?", "0/0"])]
    looks = KnownLooks(LOOKS)
    catalog = FakeDesigns(Scope("inbox", policy), pictures)

    report = Admitter(Scope("inbox", policy), catalog, looks, looks, workers=1).admit(DAY, now=NOW)

    assert (report.failed, report.counts["designs"], list(catalog.design_of)) == (1, 1, [1])
