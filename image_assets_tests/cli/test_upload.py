"""`image-assets upload`: the commands of original 0, with its own `.env`."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from image_assets.core.attempt_log import COLUMNS, EXIF
from image_assets_tests.drawing import picture


@pytest.fixture
def ready(shell):
    """Three pictures in img/ready, a `.env` of the original, and hosts of the rehearsal."""
    shell.point_at_rehearsal()
    shell.export(UPLOAD_PAUSE="0")
    key = shell.rehearsal.environment()["FREEIMAGE_API_KEY"]
    shell.environment.delenv("FREEIMAGE_API_KEY")
    shell.write_env(FREEIMAGE_API_KEY=key, IMGUR_CLIENT_ID="", UNKNOWN_TO_US="1")
    for number in range(3):
        add(shell, f"p{number}.png", picture(number, format="PNG"))
    return shell


def add(shell, name: str, body: bytes, folder: str = "img/ready") -> None:
    file = shell.folder / folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body)


def log(shell, name: str = "logs/image_uploads.csv") -> list[dict[str, str]]:
    with (shell.folder / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def files(shell, folder: str) -> list[str]:
    root = shell.folder / folder
    return sorted(str(f.relative_to(root)) for f in root.rglob("*") if f.is_file())


def held(shell, host: str = "freeimage") -> int:
    return len(shell.rehearsal.shelves[host])


def test_pictures_are_uploaded_logged_and_listed(ready):
    result = ready.run("upload")

    lines = log(ready)
    assert result.exit_code == 0, result.output
    assert tuple(lines[0]) == COLUMNS
    assert {line["local_filename"] for line in lines} == {"p0.png", "p1.png", "p2.png"}
    assert {(line["upload_status"], line["attempt_number"]) for line in lines} == {("success", "1")}
    assert all(line["image_id"] in line["image_url"] for line in lines)
    assert all(
        f"{line['local_filename']}\tfreeimage\t{line['image_url']}" in result.output
        for line in lines
    )
    assert "3 of 3 pictures well (100 %)" in result.output


def test_a_second_run_sends_nothing_with_resume_and_without(ready):
    ready.run("upload")

    again, resumed = ready.run("upload"), ready.run("upload", "--resume")

    assert (again.exit_code, resumed.exit_code, held(ready), len(log(ready))) == (0, 0, 3, 3)
    assert "3 pictures were published before" in resumed.output


def test_a_dry_run_asks_nobody_and_writes_nothing(ready):
    ready.rehearsal.reset()

    result = ready.run("upload", "--dry-run", "--count", "2", "--move-uploaded")

    assert (result.exit_code, ready.rehearsal.requests()["requests"]) == (0, [])
    assert "2 pictures would be uploaded" in result.output
    assert not (ready.folder / "logs").exists()
    assert len(files(ready, "img/ready")) == 3


def test_a_dry_run_needs_no_key_and_says_which_is_missing(shell):
    add(shell, "a.png", picture(1, format="PNG"))

    result = shell.run("upload", "--dry-run")

    assert result.exit_code == 0
    assert "FREEIMAGE_API_KEY is not set" in result.output


def test_without_the_key_nothing_begins_and_the_variable_is_named(shell):
    add(shell, "a.png", picture(1, format="PNG"))

    result = shell.run("upload")

    assert result.exit_code == 1
    assert "FREEIMAGE_API_KEY is not set" in result.output


@pytest.mark.parametrize("count", ["0", "21"])
def test_a_batch_has_one_to_twenty_pictures(ready, count):
    result = ready.run("upload", "--count", count)

    assert (result.exit_code, held(ready)) == (1, 0)
    assert "UPLOAD_COUNT_LIMIT" in result.output


def test_the_limit_of_a_batch_is_a_setting(ready):
    ready.export(UPLOAD_COUNT_LIMIT="2")

    refused, taken = ready.run("upload", "--count", "3"), ready.run("upload", "--count", "2")

    assert (refused.exit_code, taken.exit_code, held(ready)) == (1, 0, 2)


def test_uploaded_pictures_move_to_generated_and_nothing_there_is_overwritten(ready):
    add(ready, "p0.png", b"somebody's", "img/generated")

    result = ready.run("upload", "--move-uploaded")

    moved = files(ready, "img/generated")
    assert (result.exit_code, files(ready, "img/ready")) == (0, [])
    assert (ready.folder / "img/generated/p0.png").read_bytes() == b"somebody's"
    assert [name[:3] for name in moved] == ["p0.", "p0~", "p1.", "p2."]


def test_what_was_published_by_a_run_that_was_cut_off_still_moves(ready):
    ready.run("upload")

    ready.run("upload", "--move-uploaded")

    assert (held(ready), files(ready, "img/generated")) == (3, ["p0.png", "p1.png", "p2.png"])


def test_what_fails_stays_where_it_is_and_the_exit_code_tells(ready):
    add(ready, "bad.png", b"no picture")
    ready.rehearsal.inject("POST /freeimage", {"kind": "status", "status": 500}, times=3)
    ready.export(UPLOAD_WORKERS="1")

    result = ready.run("upload", "--move-uploaded")

    lines = log(ready)
    assert result.exit_code == 1
    assert files(ready, "img/ready") == ["bad.png", "p0.png"]
    assert [(line["local_filename"], line["upload_status"]) for line in lines[:4]] == [
        ("bad.png", "failure"),
        *[("p0.png", "failure")] * 3,
    ]
    assert [line["attempt_number"] for line in lines[1:4]] == ["1", "2", "3"]
    assert "500" in lines[1]["error_message"]


def test_the_log_goes_where_it_is_told_and_has_exif_where_asked(ready):
    ready.run("upload", "--output", "my/own.csv", "--exif")

    assert tuple(log(ready, "my/own.csv")[0]) == (*COLUMNS, *EXIF)
    assert not (ready.folder / "logs").exists()


def test_a_log_of_other_columns_is_refused_before_anything_is_sent(ready):
    ready.run("upload", "--count", "1")

    result = ready.run("upload", "--exif")

    assert (result.exit_code, held(ready)) == (1, 1)
    assert "--output" in result.output


def test_names_are_no_formulas(ready):
    add(ready, "=HYPERLINK(1).png", picture(9, format="PNG"))

    ready.run("upload", "--include", "=*")

    assert [line["local_filename"] for line in log(ready)] == ["'=HYPERLINK(1).png"]


def test_filters_choose_files_below_too(ready):
    add(ready, "shop/big.jpg", picture(5, (640, 480)))
    add(ready, "shop/small.jpg", picture(6, (20, 10)))
    os.utime(ready.folder / "img/ready/p0.png", (0, 0))

    result = ready.run(
        "upload", "--recursive", "--max-size", "2KB", "--exclude", "p2*", "--since", "2020-01-01",
        "--dry-run",
    )  # fmt: skip

    chosen = [line.partition("\t")[0] for line in result.output.splitlines() if "\t" in line]
    assert chosen == ["p1.png", "shop/small.jpg"]


def test_mirrors_and_what_one_of_them_does_not_take(ready):
    add(ready, "only.webp", picture(8, format="WEBP"))

    result = ready.run("upload", "--host", "freeimage", "--host", "imgur", "--json")

    told = json.loads(result.stdout[result.stdout.index("{") : result.stdout.rindex("}") + 1])
    urls = {p["files"][0]: sorted(p["urls"]) for p in told["pictures"]}
    assert (result.exit_code, held(ready), held(ready, "imgur")) == (1, 4, 3)
    assert urls == {
        "only.webp": ["freeimage"],
        **{f"p{n}.png": ["freeimage", "imgur"] for n in range(3)},
    }


def test_failover_takes_the_next_host(ready):
    ready.rehearsal.inject("POST /imgbb", {"kind": "status", "status": 503})

    result = ready.run("upload", "--host", "imgbb", "--host", "freeimage", "--failover")

    assert (result.exit_code, held(ready, "imgbb"), held(ready)) == (0, 0, 3)
    assert "3 verified at freeimage" in result.output


def test_a_host_that_is_not_there_is_named_with_those_that_are(ready):
    result = ready.run("upload", "--host", "flickr")

    assert result.exit_code == 1
    assert "there is no host 'flickr'; there are chevereto" in result.output


def test_a_folder_without_pictures_is_told(ready):
    (ready.folder / "empty").mkdir()

    empty, absent = (ready.run("upload", "--source-dir", name) for name in ("empty", "absent"))

    assert (empty.exit_code, absent.exit_code) == (0, 1)
    assert "No image files found in empty" in empty.output


def test_neither_key_nor_delete_hash_is_in_any_output(ready):
    key = ready.rehearsal.environment()["FREEIMAGE_API_KEY"]

    result = ready.run("upload", "--host", "freeimage", "--host", "imgur", "--host", "imgbb")

    secrets = [item.secret for host in ("imgur", "imgbb") for item in ready.rehearsal.shelves[host]]
    told = result.output + (ready.folder / "logs/image_uploads.csv").read_text()
    assert len(secrets) == 6
    assert [secret for secret in (key, *secrets) if secret in told] == []


def test_two_processes_at_once_publish_a_batch_once(ready):
    for number in range(3, 12):
        add(ready, f"p{number}.png", picture(number, format="PNG"))
    # imgbb makes a picture of every upload: what is sent twice is there twice.
    ready.rehearsal.inject("POST /imgbb", {"kind": "delay", "seconds": 0.05})
    program = Path(sys.executable).with_name("image-assets")
    command = [program, "upload", "--count", "20", "--host", "imgbb"]

    running = [subprocess.Popen(command, cwd=ready.folder, stderr=subprocess.PIPE) for _ in "ab"]
    told = [process.communicate(timeout=120)[1].decode() for process in running]

    assert [process.returncode for process in running] == [0, 0], told
    assert held(ready, "imgbb") == 12
    assert sorted(line["upload_status"] for line in log(ready)) == ["success"] * 12


@pytest.mark.parametrize("host", ["freeimage", "imgur", "cloudinary", "pinata", "local"])
def test_a_test_upload_is_proven_and_taken_down_where_that_is_possible(ready, host):
    result = ready.run("test-upload", "--host", host)

    stays = host == "freeimage"
    assert result.exit_code == 0, result.output
    assert f"{host} has it, proven at level L" in result.output
    assert ("it stays there" if stays else "taken down again") in result.output


def test_a_test_upload_with_a_wrong_key_says_which(ready):
    ready.export(FREEIMAGE_API_KEY="canary-4d1c")

    result = ready.run("test-upload")

    assert result.exit_code == 1
    assert "check FREEIMAGE_API_KEY" in result.output
    assert "canary-4d1c" not in result.output
