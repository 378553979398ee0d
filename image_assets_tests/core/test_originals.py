import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_assets.core.model import DeletionKind, Level
from image_assets.core.originals import (
    Copy,
    OriginalFacts,
    OriginalsPolicy,
    excess,
    is_excess,
    judge,
    plan,
    proven,
    renewable,
)

NOW = dt.datetime(2025, 9, 10, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
POLICY = OriginalsPolicy(places={"camera": frozenset({"pinata"})})
COPY = Copy("pinata", Level.L4, NOW - DAY)
GOES = OriginalFacts(
    subject="1",
    path="images/2025-09-01/in_gate/a.jpg",
    size=1000,
    arrived_at=NOW - 2 * DAY,
    sources=frozenset({"camera"}),
    settled=frozenset({"pinata"}),
    copies=(COPY,),
)


def test_an_original_whose_own_bytes_are_proven_elsewhere_goes():
    found = judge(GOES, POLICY, now=NOW)

    assert (found.goes, found.kind) == (True, DeletionKind.ORIGINAL)
    assert found.reason == "its own bytes are proven at pinata"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"arrived_at": NOW + DAY}, "arrived in the future by this clock"),
        ({"pinned": True}, "pinned"),
        ({"latest_target": True}, "target of a latest key"),
        ({"newest": True}, "the newest of its collection"),
        ({"shared": "an export"}, "an export lives on the same bytes"),
        ({"unsettled": 2}, "2 publications of it are not settled"),
        ({"settled": frozenset()}, "published at 0 of 1 destinations so far"),
        ({"sources": frozenset()}, "no picture tells where it came from"),
        (
            {"sources": frozenset({"camera", "inbox"})},
            "one of its sources does not publish originals",
        ),
        ({"copies": ()}, "0 of 1 proven copies elsewhere"),
        ({"copies": (replace(COPY, level=Level.L2),)}, "0 of 1 proven copies elsewhere"),
        ({"copies": (replace(COPY, level=None),)}, "0 of 1 proven copies elsewhere"),
        ({"copies": (replace(COPY, destination="local"),)}, "0 of 1 proven copies elsewhere"),
        (
            {"copies": (replace(COPY, verified_at=NOW - 31 * DAY),)},
            "0 of 1 proven copies elsewhere; 1 more were proven longer ago than 30 days"
            " (cleanup --prove)",
        ),
    ],
)
def test_each_reason_alone_keeps_an_original(change, reason):
    found = judge(replace(GOES, **change), POLICY, now=NOW)

    assert (found.goes, found.reason) == (False, reason)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"on": False}, "originals stay (DELETE_LOCAL_FILES)"),
        ({"age": 3 * DAY}, "younger than 3 days"),
        ({"copies": 2}, "1 of 2 proven copies elsewhere"),
        ({"never_counted": {"local", "pinata"}}, "0 of 1 proven copies elsewhere"),
    ],
)
def test_each_term_of_the_policy_alone_keeps_an_original(change, reason):
    found = judge(GOES, replace(POLICY, **change), now=NOW)

    assert (found.goes, found.reason) == (False, reason)


def test_what_exports_are_made_from_stays_where_the_source_exports():
    shown = replace(GOES, shown=frozenset({"camera"}))

    kept = judge(shown, replace(POLICY, exporting={"camera"}), now=NOW)

    assert kept.reason == "exports are made from it"
    assert judge(shown, POLICY, now=NOW).goes


def test_a_proof_from_the_future_proves_nothing_and_one_of_a_moment_ahead_does():
    ahead = [
        replace(GOES, copies=(replace(COPY, verified_at=NOW + off),))
        for off in (DAY, dt.timedelta(seconds=30))
    ]

    assert [judge(facts, POLICY, now=NOW).goes for facts in ahead] == [False, True]


OLD = replace(COPY, verified_at=NOW - 31 * DAY)


@pytest.mark.parametrize(
    ("change", "renewed"),
    [
        ({}, ()),
        ({"copies": (OLD,)}, (OLD,)),
        ({"copies": (OLD,), "pinned": True}, ()),
        ({"copies": (replace(OLD, level=Level.L2),)}, ()),
        ({"copies": (replace(OLD, destination="local"),)}, ()),
        ({"copies": (OLD, replace(COPY, destination="s3"))}, ()),
    ],
)
def test_a_proof_is_renewed_where_that_lets_an_original_go(change, renewed):
    assert renewable(replace(GOES, **change), POLICY, now=NOW) == renewed


@pytest.mark.parametrize(
    ("going", "known", "trips"),
    [(20, 20, False), (21, 100, True), (100, 1000, False), (101, 1000, True), (0, 0, False)],
)
def test_the_breaker_is_a_share_of_all_that_there_ever_was(going, known, trips):
    reason = excess(going, known, POLICY)

    assert (reason is not None) is trips
    assert reason is None or (f"{going} of {known}" in reason and is_excess(reason))


def test_without_a_least_number_the_share_alone_counts():
    strict = replace(POLICY, least=0)

    assert [excess(going, 20, strict) is None for going in (0, 1, 2, 3)] == [True] * 3 + [False]


def test_sources_that_publish_no_originals_are_not_considered():
    assert POLICY.sources == {"camera"}
    assert replace(POLICY, on=False).sources == frozenset()


def changed(value, **strategies):
    """The value with some of its fields changed: near enough to going that some go."""
    return st.fixed_dictionaries({}, optional=strategies).map(
        lambda changes: replace(value, **changes)
    )


moments = st.integers(-5000, 5000).map(lambda hours: NOW + dt.timedelta(hours=hours))
copies = st.builds(
    Copy,
    st.sampled_from(["pinata", "s3", "kubo", "imgur", "local"]),
    st.none() | st.sampled_from(Level),
    st.none() | moments,
)
places = st.frozensets(st.sampled_from(["pinata", "s3", "local"]), max_size=3)
facts = changed(
    GOES,
    subject=st.integers(1, 1000).map(str),
    path=st.text("abc", min_size=1, max_size=3),
    size=st.integers(0, 10),
    arrived_at=moments,
    sources=st.frozensets(st.sampled_from(["camera", "inbox", "other"]), max_size=2),
    pinned=st.booleans(),
    latest_target=st.booleans(),
    newest=st.booleans(),
    shown=st.frozensets(st.sampled_from(["camera", "inbox"])),
    shared=st.none() | st.just("an export"),
    unsettled=st.integers(0, 2),
    settled=places,
    copies=st.lists(copies, max_size=4, unique_by=lambda copy: copy.destination).map(tuple),
)
policies = changed(
    POLICY,
    on=st.booleans(),
    age=st.integers(0, 100).map(lambda days: days * DAY),
    copies=st.integers(1, 3),
    fresh=st.integers(1, 100).map(lambda days: days * DAY),
    places=st.dictionaries(st.sampled_from(["camera", "inbox"]), places),
    exporting=st.frozensets(st.sampled_from(["camera", "inbox"])),
    never_counted=st.frozensets(st.sampled_from(["kubo", "imgur"])).map(lambda s: s | {"local"}),
)


@given(st.lists(facts, max_size=20), policies)
def test_nothing_goes_of_which_this_is_the_last_proven_copy(originals, policy):
    found = plan(originals, policy, now=NOW)
    by_subject = {}
    for one in originals:
        by_subject.setdefault(one.subject, []).append(one)

    for going in found.going:
        elsewhere = [
            sum(
                copy.destination not in {"local", *policy.never_counted}
                and copy.level in (Level.L3, Level.L4)
                and copy.verified_at is not None
                and NOW - copy.verified_at <= policy.fresh
                for copy in one.copies
            )
            for one in by_subject[going.subject]
        ]
        assert max(elsewhere) >= policy.copies >= 1
    assert len(found.verdicts) == len(originals)
    assert all(verdict.reason for verdict in found.verdicts)


@given(facts, policies)
def test_what_goes_is_needed_by_nobody(one, policy):
    if judge(one, policy, now=NOW).goes:
        assert policy.on
        assert not any((one.pinned, one.latest_target, one.newest, one.shared, one.unsettled))
        assert one.sources
        assert one.sources <= set(policy.places)
        assert not one.shown & set(policy.exporting)
        assert all(policy.places[source] <= one.settled for source in one.sources)
        assert policy.age <= NOW - one.arrived_at


@given(facts, policies, st.integers(1, 3650))
def test_a_clock_that_jumped_ahead_lets_no_original_go_by_an_older_proof(one, policy, days):
    later = NOW + days * DAY + policy.fresh
    past = [copy for copy in one.copies if copy.verified_at and copy.verified_at <= NOW]

    assert not proven(replace(one, copies=tuple(past)), policy, now=later)


@given(facts, policies, st.integers(1, 3650))
def test_a_clock_that_jumped_back_knows_no_more_of_age(one, policy, days):
    earlier = NOW - days * DAY
    if one.arrived_at > earlier:
        assert not judge(one, policy, now=earlier).goes
