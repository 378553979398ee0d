"""What never moves at a gate: road, container stacks, cranes, the canopy with its booths and lamps.

Each stream has its own, drawn once at twice the size and kept.
"""

import random
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from image_assets.rehearsal.perspective import (
    HEIGHT,
    HORIZON,
    WIDTH,
    Colour,
    box,
    face,
    ground,
    project,
    shade,
)

LANE = 420.0  # width of a lane, in pixels at distance 1
GATE = 2.6  # distance of the canopy
SKY = 215  # rows in which sky can be seen

CONTAINERS: tuple[Colour, ...] = (
    (36, 86, 148),
    (168, 52, 44),
    (196, 108, 38),
    (58, 118, 84),
    (150, 154, 158),
    (92, 68, 60),
    (214, 206, 190),
    (120, 40, 86),
)


@dataclass(frozen=True, slots=True, eq=False)
class Scenery:
    """The layers of one stream.

    `land` is RGB with everything behind the gate, `sky` its L mask of the upper `SKY` rows (255 =
    sky), `gate` RGBA to paste at `gate_at`, `lamps` an L mask of where lamps shine.
    """

    lanes: tuple[float, ...]
    land: Image.Image
    sky: Image.Image
    gate: Image.Image
    gate_at: tuple[int, int]
    lamps: Image.Image


@lru_cache(maxsize=8)
def scenery(terminal: str, stream: str, seed: int) -> Scenery:
    """The scenery of a stream."""
    chance = random.Random(f"{seed}/scenery/{terminal}/{stream}")
    count = 4 if "in" in stream else 3
    lanes = tuple((lane - (count - 1) / 2) * LANE for lane in range(count))
    land, sky = _land(lanes, chance)
    gate = _gate(lanes, chance)
    left, top, right, bottom = gate.getbbox() or (0, 0, WIDTH, HEIGHT)
    gate = gate.crop((left, top, right, bottom))
    return Scenery(lanes, land, sky, gate, (left, top), _lamps(lanes))


def _land(lanes: tuple[float, ...], chance: random.Random) -> tuple[Image.Image, Image.Image]:
    clear = (255, 0, 255)
    image = Image.new("RGB", (WIDTH, HEIGHT), clear)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, HORIZON + 4, WIDTH, HEIGHT), fill=(118, 116, 108))
    _skyline(pen, chance)
    edge = (lanes[0] - LANE * 0.7, lanes[-1] + LANE * 0.7)
    ground(pen, edge, (0.7, 40), (86, 87, 89))
    _markings(pen, lanes)
    pixels = np.asarray(image)
    sky = (pixels[:SKY] == clear).all(axis=2).astype(np.uint8) * 255
    grain = np.random.default_rng(chance.getrandbits(32)).normal(0, 3.5, (HEIGHT, WIDTH, 1))
    land = np.clip(pixels + grain, 0, 255).astype(np.uint8)
    return Image.fromarray(land), Image.fromarray(sky)


def _skyline(pen: ImageDraw.ImageDraw, chance: random.Random) -> None:
    for x in (chance.randint(60, 160), chance.randint(980, 1080), chance.randint(300, 420)):
        _crane(pen, x, chance.randint(100, 125))
    x = -20
    while x < WIDTH + 20:
        width = chance.randint(46, 74)
        for level in range(chance.randint(1, 4)):
            bottom = HORIZON + 20 - level * 15
            colour = shade(chance.choice(CONTAINERS), 0.8)
            pen.rectangle((x, bottom - 14, x + width, bottom), fill=colour)
            pen.line((x, bottom - 14, x + width, bottom - 14), fill=shade(colour, 1.25))
        x += width + chance.choice((2, 2, 2, 30))


def _crane(pen: ImageDraw.ImageDraw, x: int, height: int) -> None:
    blue, foot, top = (70, 92, 128), HORIZON + 8, HORIZON - height
    for leg in (x, x + 46):
        pen.line((leg, foot, leg + 6, top + 30), fill=blue, width=4)
    pen.line((x - 80, top + 32, x + 96, top + 32), fill=blue, width=6)
    pen.line((x + 30, top + 30, x + 36, top), fill=blue, width=4)
    pen.line((x + 34, top, x - 78, top + 30), fill=blue, width=2)
    pen.line((x + 34, top, x + 94, top + 30), fill=blue, width=2)


def _markings(pen: ImageDraw.ImageDraw, lanes: tuple[float, ...]) -> None:
    white, yellow = (212, 212, 206), (214, 176, 52)
    for lane in lanes[1:]:
        for dash in range(24):
            near = 0.72 + dash * 0.5
            ground(pen, (lane - LANE / 2 - 5, lane - LANE / 2 + 5), (near, near + 0.26), white)
    for side in (lanes[0] - LANE / 2, lanes[-1] + LANE / 2):
        ground(pen, (side - 7, side + 7), (0.7, 30), yellow)
    for lane in lanes:
        ground(pen, (lane - 165, lane + 165), (GATE - 0.42, GATE - 0.30), white)
        ground(pen, (lane - 165, lane + 165), (GATE + 0.30, GATE + 0.42), white)


def _gate(lanes: tuple[float, ...], chance: random.Random) -> Image.Image:
    image = Image.new("RGBA", (WIDTH, HEIGHT), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    steel = chance.choice(((44, 88, 140), (188, 92, 40), (70, 110, 96)))
    left, right = lanes[0] - LANE / 2, lanes[-1] + LANE / 2
    for island in (*(lane - LANE / 2 for lane in lanes), right):
        _island(pen, island, steel)
    box(pen, (left - 150, right + 150), (505, 610), (GATE - 0.3, GATE + 0.9), steel)
    face(pen, (left - 150, right + 150), (505, 520), GATE - 0.3, (222, 224, 226))
    for number, lane in enumerate(lanes, start=1):
        face(pen, (lane - 52, lane + 52), (520, 606), GATE - 0.31, (24, 26, 30))
        pen.text(
            project(lane - 22, 563, GATE - 0.31),
            str(number),
            (240, 240, 220),
            font_size=24,
            anchor="mm",
        )
        face(pen, (lane + 2, lane + 42), (546, 586), GATE - 0.31, (64, 200, 96))
    return image.filter(ImageFilter.GaussianBlur(0.6))


def _island(pen: ImageDraw.ImageDraw, x: float, steel: Colour) -> None:
    box(pen, (x - 44, x + 44), (0, 16), (GATE - 0.6, GATE + 0.8), (168, 166, 158))
    face(pen, (x - 44, x + 44), (0, 16), GATE - 0.6, (214, 176, 52))
    face(pen, (x - 9, x + 9), (16, 510), GATE + 0.5, shade(steel, 0.7))
    box(pen, (x - 38, x + 38), (16, 250), (GATE - 0.1, GATE + 0.4), (226, 226, 220))
    face(pen, (x - 30, x + 30), (130, 225), GATE - 0.1, (74, 92, 104))
    face(pen, (x - 42, x + 42), (250, 268), GATE - 0.12, steel)
    face(pen, (x - 9, x + 9), (268, 510), GATE - 0.1, shade(steel, 0.85))


def _lamps(lanes: tuple[float, ...]) -> Image.Image:
    mask = Image.new("L", (WIDTH, HEIGHT), 0)
    pen = ImageDraw.Draw(mask)
    for lane in lanes:
        x, y = project(lane, 0, GATE - 0.1)
        pen.ellipse((x - 130, y - 60, x + 130, y + 70), fill=150)
        x, y = project(lane, 250, GATE)
        pen.ellipse((x - 78, y - 95, x + 78, y + 110), fill=185)
    for side in (-1, 1):
        x, y = project(side * 560, 0, 1.25)
        pen.ellipse((x - 230, y - 110, x + 230, y + 90), fill=80)
    mask = mask.filter(ImageFilter.GaussianBlur(34))
    pen = ImageDraw.Draw(mask)
    for island in (*(lane - LANE / 2 for lane in lanes), lanes[-1] + LANE / 2):
        (left, top), (right, bottom) = (
            project(island - 30, 225, GATE - 0.1),
            project(island + 30, 130, GATE - 0.1),
        )
        pen.rectangle((left, top, right, bottom), fill=255)
    for lane in lanes:
        (left, top), (right, bottom) = (
            project(lane - 52, 606, GATE - 0.31),
            project(lane + 52, 520, GATE - 0.31),
        )
        pen.rectangle((left, top, right, bottom), fill=235)
    return mask.filter(ImageFilter.GaussianBlur(1))
