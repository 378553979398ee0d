"""What runs because something happened: newer pictures, lost keys, failed runs."""

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from image_assets.core.errors import MissingSettingError
from image_assets.defs.resources import Unconfigured
from image_assets.services.catalog.schema import latest
from image_assets_tests.journey import (
    DAY,
    KEY,
    ORIGINALS,
    PINATA,
    STREAM,
    Journey,
    Run,
    journey,
    own_instance,
)

OTHER = "apm/out_gate"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    """A journey with verified pictures: two days of one stream, the first day of the other."""
    folder = tmp_path_factory.mktemp("published")
    with journey(folder, source=ORIGINALS, UPLOAD_MAX_RETRIES="1") as camera:
        assert camera.run_range("images", PINATA, first=KEY, last=f"2025-09-02|{STREAM}").success
        assert camera.run("images", PINATA, key=f"{DAY}|{OTHER}").success
        yield camera


@pytest.fixture
def camera(published: Journey) -> Journey:
    """The same before anything was announced."""
    with published.catalog.engine.begin() as connection:
        connection.execute(sa.delete(latest))
    published.rehearsal.reset()
    return published


def tick(camera: Journey, **instead: object) -> dict[str, str] | str:
    """What the sensor asks for, run keys by stream, or why for nothing."""
    sensor = camera.definitions.resolve_sensor_def("camera_publish_latest")
    given = {name: camera.services[name] for name in sensor.required_resource_keys} | instead
    with dg.build_sensor_context(
        instance=camera.instance,
        resources=given,
        repository_def=camera.definitions.get_repository_def(),
    ) as context:
        found = sensor.evaluate_tick(context)
    asked = {str(request.partition_key): str(request.run_key) for request in found.run_requests}
    return asked or str(found.skip_message)


def announced(camera: Journey) -> None:
    """Both streams are announced, an hour ago: whatever the store says now, it means."""
    for stream in (STREAM, OTHER):
        assert camera.announce(stream).success
    camera.an_hour_passes()


def test_a_verified_picture_that_is_newer_than_what_was_announced_asks_for_a_run(camera):
    found = tick(camera)

    assert isinstance(found, dict)
    assert found.keys() == {STREAM, OTHER}
    assert re.fullmatch(
        rf"{STREAM}: capture 20250902\d{{6}} @\d{{4}}-\d\d-\d\dT\d\d", found[STREAM]
    )


def test_what_is_asked_for_is_a_run_of_the_latest_job(camera):
    sensor = camera.definitions.resolve_sensor_def("camera_publish_latest")

    assert sensor.job_name == "camera_latest"
    assert camera.definitions.resolve_job_def("camera_latest").asset_layer.selected_asset_keys == {
        dg.AssetKey(["camera", "latest"])
    }


def test_the_same_picture_is_asked_for_under_the_same_key(camera):
    """Dagster starts one run for a key: a run that fails is not started again every minute."""
    first, second = tick(camera), tick(camera)

    assert [key.rpartition("@")[0] for key in first.values()] == [
        key.rpartition("@")[0] for key in second.values()
    ]


def test_when_all_is_announced_nothing_is_asked_for(camera):
    announced(camera)

    assert tick(camera) == "every latest key is up to date"


def test_a_stream_of_which_nothing_is_verified_asks_for_nothing(tmp_path):
    with journey(tmp_path) as empty:
        assert tick(empty) == "every latest key is up to date"


def test_a_key_that_the_store_lost_is_repaired(camera):
    announced(camera)
    camera.rehearsal.reset()

    found = tick(camera)
    camera.announce(STREAM)
    left = tick(camera)

    assert isinstance(found, dict)
    assert found[STREAM].startswith(f"{STREAM}: repair of sequence 1 @")
    assert isinstance(left, dict)
    assert left.keys() == {OTHER}


def test_a_key_that_a_person_holds_is_left_where_it_is(camera):
    announced(camera)
    with camera.catalog.engine.begin() as connection:
        older = dt.datetime(2025, 8, 1, tzinfo=dt.UTC)
        connection.execute(sa.update(latest).values(captured_at=older, hold=True))

    assert tick(camera) == "every latest key is up to date"


def test_a_store_that_fails_is_named_and_nothing_is_asked_for(camera):
    announced(camera)
    camera.rehearsal.inject("GET /cloudflare", {"kind": "status", "status": 500})

    found = tick(camera)

    assert isinstance(found, str)
    assert f"{STREAM}: cloudflare_kv: GET http" in found
    assert f"{OTHER}: cloudflare_kv: GET http" in found
    assert "500" in found


def test_a_store_without_its_key_is_named_by_the_variable(camera):
    announced(camera)
    missing = Unconfigured(MissingSettingError("CLOUDFLARE_API_TOKEN", "announcing"))

    found = tick(camera, cloudflare_kv_latest=missing)

    assert isinstance(found, str)
    assert "CLOUDFLARE_API_TOKEN is not set" in found


def test_a_stream_whose_store_fails_does_not_stop_the_other(camera, caplog):
    camera.announce(STREAM)
    camera.an_hour_passes()
    camera.rehearsal.inject("GET /cloudflare.*in_gate", {"kind": "status", "status": 500})

    found = tick(camera)

    assert isinstance(found, dict)
    assert found.keys() == {OTHER}
    assert f"latest of {STREAM}: cloudflare_kv" in caplog.text


def failures(camera: Journey, run: Run) -> None:
    """Let the sensor of failed runs see this one."""
    (failed,) = [e for e in run.events if e.is_run_failure]
    found = camera.instance.get_run_by_id(run.run_id)
    assert found is not None
    context = dg.build_run_status_sensor_context(
        "run_failures", failed, camera.instance, found
    ).for_run_failure()
    camera.definitions.resolve_sensor_def("run_failures")(context)


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[Journey]:
    """A journey whose site lets nobody in, in a Dagster instance on disk."""
    with own_instance() as instance, journey(tmp_path, instance=instance) as camera:
        camera.rehearsal.inject("GET /draydog/index", {"kind": "status", "status": 403})
        yield camera


def test_a_failed_run_is_told_with_job_partition_step_and_cause(broken, caplog):
    run = broken.run("images")
    caplog.clear()

    failures(broken, run)

    (told,) = [r for r in caplog.records if r.name == "image_assets.runs"]
    assert told.levelname == "ERROR"
    assert f"run {run.run_id[:8]} of __ASSET_JOB failed at camera__images ({KEY}): " in told.message
    assert "answered 403 Forbidden" in told.message
    ids = {name: getattr(told, name) for name in ("run_id", "job", "partition", "step")}
    assert ids == {
        "run_id": run.run_id,
        "job": "__ASSET_JOB",
        "partition": KEY,
        "step": "camera__images",
    }


def test_a_failed_range_is_told_by_its_ends(broken, caplog):
    last = f"2025-09-03|{STREAM}"
    run = broken.run_range("images", first=KEY, last=last)
    caplog.clear()

    failures(broken, run)

    (told,) = [r for r in caplog.records if r.name == "image_assets.runs"]
    assert f"({KEY}...{last}): " in told.message
    assert "3 of 3 partitions failed" in told.message
