"""Requests for pictures that cannot be drawn: what Dagster and the API show of them, and when they go on."""

import datetime as dt
import json
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from image_assets.defs.requested import run_key
from image_assets.services.catalog.shops import variations
from image_assets.settings import isolated_environment
from image_assets_tests.end_to_end.asking import Agency, agency
from image_assets_tests.journey import Run


@pytest.fixture(scope="module")
def drawing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agency]:
    with agency(tmp_path_factory.mktemp("trouble")) as drawing:
        yield drawing


def drawn(drawing: Agency, script: str, **more: object) -> tuple[str, Run]:
    """A request and the run of its first asset."""
    key = drawing.ask(script, **more).json()["request_id"]
    drawing.tick()
    return key, drawing.run(f"default:{key}", "images")


def cause(run: Run) -> str:
    (told,) = run.failed_steps().values()
    return told


def test_without_a_key_the_asset_fails_and_names_the_variable_and_nothing_is_made_up(tmp_path):
    with agency(tmp_path, without=("GEMINI_API_KEY",)) as drawing:
        key, run = drawn(drawing, "a kite")
        answer = drawing.ask("a kite", headers={"Idempotency-Key": "x"})
        status = drawing.status(key)

    assert not run.success
    assert "GEMINI_API_KEY is not set; generating pictures needs it" in cause(run)
    assert (status["state"], status["variations"], drawing.asked()) == ("held", [], 0)
    assert "GEMINI_API_KEY is not set" in status["reason"]
    assert answer.status_code == 202


def test_a_block_fails_the_asset_and_is_told_with_its_reason(drawing):
    key, run = drawn(drawing, "something [rehearse: IMAGE_SAFETY]")
    status = drawing.status(key)

    assert "gemini blocked the picture (IMAGE_SAFETY)" in cause(run)
    assert status["state"] == "failed"
    assert [failure["state"] for failure in status["failures"]] == ["blocked"]
    assert drawing.tick() == "no request is due"


def test_who_waits_for_what_is_blocked_hears_so_at_once(drawing):
    with drawing.working():
        answer = drawing.ask("[rehearse: PROHIBITED_CONTENT]", wait=200)

    assert answer.status_code == 422
    assert answer.json()["failures"][0]["id"] == "var-1"
    assert "PROHIBITED_CONTENT" in answer.json()["detail"]


def test_what_came_beside_a_block_is_exported_and_the_block_is_told(drawing):
    with drawing.working():
        answer = drawing.ask("two kites [rehearse: IMAGE_SAFETY x1]", count=2, wait=200)

    told = answer.json()
    assert answer.status_code == 200
    assert len(told["variations"]) == len(told["failures"]) == 1
    assert set(told["variations"][0]["exports"]) == {"png", "jpeg", "webp"}


def test_an_answer_that_never_came_is_in_doubt_and_the_check_is_red(drawing):
    drawing.rehearsal.inject("POST /gemini", {"kind": "drop_after"}, times=1)
    before = drawing.asked()

    key, run = drawn(drawing, "a kite in doubt")
    again = drawing.run(f"default:{key}", "images")

    (failure,) = drawing.status(key)["failures"]
    assert (failure["state"], drawing.asked() - before) == ("in_doubt", 1)
    assert "may have been carried out" in failure["reason"]
    assert not run.success
    assert not again.success


def test_a_quota_that_is_spent_holds_the_request_until_the_next_day(drawing):
    body = (
        '{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details":'
        ' [{"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}]}}'
    )
    fault = {"kind": "status", "status": 429, "body": body}
    drawing.rehearsal.inject("POST /gemini", fault, times=1)

    key, run = drawn(drawing, "a kite for tomorrow")

    assert "the day's quota of the project is spent" in cause(run)
    assert drawing.status(key)["state"] == "held"
    assert drawing.tick() == "no request is due"


def test_a_request_whose_run_is_under_way_is_not_asked_for_again(drawing):
    key = drawing.ask("a slow kite").json()["request_id"]
    asked = drawing.tick()
    drawing.instance.add_run(
        dg.DagsterRun(
            job_name="generated_request",
            run_id=str(uuid.uuid4()),
            status=dg.DagsterRunStatus.STARTED,
            tags={"dagster/partition": f"default:{key}"},
        )
    )

    assert asked == [f"default:{key}"]
    assert drawing.tick() == "no request is due"


def test_a_partition_that_somebody_made_up_fails_and_says_so(drawing):
    for key, reason in (
        ("default:nothing", "is no request"),
        (f"default:req_{32 * '0'}", "no such request"),
    ):
        drawing.instance.add_dynamic_partitions("generated_requests", [key])

        run = drawing.run(key, "images")

        assert re.search(reason, cause(run))


def test_a_run_is_asked_for_once_for_each_time_it_is_due_and_by_the_hour():
    noon = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
    later = noon + dt.timedelta(minutes=30)

    assert run_key("a", noon, noon) == run_key("a", noon, later)
    assert run_key("a", noon, noon) != run_key("a", later, later)
    assert run_key("a", noon, noon) != run_key("a", noon, noon + dt.timedelta(hours=1))


def test_a_process_that_is_killed_while_it_asks_pays_for_nothing_twice(drawing):
    drawing.rehearsal.inject("POST /gemini", {"kind": "delay", "seconds": 1.5})
    key = drawing.ask("a kite of a process", count=2).json()["request_id"]
    before = drawing.asked()
    arguments = json.dumps(drawing.variables, default=str), key
    child = subprocess.Popen(
        [sys.executable, "-m", "image_assets_tests.end_to_end.asking", *arguments],
        cwd=Path(__file__).parents[2],
        env=isolated_environment({}),
    )
    try:
        wait_for(drawing, key, "sending", times=2)
    finally:
        child.kill()
        child.wait()
    drawing.rehearsal.clear_faults()
    with drawing.catalog.engine.begin() as connection:  # the lease runs out
        past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
        connection.execute(variations.update().values(lease_until=past))

    assert f"default:{key}" in drawing.tick()
    run = drawing.run(f"default:{key}", "images")

    status = drawing.status(key)
    assert run.success
    assert (status["state"], len(status["variations"])) == ("exporting", 1)
    assert [failure["state"] for failure in status["failures"]] == ["in_doubt"]
    assert drawing.asked() - before <= 2


def wait_for(drawing: Agency, key: str, kind: str, *, times: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        events = drawing.catalog.requests.events("default", key, after=0)
        if sum(event.kind == kind for event in events) >= times:
            return
        time.sleep(0.05)
    raise TimeoutError(kind)


def test_everything_that_was_asked_for_is_there_after_all_are_started_again(tmp_path: Path):
    with agency(tmp_path) as before:
        key = before.ask("a kite that waits").json()["request_id"]
    with agency(tmp_path) as after:
        (run,) = after.work()
        status = after.status(key)

    assert run.success
    assert (status["state"], len(status["variations"])) == ("done", 1)
