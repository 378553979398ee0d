"""The arithmetic of reports."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_assets.core.account import Account, DayAccount, Tally, together
from image_assets.core.model import Partition

NOW = dt.datetime(2025, 9, 8, tzinfo=dt.UTC)
COUNTS = st.integers(0, 10_000)
TALLIES = st.builds(
    lambda came, skipped, failed, size: Tally(
        requested=came + skipped + sum(failed.values()),
        downloaded=came,
        skipped=skipped,
        failed=failed,
        bytes=size,
    ),
    COUNTS,
    COUNTS,
    st.dictionaries(st.sampled_from(["gone", "rejected", "transient"]), COUNTS),
    COUNTS,
)


def day(key: str = "2025-09-01", collection: str = "apm/in_gate", **figures) -> DayAccount:
    return DayAccount(partition=Partition("camera", collection, key), **figures)


def account(*days: DayAccount) -> Account:
    return Account("run-1", "A run", NOW, days)


def test_the_success_rate_is_the_share_of_what_was_tried():
    tally = Tally(requested=10, downloaded=3, skipped=6, failed={"gone": 1})

    assert tally.success_rate == 0.75


@pytest.mark.parametrize("tally", [Tally(), Tally(requested=5, skipped=5)])
def test_where_nothing_was_tried_there_is_no_success_rate(tally):
    assert tally.success_rate is None


def test_a_rate_needs_a_time():
    measured = Tally(downloaded=10, bytes=1000, seconds=4.0)

    assert (measured.bytes_per_second, measured.pictures_per_second) == (250.0, 2.5)
    assert (Tally(bytes=1000).bytes_per_second, Tally(seconds=0.0).bytes_per_second) == (None, None)


@given(st.lists(TALLIES, max_size=6))
def test_a_sum_keeps_the_balance_and_every_cause(parts):
    total = together(parts)

    assert total.requested == total.downloaded + total.skipped + total.failures
    assert total.failures == sum(part.failures for part in parts)
    assert total.bytes == sum(part.bytes for part in parts)


def test_the_time_of_the_whole_comes_before_the_sum_of_its_parts():
    parts = [Tally(seconds=2.0), Tally(seconds=3.0), Tally()]

    assert (together(parts).seconds, together(parts, 4.0).seconds) == (5.0, 4.0)
    assert together([Tally()]).seconds is None


def test_each_stream_is_summed_by_itself():
    told = account(
        day(requested=2, downloaded=2),
        day("2025-09-02", requested=3, downloaded=1, failed={"gone": 2}),
        day(collection="apm/out_gate", requested=4, skipped=4),
    )

    assert {stream: tally.requested for stream, tally in told.streams.items()} == {
        "apm/in_gate": 5,
        "apm/out_gate": 4,
    }
    assert (told.total.requested, told.total.failures) == (9, 2)


@pytest.mark.parametrize(
    ("days", "idle"),
    [
        ([], True),
        ([day(requested=5, skipped=5)], True),
        ([day(requested=5, skipped=4, downloaded=1)], False),
        ([day(requested=1, failed={"gone": 1})], False),
        ([day(unlisted="the site did not answer")], False),
    ],
)
def test_an_account_is_idle_where_nothing_was_tried(days, idle):
    assert account(*days).is_idle is idle
