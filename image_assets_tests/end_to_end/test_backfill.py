"""A month through the running web server's GraphQL, as an operator starts it."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_assets.compose import Catalog
from image_assets.core.model import DEFAULT_TENANT, ImageState, Partition
from image_assets.rehearsal import Rehearsal
from image_assets.services.catalog import open_catalog
from image_assets_tests.end_to_end.live import ROOT, Live, figures, live

pytestmark = [pytest.mark.live, pytest.mark.timeout(3000)]

FIRST = dt.date(2025, 9, 1)
STREAMS = ("apm/in_gate", "apm/out_gate")
STAGES = ("images", "designs", "thumbnails", "uploaded_urls/local", "uploaded_urls/pinata")
ASSETS = [["camera", *stage.split("/")] for stage in STAGES]
BAD = "2025-09-02"


@pytest.fixture
def server(tmp_path: Path, data: Path, rehearsal: Rehearsal) -> Iterator[Live]:
    environment = {
        **rehearsal.environment(),
        "IMAGE_ASSETS_DATA_DIR": str(data),
        "IMAGE_ASSETS_RETRY_SECONDS": "1",
        "DOWNLOAD_MAX_RETRIES": "2",
        "DOWNLOAD_RETRY_DELAY": "0.1",
    }
    with live(
        tmp_path / "home", environment, instance=ROOT / "dagster_home/dagster.yaml"
    ) as server:
        yield server


@pytest.fixture
def catalog(server: Live, data: Path) -> Iterator[Catalog]:
    catalog = open_catalog(f"sqlite:///{data}/catalog.db")
    yield catalog
    catalog.dispose()


def keys(days: int) -> list[str]:
    dates = [(FIRST + dt.timedelta(days=n)).isoformat() for n in range(days)]
    return [f"{date}|{stream}" for date in dates for stream in STREAMS]


def test_a_backfill_ends_with_every_partition_right_and_a_second_one_does_nothing(
    server, catalog, rehearsal, days
):
    wanted, bad = keys(days), f"{BAD}|apm/in_gate"
    rehearsal.inject(
        f"GET /draydog/index/apm/in_gate/{BAD}", {"kind": "status", "status": 500}, times=None
    )

    first = server.backfill(ASSETS, wanted, seconds=2400)

    # The day that was made to fail failed alone, at every stage.
    assert first["status"] == "COMPLETED_FAILED"
    assert set(figures(first).values()) == {(len(wanted) - 1, 1)}
    assert_whole(catalog, [key for key in wanted if key != bad])

    rehearsal.clear_faults()
    before, requests = catalog.totals.totals(DEFAULT_TENANT), rehearsal.requests()["total"]
    second = server.backfill(ASSETS, wanted, seconds=2400)

    # It mended that day and did nothing for the others: what it asked for them are the checks'
    # samples of published pictures, at most three each.
    assert second["status"] == "COMPLETED_SUCCESS"
    assert_whole(catalog, wanted)
    mended = catalog.images.counts(Partition("camera", "apm/in_gate", BAD))
    after = catalog.totals.totals(DEFAULT_TENANT)
    new = after.images.states[ImageState.STORED] - before.images.states[ImageState.STORED]
    assert new == mended.states[ImageState.STORED]
    asked = rehearsal.requests()["total"] - requests
    per_upload, day = 3, 1 + new
    assert asked <= day + per_upload * (after.verified - before.verified) + 3 * len(wanted)


def assert_whole(catalog: Catalog, wanted: list[str]) -> None:
    partitions = [Partition("camera", key.split("|")[1], key.split("|")[0]) for key in wanted]
    for partition in partitions:
        day, counts = catalog.images.day(partition), catalog.images.counts(partition)
        assert day is not None
        assert day.sealed_at is not None, partition
        assert counts.states == {ImageState.STORED: day.listed}, partition
        assert not catalog.designs.flaws(partition).undesigned, partition
    totals = catalog.totals.totals(DEFAULT_TENANT)
    assert totals.exports == 3 * totals.designs
    assert totals.verified == 2 * totals.exports
