"""The strip shows every gap in its place, in few bytes, in colours that the colour-blind tell apart."""

import datetime as dt
import io
import itertools
import random
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from image_assets.core import gap_strip
from image_assets.core.cadence import UNKNOWN, Service, given
from image_assets.core.completeness import Completeness, assess
from image_assets.core.gap_strip import COLOURS, HELD, TRACK
from image_assets.core.gaps import Frame, GapCause, Listed
from image_assets.core.model import ImageState

MIDNIGHT = dt.datetime(2025, 9, 1, tzinfo=dt.UTC)
LATER = MIDNIGHT + dt.timedelta(days=3)
KIB = 1024
# What the eye without one kind of cone sees, in linear RGB: Machado, Oliveira and Fernandes 2009.
BLINDNESS = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def day(frames: list[Frame], *, complete: bool = True, service: Service | None = None):
    listed = Listed(LATER, len(frames), complete=complete)
    cadence = UNKNOWN if service is None else given(service)
    grace = dt.timedelta(hours=1)
    return assess(MIDNIGHT.date(), frames, listed, cadence, now=LATER, grace=grace)


def taken(minutes: int) -> list[Frame]:
    return [
        Frame(MIDNIGHT + dt.timedelta(minutes=m + minutes / 2), ImageState.STORED)
        for m in range(0, 1440, minutes)
    ]


def draw(found: Completeness, frames: list[Frame]) -> Image.Image:
    times = [f.captured_at for f in frames if f.captured_at and f.state is ImageState.STORED]
    return Image.open(io.BytesIO(gap_strip.draw(found, times))).convert("RGB")


def colours(strip: Image.Image, hour: float) -> set[tuple[int, int, int]]:
    """What is to be seen around an hour, on the strip itself."""
    x = round(10 + hour * (strip.width - 20) / 24)
    found = strip.crop((x - 4, 4, x + 5, 40)).getcolors()
    assert found is not None
    return {colour for _, colour in found}


def test_pictures_are_ticks_on_the_hours_of_service():
    frames = [f for f in taken(30) if f.captured_at and 7 <= f.captured_at.hour < 20]
    strip = draw(day(frames, service=Service(30, (7, 20))), frames)

    assert colours(strip, 8.25) == {HELD, TRACK}
    assert colours(strip, 3) == {gap_strip.WHITE}


@pytest.mark.parametrize(
    ("cause", "state"),
    [
        (GapCause.FAILED, ImageState.MISSING),
        (GapCause.GONE, ImageState.GONE),
        (GapCause.REJECTED, ImageState.REJECTED),
    ],
)
def test_a_gap_has_its_causes_colour_in_its_place(cause, state):
    frames = [replace(f, state=state) if 20 <= n < 24 else f for n, f in enumerate(taken(30))]
    strip = draw(day(frames), frames)

    assert COLOURS[cause] in colours(strip, 11)
    assert COLOURS[cause] not in colours(strip, 15) | colours(strip, 6)


@pytest.mark.parametrize(("cause", "complete"), [("silent", True), ("unlisted", False)])
def test_silence_and_what_was_not_listed_are_told_apart(cause, complete):
    frames = taken(30)[:24]
    strip = draw(day(frames, complete=complete, service=Service(30)), frames)

    assert COLOURS[GapCause(cause)] in colours(strip, 18)


def test_a_gap_of_a_moment_is_seen():
    frames = [Frame(MIDNIGHT + dt.timedelta(hours=12), ImageState.GONE)]

    assert COLOURS[GapCause.GONE] in colours(draw(day(frames), frames), 12)


def test_the_worst_day_takes_few_bytes():
    chance = random.Random(1)
    states = [*ImageState]
    frames = [replace(f, state=chance.choice(states)) for f in taken(1)]

    content = gap_strip.draw(day(frames), [f.captured_at for f in frames if f.captured_at])

    assert len(content) < 8 * KIB


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_the_colour_blind_tell_every_two_apart(blindness):
    """Euclidean distance in CIELAB; about 2 is just noticed side by side."""
    seen = {name: lab(c, BLINDNESS[blindness]) for name, c in {**COLOURS, "held": HELD}.items()}

    closest = min(
        float(np.linalg.norm(seen[one] - seen[other]))
        for one, other in itertools.combinations(seen, 2)
    )
    assert closest > 10


def lab(colour: tuple[int, int, int], blindness: list[list[float]]) -> np.ndarray:
    channels = np.array(colour) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(blindness) @ linear, 0, 1)
    xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    ) @ linear / np.array([0.9505, 1.0, 1.089])  # fmt: skip
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
