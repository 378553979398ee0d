"""Exports whose process is killed at any moment: nothing half, nothing lost, and the next run ends the work."""

import subprocess
import sys
from pathlib import Path

import pytest

from image_assets.compose import DecodingPool, LocalStore
from image_assets.core.model import Publishes
from image_assets.core.retention import RetentionPolicy
from image_assets.services.catalog import Catalog, open_catalog
from image_assets.stages.rebuilding import Rebuilder
from image_assets.stages.retention import Retention
from image_assets.stages.thumbnails import Exporter
from image_assets_tests.drawing import picture
from image_assets_tests.end_to_end.exporting import DAY, LATER, NOW, RECIPES
from image_assets_tests.stages.conftest import House

KILLED = -9


@pytest.fixture
def designs(tmp_path: Path):
    """Two designs, not yet exported."""
    with (
        open_catalog(f"sqlite:///{tmp_path / 'catalog.db'}") as catalog,
        DecodingPool(1, 1024, 10.0, 50_000_000, 100_000_000) as decoder,
    ):
        house = House(tmp_path, catalog, LocalStore(tmp_path / "data"), decoder)
        house.collect({f"2025090110000{n}_in_gate.jpg": picture(n) for n in range(2)})
        house.admit()
        yield house


def kill(house: House, what: str, moment: str) -> None:
    program = [sys.executable, "-m", "image_assets_tests.end_to_end.exporting"]
    ended = subprocess.run([*program, str(house.root), what, moment], check=False, timeout=60)
    assert ended.returncode == KILLED


def export(house: House) -> None:
    room = house.catalog.thumbnails
    assert not Exporter(RECIPES, room, house.store, house.decoder).export(DAY, now=NOW).failed


def clean(house: House) -> None:
    names = {recipe.name for recipe in RECIPES}
    stage = Retention(house.catalog.retention, house.store, RetentionPolicy(), names)
    stage.plan(now=LATER)
    assert not stage.apply(now=LATER).failed


def recorded(catalog: Catalog) -> dict[str, str]:
    """The live exports: path and hash."""
    return {
        content.path: content.sha256
        for recipe in RECIPES
        for content in catalog.uploads.publishable(DAY, Publishes.EXPORTS, recipe)
    }


def on_disk(house: House) -> dict[str, str | None]:
    return {key: house.store.sha256(key) for key in house.files("exports")}


@pytest.mark.parametrize(
    "moment", ["recording:1", "put:1", "put+1", "put+6", "recording:2", "put+11", "put+12"]
)
def test_an_export_that_was_killed_is_whole_after_the_next(designs, moment):
    kill(designs, "export", moment)
    before = recorded(designs.catalog)
    assert len(before) % 6 == 0  # a design's sets are there, all of them, or not
    assert before.items() <= on_disk(designs).items()

    export(designs)

    assert len(recorded(designs.catalog)) == 12
    assert recorded(designs.catalog) == on_disk(designs)


@pytest.mark.parametrize(
    "moment",
    ["record_plan+1", "tombstone:1", "tombstone+1", "delete:1", "delete+1", "purging:3"],
)
def test_a_clean_up_that_was_killed_loses_nothing_and_is_ended_by_the_next(designs, moment):
    export(designs)
    made = recorded(designs.catalog)

    kill(designs, "cleanup", moment)
    assert recorded(designs.catalog).items() <= on_disk(designs).items()
    clean(designs)

    assert (recorded(designs.catalog), on_disk(designs)) == ({}, {})
    assert len(designs.files("images")) == 2
    rebuilder = Rebuilder(designs.catalog.rebuilding, designs.store, designs.decoder)
    assert {rebuilder.rebuild(path) for path in made} == set(made)
    assert on_disk(designs) == made


@pytest.mark.parametrize("moment", ["put:1", "put+1"])
def test_a_rebuild_that_was_killed_is_done_by_the_next(designs, moment):
    export(designs)
    made = recorded(designs.catalog)
    clean(designs)

    kill(designs, "rebuild", moment)
    later = Rebuilder(
        designs.catalog.rebuilding,
        designs.store,
        designs.decoder,
        clock=lambda: LATER.replace(year=2099),
    )

    assert {later.rebuild(path) for path in made} == set(made)
    assert on_disk(designs) == made
