import datetime as dt

import pytest

from image_assets.core.batches import BatchProgress, Step, StepProgress, StepState, Try, Turn, turn
from image_assets.core.naming import (
    batch_key,
    batch_number,
    batch_of,
    dropped_key,
    is_shop,
    undisputed_key,
)

NOW = dt.datetime(2026, 11, 21, 18, tzinfo=dt.UTC)


def batch(*steps: StepProgress) -> BatchProgress:
    return BatchProgress("inbox", "acme:1", steps, NOW)


def step(state: StepState, done: int = 0, total: int = 100) -> StepProgress:
    return StepProgress(Step.CHECKING, state, bytes_done=done, bytes_total=total)


LACKING = step(StepState.NOT_CONFIGURED, total=0)


@pytest.mark.parametrize(
    ("steps", "share", "state"),
    [
        ((step(StepState.WAITING), step(StepState.WAITING)), 0.0, StepState.WAITING),
        ((step(StepState.RUNNING, 50), step(StepState.WAITING)), 0.25, StepState.RUNNING),
        ((step(StepState.DONE, 100), step(StepState.WAITING)), 0.5, StepState.RUNNING),
        ((step(StepState.DONE, 100), step(StepState.FAILED, 10)), 0.55, StepState.FAILED),
        ((step(StepState.DONE, 0, 0), step(StepState.DONE, 0, 0)), 1.0, StepState.DONE),
    ],
)
def test_a_batch_is_as_far_as_its_bytes_and_steps_without_service_weigh_nothing(
    steps, share, state
):
    found = batch(*steps, LACKING)

    assert (found.share, found.state) == (pytest.approx(share), state)


def test_a_batch_of_which_nothing_is_wanted_is_done():
    assert (batch(LACKING).share, batch(LACKING).state) == (1.0, StepState.DONE)


def test_a_batchs_key_leads_to_it_and_back():
    partition = batch_of("inbox", "acme:20261121-180000-001")

    assert (partition.collection, partition.tenant) == ("acme", "acme")
    assert batch_key(partition) == "acme:20261121-180000-001"
    assert batch_number(NOW, 1) == partition.key


@pytest.mark.parametrize("key", ["acme", "acme:", ":1", "a/b:1", "..:1", "a..b:1"])
def test_what_is_no_batchs_key_is_refused(key):
    with pytest.raises(ValueError, match="is no batch"):
        batch_of("inbox", key)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("acme", True), ("Acme-2.0_x", True), ("", False), (".done", False), ("a b", False),
     ("a:b", False), ("a" * 101, False)],
)  # fmt: skip
def test_a_shops_name_is_plain(name, expected):
    assert is_shop(name) is expected


def test_a_dropped_files_key_is_its_path_where_that_is_plain_text():
    assert dropped_key("1", "summer/a b.png") == "1/summer/a b.png"
    assert dropped_key("1", "a\n.png") != dropped_key("1", "a\t.png")


PAUSE = dt.timedelta(minutes=10)


def tried(*minutes_ago: int, hopeless: bool = False) -> list[Try]:
    return [Try(NOW - dt.timedelta(minutes=m), hopeless) for m in minutes_ago]


@pytest.mark.parametrize(
    ("tries", "expected"),
    [
        ([], Turn.NOW),
        (tried(9), Turn.LATER),
        (tried(10), Turn.NOW),
        (tried(39, 50), Turn.LATER),  # four times as long after the second
        (tried(50, 40), Turn.NOW),
        (tried(1439, 3000, 4000, 5000, 6000), Turn.LATER),  # a day at most
        (tried(1440, 3000, 4000, 5000, 6000), Turn.NOW),
        (tried(9000, 9001, 9002, 9003, 9004, 9005), Turn.NEVER),  # MOST_TRIES
        (tried(9000, hopeless=True), Turn.NEVER),
        ([*tried(9000, hopeless=True), *tried(40)], Turn.NOW),  # the last one tells
    ],
)
def test_a_batch_that_failed_is_tried_again_later_each_time_and_not_for_ever(tries, expected):
    assert turn(tries, pause=PAUSE, now=NOW) is expected


def test_what_a_person_asks_for_again_has_its_turn_whatever_was_before():
    tries = tried(5, hopeless=True)

    assert turn(tries, pause=PAUSE, now=NOW, asked_at=NOW) is Turn.NOW


def test_a_run_that_failed_before_it_did_anything_counts():
    """Else a batch that cannot even begin would be asked for at every look."""
    asked = NOW - dt.timedelta(minutes=20)

    assert turn(tried(5), pause=PAUSE, now=NOW, asked_at=asked) is Turn.LATER


def test_a_name_that_ends_like_the_key_of_a_conflict_is_of_no_other_file():
    key = dropped_key("20261121-180000-001", "rose~deadbeef")

    assert undisputed_key(key) == key
