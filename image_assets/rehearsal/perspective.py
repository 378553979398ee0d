"""The drawn camera: how a place at the gate becomes a place in the picture."""

from collections.abc import Sequence

from PIL import ImageDraw

WIDTH, HEIGHT = 1200, 675  # pixels, as the real cameras have it
HORIZON = 190
EYE = 520  # height of the camera above the ground

Colour = tuple[int, int, int]
Point = tuple[float, float]


def project(x: float, y: float, z: float) -> Point:
    """The pixel of a place `x` to the right, `y` above the ground and `z` away.

    `x` and `y` are in pixels at distance 1, about 115 to the metre; `z` of 1 is about 8 metres.
    """
    return WIDTH / 2 + x / z, HORIZON + (EYE - y) / z


def face(
    pen: ImageDraw.ImageDraw,
    x: tuple[float, float],
    y: tuple[float, float],
    z: float,
    colour: Colour,
) -> None:
    """A rectangle that faces the camera at distance `z`."""
    (left, top), (right, bottom) = project(x[0], y[1], z), project(x[1], y[0], z)
    if right - left >= 1 and bottom - top >= 1:
        pen.rectangle((left, top, right - 1, bottom - 1), fill=colour)


def ground(
    pen: ImageDraw.ImageDraw, x: tuple[float, float], z: tuple[float, float], colour: Colour
) -> None:
    """A strip of ground from distance `z[0]` to `z[1]`."""
    near, far = z
    corners = ((x[0], near), (x[0], far), (x[1], far), (x[1], near))
    pen.polygon([project(side, 0, distance) for side, distance in corners], fill=colour)


def box(
    pen: ImageDraw.ImageDraw,
    x: tuple[float, float],
    y: tuple[float, float],
    z: tuple[float, float],
    colour: Colour,
) -> None:
    """A box: its top, the side that is turned to the camera, its near face."""
    near, far = z
    top = [(x[0], y[1], near), (x[0], y[1], far), (x[1], y[1], far), (x[1], y[1], near)]
    _polygon(pen, top, shade(colour, 1.2))
    for side, visible in ((x[0], x[0] > 0), (x[1], x[1] < 0)):
        if visible:
            flank = [(side, y[0], near), (side, y[0], far), (side, y[1], far), (side, y[1], near)]
            _polygon(pen, flank, shade(colour, 0.62))
    face(pen, x, y, near, colour)


def shade(colour: Colour, factor: float) -> Colour:
    """A colour made darker or lighter."""
    red, green, blue = (max(0, min(255, round(channel * factor))) for channel in colour)
    return red, green, blue


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """A colour between two; `share` of the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _polygon(
    pen: ImageDraw.ImageDraw, corners: Sequence[tuple[float, float, float]], colour: Colour
) -> None:
    pen.polygon([project(*corner) for corner in corners], fill=colour)
