import datetime as dt
import itertools
import subprocess
import sys

import dagster as dg
import pytest

from image_assets.core.model import Partition
from image_assets.definitions import build_definitions
from image_assets.defs.assets.options import PARTITIONS_PER_RUN
from image_assets.settings import isolated, isolated_environment

STAGES = {
    "camera/images",
    "camera/designs",
    "camera/thumbnails",
    "camera/uploaded_urls/local",
    "camera/uploaded_urls/pinata",
    "camera/latest",
}


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_definitions(isolated({}))


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def test_the_definitions_are_loadable(definitions):
    dg.Definitions.validate_loadable(definitions)


def test_they_load_with_an_empty_environment(tmp_path):
    result = subprocess.run(
        [
            sys.executable,
            "-W",
            "error::UserWarning",
            "-c",
            "from image_assets.definitions import defs",
        ],
        env={"PATH": "/usr/bin:/bin"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert (result.returncode, result.stderr) == (0, "")


def test_loading_them_writes_nothing(tmp_path):
    subprocess.run(
        [sys.executable, "-c", "from image_assets.definitions import defs"],
        env=isolated_environment({}),
        cwd=tmp_path,
        check=True,
    )

    assert list(tmp_path.iterdir()) == []


def test_a_source_has_its_whole_chain(specs):
    assert {key for key in specs if key.startswith("camera/")} == STAGES
    assert {"retention_plan", "retention"} <= specs.keys()


def test_every_asset_is_described_grouped_owned_and_has_kinds(specs):
    lacking = [
        key
        for key, spec in specs.items()
        if not (spec.description and spec.group_name and spec.owners and spec.kinds)
    ]

    assert lacking == []


def test_lineage_follows_the_journey(specs):
    parents = {
        key: {d.asset_key.to_user_string() for d in spec.deps} for key, spec in specs.items()
    }

    assert parents == {
        "camera/images": set(),
        "camera/designs": {"camera/images"},
        "camera/thumbnails": {"camera/designs"},
        "camera/uploaded_urls/local": {"camera/thumbnails"},
        "camera/uploaded_urls/pinata": {"camera/thumbnails"},
        "camera/latest": {"camera/uploaded_urls/pinata"},
        "inbox/images": set(),
        "inbox/designs": {"inbox/images"},
        "inbox/thumbnails": {"inbox/designs"},
        "inbox/uploaded_urls/local": {"inbox/thumbnails"},
        "visualization/images": set(),
        "visualization/designs": {"visualization/images"},
        "visualization/thumbnails": {"visualization/designs"},
        "visualization/uploaded_urls/pinata": {"visualization/images"},
        "visualization/latest": {"visualization/uploaded_urls/pinata"},
        "visualization/local_files": {"visualization/latest"},
        "generated/images": set(),
        "generated/designs": {"generated/images"},
        "generated/thumbnails": {"generated/designs"},
        "generated/uploaded_urls/local": {"generated/thumbnails"},
        "links/local": {
            "camera/uploaded_urls/local",
            "inbox/uploaded_urls/local",
            "generated/uploaded_urls/local",
        },
        "links/pinata": {
            "camera/uploaded_urls/pinata",
            "visualization/uploaded_urls/pinata",
        },
        "retention_plan": set(),
        "retention": {"retention_plan"},
    }


def test_neighbours_have_runs_of_their_own():
    chain = ("images", "designs", "thumbnails", "uploaded_urls")

    sizes = [PARTITIONS_PER_RUN[stage] for stage in chain]

    assert all(one != other for one, other in itertools.pairwise(sizes))
    assert (PARTITIONS_PER_RUN["images"], PARTITIONS_PER_RUN["uploaded_urls"]) == (7, 7)


def test_every_partitioned_asset_has_its_backfill_policy(definitions):
    graph = definitions.resolve_asset_graph()
    policies = {
        key.to_user_string(): graph.get(key).backfill_policy
        for key in graph.executable_asset_keys
        if graph.get(key).partitions_def
    }

    assert all(policies.values())


def test_destinations_have_pools_of_their_own(definitions):
    graph = definitions.resolve_asset_graph()

    pools = {key.to_user_string(): graph.get(key).pools for key in graph.executable_asset_keys}

    assert pools["camera/uploaded_urls/pinata"] == {"pinata"}
    assert pools["camera/uploaded_urls/local"] == {"local"}
    assert pools["camera/images"] == {"camera_site"}


@pytest.mark.parametrize("automation", ["off", "on"])
def test_nothing_runs_by_itself_unless_automation_is_on(automation):
    definitions = build_definitions(isolated({"IMAGE_ASSETS_AUTOMATION": automation}))

    repository = definitions.get_repository_def()
    statuses = {
        s.default_status.value for s in (*repository.schedule_defs, *repository.sensor_defs)
    }

    assert statuses == {"RUNNING" if automation == "on" else "STOPPED"}


def test_the_graph_does_not_depend_on_secrets_or_automation(definitions):
    other = build_definitions(isolated({"PINATA_JWT": "x", "IMAGE_ASSETS_AUTOMATION": "on"}))

    assert {s.key for s in other.resolve_all_asset_specs()} == {
        s.key for s in definitions.resolve_all_asset_specs()
    }


def nightly(definitions: dg.Definitions, catalog) -> set[str]:
    context = dg.build_schedule_context(
        scheduled_execution_time=dt.datetime(2025, 10, 12, 1, 30, tzinfo=dt.UTC),
        repository_def=definitions.get_repository_def(),
        resources={"catalog": catalog},
    )
    requests = definitions.resolve_schedule_def("camera_daily").evaluate_tick(context).run_requests
    return {str(request.partition_key) for request in requests or ()}


def test_the_nightly_download_asks_for_what_is_not_sealed_of_the_last_seven_days(
    definitions, sqlite_catalog
):
    week = {
        f"2025-10-{day:02}|apm/{gate}" for day in range(5, 12) for gate in ("in_gate", "out_gate")
    }
    before = nightly(definitions, sqlite_catalog)
    sealed = Partition("camera", "apm/in_gate", "2025-10-09")
    at = dt.datetime(2025, 10, 10, 2, tzinfo=dt.UTC)
    sqlite_catalog.images.record_listing(sealed, listed=0, complete=True, now=at)
    sqlite_catalog.images.seal(sealed, now=at)

    after = nightly(definitions, sqlite_catalog)

    assert (before, after) == (week, week - {"2025-10-09|apm/in_gate"})


def test_the_nightly_download_runs_after_midnight_utc(definitions):
    schedule = definitions.resolve_schedule_def("camera_daily")

    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 1 * * *", "UTC")


def test_every_partition_of_a_stage_has_its_checks(definitions):
    graph = definitions.resolve_asset_graph()

    names = {f"{k.asset_key.to_user_string()}:{k.name}" for k in graph.asset_check_keys}

    assert names >= {
        "camera/images:complete",
        "camera/images:cadence",
        "camera/images:decodable",
        "camera/images:yesterday_is_here",
        "camera/designs:one_design_each",
        "camera/thumbnails:all_formats",
        "camera/thumbnails:up_to_date",
        "camera/uploaded_urls/local:published",
        "camera/uploaded_urls/local:urls_alive",
        "camera/uploaded_urls/pinata:published",
        "camera/uploaded_urls/pinata:urls_alive",
        "camera/latest:latest_matches",
    }
    inbox = {n for n in names if n.startswith("inbox/")}
    drawn = {n for n in names if n.startswith(("generated/", "visualization/"))}
    assert {n for n in names - inbox - drawn if n.endswith(":no_partition_failed")} == {
        f"{stage}:no_partition_failed" for stage in STAGES - {"camera/latest"}
    }
    assert inbox >= {"inbox/images:settled", "inbox/thumbnails:on_canvas"}
    assert drawn >= {"generated/images:all_came", "generated/thumbnails:all_formats"}
    assert drawn >= {"visualization/images:all_stored", "visualization/latest:latest_matches"}
    of_days = (":cadence", ":complete", ":yesterday_is_here")
    assert not {n for n in inbox | drawn if n.endswith(of_days)}


def test_no_check_blocks_anything(definitions):
    graph = definitions.resolve_asset_graph()

    assert not any(graph.get_check_spec(key).blocking for key in graph.asset_check_keys)


def test_a_second_source_is_a_spec_and_no_code(tmp_path):
    sources = tmp_path / "sources.yaml"
    sources.write_text(
        f"sources: [{{name: archive, kind: folder, root: {tmp_path}, collections: [hogan],"
        " start: 2026-08-01, destinations: [local], publishes: originals}]"
    )

    definitions = build_definitions(isolated({"IMAGE_ASSETS_SOURCES": str(sources)}))

    keys = {spec.key.to_user_string() for spec in definitions.resolve_all_asset_specs()}
    assert {"archive/images", "archive/uploaded_urls/local"} <= keys
    assert "archive/latest" not in keys
