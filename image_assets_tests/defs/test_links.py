"""Links in Dagster: what was published is looked at again, and what is gone is published by one run."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from image_assets.defs.assets.links import destinations, links_key
from image_assets.defs.build import build_definitions
from image_assets.settings import isolated
from image_assets_tests.journey import KEY, LOCAL, ORIGINALS, Journey, Run, journey, run_of

AT_ONCE = {
    "LINK_CHECK_DAYS": "0.0000001",
    "LINK_CHECK_CONFIRM_HOURS": "0.0000001",
    "LINK_CHECK_PER_MINUTE": "1000000",
}
"""Everything is due, and two looks in a row are far enough apart."""


@pytest.fixture
def world(tmp_path) -> Iterator[Journey]:
    with journey(tmp_path, source=ORIGINALS, **AT_ONCE) as world:
        assert world.run("images", LOCAL).success
        yield world


def look(world: Journey, destination: str = "local") -> Run:
    """The links of one destination, looked at."""
    result = world.definitions.resolve_job_def("look_at_links").execute_in_process(
        instance=world.instance,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
        asset_selection=[links_key(destination)],
    )
    return run_of(result, world.instance)


def shown(run: Run) -> dict[str, Any]:
    [event] = [e for e in run.events if e.is_step_materialization]
    return {n: v.value for n, v in event.step_materialization_data.materialization.metadata.items()}


def checks(world: Journey) -> dict[str, dg.AssetCheckEvaluation]:
    """The two checks of the destination `local`."""
    job = world.definitions.resolve_implicit_global_asset_job_def()
    names = ("links_alive", "fidelity_unchanged")
    keys = {dg.AssetCheckKey(links_key("local"), name) for name in names}
    result = job.get_subset(asset_selection=set(), asset_check_selection=keys).execute_in_process(
        instance=world.instance,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    return {e.check_name: e for e in result.get_asset_check_evaluations()}


def public_files(world: Journey) -> list[Any]:
    return sorted(f for f in (world.data / "public").iterdir() if f.is_file())


def test_what_was_published_is_looked_at_and_counted(world):
    figures = shown(look(world))

    assert {n: figures[n] for n in ("looked_at", "alive", "gone", "given_up", "published")} == {
        "looked_at": 1,
        "alive": 1,
        "gone": 0,
        "given_up": 0,
        "published": 1,
    }
    assert figures["treats"] == {"jpeg": "keeps the bytes (2)"}
    assert {name: check.passed for name, check in checks(world).items()} == {
        "links_alive": True,
        "fidelity_unchanged": True,
    }


def test_a_gone_picture_is_shown_and_published_again_by_one_materialisation(world):
    public_files(world)[0].unlink()

    first, run = shown(look(world)), look(world)
    second, failed = shown(run), run.check(LOCAL, "published", KEY)
    found = checks(world)
    again = world.run(LOCAL)

    assert (first["gone"], first["given_up"], second["given_up"]) == (1, 0, 1)
    assert second["partitions"] == ["camera apm/in_gate 2025-09-01"]
    assert (found["links_alive"].passed, found["fidelity_unchanged"].passed) == (False, False)
    assert "1 of them for good" in str(found["links_alive"].description)
    assert (failed["passed"], failed["failed"]) == (False, 1)
    assert again.metadata(LOCAL)["verified"] == 1
    assert len(public_files(world)) == 1
    assert checks(world)["links_alive"].passed


def test_a_change_stands_until_somebody_takes_note_of_it(world):
    public_files(world)[0].write_bytes(b"something else")
    look(world)
    alarmed = checks(world)["fidelity_unchanged"]

    world.catalog.fidelity.accept("local", now=world.catalog.links.suspects("local")[0].looked_at)

    assert not alarmed.passed
    assert "image-assets links accept local" in str(alarmed.description)
    assert "shows something else" in str(alarmed.description)
    assert checks(world)["fidelity_unchanged"].passed


def test_where_nothing_was_published_nothing_is_needed(tmp_path):
    with journey(tmp_path, source=ORIGINALS, without=["PINATA_JWT"]) as world:
        run = look(world, "pinata")

    assert (run.success, shown(run)["looked_at"]) == (True, 0)


def test_every_destination_has_its_asset_its_checks_and_the_schedule():
    settings = isolated({})
    definitions = build_definitions(settings)
    graph = definitions.resolve_asset_graph()

    hosts = destinations(settings.sources)

    assert hosts == ["local", "pinata"]
    assert all(graph.get(links_key(host)).group_name == "links" for host in hosts)
    assert {
        str(key.name) for key in graph.asset_check_keys if key.asset_key == links_key("local")
    } == {
        "links_alive",
        "fidelity_unchanged",
    }
    assert definitions.resolve_schedule_def("links_daily").cron_schedule == "0 5 * * *"
