import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_assets.core.errors import RejectedError
from image_assets.core.verdicts import Judgement, Ruling, Verdict

A, B, C, D, E = (letter * 64 for letter in "abcde")


def same(one: str, other: str) -> Verdict:
    return Verdict.on(one, other, Ruling.SAME)


def different(one: str, other: str) -> Verdict:
    return Verdict.on(one, other, Ruling.DIFFERENT)


def test_a_verdict_is_the_same_in_whichever_order_it_is_given():
    assert same(B, A) == same(A, B)


def test_identical_pixels_are_one_design_whatever_anyone_says():
    with pytest.raises(RejectedError, match="exactly the same pixels"):
        different(A, A)


def test_same_is_transitive_and_different_holds_between_all_that_is_the_same():
    said = Judgement([same(A, B), same(B, C), different(C, D), same(D, E)])

    assert said.same_as(A) == {A, B, C}
    assert said.different_from(A) == {D, E}
    assert said.between(E, B) is Ruling.DIFFERENT
    assert said.between(A, C) is Ruling.SAME


def test_two_that_differ_from_a_third_may_still_be_the_same():
    said = Judgement([different(A, B), different(B, C)])

    assert said.between(A, C) is None
    assert said.against(same(A, C)) == ()


@pytest.mark.parametrize(
    ("before", "verdict", "chain"),
    [
        ([different(A, B)], same(A, B), [different(A, B)]),
        ([same(A, B), same(B, C)], different(A, C), [same(A, B), same(B, C)]),
        (
            [same(A, B), different(B, C), same(C, D)],
            same(A, D),
            [same(A, B), different(B, C), same(C, D)],
        ),
    ],
)
def test_a_contradiction_is_refused_with_the_verdicts_it_goes_against(before, verdict, chain):
    said = Judgement(before)

    assert list(said.against(verdict)) == chain
    with pytest.raises(RejectedError, match="contradicts what was said"):
        said.refuse_contradiction(verdict)


def test_saying_it_again_is_no_contradiction():
    said = Judgement([same(A, B), different(B, C)])

    assert said.against(same(B, A)) == said.against(different(A, C)) == ()


pairs = st.tuples(
    st.sampled_from([A, B, C, D, E]), st.sampled_from([A, B, C, D, E]), st.sampled_from(Ruling)
).filter(lambda pair: pair[0] != pair[1])


@given(st.lists(pairs, max_size=12))
def test_whatever_is_let_through_has_a_grouping_that_keeps_all_of_it(said):
    kept: list[Verdict] = []
    for one, other, ruling in said:
        verdict = Verdict.on(one, other, ruling)
        if not Judgement(kept).against(verdict):
            kept.append(verdict)
        else:
            assert Judgement(kept).between(one, other) not in (None, ruling)

    final = Judgement(kept)
    groups = {picture: min(final.same_as(picture)) for picture in (A, B, C, D, E)}
    assert all((groups[v.a] == groups[v.b]) is (v.ruling is Ruling.SAME) for v in kept)
    for one, other in itertools.combinations(groups, 2):
        assert final.between(one, other) == final.between(other, one)
