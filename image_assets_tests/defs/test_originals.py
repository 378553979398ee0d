"""Originals that Pinata provably has go from the store when retention runs, and say why when they stay."""

from collections.abc import Iterator

import dagster as dg
import pytest

from image_assets_tests.journey import AUTUMN, PINATA, TWO_A_DAY, Journey, Run, journey, run_of

SOURCE = AUTUMN + "collections: [apm/in_gate], publishes: originals, destinations: [pinata]}"


@pytest.fixture
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    folder = tmp_path_factory.mktemp("originals")
    with journey(folder, TWO_A_DAY, source=SOURCE, RETENTION_UNDO_DAYS="0") as camera:
        assert camera.run("images", PINATA).success
        yield camera


def clean(camera: Journey) -> Run:
    job = camera.definitions.resolve_job_def("clean_up")
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    return run_of(
        job.execute_in_process(instance=camera.instance, run_config=quiet), camera.instance
    )


def shown(run: Run, name: str) -> dict[str, object]:
    (event,) = [
        e for e in run.events if e.is_step_materialization and e.asset_key == dg.AssetKey(name)
    ]
    return {label: value.value for label, value in event.materialization.metadata.items()}


def pictures(camera: Journey) -> int:
    return sum(f.is_file() for f in (camera.data / "images").rglob("*"))


def test_a_proven_original_is_marked_and_then_removed_and_the_newest_stays(published):
    before = pictures(published)
    first, second = clean(published), clean(published)

    assert shown(first, "retention_plan")["originals_going"] == before - 1
    assert shown(first, "retention")["original_tombstoned"] == before - 1
    assert shown(second, "retention")["original_deleted"] == before - 1
    assert pictures(published) == 1


def test_a_plan_that_the_breaker_refused_says_so(tmp_path_factory):
    folder = tmp_path_factory.mktemp("breaker")
    with journey(folder, TWO_A_DAY, source=SOURCE, RETENTION_BREAKER_COUNT="0") as camera:
        camera.run("images", PINATA)

        run = clean(camera)

        assert "a person says so first" in str(shown(run, "retention_plan")["breaker"])
        assert shown(run, "retention")["original_tombstoned"] == 0
