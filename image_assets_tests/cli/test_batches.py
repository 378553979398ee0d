import datetime as dt
import json

import pytest
from typer.testing import CliRunner

from image_assets.cli import app
from image_assets.core.batches import Step, StepProgress, StepState
from image_assets.core.model import Partition
from image_assets.services.catalog import open_catalog
from image_assets.stages.batches import opening

NOW = dt.datetime(2026, 11, 21, 18, tzinfo=dt.UTC)
BATCH = Partition("inbox", "acme", "20261121-180000-001", tenant="acme")


@pytest.fixture
def record(tmp_path, monkeypatch):
    """A batch of three files, its first step half done, in a data folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMAGE_ASSETS_DATA_DIR", str(tmp_path / "data"))

    def record(state: StepState, *more: StepProgress) -> None:
        with open_catalog(f"sqlite:///{tmp_path / 'data' / 'catalog.db'}") as catalog:
            lacking = {Step.MOCKUPS: "mockups are not configured", Step.LISTING: "no Etsy"}
            catalog.batches.open(BATCH, opening(3, 300, lacking), now=NOW)
            first = StepProgress(Step.CHECKING, state, 1, 3, 150, 300, "a reason")
            for step in (first, *more):
                catalog.batches.record(BATCH, step, now=NOW)

    return record


def batches(*arguments: str):
    return CliRunner().invoke(app, ["batches", *arguments])


def test_without_any_batch_it_says_how_to_begin(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    found = batches()

    assert found.exit_code == 0
    assert "No batch yet: drop files into data/inbox/{shop}/" in found.output


def test_it_shows_each_batch_with_its_steps_and_their_notes(record, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    record(StepState.RUNNING)

    found = batches()

    assert found.exit_code == 0
    assert "acme:20261121-180000-001" in found.output
    assert "Creating product mockups: mockups are not configured" in found.output


def test_a_batch_that_failed_is_exit_code_one(record):
    record(StepState.FAILED)

    assert batches().exit_code == 1


def test_json_is_one_document_with_every_figure(record):
    record(StepState.RUNNING)

    (batch,) = json.loads(batches("--json").stdout)

    assert (batch["batch"], batch["state"], batch["percent"]) == (
        "acme:20261121-180000-001",
        "running",
        25.0,
    )
    assert batch["steps"][0] == {
        "step": "Checking for duplicates",
        "state": "running",
        "percent": 50.0,
        "items_done": 1,
        "items_total": 3,
        "bytes_done": 150,
        "bytes_total": 300,
        "message": "a reason",
    }


def test_watching_ends_when_every_batch_is_over(record):
    record(StepState.DONE, StepProgress(Step.PROCESSING, StepState.DONE, 3, 3, 300, 300))

    assert batches("--watch").exit_code == 0


def test_a_batch_that_failed_is_shown_with_the_way_to_ask_for_it_again(record):
    record(StepState.FAILED)

    shown = batches().output
    asked = batches("--again", "acme:20261121-180000-001")

    assert "image-assets batches --again KEY" in " ".join(shown.split())
    assert asked.exit_code == 0
    assert batches().exit_code == 0  # it waits


@pytest.mark.parametrize(
    ("key", "complaint"), [("acme:20000101-000000-001", "no batch acme:2000"), ("acme", "no batch")]
)
def test_only_a_batch_that_there_is_can_be_asked_for_again(record, key, complaint):
    record(StepState.FAILED)

    found = batches("--again", key)

    assert (found.exit_code, batches().exit_code) == (1, 1)
    assert complaint in found.output
