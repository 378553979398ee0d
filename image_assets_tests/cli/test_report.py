"""`image-assets report`, and the report that a download keeps."""

import datetime as dt
import io
import json

import pandas as pd
import pytest
from rich.console import Console

from image_assets.cli.report import keep_run
from image_assets.core.model import Partition
from image_assets.settings import load
from image_assets.stages.report import Report
from image_assets_tests.drawing import picture

RANGE = ("2025-09-01", "2025-09-02")
BEGAN = dt.datetime(2025, 9, 3, tzinfo=dt.UTC)
DAY = Partition("camera", "apm/in_gate", "2025-09-01")


@pytest.fixture
def archive(shell):
    shell.export(IMAGE_ASSETS_DECODE_WORKERS="1")
    (shell.folder / "old").mkdir()
    for number in range(3):
        name = f"20250901T10000{number}_in_gate.jpg"
        (shell.folder / "old" / name).write_bytes(picture(number, (32, 18)))
    shell.run("organize", "old", "data")
    return shell


def test_a_report_is_kept_in_every_form_and_shown(archive):
    result = archive.run("report", *RANGE)

    kept = [
        archive.folder / "data/reports" / f"camera-2025-09-01_2025-09-02.{form}"
        for form in ("html", "json", "csv")
    ]
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [str(file) for file in kept]
    assert json.loads(kept[1].read_text())["total"]["downloaded"] == 3
    assert "100.0%" in result.stderr


@pytest.mark.parametrize("stream", ["in_gate", "apm/in_gate"])
def test_json_goes_to_standard_output_alone(archive, stream):
    result = archive.run("report", "2025-09-01", "--stream", stream, "--format", "json")

    told = json.loads(result.stdout)
    assert (told["total"]["requested"], list(told["streams"])) == (3, ["apm/in_gate"])
    assert not (archive.folder / "data/reports").exists()


def test_csv_reads_as_a_table(archive):
    result = archive.run("report", *RANGE, "--format", "csv")

    found = pd.read_csv(io.StringIO(result.stdout))
    assert (len(found), found["downloaded"].sum()) == (4, 3)
    assert found["unlisted"].tolist()[1:] == ["never asked for"] * 3


def test_a_file_has_the_form_of_its_extension(archive):
    result = archive.run("report", *RANGE, "--output", "september.html")

    assert result.exit_code == 0
    assert (archive.folder / "september.html").read_text().startswith("<!doctype html>")


def test_the_form_of_a_file_can_be_given(archive):
    archive.run("report", *RANGE, "--output", "september.txt", "--format", "json")

    assert json.loads((archive.folder / "september.txt").read_text())["total"]["downloaded"] == 3


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["2025-09-02", "2025-09-01"], "ends (2025-09-01) before it begins (2025-09-02)"),
        (["2025-09-01", "2100-01-01"], "2100-01-01 has not come yet"),
        (["0001-01-01", "2025-09-01"], "source camera begins on 2025-09-01"),
        (["2025-09-01", "--stream", "yard"], "has no stream 'yard'; it has apm/in_gate"),
        (["2025-09-01", "--source", "webcam"], "has no source 'webcam'"),
        (["2025-09-01", "--output", "report.pdf"], "report.pdf: of which form? Give --format"),
        (["2025-09-01", "--output", "no/where.csv"], "No such file or directory"),
    ],
)
def test_what_cannot_be_is_one_line(shell, arguments, complaint):
    result = shell.run("report", *arguments)

    assert (result.exit_code, complaint in result.output) == (1, True)
    assert "Traceback" not in result.output


def test_a_download_that_ended_keeps_its_report(shell):
    console = Console(stderr=True)

    page = keep_run(
        load(), "camera", {DAY: Report({"stored": 2}, bytes=9)}, began=BEGAN, console=console
    )

    assert page is not None
    assert page.name == "download-20250903T000000.000000Z-camera.html"
    assert json.loads(page.with_suffix(".json").read_text())["total"]["downloaded"] == 2


def test_a_download_that_found_nothing_to_do_keeps_none(shell):
    reports = {DAY: Report({"sealed": 144})}

    page = keep_run(load(), "camera", reports, began=BEGAN, console=Console(stderr=True))

    assert (page, list(shell.folder.iterdir())) == (None, [])
