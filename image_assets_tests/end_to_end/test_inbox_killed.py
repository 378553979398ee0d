"""Many designs dropped at once, and the process killed in the middle: the same designs come of it.

IMAGE_ASSETS_TEST_DESIGNS=10000 is the whole size, and goes through the exports as well.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from PIL import Image

from image_assets.core.batches import StepState
from image_assets.core.model import ImageState
from image_assets.services.catalog import open_catalog
from image_assets.services.catalog.schema import blobs, designs, exports, images
from image_assets.settings import isolated_environment
from image_assets_tests.drawing import encoded

DESIGNS = int(os.environ.get("IMAGE_ASSETS_TEST_DESIGNS", "100"))
WHOLE = DESIGNS >= 1000
STAGES = "images designs thumbnails" if WHOLE else "images designs"
BATCHES = 20 if WHOLE else 4
MOST_MIB = 600
DROPPING = "image_assets_tests.end_to_end.dropping"
pytestmark = pytest.mark.timeout(600 + 6 * DESIGNS)
ROOT = Path(__file__).parents[2]
HALF = (StepState.RUNNING, 0.5)  # the second of two steps is still to come


def generated(seed: int) -> Image.Image:
    """A design of its own for each seed: soft blots, which survive another size."""
    colours = random.Random(seed).randbytes(8 * 8 * 3)
    return Image.frombytes("RGB", (8, 8), colours).resize((128, 128), Image.Resampling.BICUBIC)


def file(n: int) -> tuple[str, bytes]:
    """Every tenth file repeats one, every fifteenth is the larger version of one."""
    if n % 10 == 9:
        return f"{n:05}.png", encoded(generated(n - 5), "PNG")
    if n % 15 == 14:
        larger = generated(n - 3).resize((256, 256), Image.Resampling.LANCZOS)
        return f"{n:05}.png", encoded(larger, "PNG")
    return f"{n:05}.png", encoded(generated(n), "PNG")


@pytest.fixture(scope="module")
def dropped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dropped")
    for name, content in map(file, range(DESIGNS)):
        (folder / name).write_bytes(content)
    return folder


def start(folder: Path, dropped: Path) -> subprocess.Popen[str]:
    size = sum(path.stat().st_size for path in dropped.iterdir()) // BATCHES
    return subprocess.Popen(
        [sys.executable, "-m", DROPPING, str(folder), str(size), STAGES],
        cwd=ROOT,
        env=isolated_environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def drop(folder: Path, dropped: Path) -> Path:
    shutil.copytree(dropped, folder / "inbox" / "acme")
    return folder


def stored(folder: Path) -> int:
    return sum(path.suffix == ".png" for path in (folder / "images").rglob("*"))


def kill_at(process: subprocess.Popen[str], folder: Path, share: float) -> None:
    """End the process and all its workers at once, when so much is in the store."""
    deadline = time.monotonic() + 60 + DESIGNS
    while stored(folder) < share * DESIGNS and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@dataclass(frozen=True)
class Come:
    """What came of a drop, without numbers and times: pictures, designs, exports, and its progress."""

    pictures: Sequence[tuple[str, ...]]
    designs: Sequence[tuple[str, ...]]
    exports: Sequence[tuple[str, ...]]
    progress: Sequence[tuple[StepState, float]]


def come(folder: Path) -> Come:
    with open_catalog(f"sqlite:///{folder / 'catalog.db'}") as catalog:
        with catalog.engine.connect() as connection:
            name = sa.func.substr(images.c.item_key, sa.func.instr(images.c.item_key, "/"))
            pictures = sa.select(name, images.c.state, images.c.sha256, images.c.design_id)
            anchors = sa.select(designs.c.id, designs.c.pixel_hash, name).join(
                images, images.c.id == designs.c.anchor_image_id
            )
            made = sa.select(
                exports.c.design_id, exports.c.recipe, exports.c.format, blobs.c.sha256
            ).join(blobs, blobs.c.id == exports.c.blob_id)
            rows = [
                sorted(tuple(row) for row in connection.execute(q))
                for q in (pictures, anchors, made)
            ]
        batches = catalog.batches.latest(limit=1000)
    return Come(*rows, [(batch.state, batch.share) for batch in batches])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, dropped: Path) -> Path:
    return drop(tmp_path_factory.mktemp("undisturbed"), dropped)


@pytest.fixture(scope="module")
def told(folder: Path, dropped: Path) -> str:
    """What was said of each batch while all of them went through."""
    return start(folder, dropped).communicate(timeout=120 + 2 * DESIGNS)[0]


@pytest.fixture(scope="module")
def undisturbed(folder: Path, told: str) -> Come:
    return come(folder)


def test_progress_is_told_batch_by_batch_and_memory_is_bounded(told):
    peaks = [int(peak) for peak in re.findall(r"; (\d+) MiB$", told, re.M)]

    assert told.count(" True: Checking for duplicates: done, 100 %") == len(peaks) >= BATCHES
    assert 0 < max(peaks) < MOST_MIB


def test_many_designs_dropped_at_once_go_through_in_batches_with_progress(undisturbed):
    states = {state for _, state, *_ in undisturbed.pictures}

    assert (len(undisturbed.pictures), states) == (DESIGNS, {ImageState.STORED})
    assert len(undisturbed.progress) >= BATCHES
    assert set(undisturbed.progress) == {(StepState.DONE, 1.0) if WHOLE else HALF}
    assert len(undisturbed.exports) == (4 * len(undisturbed.designs) if WHOLE else 0)


def test_repeats_and_other_sizes_are_aliases(undisturbed):
    design_of = {name: design for name, _, _, design in undisturbed.pictures}

    assert design_of["/00009.png"] == design_of["/00004.png"]
    larger = [n for n in range(14, DESIGNS, 30)]
    found = sum(design_of[f"/{n:05}.png"] == design_of[f"/{n - 3:05}.png"] for n in larger)
    assert found >= 0.8 * len(larger)
    assert len(undisturbed.designs) == len(set(design_of.values()))


def test_killed_in_the_middle_and_run_again_the_same_designs_come_of_it(
    tmp_path, dropped, undisturbed
):
    folder = drop(tmp_path / "killed", dropped)

    kill_at(start(folder, dropped), folder, 0.5)
    assert come(folder) != undisturbed
    start(folder, dropped).communicate(timeout=120 + 2 * DESIGNS)

    assert come(folder) == undisturbed
