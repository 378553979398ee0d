"""What moves at a gate: trucks that come, wait at the barrier and go, and the barrier arms."""

import itertools
import math
import random
from dataclasses import dataclass
from functools import lru_cache

from PIL import ImageDraw, ImageFont

from image_assets.rehearsal.perspective import Colour, Point, box, face, project, shade
from image_assets.rehearsal.scenery import CONTAINERS, GATE, LANE

_CABS: tuple[Colour, ...] = (
    (226, 226, 222),
    (172, 30, 34),
    (34, 62, 120),
    (40, 42, 46),
    (214, 168, 40),
    (62, 112, 70),
)
_OWNERS = ("MSKU", "MAEU", "TGHU", "CMAU", "HLXU", "OOLU", "TCLU", "ONEU")
_GLASS: Colour = (44, 56, 66)
_RUBBER: Colour = (26, 26, 28)

# A truck's way through a lane: (share of its time, distance). It waits twice.
_COMING = ((0.0, 8.0), (0.3, 5.0), (0.95, 5.0), (1.15, 3.05), (1.6, 3.05), (2.0, 0.66))
_LEAVING = ((0.0, 0.66), (0.3, 1.3), (0.95, 1.3), (1.15, 2.05), (1.6, 2.05), (2.0, 8.0))


@dataclass(frozen=True, slots=True)
class Truck:
    """A truck in a lane at distance `z`; it comes towards the camera, or leaves and shows its doors."""

    lane: float
    z: float
    coming: bool
    cab: Colour
    container: Colour | None
    plate: str
    number: str

    @property
    def lights(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The pixels of its two lamps: head lights when it comes, tail lights when it leaves."""
        height = 92 if self.coming else 74
        left = project(self.lane - 104, height, self.z)
        return left, project(self.lane + 104, height, self.z)

    def hides(self, x: float, y: float) -> bool:
        """Whether it stands before the pixel, flank and all."""
        corners = [corner for rectangle in self._ends() for corner in rectangle]
        across, down = [c[0] for c in corners], [c[1] for c in corners]
        return min(across) <= x <= max(across) and min(down) <= y <= max(down)

    def draw_outline(self, pen: ImageDraw.ImageDraw, level: int) -> None:
        """Fill what it hides in a mask."""
        (near_top, near_end), (far_top, far_end) = self._ends()
        pen.rectangle((*near_top, *near_end), fill=level)
        for near, far in ((near_top[0], far_top[0]), (near_end[0], far_end[0])):
            pen.polygon(
                [(near, near_top[1]), (far, far_top[1]), (far, far_end[1]), (near, near_end[1])],
                fill=level,
            )

    def _ends(self) -> tuple[tuple[Point, Point], tuple[Point, Point]]:
        """The upper left and lower right corners of its near and its far end."""
        height = 465 if self.container else 332
        far = self.z + (1.8 if self.container else 0.4)
        return (
            (project(self.lane - 140, height, self.z), project(self.lane + 140, 0, self.z)),
            (project(self.lane - 140, height, far), project(self.lane + 140, 0, far)),
        )

    def draw(self, pen: ImageDraw.ImageDraw) -> None:
        """Draw it, the far parts first."""
        shadow = [project(self.lane + x, 0, z) for x, z in self._footprint()]
        pen.polygon(shadow, fill=(52, 53, 55))
        for wheel in (-118, 62):
            face(pen, (self.lane + wheel, self.lane + wheel + 56), (0, 84), self.z + 0.1, _RUBBER)
        if self.container and self.z < 6:
            length = (self.z + (0.32 if self.coming else 0.0), self.z + 1.8)
            box(pen, (self.lane - 140, self.lane + 140), (96, 465), length, self.container)
        (self._draw_front if self.coming else self._draw_doors)(pen)

    def _footprint(self) -> tuple[tuple[float, float], ...]:
        return (-150, self.z), (-150, self.z + 1.8), (160, self.z + 1.8), (160, self.z)

    def _draw_front(self, pen: ImageDraw.ImageDraw) -> None:
        x, z = self.lane, self.z
        box(pen, (x - 128, x + 128), (30, 332), (z, z + 0.3), self.cab)
        face(pen, (x - 112, x + 112), (208, 304), z, _GLASS)
        face(pen, (x - 112, x + 112), (286, 304), z, shade(_GLASS, 1.7))
        face(pen, (x - 70, x + 70), (80, 186), z, (58, 60, 64))
        for bar in range(4):
            face(pen, (x - 66, x + 66), (92 + bar * 24, 98 + bar * 24), z, (150, 152, 156))
        face(pen, (x - 134, x + 134), (26, 62), z, (70, 72, 76))
        for lamp in (-122, 84):
            face(pen, (x + lamp, x + lamp + 38), (76, 108), z, (238, 238, 226))
        for mirror in (-154, 134):
            face(pen, (x + mirror, x + mirror + 20), (214, 286), z, _RUBBER)
        self._write(pen, self.plate, (x, 44), 24, (250, 250, 240))
        if self.container:
            self._write(pen, self.number, (x, 400), 30, (240, 240, 236), z=z + 0.32)

    def _draw_doors(self, pen: ImageDraw.ImageDraw) -> None:
        x, z = self.lane, self.z
        if self.container:
            dark = shade(self.container, 0.78)
            face(pen, (x - 2, x + 2), (100, 460), z, shade(dark, 0.6))
            for bar in (-104, -44, 40, 100):
                face(pen, (x + bar, x + bar + 6), (104, 456), z, dark)
            self._write(pen, self.number, (x, 420), 30, (244, 244, 240))
            self._write(pen, "45G1", (x + 70, 380), 22, (244, 244, 240))
        else:
            box(pen, (x - 124, x + 124), (90, 330), (z, z + 0.4), self.cab)
            face(pen, (x - 96, x + 96), (210, 300), z, _GLASS)
        face(pen, (x - 132, x + 132), (52, 94), z, (52, 54, 58))
        for lamp in (-124, 92):
            face(pen, (x + lamp, x + lamp + 32), (60, 86), z, (178, 30, 26))
        self._write(pen, self.plate, (x, 72), 24, (250, 250, 240))

    def _write(
        self,
        pen: ImageDraw.ImageDraw,
        text: str,
        at: tuple[float, float],
        size: float,
        colour: Colour,
        *,
        z: float | None = None,
    ) -> None:
        distance = z or self.z
        pixels = round(size / distance)
        if pixels >= 6:
            place = project(at[0], at[1], distance)
            pen.text(place, text, fill=colour, font=font(pixels), anchor="mm")


@lru_cache(maxsize=64)
def font(pixels: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, so that every machine draws the same."""
    return ImageFont.load_default(pixels)


def trucks(
    lanes: tuple[float, ...], seconds: float, *, coming: bool, busy: float, seed: str
) -> list[Truck]:
    """The trucks at a moment (seconds since 1970), the farthest first; `busy` is 0..1."""
    found = []
    for number, lane in enumerate(lanes):
        period = 110 + 23 * number
        turn = seconds / period + number * 0.37
        for back in (0, 1):
            identity = math.floor(turn) - back
            chance = random.Random(f"{seed}/truck/{number}/{identity}")
            if chance.random() < busy:
                z = _distance(turn - identity, _COMING if coming else _LEAVING)
                found.append(_truck(lane, z, coming=coming, chance=chance))
    return sorted(found, key=lambda truck: -truck.z)


def draw_arm(pen: ImageDraw.ImageDraw, lane: float, queue: list[Truck]) -> None:
    """The barrier of a lane: up while a truck passes under it."""
    passing = any(
        abs(truck.lane - lane) < LANE / 2 and GATE - 1.9 < truck.z < GATE + 0.3 for truck in queue
    )
    angle = math.radians(76 if passing else 2)
    hinge, length, pieces = (lane - LANE / 2 + 46, 120.0), 325.0, 8
    for piece in range(pieces):
        ends = [
            project(
                hinge[0] + math.cos(angle) * length * step / pieces,
                hinge[1] + math.sin(angle) * length * step / pieces,
                GATE - 0.25,
            )
            for step in (piece, piece + 1)
        ]
        pen.line(ends, fill=(236, 236, 232) if piece % 2 else (206, 34, 30), width=5)


def _distance(share: float, way: tuple[tuple[float, float], ...]) -> float:
    for (start, here), (end, there) in itertools.pairwise(way):
        if share <= end:
            # Evenly in 1/z: that is how it looks when something drives evenly at the camera's pace.
            part = (share - start) / (end - start)
            return 1 / (1 / here + (1 / there - 1 / here) * part)
    return way[-1][1]


def _truck(lane: float, z: float, *, coming: bool, chance: random.Random) -> Truck:
    owner, serial = chance.choice(_OWNERS), chance.randint(100_000, 999_999)
    letters = "".join(chance.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(2))
    return Truck(
        lane=lane + chance.uniform(-14, 14),
        z=z,
        coming=coming,
        cab=chance.choice(_CABS),
        container=chance.choice(CONTAINERS) if chance.random() < 0.85 else None,
        plate=f"{chance.randint(1, 9)}{letters}{chance.randint(10_000, 99_999)}",
        number=f"{owner} {serial} {chance.randint(0, 9)}",
    )
