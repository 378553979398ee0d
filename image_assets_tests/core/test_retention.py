import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_assets.core.model import DeletionKind
from image_assets.core.retention import ExportFacts, RetentionPolicy, TemporaryFile, plan

NOW = dt.datetime(2025, 9, 10, 12, tzinfo=dt.UTC)
POLICY = RetentionPolicy()
DAY = dt.timedelta(days=1)
OLD = ExportFacts(
    subject="1",
    name="d1 png",
    path="exports/thumbnail/d1.png",
    size=1000,
    created_at=NOW - 8 * DAY,
    source_stored=True,
    recipe_known=True,
    pinned=False,
    latest_target=False,
    unpublished=0,
)


def test_what_is_kept_beside_its_original_stays_and_says_so():
    canvas, thumbnail = replace(OLD, recipe="canvas"), replace(OLD, recipe="thumbnail")

    goes, stays = plan([canvas, thumbnail], [], POLICY, now=NOW, kept=["canvas"]).verdicts

    assert (goes.goes, stays.goes) == (True, False)
    assert stays.reason == "kept beside its original for good"


def verdict(facts: ExportFacts):
    (only,) = plan([facts], [], POLICY, now=NOW).verdicts
    return only


def test_an_old_export_that_can_be_rebuilt_goes():
    found = verdict(OLD)

    assert found.goes
    assert (found.kind, found.subject, found.path) == (DeletionKind.EXPORT, "1", OLD.path)
    assert found.reason == "older than 7 days; can be rebuilt from its source"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"created_at": NOW - 6 * DAY}, "younger than 7 days"),
        ({"created_at": NOW - 7 * DAY}, "younger than 7 days"),
        ({"created_at": NOW + DAY}, "created in the future by this clock"),
        ({"pinned": True}, "pinned"),
        ({"latest_target": True}, "target of a latest key"),
        ({"source_stored": False}, "its source is no longer stored"),
        ({"recipe_known": False}, "its recipe is no longer known"),
        ({"unpublished": 2}, "2 publications of it are not settled"),
    ],
)
def test_each_reason_alone_keeps_an_export(change, reason):
    found = verdict(replace(OLD, **change))

    assert not found.goes
    assert found.reason == reason


@pytest.mark.parametrize(("age", "goes"), [(0.5, False), (1.0, False), (1.01, True)])
def test_scratch_files_go_after_a_day(age, goes):
    file = TemporaryFile("tmp/x", 10, NOW - age * DAY)

    (found,) = plan([], [file], POLICY, now=NOW).verdicts

    assert found.goes is goes
    assert found.kind is DeletionKind.TEMPORARY


def test_a_scratch_file_from_the_future_stays():
    (found,) = plan([], [TemporaryFile("tmp/x", 10, NOW + DAY)], POLICY, now=NOW).verdicts

    assert not found.goes


def test_the_ages_are_the_policys():
    policy = RetentionPolicy(temporary=DAY / 24, exports=30 * DAY)
    file = TemporaryFile("tmp/x", 10, NOW - DAY / 2)

    found = plan([OLD], [file], policy, now=NOW)

    assert [verdict.path for verdict in found.going] == ["tmp/x"]


@pytest.mark.parametrize("days", [0, -1, float("nan"), float("inf"), 1e9, 0.001])
def test_ages_that_no_clean_up_can_have_are_refused(days):
    with pytest.raises(ValueError, match=r"exports go after 0\.01 to 36500 days"):
        RetentionPolicy.of_days(1, days)
    with pytest.raises(ValueError, match="scratch files go after"):
        RetentionPolicy.of_days(days, 7)


def test_what_goes_comes_first_and_in_a_fixed_order():
    kept = replace(OLD, path="a", pinned=True)
    going = [replace(OLD, path="c"), replace(OLD, path="b")]

    found = plan([kept, *going], [], POLICY, now=NOW)

    assert [verdict.path for verdict in found.verdicts] == ["b", "c", "a"]
    assert found.going == found.verdicts[:2]


facts = st.builds(
    ExportFacts,
    subject=st.integers(1, 1000).map(str),
    name=st.just("d"),
    path=st.text("abc", min_size=1, max_size=3),
    size=st.integers(0, 10),
    created_at=st.integers(-4000, 4000).map(lambda days: NOW + days * DAY),
    source_stored=st.booleans(),
    recipe_known=st.booleans(),
    pinned=st.booleans(),
    latest_target=st.booleans(),
    unpublished=st.integers(0, 2),
)


@given(st.lists(facts, max_size=20))
def test_nothing_goes_that_somebody_needs(exports):
    found = plan(exports, [], POLICY, now=NOW)

    assert len(found.verdicts) == len(exports)
    by_id = {one.subject: one for one in exports}
    for going in found.going:
        same = [one for one in exports if one.subject == going.subject]
        assert any(
            one.source_stored
            and one.recipe_known
            and not one.pinned
            and not one.latest_target
            and one.unpublished == 0
            and NOW - one.created_at > POLICY.exports
            for one in same
        )
    assert all(verdict.reason for verdict in found.verdicts)
    assert set(by_id) == {verdict.subject for verdict in found.verdicts}


@given(st.lists(facts, max_size=10), st.integers(1, 3650))
def test_a_clock_that_jumped_back_deletes_nothing_extra(exports, days):
    honest = {v.path for v in plan(exports, [], POLICY, now=NOW).going}

    earlier = {v.path for v in plan(exports, [], POLICY, now=NOW - days * DAY).going}

    assert earlier <= honest
