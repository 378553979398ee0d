"""A download that is killed at any moment, and one whose disk fills up: nothing lost, nothing half."""

import datetime as dt
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from image_assets import library
from image_assets.compose import Catalog, catalog
from image_assets.core.model import ImageState, Partition
from image_assets.rehearsal import Profile, Rehearsal, pictures
from image_assets.settings import isolated, isolated_environment
from image_assets.stages.report import Report

DATES = [dt.date(2025, 9, 1), dt.date(2025, 9, 2)]
KILLS = 3
PROFILE = Profile(
    collections=("apm/in_gate",),
    cadence=dt.timedelta(minutes=10),
    gap_share=0,
    stale_share=0,
    miniatures=True,
    latency=0.005,  # so that there is a middle to be killed in
)

pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Archive:
    """A data folder that is filled from a rehearsal."""

    folder: Path
    rehearsal: Rehearsal

    def environment(self) -> dict[str, str]:
        return self.rehearsal.environment() | {
            "IMAGE_ASSETS_DATA_DIR": str(self.folder),
            "DOWNLOAD_CONNECTIONS": "8",
        }

    def download(self) -> Report:
        reports = library.download(
            DATES, streams=["in_gate"], settings=isolated(self.environment())
        )
        return sum(reports.values(), Report())

    def started(self) -> "subprocess.Popen[bytes]":
        code = "from image_assets.cli import app; app()"
        days = [str(DATES[0]), str(DATES[-1]), "--stream", "in_gate"]
        return subprocess.Popen(
            [sys.executable, "-c", code, "download", *days],
            env=isolated_environment(self.environment()),
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def images(self) -> dict[str, bytes]:
        found = (self.folder / "images").rglob("*.jpg")
        return {f.name.partition("_")[0]: f.read_bytes() for f in found}

    def drawn(self, keys: list[str]) -> dict[str, bytes]:
        """What the camera took at these moments."""
        moments = {
            key: dt.datetime.strptime(key, "%Y%m%d%H%M%S").replace(tzinfo=dt.UTC) for key in keys
        }
        return {
            key: pictures.picture("apm", "in_gate", at, PROFILE.seed, small=True)
            for key, at in moments.items()
        }

    def recorded(self) -> dict[str, ImageState]:
        records: Catalog = catalog(isolated(self.environment()))
        days = [Partition("camera", "apm/in_gate", day.isoformat()) for day in DATES]
        known = [records.images.known(day) for day in days]
        records.dispose()
        return {key: image.state for each in known for key, image in each.items()}


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Rehearsal(PROFILE) as rehearsal:
        yield Archive(tmp_path, rehearsal)


def kill_after(process: "subprocess.Popen[bytes]", archive: Archive, more: int, wait: float) -> int:
    """SIGKILL once `more` pictures have come, and then `wait` seconds; how many there are then."""
    folder = archive.folder / "images"
    before = sum(1 for _ in folder.rglob("*.jpg"))
    while sum(1 for _ in folder.rglob("*.jpg")) < before + more and process.poll() is None:
        time.sleep(0.002)
    time.sleep(wait)
    process.kill()
    assert process.wait() in (-signal.SIGKILL, 0)
    return sum(1 for _ in folder.rglob("*.jpg"))


def test_a_download_killed_again_and_again_ends_as_if_it_never_was(archive):
    chance = random.Random(11)
    reached = [
        kill_after(archive.started(), archive, chance.randrange(1, 30), chance.random() / 50)
        for _ in range(KILLS)
    ]
    half = archive.images()

    report = archive.download()

    whole, recorded = archive.images(), archive.recorded()
    assert reached[0] < len(whole)
    assert half.items() <= archive.drawn(list(half)).items()
    assert report.failed == 0
    assert whole == archive.drawn(list(recorded))
    assert set(recorded.values()) == {ImageState.STORED}
    assert len(recorded) > 250


@pytest.fixture
def small_disk(archive: Archive) -> Iterator[Path]:
    if shutil.which("mount") is None:
        pytest.skip("no mount here to make a small disk with")
    options = ["-t", "tmpfs", "-o", "size=700k", "tmpfs", str(archive.folder)]
    if subprocess.run(["mount", *options], capture_output=True).returncode != 0:
        pytest.skip("a small disk can be mounted by root alone")
    yield archive.folder
    subprocess.run(["umount", str(archive.folder)], check=True)


def test_a_disk_that_fills_up_is_told_and_made_up_for_when_there_is_room(archive, small_disk):
    full = archive.download()
    half, asked = archive.images(), archive.rehearsal.requests()["total"]

    subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
    report = archive.download()

    assert full.failed > 0
    assert set(full.causes) == {"transient"}
    reasons = {failure.reason for failure in full.failures}
    assert all("no space" in reason.lower() for reason in reasons)
    assert asked < 300
    assert half.items() <= archive.drawn(list(half)).items()
    assert report.failed == 0
    assert archive.images() == archive.drawn(list(archive.recorded()))
