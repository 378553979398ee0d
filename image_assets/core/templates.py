"""Templates of mockups: a picture, and the areas of it on which a design is shown."""

import math
from dataclasses import dataclass
from itertools import pairwise

from image_assets.core.recipes import Blend, Fit, Size

Point = tuple[float, float]
Corners = tuple[Point, Point, Point, Point]
"""Top left, top right, bottom right and bottom left of a design, in pixels of the template."""

FITS = (Fit.CONTAIN, Fit.COVER, Fit.STRETCH)
"""How a design meets an area of another shape."""

MOST_AREAS = 20

_LEAST_PIXELS = 16.0
# Of an area's size: a corner that cuts off less lies on the line between its neighbours.
_LEAST_CORNER = 0.002


@dataclass(frozen=True, slots=True)
class Area:
    """A quadrilateral of the template on which the design lies in perspective.

    Args:
        corners: clockwise from where the design's top left comes to lie; they bound a convex area.
        fit: contain (the whole design, centred), cover (fills the area, what stands over is cut
            evenly) or stretch.
        aspect: width by height of the flat area before the camera saw it at an angle; unset, that of
            its mean edges.
        blend: how the design meets what is below.
        opacity: 0..1.

    Raises:
        ValueError: no picture could lie there, or a value is out of its range.
    """

    corners: Corners
    fit: Fit = Fit.CONTAIN
    aspect: float | None = None
    blend: Blend = Blend.NORMAL
    opacity: float = 1.0

    def __post_init__(self) -> None:
        if self.fit not in FITS:
            raise ValueError(f"a design meets an area by {', '.join(FITS)}, not {self.fit}")
        if not 0 < self.opacity <= 1:
            raise ValueError(f"opacity is above 0 and at most 1, not {self.opacity:g}")
        if self.aspect is not None and not 0.01 <= self.aspect <= 100:
            raise ValueError(f"aspect is 0.01 to 100, not {self.aspect:g}")
        _check(self.corners)

    @property
    def shape(self) -> float:
        """Width by height of the flat area."""
        if self.aspect is not None:
            return self.aspect
        top, right, bottom, left = edges(self.corners)
        return (top + bottom) / (left + right)


@dataclass(frozen=True, slots=True)
class Template:
    """A mockup's picture and areas.

    Args:
        name: what people call it; part of paths.
        image: the picture's file.
        areas: at least one; later ones lie above.
        shade: a gray picture of the same size, multiplied with the design where it lies: white leaves
            it as it is, folds and shadows are darker.
    """

    name: str
    image: str
    areas: tuple[Area, ...]
    shade: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.areas) <= MOST_AREAS:
            raise ValueError(f"a template has 1 to {MOST_AREAS} areas, not {len(self.areas)}")


def edges(corners: Corners) -> tuple[float, float, float, float]:
    """Pixels of the edges: top, right, bottom, left."""
    top, right, bottom, left = (math.dist(a, b) for a, b in pairwise((*corners, corners[0])))
    return top, right, bottom, left


def check_within(area: Area, size: Size) -> None:
    """See that some of the area is on a picture of that size.

    Raises:
        ValueError: it lies beside it, or reaches absurdly far beyond.
    """
    across, down = ([point[axis] for point in area.corners] for axis in (0, 1))
    outside = max(across) <= 0 or max(down) <= 0 or min(across) >= size[0] or min(down) >= size[1]
    if outside:
        raise ValueError(f"its corners are all beside the picture, which is {size[0]}x{size[1]}")
    if max(map(abs, (*across, *down))) > 10 * max(size):
        raise ValueError(f"a corner is far beyond the picture, which is {size[0]}x{size[1]}")


def _check(corners: Corners) -> None:
    if not all(math.isfinite(value) for point in corners for value in point):
        raise ValueError("corners are pairs of numbers")
    # Twice the area of the triangle at each corner: all positive where they turn clockwise (y is down).
    turns = [_turn(corners[n - 1], corners[n], corners[(n + 1) % 4]) for n in range(4)]
    whole = abs(_turn(corners[0], corners[1], corners[2])) + abs(
        _turn(corners[0], corners[2], corners[3])
    )
    if whole / 2 < _LEAST_PIXELS:
        raise ValueError("its corners bound no area to speak of")
    if max(turns) <= 0:
        raise ValueError("its corners run anticlockwise: the design would be mirrored")
    if min(map(abs, turns)) < _LEAST_CORNER * whole:
        raise ValueError("three of its corners lie on one line")
    if min(turns) < 0:
        raise ValueError("its corners bound no convex area: two edges cross, or a corner points in")


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])
