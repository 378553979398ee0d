"""`image-assets restore` and `pin`, and what `cleanup` says of originals."""

import datetime as dt
import json

import pytest

from image_assets import compose
from image_assets.core.model import Partition, Publishes
from image_assets.core.recipes import Recipe
from image_assets.services.catalog.schema import uploads
from image_assets.settings import load
from image_assets.stages.uploads import Publisher
from image_assets_tests.cli.exported import files, opened
from image_assets_tests.drawing import picture
from image_assets_tests.fakes import FakeHost
from image_assets_tests.stages.conftest import House

SOURCES = """
sources:
  - {name: camera, kind: folder, root: frames, collections: [apm/in_gate], start: 2025-09-01,
     publishes: originals, destinations: [pinata]}
"""
DAY = Partition("camera", "apm/in_gate", "2025-09-01")


def publish(shell, host):
    """Three pictures that a host provably has."""
    (shell.folder / "sources.yaml").write_text(SOURCES)
    shell.export(IMAGE_ASSETS_SOURCES=str(shell.folder / "sources.yaml"))
    settings, now = load(), dt.datetime.now(dt.UTC)
    with opened(shell) as catalog, compose.decoder(settings) as decoder:
        house = House(shell.folder, catalog, compose.LocalStore(shell.folder / "data"), decoder)
        house.collect({f"2025090110{n:02}00_in_gate.jpg": picture(n) for n in range(3)})
        rooms = (catalog.uploads, house.store)
        publisher = Publisher("pinata", host, *rooms, "run", lambda: now, 1)
        assert publisher.publish(DAY, Publishes.ORIGINALS, Recipe("thumbnail")).failed == 0


@pytest.fixture
def published(shell):
    """Three pictures that Pinata provably has, as far as anybody here knows."""
    publish(shell, FakeHost("pinata"))
    return shell


def grow_old(shell):
    """What was proven was proven long ago."""
    ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=365)
    with opened(shell) as catalog, catalog.engine.begin() as connection:
        connection.execute(uploads.update().values(verified_at=ago))


def test_originals_that_are_proven_elsewhere_go_and_come_back(published):
    before = files(published, "images")

    cleaned = published.run("cleanup")
    listed = published.run("restore", "--json")
    restored = published.run("restore", "--all")

    assert "originals_removed=2" in cleaned.stdout
    removed = json.loads(listed.stdout)["removed"]
    assert [one["reason"] for one in removed] == ["its own bytes are proven at pinata"] * 2
    assert restored.stdout == "restored=2\n"
    assert files(published, "images") == before
    assert "originals" not in published.run("cleanup").stdout  # they are pinned now


def test_without_days_of_undo_the_next_clean_up_removes_the_bytes(published):
    published.export(RETENTION_UNDO_DAYS="0")

    first, second = published.run("cleanup"), published.run("cleanup")

    assert "originals_removed=2" in first.stdout
    assert "originals_purged=2" in second.stdout
    assert len(files(published, "images")) == 1
    assert published.run("restore", "--all").stdout == "restored=0\n"


def test_off_is_off(published):
    published.export(DELETE_LOCAL_FILES="false")

    assert "originals" not in published.run("cleanup").stdout


def test_too_many_at_once_need_a_person(published):
    published.export(RETENTION_BREAKER_COUNT="0")

    refused = published.run("cleanup")
    approved = published.run("cleanup", "--approve-originals")

    assert "originals_removed" not in refused.stdout
    assert "2 of 3 originals would go at once" in refused.stderr
    assert "originals_removed=2" in approved.stdout


def test_a_dry_run_names_them(published):
    result = published.run("cleanup", "--dry-run")

    assert "its own bytes are proven at pinata" in result.stdout
    assert "1 stay: the newest of its collection" in result.stdout
    assert "originals_removed=2" in result.stdout


def test_what_is_pinned_stays_until_it_is_not(published):
    key = str(files(published, "images")[0].relative_to(published.folder / "data"))
    pinned = published.run("pin", key)

    assert pinned.stdout == "pinned=1\n"
    assert "originals_removed=1" in published.run("cleanup").stdout
    assert published.run("pin", key, "--off").stdout == "unpinned=1\n"
    assert "originals_removed=1" in published.run("cleanup").stdout


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (("pin", "images/none.jpg"), "no original that is here has this key"),
        (("restore", "images/none.jpg"), "is no original that can come back"),
        (("restore", "images/none.jpg", "--all"), "not both"),
    ],
)
def test_a_key_that_means_nothing_is_told(published, command, complaint):
    result = published.run(*command)

    assert (result.exit_code, complaint in result.stderr) == (1, True)


def test_one_comes_back_by_its_key(published):
    published.run("cleanup")
    first, second = json.loads(published.run("restore", "--json").stdout)["removed"]

    assert published.run("restore", first["file"]).stdout == "restored=1\n"
    assert second["file"] in published.run("restore").stdout
    assert first["file"] not in published.run("restore").stdout


def test_old_proofs_are_renewed_by_asking(shell):
    shell.point_at_rehearsal()
    host = compose.host(load(), "pinata")
    publish(shell, host)
    host.close()
    grow_old(shell)

    as_it_is, proven = shell.run("cleanup"), shell.run("cleanup", "--prove")

    assert "originals" not in as_it_is.stdout
    assert "originals_removed=2" in proven.stdout


def test_a_host_that_cannot_be_asked_proves_nothing(published):
    grow_old(published)

    result = published.run("cleanup", "--prove")

    assert "originals" not in result.stdout
    assert "not asked: pinata: PINATA_JWT is not set" in result.stderr
