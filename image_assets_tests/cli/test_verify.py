"""`image-assets verify`: the files against the catalog, and only what is lacking fetched again."""

import json
import os
from pathlib import Path

import pytest

DAYS = ("--from", "2025-09-01", "--to", "2025-09-02")


@pytest.fixture
def archive(shell):
    """Two days of two streams, a picture a day."""
    shell.point_at_rehearsal()
    assert shell.run("download", "2025-09-01", "2025-09-02").exit_code == 0
    return shell


def file(archive, day: str = "2025-09-01", stream: str = "in_gate") -> Path:
    (found,) = (archive.folder / "data/images" / day / stream).glob("*.jpg")
    return found


def key(archive, found: Path) -> str:
    return str(found.relative_to(archive.folder / "data"))


def asked(archive) -> int:
    return archive.rehearsal.requests()["total"]


def told(archive, *arguments: str) -> dict:
    return json.loads(archive.run("verify", *DAYS, *arguments, "--json").stdout)


def last(result) -> str:
    return result.stdout.splitlines()[-1]


def test_an_archive_as_it_was_is_well_and_costs_no_request(archive):
    before = asked(archive)

    result = archive.run("verify", *DAYS)

    assert (result.exit_code, asked(archive)) == (0, before)
    assert last(result).startswith("4 files looked at")
    assert last(result).endswith("4 intact, 0 missing, 0 changed, 0 untracked")


def test_what_differs_is_named_and_nothing_is_changed(archive):
    lost, changed = file(archive), file(archive, stream="out_gate")
    lost.unlink()
    changed.chmod(0o644)
    changed.write_bytes(b"?")

    result = archive.run("verify", *DAYS)

    assert result.exit_code == 1
    assert f"missing: {key(archive, lost)}" in result.stdout
    assert f"changed: {key(archive, changed)}" in result.stdout
    assert last(result).endswith("2 intact, 1 missing, 1 changed, 0 untracked")
    assert (lost.exists(), changed.read_bytes()) == (False, b"?")


def test_repair_fetches_just_what_is_lacking(archive):
    lost, changed = file(archive), file(archive, stream="out_gate")
    contents = lost.read_bytes(), changed.read_bytes()
    lost.unlink()
    changed.chmod(0o644)
    changed.write_bytes(b"?")
    before = asked(archive)

    result = archive.run("verify", *DAYS, "--repair")

    assert (result.exit_code, asked(archive) - before) == (0, 4)  # two listings, two pictures
    assert last(result).endswith("2 pictures asked for again, 2 came")
    assert (lost.read_bytes(), changed.read_bytes()) == contents
    assert len(list((archive.folder / "data/quarantine").rglob("*.rejected"))) == 1
    assert archive.run("verify", *DAYS).exit_code == 0


def test_what_did_not_come_again_is_told_and_asked_for_by_the_next_download(archive):
    lost = file(archive)
    lost.unlink()
    archive.rehearsal.inject("GET /draydog/cdn.*in_gate", {"kind": "status", "status": 500})

    result = archive.run("verify", *DAYS, "--repair")
    archive.rehearsal.clear_faults()
    archive.run("download", "2025-09-01", "2025-09-02")

    assert (result.exit_code, lost.exists()) == (1, True)
    assert last(result).endswith("1 pictures asked for again, 0 came")
    assert "failed: camera apm/in_gate 2025-09-01" in result.stdout


def test_a_stream_and_a_range_bound_what_is_looked_at(archive):
    file(archive, stream="out_gate").unlink()
    file(archive, day="2025-09-02").unlink()

    only = ("--from", "2025-09-01", "--to", "2025-09-01", "--stream", "in_gate")

    assert archive.run("verify", *only).exit_code == 0


def test_files_that_nobody_knows_are_shown_and_are_no_fault(archive):
    stray = file(archive).with_name("stray.jpg")
    stray.write_bytes(b"?")
    os.utime(stray, (1e9, 1e9))

    result = archive.run("verify", *DAYS, "--repair")

    assert (result.exit_code, stray.exists()) == (0, True)
    assert f"untracked: {key(archive, stray)}" in result.stdout


def test_gone_pictures_are_asked_for_again(archive):
    archive.export(DOWNLOAD_GONE_HOURS="0.000001")
    archive.rehearsal.inject("GET /draydog/cdn/apm/2025-09-03", {"kind": "status", "status": 404})
    day = ("--from", "2025-09-03", "--to", "2025-09-03", "--stream", "in_gate")
    for _ in range(2):
        archive.run("download", "2025-09-03", "--stream", "in_gate")
    (row,) = json.loads(archive.run("holdings", *day, "--json").stdout)["rows"]
    assert (row["state"], [gap["cause"] for gap in row["gaps"]]) == ("held", ["gone"])

    still = archive.run("verify", *day, "--recheck-gone")
    archive.rehearsal.clear_faults()
    again = archive.run("verify", *day, "--recheck-gone")

    assert (still.exit_code, again.exit_code) == (1, 0)
    assert last(still).endswith("; 1 pictures asked for again, 0 came")
    assert last(again).endswith("; 1 pictures asked for again, 1 came")


def test_a_json_document_names_every_file(archive):
    lost = file(archive)
    path = key(archive, lost)
    lost.unlink()

    before, after = told(archive), told(archive, "--repair")

    assert (before["well"], before["missing"], before["intact"]) == (False, [path], 3)
    assert (before["asked_again"], before["came"]) == ([], 0)
    assert (after["well"], after["missing"], after["came"]) == (True, [path], 1)
    assert after["asked_again"] == [
        {"partition": "camera apm/in_gate 2025-09-01", "item": lost.name[:14]}
    ]


def test_a_store_that_is_not_there_is_no_loss(archive):
    (archive.folder / "data/images").rename(archive.folder / "elsewhere")
    archive.export(IMAGE_ASSETS_DATABASE_URL=f"sqlite:///{archive.folder}/data/catalog.db")
    archive.export(IMAGE_ASSETS_DATA_DIR=str(archive.folder / "not_mounted"))

    result = archive.run("verify", *DAYS, "--repair")

    assert result.exit_code == 1
    assert last(result).endswith("0 missing, 0 changed, 0 untracked, 5 could not be looked at")
