import datetime as dt
import itertools
import subprocess
import sys
from hashlib import sha256
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from image_assets.rehearsal import scene

NOON = dt.datetime(2025, 9, 1, 20, 7, 34, tzinfo=dt.UTC)  # noon in California
MIDNIGHT = dt.datetime(2025, 9, 1, 8, 7, 34, tzinfo=dt.UTC)


def pixels(content: bytes) -> np.ndarray:
    with Image.open(BytesIO(content)) as image:
        return np.asarray(image.convert("RGB"), dtype=np.int16)


def test_a_frame_is_a_jpeg_of_the_cameras_size():
    with Image.open(BytesIO(scene.draw("apm", "in_gate", NOON, 7))) as image:
        image.load()

        assert (image.format, image.size, image.mode) == ("JPEG", (1200, 675), "RGB")


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_a_frame_weighs_what_real_ones_do(hour: int):
    moment = NOON.replace(hour=hour)

    sizes = [len(scene.draw("apm", stream, moment, 7)) for stream in ("in_gate", "out_gate")]

    assert all(60_000 <= size <= 150_000 for size in sizes), sizes


def test_a_frame_is_the_same_in_every_process():
    script = (
        "import datetime as dt, hashlib; from image_assets.rehearsal import scene;"
        "moment = dt.datetime(2025, 9, 1, 20, 7, 34, tzinfo=dt.UTC);"
        "print(hashlib.sha256(scene.draw('apm', 'in_gate', moment, 7)).hexdigest())"
    )

    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout

    assert told.strip() == sha256(scene.draw("apm", "in_gate", NOON, 7)).hexdigest()


def test_a_second_later_the_picture_differs_visibly():
    later = scene.draw("apm", "in_gate", NOON + dt.timedelta(seconds=1), 7)

    difference = np.abs(pixels(scene.draw("apm", "in_gate", NOON, 7)) - pixels(later))

    assert (difference.max(axis=2) > 60).sum() > 100


def test_streams_terminals_and_seeds_look_different():
    pictures = [
        pixels(scene.draw(terminal, stream, NOON, seed))[40:]  # below the overlay
        for terminal, stream, seed in (
            ("apm", "in_gate", 7),
            ("apm", "out_gate", 7),
            ("lbct", "in_gate", 7),
            ("apm", "in_gate", 8),
        )
    ]

    for number, picture in enumerate(pictures):
        for other in pictures[number + 1 :]:
            assert np.abs(picture - other).mean() > 5


def test_night_is_darker_than_day():
    day, night = (pixels(scene.draw("apm", "in_gate", at, 7)).mean() for at in (NOON, MIDNIGHT))

    assert night < day / 2


def test_traffic_moves_from_frame_to_frame():
    moments = [NOON + dt.timedelta(seconds=20 * step) for step in range(6)]
    roads = [pixels(scene.draw("apm", "in_gate", at, 7))[220:] for at in moments]

    moved = [np.abs(a - b).mean() for a, b in itertools.pairwise(roads)]

    assert max(moved) > 4  # noise alone stays below 3


def test_a_thumbnail_is_the_frame_in_small():
    full = scene.draw("apm", "in_gate", NOON, 7)

    small = scene.thumbnail(full)

    with Image.open(BytesIO(small)) as image, Image.open(BytesIO(full)) as whole:
        same = np.asarray(whole.resize((320, 180)), dtype=np.int16)
        assert (image.format, image.size) == ("JPEG", (320, 180))
        assert np.abs(np.asarray(image, dtype=np.int16) - same).mean() < 8
