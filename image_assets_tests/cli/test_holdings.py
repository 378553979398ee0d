"""`image-assets holdings`: what the archive says of itself."""

import datetime as dt
import json

import pytest

from image_assets.cli.holdings import percent

DAYS = ("--from", "2025-09-01", "--to", "2025-09-04")
IN_GATE = ("--stream", "in_gate")


@pytest.fixture
def near(shell):
    shell.point_at_rehearsal()
    return shell


@pytest.fixture
def archive(near):
    """Four days of one stream, a picture a day, and none of the other."""
    assert near.run("download", "2025-09-01", "2025-09-04", *IN_GATE).exit_code == 0
    return near


def told(shell, *arguments: str) -> dict:
    return json.loads(shell.run("holdings", *arguments, "--json").stdout)


def test_all_days_of_a_stream_are_held(archive):
    result = archive.run("holdings", *DAYS, *IN_GATE)

    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "4 of 4 days held")
    assert "2025-09-01 … 2025-09-04" in result.stdout


def test_days_that_nobody_listed_are_not_held_and_could_be(archive):
    result = archive.run("holdings", *DAYS)

    assert result.exit_code == 1
    assert result.stdout.splitlines()[-3:] == [
        "camera apm/in_gate: 4 of 4 days held",
        "camera apm/out_gate: 0 of 4 days held",
        "4 of 8 days held",
    ]
    assert "never listed" in result.stdout


def test_a_day_that_failed_is_not_held_and_says_why(near):
    near.rehearsal.inject("GET /draydog/cdn.*in_gate", {"kind": "status", "status": 500})
    near.run("download", "2025-09-01", *IN_GATE)

    (row,) = told(near, "--from", "2025-09-01", "--to", "2025-09-01", *IN_GATE)["rows"]

    assert (row["state"], row["condition"], row["coverage"]) == ("lacking", "broken", 0.0)
    (gap,) = row["gaps"]
    assert (gap["cause"], gap["pictures"]) == ("failed", 1)
    assert "500" in gap["reason"]


def test_a_json_document_has_every_day(archive):
    found = told(archive, *DAYS)

    rows = found.pop("rows")
    assert found.pop("batches") == []
    assert found == {"days": 8, "held": 4, "open": 0, "with_gaps": 0, "verified": False}
    assert [(row["stream"], row["date"][-2:], row["state"]) for row in rows] == [
        *(("apm/in_gate", f"0{day}", "held") for day in range(1, 5)),
        *(("apm/out_gate", f"0{day}", "lacking") for day in range(1, 5)),
    ]


def test_verified_days_are_held_by_their_files(archive):
    result = archive.run("holdings", *DAYS, *IN_GATE, "--verify")

    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "4 of 4 days held, verified")


def test_a_day_whose_file_is_gone_is_damaged_when_files_are_looked_at(archive):
    (file,) = (archive.folder / "data/images/2025-09-02").rglob("*.jpg")
    file.unlink()

    by_word = archive.run("holdings", *DAYS, *IN_GATE)
    by_file = archive.run("holdings", *DAYS, *IN_GATE, "--verify")

    assert (by_word.exit_code, by_file.exit_code) == (0, 1)
    assert "3 of 4 days held, verified" in by_file.stdout
    assert "1 files missing, changed or unreadable" in by_file.stdout


def test_no_request_is_made(archive):
    before = archive.rehearsal.requests()["total"]

    archive.run("holdings", *DAYS, "--verify")

    assert archive.rehearsal.requests()["total"] == before


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--stream", "side_gate"], "no stream 'side_gate'; there are apm/in_gate, apm/out_gate"),
        (["--from", "2025-09-02", "--to", "2025-09-01"], "ends (2025-09-01) before it begins"),
        (["--to", "2100-01-01"], "2100-01-01 has not come yet"),
        (["--to", "2025-08-01"], "no source has such a day: camera begins on 2025-09-01"),
        (["--source", "webcam"], "has no source 'webcam'; it has camera"),
    ],
)
def test_what_cannot_be_is_one_line(near, arguments, complaint):
    result = near.run("holdings", *arguments)

    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert complaint in result.output


def test_today_is_open_and_no_failure(archive):
    today = dt.datetime.now(dt.UTC).date().isoformat()

    result = archive.run("holdings", "--from", today, "--to", today, *IN_GATE)

    assert (result.exit_code, result.stdout.splitlines()[-1]) == (
        0,
        "0 of 0 days held, 1 still open",
    )


@pytest.mark.parametrize(
    ("share", "shown"), [(1.0, "100.0 %"), (0.9999, "99.9 %"), (0.833, "83.3 %"), (0.0, "0.0 %")]
)
def test_only_the_whole_is_a_hundred_percent(share, shown):
    assert percent(share) == shown
