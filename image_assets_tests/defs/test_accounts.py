"""The report of a run, as the UI links it."""

import json
from pathlib import Path

import pytest

from image_assets_tests.journey import KEY, ONE_A_DAY, Journey, journey

FIRST, LAST = KEY, KEY.replace("09-01", "09-02")


@pytest.fixture
def camera(tmp_path):
    with journey(tmp_path, ONE_A_DAY, PUBLIC_BASE_URL="https://pictures.example/") as camera:
        yield camera


def reports(camera: Journey) -> list[Path]:
    return sorted((camera.data / "reports").glob("*"))


def test_a_run_links_its_report_and_shows_its_days(camera):
    run = camera.run_range("images", first=FIRST, last=LAST)

    for key in (FIRST, LAST):
        shown = run.metadata("images", key)
        assert shown["report"] == f"https://pictures.example/reports/run-{run.run_id}.html"
        assert [row.data["date"] for row in shown["run"].records] == ["2025-09-01", "2025-09-02"]
    assert [file.name for file in reports(camera)] == [
        f"run-{run.run_id}.html",
        f"run-{run.run_id}.json",
    ]
    assert json.loads(reports(camera)[1].read_text())["total"]["downloaded"] == 2


def test_a_run_that_found_nothing_to_do_keeps_no_report(camera):
    camera.run("images")
    before = reports(camera)

    again = camera.run("images")

    shown = again.metadata("images")
    assert (reports(camera), "report" in shown) == (before, False)
    assert shown["run"].records[0].data["skipped"] == 1


def test_a_partition_that_failed_is_in_the_report_of_its_sisters(camera):
    fault = {"kind": "status", "status": 403}
    camera.rehearsal.inject("GET /draydog/index/apm/in_gate/2025-09-01", fault)

    run = camera.run_range("images", first=FIRST, last=LAST)

    told = json.loads(reports(camera)[1].read_text())
    assert "answered 403 Forbidden" in told["days"][0]["unlisted"]
    assert [row.data["failed"] for row in run.metadata("images", LAST)["run"].records] == [0, 0]


def test_a_report_that_cannot_be_kept_fails_no_partition(camera):
    (camera.data / "reports").write_bytes(b"in the way")

    run = camera.run("images")

    assert (run.success, "report" in run.metadata("images")) == (True, False)
    assert run.metadata("images")["stored"] == 1
