import datetime as dt

import pytest

from image_assets.core.batches import Step, StepProgress, StepState
from image_assets.core.errors import PermanentError
from image_assets.core.model import Blob, Entry, Fetched, ImageFormat, Partition
from image_assets.core.recipes import Recipe
from image_assets.ports import Reached
from image_assets.services.catalog import Catalog
from image_assets.stages.batches import opening

NOW = dt.datetime(2026, 11, 21, 18, tzinfo=dt.UTC)
BATCH = Partition("inbox", "acme", "20261121-180000-001", tenant="acme")
OTHER = Partition("inbox", "bolt", "20261121-180000-001", tenant="bolt")
LACKING = {Step.MOCKUPS: "none", Step.LISTING: "none"}


def opened(catalog: Catalog, partition: Partition = BATCH, items: int = 3, size: int = 300) -> None:
    catalog.batches.open(partition, opening(items, size, LACKING), now=NOW)


def test_an_open_batch_has_its_four_steps_in_order_and_its_tenant(catalog):
    opened(catalog)

    batch = catalog.batches.progress(BATCH)

    assert (batch.key, batch.updated_at) == ("acme:20261121-180000-001", NOW)
    assert [step.step for step in batch.steps] == list(Step)
    assert [step.state.value for step in batch.steps] == ["waiting"] * 2 + ["not_configured"] * 2
    assert batch.steps[0].bytes_total == 300
    assert catalog.totals.totals("acme").designs == 0


def test_opened_again_it_stays_as_it_is(catalog):
    opened(catalog)
    done = StepProgress(Step.CHECKING, StepState.DONE, 3, 3, 300, 300)
    catalog.batches.record(BATCH, done, now=NOW)

    opened(catalog, items=0, size=0)

    assert catalog.batches.progress(BATCH).steps[0] == done


def test_a_step_is_recorded_anew_each_time(catalog):
    opened(catalog)
    later = NOW + dt.timedelta(seconds=2)

    for done in (100, 200):
        step = StepProgress(Step.PROCESSING, StepState.RUNNING, 1, 3, done, 300, "on its way")
        catalog.batches.record(BATCH, step, now=later)

    batch = catalog.batches.progress(BATCH)
    assert (batch.steps[1], batch.updated_at) == (step, later)


def test_a_batch_that_was_never_opened_is_unknown(catalog):
    assert catalog.batches.progress(BATCH) is None
    with pytest.raises(PermanentError, match="no tenant 'acme'"):
        catalog.batches.record(BATCH, StepProgress(Step.CHECKING, StepState.DONE), now=NOW)


def test_two_shops_may_have_batches_of_one_number(catalog):
    opened(catalog, BATCH, items=1)
    opened(catalog, OTHER, items=2)

    assert [batch.key for batch in catalog.batches.latest(limit=5)] == [
        "bolt:20261121-180000-001",
        "acme:20261121-180000-001",
    ]
    assert catalog.batches.progress(OTHER).steps[0].items_total == 2
    assert len(catalog.batches.latest(limit=1)) == 1


def store(catalog: Catalog, name: str, size: int) -> None:
    digest = name * 64
    blob = Blob(digest, f"images/{name}", size, ImageFormat.PNG, 10, 10)
    catalog.images.add_stored(
        BATCH, Entry(name, name), blob, fetched=Fetched(digest, size), exif={}, now=NOW
    )


def test_how_far_a_batch_is_is_read_from_its_pictures(catalog):
    opened(catalog)
    store(catalog, "a", 100)
    store(catalog, "b", 50)

    assert catalog.batches.reached(BATCH, [Recipe("canvas")]) == Reached(2, 150, 0, 0, 0, 0)


def test_batches_of_which_a_step_is_not_done_are_unfinished_oldest_first(catalog):
    opened(catalog, OTHER)
    opened(catalog, BATCH)
    done = Partition("inbox", "acme", "20261121-170000-001", tenant="acme")
    opened(catalog, done)
    for step in (Step.CHECKING, Step.PROCESSING):
        catalog.batches.record(done, StepProgress(step, StepState.DONE), now=NOW)
    catalog.batches.record(OTHER, StepProgress(Step.CHECKING, StepState.FAILED), now=NOW)

    assert catalog.batches.unfinished("inbox") == (OTHER, BATCH)
    assert catalog.batches.unfinished("another") == ()


def test_a_batch_that_is_asked_for_again_waits_as_if_it_were_new(catalog):
    opened(catalog)
    for step in (Step.CHECKING, Step.PROCESSING):
        catalog.batches.record(BATCH, StepProgress(step, StepState.FAILED), now=NOW)
    later = NOW + dt.timedelta(hours=1)
    assert catalog.batches.progress(BATCH).asked_at is None

    known = [catalog.batches.ask_again(batch, now=later) for batch in (BATCH, OTHER)]

    batch = catalog.batches.progress(BATCH)
    assert known == [True, False]
    assert [step.state.value for step in batch.steps] == ["waiting"] * 2 + ["not_configured"] * 2
    assert batch.asked_at == later
