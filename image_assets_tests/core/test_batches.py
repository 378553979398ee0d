import datetime as dt

import pytest

from image_assets.core.batches import BatchProgress, Step, StepProgress, StepState
from image_assets.core.naming import batch_key, batch_number, batch_of, dropped_key, is_shop

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
