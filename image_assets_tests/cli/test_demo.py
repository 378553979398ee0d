"""`image-assets demo`: the journey on a plan small enough for a test, and what never reaches it."""

import datetime as dt
import io
import json
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from image_assets.cli import demo
from image_assets.cli.demo import Places, Plan, summarise
from image_assets.core.model import ImageState, UploadState
from image_assets.ports import ImageCounts, Totals
from image_assets.settings import isolated_environment
from image_assets_tests.leaks import holding

CANARY = "canary-51c0ffee"
SMALL = Plan(days=1, streams=("apm/in_gate",), cadence=dt.timedelta(hours=12))
POISON = {
    "DRAYDOG_INDEX_URL": "http://127.0.0.1:9/nobody",
    "PINATA_UPLOADS_URL": "http://127.0.0.1:9/nobody",
    "PINATA_JWT": CANARY,
    "CLOUDFLARE_API_TOKEN": CANARY,
    "IMAGE_ASSETS_DATA_DIR": "/nowhere/of/this/machine",
    "IMAGE_ASSETS_SOURCES": "/nowhere/sources.yaml",
    "IMAGE_ASSETS_DATABASE_URL": f"postgresql+psycopg2://me:{CANARY}@127.0.0.1:9/x",
    "DAGSTER_HOME": "/nowhere",
    "LOG_LEVEL": "DEBUG",
}


@dataclass(frozen=True)
class Taken:
    """A demo that was taken twice in a folder with somebody's own `.env` and environment."""

    places: Places
    codes: tuple[int, int]
    said: tuple[str, str]
    before: dict[str, int]
    after: dict[str, int]


def written(folder: Path) -> dict[str, int]:
    files = (f for f in folder.rglob("*") if f.is_file() and not f.name.startswith("catalog.db-"))
    return {str(f.relative_to(folder)): f.stat().st_mtime_ns for f in files}


def take(folder: Path) -> tuple[int, str]:
    console = Console(file=io.StringIO(), width=300)
    code = demo.run(folder, console, SMALL)
    return code, console.file.getvalue()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Taken:
    home = tmp_path_factory.mktemp("home")
    (home / ".env").write_text("\n".join(f"{name}={value}" for name, value in POISON.items()))
    places = Places(home / "data/demo")
    with pytest.MonkeyPatch.context() as somebody:
        somebody.chdir(home)
        for name, value in POISON.items():
            somebody.setenv(name, value)
        code, said = take(places.folder)
        before = written(places.folder)
        again, said_again = take(places.folder)
    return Taken(places, (code, again), (said, said_again), before, written(places.folder))


def test_the_whole_journey_is_taken(taken):
    assert taken.codes == (0, 0)


def test_the_summary_has_its_figures(taken):
    summary = json.loads(taken.places.summary.read_text())

    seconds = summary.pop("seconds")
    assert seconds > 0
    assert summary == {
        "frames": 2,
        "designs": 2,
        "exports": 6,
        "uploads": 12,
        "verified": 12,
        "latest": 1,
        "failed": 0,
    }


def test_it_says_what_happened_where_to_look_and_what_is_next(taken):
    said, _ = taken.said

    for place in (taken.places.sheet, taken.places.folder / "exports", taken.places.summary):
        assert f"  {place}  (" in said
        assert place.exists()
    assert "verified" in said
    assert "make dev" in said


def test_the_contact_sheet_is_a_picture(taken):
    assert taken.places.sheet.read_bytes().startswith(b"\xff\xd8\xff")


def test_a_second_time_does_no_work_and_says_so(taken):
    assert taken.said[1].startswith("Nothing to do")
    assert "No request was made" in taken.said[1]
    assert taken.after == taken.before


def test_the_rehearsal_has_ended(taken):
    """It was told to: what it wrote last is its address, and nobody answers there."""
    address = (taken.places.rehearsal / "address").read_text().strip()
    port = int(address.rpartition(":")[2])

    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_nothing_of_somebodys_own_keys_reaches_it(taken):
    assert holding(taken.places.folder, CANARY) == []
    assert CANARY not in "".join(taken.said)


def test_a_broken_environment_of_somebodys_own_does_not_stop_it(tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", "import image_assets.cli.demo"],
        env=isolated_environment(POISON),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert (result.returncode, result.stderr) == (0, "")


def test_a_bigger_plan_goes_on_where_the_smaller_one_ended(taken):
    more = Plan(days=2, streams=SMALL.streams, cadence=SMALL.cadence)

    assert not demo._finished(taken.places, more)
    assert demo._finished(taken.places, SMALL)


def test_what_was_not_received_or_not_sent_has_failed():
    counts = ImageCounts({ImageState.STORED: 5, ImageState.REJECTED: 1}, 0, 0, 0)
    uploads = {UploadState.VERIFIED: 3, UploadState.RECEIPT: 1, UploadState.IN_DOUBT: 2}

    summary = summarise(Totals(counts, 5, 15, uploads, 1), seconds=1.234)

    assert summary == {
        "frames": 5,
        "designs": 5,
        "exports": 15,
        "uploads": 4,
        "verified": 3,
        "latest": 1,
        "failed": 3,
        "seconds": 1.2,
    }


def test_the_plan_is_three_days_of_two_streams_every_hour():
    assert (demo.DEMO.days, len(demo.DEMO.streams)) == (3, 2)
    assert demo.DEMO.cadence == dt.timedelta(hours=1)
