"""Each check says well when all is well, and what is wrong when the thing it guards is broken.

One journey serves all: it took a picture a day, and each test breaks a day of its own.
"""

import datetime as dt
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from image_assets.core.model import Partition
from image_assets.services.catalog.schema import days, exports, images
from image_assets_tests.drawing import picture
from image_assets_tests.journey import (
    AUTUMN,
    CAMERA,
    IN_GATE,
    KEY,
    LOCAL,
    ORIGINALS,
    PINATA,
    STAGES,
    STREAM,
    TWO_A_DAY,
    Journey,
    journey,
)

GONE, CUT, LACKING, WELL = (f"2025-09-0{day}|{STREAM}" for day in (1, 2, 3, 4))
FRESH = f"2025-09-05|{STREAM}"  # a day of which there are pictures and nothing else
PARTITION_CHECKS = [
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


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[Journey]:
    """The beginning of a journey of two pictures a day."""
    with journey(tmp_path, TWO_A_DAY, source=ORIGINALS) as camera:
        yield camera


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    """Four days that went through the whole chain."""
    with journey(tmp_path_factory.mktemp("done")) as camera:
        assert camera.run_range(*STAGES, first=GONE, last=WELL).success
        yield camera


def stored(camera: Journey, key: str) -> Path:
    """The one picture of a day."""
    (file,) = (camera.data / "images" / key[:10]).rglob("*.jpg")
    return file


def published(camera: Journey, key: str) -> list[Path]:
    uploads = camera.catalog.uploads.published(Partition("camera", STREAM, key[:10]), "local")
    return [camera.data / "public" / p.upload.content.name for p in uploads]


@pytest.mark.parametrize(("stage", "check"), PARTITION_CHECKS)
def test_a_partition_where_all_is_well_passes(done, stage, check):
    run = done.look(stage, check, WELL)

    assert run.checks(stage, check) == {WELL: True}


def test_a_stored_file_that_is_gone_does_not_decode(done):
    lost = stored(done, GONE)
    lost.unlink()

    found = done.look("images", "decodable", GONE).check("images", "decodable")

    assert (found["passed"], found["looked_at"]) == (False, 1)
    assert found["broken"].keys() == {str(lost.relative_to(done.data))}
    assert found["broken"].popitem()[1] == "it is not there"
    assert found["description"].startswith("1 of 1 stored files are lost or changed")


def test_a_stored_file_that_was_cut_is_not_what_was_decoded(done):
    cut = stored(done, CUT)
    cut.chmod(0o644)
    cut.write_bytes(cut.read_bytes()[:20_000])

    found = done.look("images", "decodable", CUT).check("images", "decodable")

    (reason,) = found["broken"].values()
    assert not found["passed"]
    assert reason == "other bytes than it came with"


def test_a_picture_without_a_design_is_a_flaw(done):
    done.run("images", key=FRESH)

    found = done.look("designs", "one_design_each", FRESH).check("designs", "one_design_each")

    assert (found["passed"], found["undesigned"]) == (False, 1)


def test_a_set_that_lacks_a_format_is_not_whole(done):
    design = design_of(done, LACKING)
    with done.catalog.engine.begin() as connection:
        connection.execute(
            sa.delete(exports).where(exports.c.design_id == design, exports.c.format == "webp")
        )

    found = done.look("thumbnails", "all_formats", LACKING)

    shown = found.check("thumbnails", "all_formats")
    assert (shown["passed"], shown["designs"], shown["whole"]) == (False, 1, 0)


def test_exports_that_would_be_made_otherwise_now_are_a_warning(done):
    design = design_of(done, LACKING)
    with done.catalog.engine.begin() as connection:
        mine = sa.update(exports).where(exports.c.design_id == design)
        connection.execute(mine.values(encoder="an older one"))
        connection.execute(mine.where(exports.c.format == "png").values(recipe_digest="0" * 16))

    found = done.look("thumbnails", "up_to_date", LACKING)

    shown = found.check("thumbnails", "up_to_date")
    [evaluation] = found.evaluations("thumbnails", "up_to_date")
    assert (shown["passed"], evaluation.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert (shown["older_recipe"], shown["older_encoder"]) == (1, shown["outdated"])
    assert "image-assets rebuild --source camera" in shown["description"]


def test_an_export_whose_file_is_gone_is_not_there(done):
    design = design_of(done, CUT)
    (lost,) = (done.data / "exports").rglob(f"{design}*.webp")
    lost.unlink()

    found = done.look("thumbnails", "all_formats", CUT)

    shown = found.check("thumbnails", "all_formats")
    assert (shown["passed"], shown["lost"]) == (False, [str(lost.relative_to(done.data))])
    assert shown["description"] == "1 of 1 designs have every format; 1 files are lost"


def test_a_published_file_that_was_changed_is_not_alive(done):
    for file in published(done, GONE):
        file.chmod(0o644)
        file.write_bytes(picture(1))

    found = done.look(LOCAL, "urls_alive", GONE).check(LOCAL, "urls_alive")

    assert (found["passed"], found["looked_at"], len(found["dead"])) == (False, 3, 3)
    assert all("SHA-256" in reason for reason in found["dead"].values())


def test_what_a_host_lost_is_not_alive(done):
    host = done.services["pinata_host"]
    partition = Partition("camera", STREAM, GONE[:10])
    first, *_ = done.catalog.uploads.published(partition, "pinata")
    host.remove(first.upload.receipt)

    found = done.look(PINATA, "urls_alive", GONE).check(PINATA, "urls_alive")

    assert found["passed"] is False
    assert found["dead"].keys() == {first.upload.receipt.url}
    assert found["description"] == "1 of 3 published files are not as they were"


def test_a_day_that_was_never_listed_is_not_complete(done):
    never = f"2025-09-20|{STREAM}"

    found = done.look("images", "complete", never).check("images", "complete")

    assert (found["passed"], found["description"]) == (False, "never listed")


def test_a_picture_that_is_listed_and_not_there_is_a_gap(camera):
    first, _ = camera.services["camera_source"].list(IN_GATE).entries
    itself_and_thumbnail = f"GET .*{first.name.removesuffix('.jpeg')}"
    camera.rehearsal.inject(itself_and_thumbnail, {"kind": "status", "status": 404})

    run = camera.run("images")

    found = run.check("images", "complete", KEY)
    assert (found["passed"], found["listed"], found["stored"]) == (False, 2, 1)
    assert found["gap_missing"] == 1
    assert found["description"] == "1 of 2 listed pictures are stored"


HOURLY = replace(TWO_A_DAY, cadence=dt.timedelta(hours=1))


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    """Four days of an hourly camera: enough to learn from, and a fifth to break."""
    with journey(tmp_path_factory.mktemp("week"), HOURLY, source=ORIGINALS) as camera:
        assert camera.run_range("images", first=GONE, last=WELL).success
        yield camera


def cadence(camera: Journey, key: str) -> tuple[dict[str, Any], dg.AssetCheckSeverity]:
    run = camera.look("images", "cadence", key)
    (found,) = run.evaluations("images", "cadence")
    return run.check("images", "cadence"), found.severity


def test_a_day_like_the_others_passes(week):
    found, _ = cadence(week, WELL)

    assert (found["passed"], found["condition"], found["coverage"]) == (True, "whole", 1.0)
    assert found["cadence"] == "24 pictures a day, learned from 3 days"


def test_a_quiet_camera_is_a_warning(week):
    forget(week, CUT, "06", "17")

    found, severity = cadence(week, CUT)

    assert (found["passed"], severity) == (False, dg.AssetCheckSeverity.WARN)
    assert (found["condition"], found["gaps_silent"], found["gaps_failed"]) == ("quiet", 1, 0)
    assert found["description"].startswith("the camera took fewer pictures than usual; what it")


def test_a_broken_pipeline_fails(week):
    week.rehearsal.inject("GET /draydog/cdn.*/12/", {"kind": "status", "status": 404})
    week.run("images", key=FRESH)
    week.rehearsal.clear_faults()

    found, severity = cadence(week, FRESH)

    assert (found["passed"], severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert (found["condition"], found["gaps_silent"], found["gaps_failed"]) == ("broken", 0, 1)
    assert "run the partition again: 23 of 24 pictures; gaps: 1 failed" in found["description"]
    assert [row.data["cause"] for row in found["gap_table"].records] == ["failed"]
    assert found["gap_strip"].startswith("![camera apm/in_gate 2025-09-05, UTC](data:image/png")


def test_a_day_that_was_never_listed_is_the_pipelines(week):
    found, severity = cadence(week, f"2025-09-20|{STREAM}")

    assert (found["passed"], severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert (found["gaps_unlisted"], found["longest_gap_minutes"]) == (1, 1440.0)


def test_a_day_that_was_taken_with_a_limit_says_so_and_passes(week):
    day = f"2025-09-06|{STREAM}"

    run = week.run("images", key=day, max_images_per_date=4)

    whole, found = run.check("images", "complete", day), run.check("images", "cadence", day)
    assert (whole["passed"], found["passed"], found["condition"]) == (True, True, "limited")
    assert whole["description"] == "4 of 24 listed pictures are stored; a limit of 4 was set"
    assert (found["gaps_limited"], found["gaps_failed"], found["gaps_silent"]) == (1, 0, 0)


def test_a_stream_that_nothing_is_known_of_passes_and_says_so(camera):
    run = camera.run("images", key=KEY)

    found = run.check("images", "cadence", KEY)
    assert (found["passed"], found["condition"]) == (True, "unknown")


def test_of_a_range_the_worst_is_told(week):
    forget(week, CUT, "06", "17")

    run = week.run_range("images", first=GONE, last=WELL)

    (summary,) = [e for e in run.evaluations("images", "cadence") if e.partition is None]
    assert (summary.passed, summary.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert run.checks("images", "cadence")[CUT] is False


def forget(camera: Journey, key: str, first: str, last: str) -> None:
    """The camera took nothing between these hours, and its listing named nothing."""
    stamp = key[:10].replace("-", "")
    with camera.catalog.engine.begin() as connection:
        gone = connection.execute(
            sa.delete(images).where(images.c.item_key.between(f"{stamp}{first}", f"{stamp}{last}"))
        )
        connection.execute(
            sa.update(days)
            .where(days.c.partition_key == key[:10])
            .values(listed=days.c.listed - gone.rowcount)
        )


def test_what_was_not_sent_yet_is_waiting(camera):
    camera.run("images")

    found = camera.look(LOCAL, "published", KEY).check(LOCAL, "published")

    assert (found["passed"], found["waiting"]) == (False, 2)
    assert found["description"] == "0 of 2 contents are verified at local"


def test_what_a_host_refused_is_counted_by_its_state(camera):
    camera.rehearsal.inject("POST /pinata/uploads", {"kind": "status", "status": 400}, times=1)

    run = camera.run("images", PINATA)

    found = run.check(PINATA, "published", KEY)
    assert (found["passed"], found["waiting"]) == (False, 1)
    assert (found["verified"], found["failed"]) == (1, 1)


def test_a_host_that_does_not_answer_leaves_a_failed_check_and_no_failed_run(done):
    done.rehearsal.inject("GET /pinata/api", {"kind": "status", "status": 500})

    run = done.look(PINATA, "urls_alive", WELL)

    done.rehearsal.clear_faults()
    found = run.check(PINATA, "urls_alive")
    assert (run.success, found["passed"]) == (True, False)
    assert all("500" in reason for reason in found["dead"].values())


def test_files_that_retention_removed_here_are_no_dead_urls(camera):
    """They live on at their hosts, and there is nothing here to compare them to."""
    camera.run("images", LOCAL)
    shutil.rmtree(camera.data / "images")

    found = camera.look(LOCAL, "urls_alive", KEY).check(LOCAL, "urls_alive")

    assert (found["passed"], found["looked_at"]) == (True, 0)


def test_a_range_of_partitions_is_evaluated_one_by_one(done):
    run = done.run_range("designs", first=GONE, last=WELL)

    expected = dict.fromkeys((GONE, CUT, LACKING, WELL), True)
    assert run.checks("designs", "one_design_each") == {**expected, None: True}


def test_in_a_range_the_one_that_is_not_well_fails_alone(camera):
    camera.rehearsal.inject("GET /draydog/cdn/apm/2025-09-02", {"kind": "status", "status": 404})

    run = camera.run_range("images", first=KEY, last=f"2025-09-03|{STREAM}")

    keys = [f"2025-09-0{day}|{STREAM}" for day in (1, 2, 3)]
    expected = {keys[0]: True, keys[1]: False, keys[2]: True, None: False}
    assert run.success
    assert run.checks("images", "complete") == expected
    (summary,) = [e for e in run.evaluations("images", "complete") if e.partition is None]
    assert summary.metadata["failed"].value == [keys[1]]


def test_where_a_partition_failed_the_checks_of_all_are_evaluated_all_the_same(camera):
    camera.rehearsal.inject(
        "GET /draydog/index/apm/in_gate/2025-09-02", {"kind": "status", "status": 403}
    )

    run = camera.run_range("images", first=KEY, last=f"2025-09-03|{STREAM}")

    keys = [f"2025-09-0{day}|{STREAM}" for day in (1, 2, 3)]
    assert not run.success
    assert run.checks("images", "complete") == {keys[0]: True, keys[1]: False, keys[2]: True}
    assert run.check("images", "complete", keys[1])["description"] == "never listed"


def test_a_latest_key_that_says_what_the_catalog_says_matches(announced):
    assert announced.look("latest", "latest_matches", STREAM).checks(
        "latest", "latest_matches"
    ) == {STREAM: True}


def test_a_latest_key_that_the_store_lost_does_not_match(announced):
    (file,) = (announced.data / "latest").iterdir()
    kept = file.read_text()
    file.unlink()

    run = announced.look("latest", "latest_matches", STREAM)

    file.write_text(kept)
    found = run.check("latest", "latest_matches")
    assert (found["passed"], found["description"]) == (False, "repair of sequence 1")
    assert found["key"] == f"{STREAM}:daily:latest"


def test_a_newer_picture_that_waits_to_be_announced_does_not_match(announced):
    run = announced.run("images", LOCAL, key=f"2025-09-02|{STREAM}")
    assert run.success

    found = announced.look("latest", "latest_matches", STREAM).check("latest", "latest_matches")

    assert found["passed"] is False
    assert found["description"].startswith("capture 20250902")


def test_a_latest_store_that_cannot_be_read_matches_nothing(announced):
    (file,) = (announced.data / "latest").iterdir()
    kept = file.read_bytes()
    file.write_bytes(b"\xff\xfe")

    run = announced.look("latest", "latest_matches", STREAM)

    file.write_bytes(kept)
    assert (run.success, run.checks("latest", "latest_matches")) == (True, {STREAM: False})


@pytest.fixture(scope="module")
def announced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    """A journey whose latest keys are files: they are read as they were written, at once."""
    source = AUTUMN + (
        "collections: [apm/in_gate], publishes: originals, destinations: [local],"
        " latest: {store: local, destination: local}}"
    )
    with journey(tmp_path_factory.mktemp("announced"), source=source) as camera:
        assert camera.run("images", LOCAL).success
        assert camera.announce().metadata("latest")["outcome"] == "published"
        yield camera


def test_a_partition_whose_last_run_failed_is_named_until_it_is_mended(camera):
    camera.rehearsal.inject("GET /draydog/index", {"kind": "status", "status": 403}, times=1)

    camera.run("images")
    broken = camera.look("images", "no_partition_failed").check("images", "no_partition_failed")
    camera.run("images")
    mended = camera.look("images", "no_partition_failed").check("images", "no_partition_failed")

    assert (broken["passed"], broken["partitions"]) == (False, [KEY])
    assert broken["description"] == "1 partitions stand failed"
    assert (mended["passed"], mended["failed"]) == (True, 0)


def yesterday() -> dt.date:
    return dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)


@pytest.fixture
def lasting(tmp_path: Path) -> Iterator[Journey]:
    """The journey of a source that goes on."""
    with journey(tmp_path, source=CAMERA + "collections: [apm/in_gate, apm/out_gate]}") as camera:
        yield camera


def test_yesterday_is_here_when_every_stream_was_listed_after_its_end(lasting):
    streams = ("apm/in_gate", "apm/out_gate")
    for stream in streams:
        lasting.run("images", key=f"{yesterday()}|{stream}")

    found = lasting.look("images", "yesterday_is_here").check("images", "yesterday_is_here")

    assert (found["passed"], found["late"]) == (True, [])


def test_yesterday_is_late_where_a_stream_was_listed_before_its_end_or_never(lasting):
    noon = dt.datetime.combine(yesterday(), dt.time(12), dt.UTC)
    early = Partition("camera", STREAM, str(yesterday()))
    lasting.catalog.images.record_listing(early, listed=0, complete=False, now=noon)

    run = lasting.look("images", "yesterday_is_here")

    (found,) = run.evaluations("images", "yesterday_is_here")
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert found.metadata["late"].value == [
        f"{yesterday()}|apm/in_gate",
        f"{yesterday()}|apm/out_gate",
    ]


def test_a_source_that_has_ended_is_not_late(camera):
    assert camera.look("images", "yesterday_is_here").checks("images", "yesterday_is_here") == {
        None: True
    }


def design_of(camera: Journey, key: str) -> str:
    with camera.catalog.engine.connect() as connection:
        found = connection.scalar(
            sa.select(images.c.design_id).where(images.c.partition_key == key[:10])
        )
    assert found is not None
    return str(found)
