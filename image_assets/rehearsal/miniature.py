"""Draws a frame of 160x90 in half a millisecond: for rehearsals of a year of pictures.

Sky in the light of its hour, ground, a truck, and a row of squares that spells the second: no two
moments look the same.
"""

import datetime as dt
import random
from io import BytesIO

from PIL import Image, ImageDraw

from image_assets.rehearsal.daylight import light_at

SIZE = (160, 90)
_HORIZON = 34
_BITS = 36  # seconds since 1970 until the year 4147
_QUALITY = 70


def draw(terminal: str, stream: str, moment: dt.datetime, seed: int) -> bytes:
    """The JPEG of a stream at `moment` (aware)."""
    light = light_at(moment, f"{seed}/{terminal}")
    high, low = light.sky()
    gains = light.gains()
    ground = (116, 114, 110)
    image = Image.new("RGB", SIZE, _dim(ground, gains))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, SIZE[0], _HORIZON // 2), _dim(high, gains))
    pen.rectangle((0, _HORIZON // 2, SIZE[0], _HORIZON), _dim(low, gains))
    chance = random.Random(f"{seed}/{terminal}/{stream}/{moment.isoformat()}")
    left, colour = chance.randrange(100), tuple(chance.randrange(40, 220) for _ in range(3))
    pen.rectangle((left, 40, left + 48, 68), colour)
    pen.rectangle((left + 48, 48, left + 60, 68), (60, 60, 66))
    _spell(pen, int(moment.timestamp()))
    file = BytesIO()
    image.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()


def _dim(colour: tuple[int, int, int], gains: tuple[float, float, float]) -> tuple[int, int, int]:
    red, green, blue = (round(c * gain) for c, gain in zip(colour, gains, strict=True))
    return red, green, blue


def _spell(pen: ImageDraw.ImageDraw, seconds: int) -> None:
    for bit in range(_BITS):
        left, top = 4 + bit % 18 * 8, 74 + bit // 18 * 8
        shade = 235 if seconds >> bit & 1 else 20
        pen.rectangle((left, top, left + 6, top + 6), (shade, shade, shade))
