"""How far a batch is, told while its stages work."""

import datetime as dt

import pytest

from image_assets.core.batches import Step, StepProgress, StepState
from image_assets.core.errors import NoSpaceError
from image_assets.core.model import Partition
from image_assets.services.catalog import Catalog
from image_assets.services.inbox import InboxFolder
from image_assets.stages.batches import LEGS, Tracker, opening
from image_assets.stages.images import AT_ONCE, Terms
from image_assets.stages.report import Cause, ItemFailure, Report
from image_assets_tests.drawing import picture

NOW = dt.datetime(2026, 11, 21, 18, tzinfo=dt.UTC)
LACKING = {Step.MOCKUPS: "no mockups", Step.LISTING: "no Etsy"}


@pytest.fixture
def batch(house) -> Partition:
    """A batch of two pictures and a file that is none, taken and opened."""
    folder = house.root / "inbox" / "acme"
    folder.mkdir(parents=True)
    for n in range(2):
        (folder / f"{n}.png").write_bytes(picture(n, format="PNG"))
    (folder / "notes.txt").write_bytes(b"none")
    (batch,) = inbox(house).take(NOW + dt.timedelta(days=400))
    house.catalog.batches.open(batch, opening(*inbox(house).measure(batch), LACKING), now=NOW)
    return batch


def inbox(house) -> InboxFolder:
    settle = dt.timedelta(0)
    return InboxFolder(
        "inbox", house.root / "inbox", settle=settle, batch_bytes=10**8, max_bytes=10**8
    )


def tracker(catalog: Catalog, batch: Partition, stage: str, told: list[StepProgress]) -> Tracker:
    return Tracker(catalog.batches, batch, LEGS[stage], (), lambda: NOW, told.append)


def collected(house, batch: Partition) -> Report:
    terms = Terms(2, *AT_ONCE)
    return house.collector(inbox(house), terms).collect(batch, now=NOW)


def test_what_is_stored_is_half_of_the_check_for_duplicates(house, batch):
    told: list[StepProgress] = []
    following = tracker(house.catalog, batch, "images", told)

    with following.following():
        following.ended(collected(house, batch))

    step = house.catalog.batches.progress(batch).steps[0]
    assert [t.state for t in told] == [StepState.RUNNING, StepState.RUNNING]
    assert (told[0].share, step.share) == (0.0, pytest.approx(0.5, abs=0.01))
    assert step.message == "2 of 3 stored"


def test_what_was_done_by_a_run_that_was_killed_counts(house, batch):
    collected(house, batch)
    told: list[StepProgress] = []

    with tracker(house.catalog, batch, "images", told).following():
        pass

    assert 0.4 < told[0].share < 0.5


def test_progress_is_recorded_every_other_second_at_most(house, batch):
    told: list[StepProgress] = []
    following = tracker(house.catalog, batch, "images", told)

    with following.following():
        for _ in range(100):
            following.progress(Report(), 3)

    assert len(told) == 1


def test_a_stage_without_anything_to_do_is_done(house, batch):
    collected(house, batch)

    following = tracker(house.catalog, batch, "designs", [])
    following.ended(Report())

    assert house.catalog.batches.progress(batch).steps[0].state is StepState.DONE


def test_a_failure_is_told_with_its_reason(house, batch):
    failed = Report({}, {Cause.TRANSIENT: 1}, failures=(ItemFailure("x", Cause.TRANSIENT, "busy"),))

    tracker(house.catalog, batch, "images", []).ended(failed)

    step = house.catalog.batches.progress(batch).steps[0]
    assert (step.state, step.message) == (StepState.FAILED, "1 failed: busy")


def test_what_ends_the_stage_is_told_and_goes_on(house, batch):
    def full() -> None:
        with tracker(house.catalog, batch, "images", []).following():
            raise NoSpaceError("the disk is full")

    with pytest.raises(NoSpaceError):
        full()

    step = house.catalog.batches.progress(batch).steps[0]
    assert (step.state, step.message) == (StepState.FAILED, "the disk is full")


def test_a_batch_of_which_every_file_has_its_verdict_is_sealed(house, batch):
    collected(house, batch)

    assert house.catalog.images.day(batch).sealed_at == NOW
    assert collected(house, batch).counts == {"sealed": 3}
