"""One partition of a camera through the whole chain, as the UI shows it; then the same again."""

import base64
import datetime as dt
import io
import json
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from PIL import Image

from image_assets.core.model import DEFAULT_TENANT, ImageState
from image_assets_tests.journey import (
    DAY,
    IN_GATE,
    KEY,
    LOCAL,
    PINATA,
    STAGES,
    STREAM,
    TWO_A_DAY,
    Journey,
    Run,
    journey,
)

KIB = 1024
QUIET = "apm/out_gate"


@dataclass(frozen=True)
class Twice:
    """A journey that was taken, and taken again."""

    camera: Journey
    first: Run
    announced: Run
    again: Run
    announced_again: Run
    asked_again: dict[str, int]
    files_before: dict[str, int]
    totals_before: object


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twice]:
    with journey(tmp_path_factory.mktemp("taken"), TWO_A_DAY) as camera:
        first, announced = camera.run(*STAGES), camera.announce()
        before, files = camera.asked(), written(camera)
        totals = camera.catalog.totals.totals(DEFAULT_TENANT)
        again, announced_again = camera.run(*STAGES), camera.announce()
        after = camera.asked()
        asked = {name: after[name] - before.get(name, 0) for name in after}
        yield Twice(camera, first, announced, again, announced_again, asked, files, totals)


def written(camera: Journey) -> dict[str, int]:
    """Every file of the store, and when it was written."""
    files = (f for f in camera.data.rglob("*") if f.is_file() and "catalog.db" not in f.name)
    return {str(f.relative_to(camera.data)): f.stat().st_mtime_ns for f in files}


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        content: bytes = answer.read()
    return content


def numbers(metadata: dict[str, object]) -> set[str]:
    return {name for name, value in metadata.items() if isinstance(value, (int, float))}


def test_every_stage_materialises_its_partition(taken):
    assert taken.first.success
    assert {key for stage in STAGES for key in taken.first.partitions(stage)} == {KEY}
    assert all(len(taken.first.partitions(stage)) == 1 for stage in STAGES)


def test_every_check_of_the_partition_passes(taken):
    found = [
        ("images", "complete"),
        ("images", "cadence"),
        ("images", "decodable"),
        ("designs", "one_design_each"),
        ("thumbnails", "all_formats"),
        ("thumbnails", "up_to_date"),
        (LOCAL, "published"),
        (LOCAL, "urls_alive"),
        (PINATA, "published"),
        (PINATA, "urls_alive"),
    ]

    assert all(taken.first.checks(*check) == {KEY: True} for check in found)


@pytest.mark.parametrize("stage", STAGES)
def test_every_materialisation_shows_bytes_seconds_and_rate(taken, stage):
    shown = taken.first.metadata(stage)

    assert {"failed", "bytes", "seconds", "bytes_per_second"} <= numbers(shown)
    assert shown["failed"] == 0


@pytest.mark.parametrize(
    ("stage", "counts"),
    [
        ("images", {"stored": 2, "images": 2, "gaps": 0, "dagster/partition_row_count": 2}),
        ("designs", {"new_designs": 2, "designs": 2, "aliases": 0, "images": 2}),
        ("thumbnails", {"exported": 2, "designs": 2, "whole_sets": 2, "recipe": "thumbnail"}),
        (LOCAL, {"verified": 6, "published": 6}),
        (PINATA, {"verified": 6, "published": 6}),
    ],
)
def test_counts_are_those_of_the_partition(taken, stage, counts):
    shown = taken.first.metadata(stage)

    assert {name: shown[name] for name in counts} == counts


def test_images_show_a_strip_of_24_hours_and_what_is_known_of_gaps(taken):
    shown = taken.first.metadata("images")

    _, encoded = shown["gap_strip"].rstrip(")").split("data:image/png;base64,")
    assert Image.open(io.BytesIO(base64.b64decode(encoded))).format == "PNG"
    assert len(shown["gap_strip"]) <= 30 * KIB
    assert (shown["coverage"], shown["longest_gap_minutes"], shown["gaps_failed"]) == (1.0, 0.0, 0)
    assert shown["condition"] == "unknown: 2 of 2 pictures"
    assert "gap_table" not in shown


@pytest.mark.parametrize("stage", ["images", "thumbnails", LOCAL, PINATA])
def test_bytes_are_those_that_were_moved_and_made(taken, stage):
    folder = {"images": "images", "thumbnails": "exports"}.get(stage, "public")
    files = [f for f in (taken.camera.data / folder).rglob("*") if f.is_file()]

    assert taken.first.metadata(stage)["bytes"] == sum(f.stat().st_size for f in files)


@pytest.mark.parametrize("stage", STAGES)
def test_numbers_have_the_same_names_every_time_so_that_they_plot(taken, stage):
    assert numbers(taken.again.metadata(stage)) == numbers(taken.first.metadata(stage))


@pytest.mark.parametrize("stage", ["images", "designs", "thumbnails"])
def test_pictures_are_shown_as_a_sheet_that_every_page_of_events_can_carry(taken, stage):
    shown = taken.first.metadata(stage)["contact_sheet"]

    found = re.fullmatch(r"!\[([^]]*)\]\(data:image/jpeg;base64,([A-Za-z0-9+/=]+)\)", shown)

    assert found is not None
    assert found[1] in (KEY, str(IN_GATE))
    assert len(shown) <= 30 * KIB
    with Image.open(io.BytesIO(base64.b64decode(found[2]))) as sheet:
        assert (sheet.format, sheet.width) == ("JPEG", 640)


def test_every_published_content_has_a_link_that_leads_to_its_bytes(taken):
    shown = taken.first.metadata(PINATA)["urls"]

    links = re.findall(r"^- \[(\w+\.\w+)\]\((http\S+)\)$", shown, re.M)

    assert len(links) == 6
    public = taken.camera.data / "public"
    assert {name: fetched(url) for name, url in links} == {
        name: (public / name).read_bytes() for name, _ in links
    }


def test_local_links_lead_to_the_delivery_application(taken):
    links = re.findall(r"\((http\S+)\)", taken.first.metadata(LOCAL)["urls"])

    files = {f.name for f in (taken.camera.data / "public").iterdir() if f.is_file()}
    assert set(links) == {f"http://127.0.0.1:8000/files/{name}" for name in files}


def test_the_newest_picture_is_announced_in_the_store(taken):
    store = taken.camera.services["cloudflare_kv_latest"]

    value = json.loads(store.get(f"{STREAM}:daily:latest"))

    newest = max(p.stem[:14] for p in (taken.camera.data / "images").rglob("*.jpg"))
    captured = re.sub(r"\D", "", value["metadata"]["captured_at"])[:14]
    assert (captured, value["metadata"]["sequence"]) == (newest, 1)
    assert value["ipfs_url"].startswith("ipfs://bafkrei")
    assert fetched(value["metadata"]["url"])


def test_what_was_announced_is_shown(taken):
    shown = taken.announced.metadata("latest")

    assert (shown["outcome"], shown["sequence"], shown["state"]) == ("published", 1, "published")
    assert shown["value"]["metadata"]["collection"] == STREAM
    assert taken.announced.checks("latest", "latest_matches") == {STREAM: True}


def test_running_again_asks_for_nothing_but_the_samples_that_its_checks_look_at(taken):
    asked = {name for name, count in taken.asked_again.items() if count}

    assert asked == {"GET pinata/api", "GET cloudflare/client/v4"}
    assert taken.asked_again["GET pinata/api"] == 3
    assert taken.asked_again["GET cloudflare/client/v4"] <= 2  # the stage, and its check


def test_running_again_changes_nothing(taken):
    camera = taken.camera

    assert (taken.again.success, taken.announced_again.success) == (True, True)
    assert written(camera) == taken.files_before
    assert camera.catalog.totals.totals(DEFAULT_TENANT) == taken.totals_before
    assert taken.announced_again.metadata("latest")["outcome"] == "unchanged"


def test_running_again_says_why_there_was_nothing_to_do(taken):
    assert taken.again.metadata("images")["sealed"] == 2
    assert taken.again.metadata("images")["stored"] == 0
    assert taken.again.metadata(PINATA)["unchanged"] == 6


def test_a_camera_that_saw_nothing_is_no_failure(tmp_path):
    with journey(tmp_path, replace(TWO_A_DAY, quiet=(QUIET,))) as camera:
        run = camera.run(*STAGES, key=f"{DAY}|{QUIET}")

    assert run.success
    assert (run.metadata("images")["images"], run.metadata(PINATA)["published"]) == (0, 0)
    assert run.check("images", "complete")["description"] == "0 of 0 listed pictures are stored"


def test_a_frame_that_repeats_is_a_record_of_its_own_on_the_same_design(tmp_path):
    with journey(tmp_path, replace(TWO_A_DAY, stale_share=1.0)) as camera:
        run = camera.run("images", "designs")
        counts = camera.catalog.images.counts(IN_GATE)

    assert (counts.states, counts.stale) == ({ImageState.STORED: 2}, 1)
    assert (run.metadata("images")["stale"], run.metadata("designs")["aliases"]) == (1, 1)


def test_a_lost_file_is_no_reason_to_fail_what_is_done(tmp_path):
    with journey(tmp_path) as camera:
        camera.run("images")
        (file,) = (tmp_path / "images").rglob("*.jpg")
        file.unlink()

        run = camera.run("images")

    assert run.success
    assert run.metadata("images")["contact_sheet"].startswith("none: images/2025-09-01/")
    assert run.checks("images", "decodable") == {KEY: False}


def test_a_range_is_one_materialisation_a_partition(tmp_path):
    with journey(tmp_path, TWO_A_DAY) as camera:
        run = camera.run_range("images", first=KEY, last=f"2025-09-03|{STREAM}")

    assert run.success
    assert run.partitions("images") == [f"2025-09-0{day}|{STREAM}" for day in (1, 2, 3)]
    assert {run.metadata("images", key)["stored"] for key in run.partitions("images")} == {2}


def test_a_run_may_be_told_how_much_of_a_date_it_takes(tmp_path):
    with journey(tmp_path, replace(TWO_A_DAY, cadence=dt.timedelta(hours=6))) as camera:
        run = camera.run("images", max_images_per_date=1, newest_first=True)

        shown = run.metadata("images")
        (known,) = camera.catalog.images.known(IN_GATE)
        assert (shown["stored"], shown["beyond_limit"], shown["images"]) == (1, 3, 1)
        assert known > "2025090118"


def test_a_limit_of_nothing_is_refused_before_anything_is_asked(tmp_path):
    with journey(tmp_path) as camera:
        run = camera.run("images", max_images_per_date=0)

        assert not run.success
        assert "max_images_per_date" in " ".join(run.failed_steps().values())
        assert camera.asked() == {}
