"""The same journey with the catalog and the Dagster instance on PostgreSQL."""

import pytest
import sqlalchemy as sa

from image_assets.core.model import DEFAULT_TENANT, LatestState
from image_assets.services.catalog import open_catalog
from image_assets_tests.end_to_end.live import ROOT, live
from image_assets_tests.end_to_end.test_backfill import ASSETS, STREAMS, assert_whole

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]


def test_the_journey_passes_with_everything_on_postgres(tmp_path, data, rehearsal, postgres):
    with postgres.connect() as server:
        for name in ("journey", "dagster"):
            server.execute(sa.text(f"CREATE DATABASE {name}"))
    url = postgres.url.set(database="journey").render_as_string(hide_password=False)
    environment = {
        **rehearsal.environment(),
        "IMAGE_ASSETS_DATA_DIR": str(data),
        "IMAGE_ASSETS_DATABASE_URL": url,
        "DAGSTER_PG_URL": postgres.url.set(database="dagster").render_as_string(
            hide_password=False
        ),
    }
    partitions = [f"2025-09-01|{stream}" for stream in STREAMS]

    with live(
        tmp_path / "home", environment, instance=ROOT / "deploy/postgres/dagster.yaml"
    ) as server:
        runs = [server.materialise(ASSETS, partition) for partition in partitions]
        runs += [server.materialise([["camera", "latest"]], stream) for stream in STREAMS]
        checks = server.checks(["camera", "images"])

    assert [run["status"] for run in runs] == ["SUCCESS"] * 4
    assert checks["partitionStats"]["numMaterialized"] == 2
    catalog = open_catalog(url)
    assert_whole(catalog, partitions)
    assert catalog.totals.totals(DEFAULT_TENANT).latest == 2
    current = catalog.latest.current(DEFAULT_TENANT, "apm/in_gate:daily:latest")
    assert current is not None
    assert current.state is LatestState.PUBLISHED
    catalog.dispose()
    assert not list((tmp_path / "home").rglob("*.db")), "nothing went to SQLite"
