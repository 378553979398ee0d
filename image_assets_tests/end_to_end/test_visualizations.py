"""Visualisations in Dagster: Pinata, then KV, then the local files; off without credentials."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from image_assets_tests.end_to_end.visualizing import DAILY, Studio, studio
from image_assets_tests.journey import Run
from image_assets_tests.plotting import draw, sidecar

KEY = f"2025-01-15|{DAILY}"
FILE = "2025-01-15_daily"


@dataclass(frozen=True)
class Published:
    """A plot, and a picture with a broken sidecar; what was asked for, and what came of it."""

    drawing: Studio
    refused: Run
    asked: list[list[str] | str]
    runs: list[Run]
    early: dict[str, Any]
    announced: Run
    tidied: dict[str, Any]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    with studio(tmp_path_factory.mktemp("studio")) as drawing:
        draw(drawing.folder)
        draw(drawing.folder, "broken.png", seed=2).with_suffix(".json").write_text("{")
        drawing.rehearsal.inject("POST /pinata/uploads*", {"kind": "status", "status": 403})
        refused = drawing.run(KEY)
        drawing.rehearsal.clear_faults()
        asked = [drawing.tick(), drawing.tick()]
        runs = [drawing.run(KEY)]
        early = drawing.tidy()
        announced = drawing.announce()
        tidied = drawing.tidy()
        yield Published(drawing, refused, asked, runs, early, announced, tidied)


def test_a_host_that_refuses_leaves_the_file_and_it_is_asked_for_again(published):
    assert not published.refused.success
    assert published.asked == [[KEY], [KEY]]


def test_what_was_drawn_is_published_announced_and_only_then_put_away(published):
    (run,) = published.runs

    assert (run.success, published.announced.success) == (True, True)
    assert (published.early.get("put_away", 0), published.tidied["put_away"]) == (0, 1)
    assert published.drawing.lying() == [
        f".published/{FILE}.json",
        f".published/{FILE}.png",
        "broken.json",
        "broken.png",
    ]


def test_the_value_has_the_keys_of_the_original(published):
    value = published.drawing.announced()

    assert value is not None
    assert value.keys() == {"ipfs_url", "updated_at", "metadata"}
    assert value["ipfs_url"].startswith("ipfs://baf")
    told = {"filename": f"{FILE}.png", **sidecar()}
    assert {name: value["metadata"][name] for name in told} == told


def test_a_broken_sidecar_is_told_and_keeps_nothing_else_waiting(published):
    trouble = "broken.png: its sidecar broken.json describes none: no JSON"

    assert published.tidied["troubles"] == [trouble]
    assert published.drawing.tick() == trouble


def test_done_it_is_tidied_no_more(published):
    said = published.drawing.tick("local_files")

    assert said == "nothing is to be put away or purged"


def test_a_bad_partition_keeps_no_sister_of_a_backfill_waiting(tmp_path):
    with studio(tmp_path) as drawing:
        for day in (13, 14, 15):
            period = {"start": f"2025-01-{day}T00:00:00Z", "end": f"2025-01-{day + 1}T00:00:00Z"}
            draw(drawing.folder, f"{day}.png", seed=day, **period)
        (drawing.folder / "14.png").write_bytes(b"<html>")

        asked = drawing.tick()
        runs = {key: drawing.run(key).success for key in asked}

        assert runs == {f"2025-01-{day}|{DAILY}": True for day in (15, 14, 13)}
        assert [drawing.published(f"2025-01-{day}") for day in (13, 14, 15)] == [1, 0, 1]
        assert drawing.tick() == "all that was drawn is published"


def test_without_any_credential_the_chain_is_off_and_says_so(tmp_path):
    unset = dict.fromkeys(
        ("PINATA_JWT", "CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID", "KV_NAMESPACE_ID")
    )
    with studio(tmp_path, **unset) as drawing:
        draw(drawing.folder)

        said = drawing.tick()

    assert said.startswith("visualization is off: set PINATA_JWT, CLOUDFLARE_API_TOKEN")


def test_with_some_credentials_it_names_those_that_lack(tmp_path):
    with studio(tmp_path, KV_NAMESPACE_ID=None) as drawing:
        draw(drawing.folder)

        said = drawing.tick()

    assert said.startswith("visualization: KV_NAMESPACE_ID is not set")
