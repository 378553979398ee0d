"""Designs dropped by people, through the whole chain: what comes of them, and of what is none."""

import csv
import datetime as dt
import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from image_assets.core import naming
from image_assets.core.model import ImageState, Partition
from image_assets.ports import KnownImage
from image_assets.services.nas.mounted import MARKER
from image_assets_tests.drawing import noise, picture
from image_assets_tests.end_to_end.dropping import SOURCE, Shop, shop
from image_assets_tests.journey import Run

HOSTILE = Path(__file__).parents[3] / "shared" / "data" / "hostile"
KIB = 1024


@dataclass(frozen=True)
class Taken:
    """A drop of six designs, one of them twice, and of two files that are none; and its one run."""

    acme: Shop
    run: Run
    key: str

    @property
    def partition(self) -> Partition:
        return naming.batch_of("inbox", self.key)

    def shown(self, stage: str) -> dict[str, object]:
        (event,) = [
            e
            for e in self.run.events
            if e.is_step_materialization and e.asset_key.path == ["inbox", *stage.split("/")]
        ]
        return {name: v.value for name, v in event.materialization.metadata.items()}

    def check(self, name: str) -> tuple[bool, str | None]:
        (found,) = [
            e.event_specific_data
            for e in self.run.events
            if e.event_type_value == "ASSET_CHECK_EVALUATION"
            and e.event_specific_data.check_name == name
        ]
        return found.passed, found.description


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taken]:
    with shop(tmp_path_factory.mktemp("acme"), PNG_COMPRESSION="1") as acme:
        for n in range(4):
            acme.drop(f"summer/{n}.png", picture(n, format="PNG"))
        acme.drop("large.png", picture(4, (400, 300), "PNG"))
        acme.drop("photo.jpg", picture(5))
        acme.drop("again.png", picture(0, format="PNG"))
        acme.drop("notes.txt", b"not a picture")
        acme.drop("tiny.png", picture(6, (9, 30), "PNG"))
        (key,) = acme.tick()
        yield Taken(acme, acme.run(key), key)


def test_a_drop_goes_through_the_whole_chain_in_one_run(taken):
    stages = {tuple(e.asset_key.path) for e in taken.run.events if e.is_step_materialization}

    assert taken.run.success
    assert stages == {
        ("inbox", "images"),
        ("inbox", "designs"),
        ("inbox", "thumbnails"),
        ("inbox", "uploaded_urls", "local"),
    }


def test_its_designs_are_its_own_tenants(taken):
    totals = taken.acme.catalog.totals

    assert totals.totals("acme").designs == 6
    assert totals.totals("default").designs == 0


def test_what_is_no_design_is_refused_with_its_reason_and_stops_no_other(taken):
    known = taken.acme.catalog.images.known(taken.partition)

    refused = {key.split("/", 1)[1]: held.reason for key, held in known.items() if held.reason}
    rows = [row.data for row in taken.shown("images")["refused"].records]
    assert refused == {"notes.txt": "not_an_image", "tiny.png": "too_small"}
    assert {row["reason"] for row in rows} == set(refused.values())
    assert taken.check("settled") == (False, "7 of 9 files are stored")


def test_designs_are_kept_beside_the_original_on_their_canvas(taken):
    canvas = taken.acme.settings.canvas
    count = taken.acme.catalog.thumbnails.exports_count(taken.partition, canvas)

    assert (canvas.name, count.designs, count.whole) == ("canvas-200x200-contain", 6, 6)
    assert taken.check("on_canvas") == (True, "6 of 6 designs are on their canvas")
    assert len(list((taken.acme.settings.data_dir / "exports" / canvas.name).rglob("*.png"))) == 6


def test_canvases_are_not_published(taken):
    assert taken.shown("uploaded_urls/local")["published"] == 18


def test_every_stage_shows_the_progress_of_the_batch_in_four_steps(taken):
    steps = {
        stage: {
            row.data["step"]: row.data["state"] for row in taken.shown(stage)["progress"].records
        }
        for stage in ("images", "designs", "thumbnails")
    }

    assert [taken.shown(stage)["progress_percent"] for stage in steps] == [25.0, 50.0, 100.0]
    assert steps["thumbnails"] == {
        "Checking for duplicates": "done",
        "Processing and formatting images": "done",
        "Creating product mockups": "not_configured",
        "Uploading to Etsy store": "not_configured",
    }


def test_the_metrics_are_numbers_that_plot(taken):
    images, designs = taken.shown("images"), taken.shown("designs")

    assert designs["duplicate_rate"] == pytest.approx(1 / 7, abs=0.001)
    assert (images["database_success_rate"], designs["database_success_rate"]) == (1.0, 1.0)
    assert all(0 <= taken.shown(s)["worker_use"] <= 1 for s in ("images", "designs", "thumbnails"))
    assert (
        0
        < taken.shown("thumbnails")["batch_seconds"]
        < taken.shown("uploaded_urls/local")["batch_seconds"]
    )


def test_it_works_without_nas_and_mockups_and_warns_of_it(taken):
    warning = taken.shown("images")["warnings"]

    assert "NAS not configured" in warning
    assert "mockups are not configured" in warning


def test_all_that_is_not_configured_is_one_warning(taken):
    """In the log of the run; of `settled`, two files were refused."""
    told = [
        entry.user_message
        for entry in taken.acme.instance.all_logs(taken.run.run_id)
        if entry.level == logging.WARNING and entry.dagster_event is None
    ]

    assert [text for text in told if "not configured" in text] == [
        f"{taken.key}: NAS not configured (QNAP_HOST, NAS_BASE_PATH): designs are kept in the store"
        " alone; mockups are not configured: designs are kept without them;"
        " Etsy is not configured: nothing is listed"
    ]


def test_a_nas_that_its_sources_file_does_not_name_is_a_warning(tmp_path):
    with shop(tmp_path, QNAP_HOST="nas.example") as acme:
        acme.drop("a.png", picture(1, format="PNG"))
        (key,) = acme.tick()
        shown = Taken(acme, acme.run(key, "images"), key).shown("images")

    assert "a NAS is configured, but inbox has no `nas: true`" in str(shown["warnings"])


def test_new_designs_go_to_the_folder_of_their_shop_on_the_nas(tmp_path):
    base = tmp_path / "nas"
    base.mkdir()
    (base / MARKER).touch()
    mounted = {"NAS_PROTOCOL": "mounted", "NAS_BASE_PATH": str(base)}
    source = SOURCE.replace("kind: inbox", "kind: inbox, nas: true")
    with shop(tmp_path / "data", source, **mounted) as acme:
        acme.drop("rose.png", picture(1, format="PNG"))
        acme.drop("tulip.png", picture(2, format="PNG"), shop="bolt")
        runs = [acme.run(key) for key in acme.tick()]

    assert all(run.success for run in runs)
    stored = [str(p.relative_to(base)) for p in base.rglob("*.png")]
    assert [path.partition("_")[0] for path in sorted(stored)] == ["acme/rose", "bolt/tulip"]


def test_the_dropped_files_are_put_away_and_the_batch_asks_for_nothing_more(taken):
    done = taken.acme.inbox / ".done" / "acme" / taken.partition.key

    assert len([path for path in done.rglob("*") if path.is_file()]) == 9
    assert taken.acme.tick() == "nothing has been dropped, or it has not settled yet"


def test_run_again_it_does_nothing_and_stays_as_it_was(taken):
    before = taken.acme.catalog.totals.totals("acme")

    again = taken.acme.run(taken.key)

    assert again.success
    assert taken.acme.catalog.totals.totals("acme") == before


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Shop]:
    with shop(tmp_path) as acme:
        yield acme


def known(acme: Shop) -> dict[str, KnownImage]:
    """Every record of the shop, by the name that was dropped."""
    found = {}
    for batch in acme.catalog.batches.latest(limit=100):
        partition = naming.batch_of("inbox", batch.key)
        found |= {k.split("/", 1)[1]: h for k, h in acme.catalog.images.known(partition).items()}
    return found


def test_a_single_file_takes_the_same_path_with_the_same_result(taken, acme):
    acme.drop("only.png", picture(3, format="PNG"))
    (key,) = acme.tick()

    assert acme.run(key, "images", "designs").success

    (design,) = designs(acme, key)
    assert design in designs(taken.acme, taken.key)


def designs(acme: Shop, key: str) -> set[str]:
    from image_assets.services.catalog.schema import images

    with acme.catalog.engine.connect() as connection:
        rows = connection.execute(
            images.select().where(images.c.partition_key == key.partition(":")[2])
        )
        return {row.design_id for row in rows if row.design_id}


def test_the_same_file_dropped_twice_is_one_design_and_two_records(acme):
    for _ in range(2):
        acme.drop("a.png", picture(1, format="PNG"))
        (key,) = acme.tick()
        assert acme.run(key, "images", "designs").success

    totals = acme.catalog.totals.totals("acme")
    assert (totals.designs, totals.images.states[ImageState.STORED]) == (1, 2)


def test_a_file_deleted_after_it_was_taken_is_gone_and_stops_no_other(acme):
    acme.drop("kept.png", picture(1, format="PNG"))
    acme.drop("deleted.png", picture(2, format="PNG"))
    (key,) = acme.tick()
    real = acme.services["inbox_source"]
    partition = naming.batch_of("inbox", key)
    listing = real.list(partition)
    (acme.inbox / ".batches/acme" / partition.key / "deleted.png").unlink()

    class ListedBefore(type(real)):
        def list(self, partition):
            return listing

    real.__class__ = ListedBefore
    run = acme.run(key, "images", "designs")

    assert run.success
    assert {name: held.state for name, held in known(acme).items()} == {
        "deleted.png": ImageState.GONE,
        "kept.png": ImageState.STORED,
    }


def test_what_failed_and_was_taken_away_since_keeps_no_batch_open(acme):
    acme.drop("written.png", picture(1, format="PNG"))
    acme.drop("kept.png", picture(2, format="PNG"))
    (key,) = acme.tick()
    file = acme.inbox / ".batches/acme" / naming.batch_of("inbox", key).key / "written.png"
    with file.open("ab"):
        first = acme.run(key, "images")
    file.unlink()

    second = acme.run(key, "images", "designs")

    assert (first.success, second.success) == (False, True)
    assert known(acme)["written.png"].state is ImageState.GONE
    assert acme.tick() == "nothing has been dropped, or it has not settled yet"


HOSTILE_NAMES = (
    "$(touch pwned).png",
    "'; DROP TABLE images; --.png",
    "a\nb\r\tc.png",
    "x" * 240 + ".png",
    os.fsdecode(b"\xff.png"),
)


def test_a_hostile_name_is_a_name(acme, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for n, name in enumerate(HOSTILE_NAMES):
        acme.drop(name, picture(n, format="PNG"))
    (key,) = acme.tick()

    assert acme.run(key, "images", "designs").success

    stored = list((acme.settings.data_dir / "images").rglob("*.png"))
    assert len(stored) == len(HOSTILE_NAMES)
    assert all(path.name.isascii() and path.name.isprintable() for path in stored)
    assert not (tmp_path / "pwned").exists()


def test_threads_are_bounded_by_the_setting_of_the_original(tmp_path):
    with shop(tmp_path, COMPREHENSIVE_WORKFLOW_MAX_THREADS="3") as acme:
        assert [acme.settings.threads(files) for files in (1, 2, 1000)] == [1, 3, 3]
    with shop(tmp_path, USE_COMPREHENSIVE_WORKFLOW="false") as acme:
        assert acme.settings.threads(1000) == 1


def test_a_design_beyond_the_limits_is_refused_with_its_reason(tmp_path):
    limits = {"DESIGN_MAX_SIDE": "200", "DESIGN_MAX_BYTES": "100000", "DESIGN_FORMATS": ["png"]}
    with shop(tmp_path, **limits) as acme:
        acme.drop("long.png", picture(1, (201, 50), "PNG"))
        acme.drop("other.jpg", picture(2))
        acme.drop("heavy.png", noise(3, (190, 190)).tobytes())
        (key,) = acme.tick()

        assert acme.run(key, "images").success

        assert {name: held.reason for name, held in known(acme).items()} == {
            "long.png": "side_too_long",
            "other.jpg": "format_not_taken",
            "heavy.png": "too_large",
        }


@pytest.mark.skipif(not HOSTILE.is_dir(), reason="the shared hostile files are not here")
def test_hostile_files_have_the_verdicts_of_their_table(acme, caplog):
    """But for designs below ten pixels, which an inbox does not take."""
    shutil.copytree(HOSTILE, acme.inbox / "acme", ignore=shutil.ignore_patterns("expected.csv"))
    with (HOSTILE / "expected.csv").open(errors="surrogateescape") as table:
        expected = {row["file"]: row for row in csv.DictReader(table)}
    caplog.set_level(logging.CRITICAL)

    runs = [acme.run(key, "images", "designs") for key in acme.tick()]

    assert all(run.success for run in runs)
    found = known(acme)
    assert found.keys() == expected.keys()
    wrong = {
        file: (held.state, held.reason)
        for file, held in found.items()
        if verdict(expected[file]) not in ("EITHER", _as_told(held))
    }
    assert wrong == {}
    assert all(held.reason for held in found.values() if held.state is ImageState.REJECTED)


def verdict(row: dict[str, str]) -> str:
    sides = [int(row[side] or 0) for side in ("width", "height")]
    return "REJECT" if row["expect"] == "ACCEPT" and min(sides) < 10 else row["expect"]


def _as_told(held: KnownImage) -> str:
    return "ACCEPT" if held.state is ImageState.STORED else "REJECT"


def test_a_run_that_was_cut_off_at_its_very_end_has_its_files_put_away_by_the_next_tick(acme):
    acme.drop("a.png", picture(1, format="PNG"))
    (key,) = acme.tick()
    assert acme.run(key, "images").success
    batch = naming.batch_of("inbox", key).key
    (acme.inbox / ".done/acme" / batch).rename(acme.inbox / ".batches/acme" / batch)

    said = acme.tick()

    assert said == "nothing has been dropped, or it has not settled yet"
    assert (acme.inbox / ".done/acme" / batch / "a.png").is_file()


def test_a_batch_whose_run_is_under_way_is_not_asked_for_again(tmp_path):
    with shop(tmp_path, INBOX_RETRY_MINUTES="0") as acme:
        _is_asked_for_once_it_failed(acme)


def _is_asked_for_once_it_failed(acme: Shop) -> None:
    acme.drop("a.png", picture(1, format="PNG"))
    (key,) = acme.tick()
    running = acme.instance.create_run_for_job(
        acme.definitions.resolve_job_def("inbox_batch"),
        status=dg.DagsterRunStatus.STARTED,
        tags={"dagster/partition": key},
    )

    while_it_runs = acme.tick()
    acme.instance.report_run_failed(running)

    assert isinstance(while_it_runs, str)
    assert acme.tick() == [key]


def test_a_batch_that_failed_is_left_alone_for_a_while(acme):
    acme.drop("a.png", picture(1, format="PNG"))
    (key,) = acme.tick()
    with (acme.inbox / ".batches/acme" / naming.batch_of("inbox", key).key / "a.png").open("ab"):
        assert not acme.run(key, "images").success

    assert acme.tick() == "nothing has been dropped, or it has not settled yet"


def test_a_batch_that_stopped_after_its_images_is_asked_for_again_until_it_is_done(tmp_path):
    with shop(tmp_path, INBOX_RETRY_MINUTES="0") as acme:
        acme.drop("a.png", picture(1, format="PNG"))
        (key,) = acme.tick()
        assert acme.run(key, "images").success

        again = acme.tick()
        assert acme.run(key).success

        assert again == [key]
        assert acme.tick() == "nothing has been dropped, or it has not settled yet"


def test_what_waiting_does_not_cure_is_not_tried_again_but_told_until_a_person_asks(tmp_path):
    with shop(tmp_path, INBOX_RETRY_MINUTES="0") as acme:
        acme.drop("a.png", picture(1, format="PNG"))
        (key,) = acme.tick()
        assert acme.run(key, "images").success
        store = acme.settings.data_dir / "images"
        store.rename(tmp_path / "away")
        assert not acme.run(key, "designs").success

        said = acme.tick()
        (tmp_path / "away").rename(store)
        acme.catalog.batches.ask_again(naming.batch_of("inbox", key), now=dt.datetime.now(dt.UTC))

        assert said == (
            f"not tried again by itself: {key}; see its last run, then:"
            " image-assets batches --again KEY"
        )
        assert acme.tick() == [key]
        assert acme.run(key).success
        assert isinstance(acme.tick(), str)


def test_a_batch_that_failed_at_a_destination_is_not_forgotten(tmp_path):
    with shop(tmp_path, INBOX_RETRY_MINUTES="0") as acme:
        public = acme.settings.data_dir / "public"
        public.write_bytes(b"a file where the folder should be")
        acme.drop("a.png", picture(1, format="PNG"))
        (key,) = acme.tick()
        assert not acme.run(key).success

        said = acme.tick()
        public.unlink()
        acme.catalog.batches.ask_again(naming.batch_of("inbox", key), now=dt.datetime.now(dt.UTC))

        assert key in said
        assert acme.tick() == [key]
        assert acme.run(key).success
        assert acme.tick() == "nothing has been dropped, or it has not settled yet"


def test_an_inbox_that_cannot_be_looked_into_is_told(acme):
    acme.inbox.write_bytes(b"a file where the inbox should be")

    said = acme.tick()

    assert isinstance(said, str)
    assert str(acme.inbox) in said


def test_what_lies_beside_the_shops_is_told_and_stops_nothing(acme):
    acme.drop("a.png", picture(1, format="PNG"))
    (acme.inbox / "elsewhere").symlink_to("/etc")

    assert isinstance(acme.tick(), list)
    assert acme.services["inbox_source"].troubles() == [
        "'elsewhere' is in no shop's folder; move it into one"
    ]
