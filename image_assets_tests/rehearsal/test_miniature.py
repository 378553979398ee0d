"""Small frames: quick to draw, and no two moments alike."""

import datetime as dt
from io import BytesIO

from PIL import Image

from image_assets.rehearsal import miniature, pictures

NOON = dt.datetime(2025, 9, 1, 20, tzinfo=dt.UTC)


def test_a_miniature_is_a_small_jpeg():
    with Image.open(BytesIO(miniature.draw("apm", "in_gate", NOON, 7))) as image:
        image.load()

    assert (image.format, image.size) == ("JPEG", (160, 90))


def test_every_second_and_every_stream_looks_different():
    moments = [NOON + dt.timedelta(seconds=n) for n in range(200)]

    drawn = {
        miniature.draw("apm", stream, moment, 7)
        for moment in moments
        for stream in ("in_gate", "out_gate")
    }

    assert len(drawn) == 400


def test_the_same_moment_is_drawn_the_same():
    assert miniature.draw("apm", "in_gate", NOON, 7) == miniature.draw("apm", "in_gate", NOON, 7)


def test_both_sizes_of_a_moment_are_kept_apart():
    small = pictures.picture("apm", "in_gate", NOON, 7, small=True)

    assert pictures.picture("apm", "in_gate", NOON, 7) != small
