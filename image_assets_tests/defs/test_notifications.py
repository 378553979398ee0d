"""Failed runs get into the outbox, and the outbox to its channels, by two sensors."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from image_assets.core.notices import NoticeKind
from image_assets.defs.build import build_definitions
from image_assets.ports.notifications import Pace
from image_assets_tests.journey import (
    KEY,
    ORIGINALS,
    PINATA,
    STREAM,
    Journey,
    Run,
    journey,
    own_instance,
)

ALL = tuple(NoticeKind)


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[Journey]:
    with (
        own_instance() as instance,
        journey(tmp_path, source=ORIGINALS, instance=instance, UPLOAD_MAX_RETRIES="1") as camera,
    ):
        yield camera


def note(camera: Journey, run: Run) -> None:
    """Let the sensor of failed runs see this one."""
    (failed,) = [e for e in run.events if e.is_run_failure]
    found = camera.instance.get_run_by_id(run.run_id)
    assert found is not None
    context = dg.build_run_status_sensor_context(
        "note_failures",
        failed,
        camera.instance,
        found,
        resources={"catalog": camera.services["catalog"]},
    ).for_run_failure()
    camera.definitions.resolve_sensor_def("note_failures")(context)


def tick(camera: Journey) -> str:
    """One look of the sensor that tells; what it says of it."""
    sensor = camera.definitions.resolve_sensor_def("notify")
    with dg.build_sensor_context(
        instance=camera.instance,
        resources={"catalog": camera.services["catalog"]},
        repository_def=camera.definitions.get_repository_def(),
    ) as context:
        return str(sensor.evaluate_tick(context).skip_message)


def outbox(camera: Journey) -> list[tuple[NoticeKind, str, str]]:
    now = dt.datetime.now(dt.UTC)
    found = camera.catalog.notices.message("test", "test", ALL, Pace(), now=now)
    return [(n.kind, n.subject, n.text) for n in found.notices] if found else []


def test_a_failed_run_is_told_to_every_channel(camera):
    camera.rehearsal.inject("GET /draydog/index", {"kind": "status", "status": 403})
    note(camera, camera.run("images"))

    said = tick(camera)

    (post,), (event,) = camera.rehearsal.slack.posts, camera.rehearsal.webhook.events
    assert said == "slack: told of 1; webhook: told of 1"
    assert post["text"] == "Run failed: camera__images of __ASSET_JOB"
    assert event["type"] == "run.failed"
    assert f"({KEY}): " in event["data"]["notices"][0]["text"]


def test_the_same_failure_of_other_days_is_one_item(camera):
    camera.rehearsal.inject("GET /draydog/index", {"kind": "status", "status": 403})
    for day in ("2025-09-01", "2025-09-02", "2025-09-03"):
        note(camera, camera.run("images", key=f"{day}|{STREAM}"))

    tick(camera)

    (event,) = camera.rehearsal.webhook.events
    assert [n["count"] for n in event["data"]["notices"]] == [3]


def test_a_spent_quota_is_told_as_that(camera):
    spent = '{"result": null, "success": false, "errors": [{"code": 10048, "message": "today"}]}'
    assert camera.run("images", PINATA).success
    fault = {"kind": "status", "status": 429, "body": spent}
    camera.rehearsal.inject("(PUT|GET) /cloudflare", fault)
    note(camera, camera.announce())

    ((kind, subject, text),) = outbox(camera)

    assert (kind, subject) == (NoticeKind.QUOTA_EXHAUSTED, "camera__latest of __ASSET_JOB")
    assert "budget of today is spent" in text


def test_uploads_are_told_without_any_run_doing_so(camera):
    tick(camera)  # from now on
    assert camera.run("images", PINATA).success
    assert camera.catalog.notices.gather(now=later(camera)) == 1

    tick(camera)

    (event,) = camera.rehearsal.webhook.events
    assert event["type"] == "upload.succeeded"
    assert camera.rehearsal.slack.posts == []  # people are not told of every success


def later(camera: Journey):
    """When the last upload has settled."""
    return dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)


def test_a_channel_that_is_down_disturbs_nobody(camera):
    camera.rehearsal.inject("GET /draydog/index", {"kind": "status", "status": 403})
    note(camera, camera.run("images"))
    camera.rehearsal.inject("POST /slack", {"kind": "status", "status": 500})

    said = tick(camera)

    assert said.startswith("slack: later: slack: POST")
    assert said.endswith("webhook: told of 1")
    assert camera.rehearsal.profile.slack_webhook not in said


def test_without_a_channel_the_sensor_says_how_to_set_one_up(camera):
    bare = camera.settings.model_copy(
        update={
            "slack_webhook_url": None,
            "notify_webhook_url": None,
            "notify_webhook_secret": None,
        }
    )

    definitions = build_definitions(bare, camera.services)

    assert tick(replace(camera, definitions=definitions)).startswith("no channel is set up")


def test_half_a_channel_is_told_by_its_variable(camera):
    half = camera.settings.model_copy(update={"notify_webhook_secret": None})

    definitions = build_definitions(half, camera.services)

    assert "NOTIFY_WEBHOOK_SECRET is not set" in tick(replace(camera, definitions=definitions))
