"""Draws a camera's frame: a terminal gate at an hour, in its weather, with its traffic.

Everything follows from terminal, stream, moment and seed; the bytes are a JPEG of 1200x675.
"""

import datetime as dt
import random
from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from image_assets.rehearsal.daylight import Light, light_at
from image_assets.rehearsal.perspective import HEIGHT, WIDTH, Colour
from image_assets.rehearsal.scenery import GATE, SKY, Scenery, scenery
from image_assets.rehearsal.traffic import Truck, draw_arm, font, trucks

QUALITY = 80
THUMBNAIL = (320, 180)
_SLACK = 192  # pixels by which the noise can be shifted

_LAMP_GAINS = (0.98, 0.88, 0.66)  # what sodium lamps leave of red, green and blue
_HEAD: Colour = (255, 250, 226)
_TAIL: Colour = (255, 46, 30)


def draw(terminal: str, stream: str, moment: dt.datetime, seed: int) -> bytes:
    """The JPEG a camera takes at `moment` (aware)."""
    moment = moment.astimezone(dt.UTC)
    name = f"{seed}/{terminal}/{stream}"
    light = light_at(moment, f"{seed}/{terminal}")
    place = scenery(terminal, stream, seed)
    queue = trucks(
        place.lanes,
        moment.timestamp(),
        coming="out" not in stream,
        busy=0.35 + 0.5 * light.day,
        seed=name,
    )
    chance = random.Random(f"{name}/{moment.isoformat()}")
    image = _lit(_daytime(place, queue, light), place, queue, light)
    image = _sensed(image, light, chance)
    _stamp(
        image, f"{moment:%Y-%m-%d  %H:%M:%S} UTC", f"{terminal}  {stream}".upper().replace("_", " ")
    )
    return _jpeg(image, QUALITY)


def thumbnail(content: bytes) -> bytes:
    """The small rendition of a frame: a JPEG of 320x180."""
    with Image.open(BytesIO(content)) as image:
        image.draft("RGB", THUMBNAIL)
        return _jpeg(image.resize(THUMBNAIL, Image.Resampling.BOX), 75)


def _daytime(place: Scenery, queue: list[Truck], light: Light) -> Image.Image:
    """The scene as full light would show it."""
    image = place.land.copy()
    image.paste(_sky(light), (0, 0), place.sky)
    pen = ImageDraw.Draw(image)
    for truck in (truck for truck in queue if truck.z > GATE):
        truck.draw(pen)
    image.paste(place.gate, place.gate_at, place.gate)
    for lane in place.lanes:
        draw_arm(pen, lane, queue)
    for truck in (truck for truck in queue if truck.z <= GATE):
        truck.draw(pen)
    return image


def _sky(light: Light) -> Image.Image:
    high, low = light.sky()
    ramp = np.linspace(0, 1, SKY)[:, None] ** 0.8
    column = (np.array(high) + (np.array(low) - np.array(high)) * ramp).astype(np.uint8)
    return Image.fromarray(np.repeat(column[:, None, :], WIDTH, axis=1))


def _lit(image: Image.Image, place: Scenery, queue: list[Truck], light: Light) -> Image.Image:
    """The scene in the light of its hour: dimmed, and at night with its lamps on."""
    ambient = image.point(_curve(light.gains()))
    if light.night < 0.05:
        return ambient
    mask = place.lamps.point([round(level * light.night) for level in range(256)])
    pen = ImageDraw.Draw(mask)
    for truck in (truck for truck in queue if truck.z <= GATE):
        truck.draw_outline(pen, round(light.night * 44 * truck.z))
    lit = Image.composite(image.point(_curve(_LAMP_GAINS)), ambient, mask)
    for place_in_queue, truck in enumerate(queue):
        for x, y in truck.lights:
            if not any(nearer.hides(x, y) for nearer in queue[place_in_queue + 1 :]):
                _glow(lit, (round(x), round(y)), truck, light.night)
    return lit


def _glow(image: Image.Image, at: tuple[int, int], truck: Truck, night: float) -> None:
    radius = round((150 if truck.coming else 70) / truck.z / 4) * 4
    if radius:
        area = (at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius)
        spot = _spot(radius, _HEAD if truck.coming else _TAIL, round(night, 1))
        image.paste(ImageChops.add(image.crop(area), spot), area[:2])


@lru_cache(maxsize=256)
def _spot(radius: int, colour: Colour, strength: float) -> Image.Image:
    away = np.hypot(*np.mgrid[-1 : 1 : 2j * radius, -1 : 1 : 2j * radius])
    level = strength * np.clip(1 - away, 0, 1) ** 2.6
    return Image.fromarray((level[..., None] * colour).astype(np.uint8))


def _sensed(image: Image.Image, light: Light, chance: random.Random) -> Image.Image:
    """The scene through rain, if any, and a sensor that is noisier in the dark."""
    x, y = chance.randrange(_SLACK), chance.randrange(_SLACK)
    noise = _noise(night=light.night > 0.5, rain=light.rain)
    return ImageChops.add(image, noise.crop((x, y, x + WIDTH, y + HEIGHT)), 1, -128)


@lru_cache(maxsize=4)
def _noise(*, night: bool, rain: bool) -> Image.Image:
    """What is added to a frame, around 128; larger than a frame, so that it can be shifted."""
    numbers = np.random.default_rng(20250901)
    size = (HEIGHT + _SLACK, WIDTH + _SLACK)
    grey = numbers.normal(0, 4.0 if night else 2.4, size)
    colour = numbers.normal(0, 1.5 if night else 0.7, (*size, 3))
    if rain:
        grey += _streaks(numbers, size)
    return Image.fromarray(np.clip(128 + grey[..., None] + colour, 0, 255).astype(np.uint8))


def _streaks(numbers: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    image = Image.new("L", (size[1], size[0]), 0)
    pen = ImageDraw.Draw(image)
    for _ in range(1500):
        x, y = float(numbers.uniform(0, size[1])), float(numbers.uniform(0, size[0]))
        length, bright = float(numbers.uniform(14, 46)), int(numbers.integers(14, 44))
        width = int(numbers.integers(1, 3))
        pen.line((x, y, x - length * 0.18, y + length), fill=bright, width=width)
    return np.asarray(image, dtype=np.float64)


def _stamp(image: Image.Image, time: str, place: str) -> None:
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, WIDTH, 33), fill=(8, 8, 10))
    pen.text((14, 16), time, fill=(255, 255, 255), font=font(24), anchor="lm")
    pen.text((WIDTH - 14, 16), place, fill=(255, 255, 255), font=font(24), anchor="rm")


def _curve(gains: tuple[float, float, float]) -> list[int]:
    return [min(255, round(level * gain)) for gain in gains for level in range(256)]


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()
