"""Designs seen in perspective, by OpenCV: shrunk before they are sampled, and sampled twice a pixel.

`warpPerspective` alone takes one bilinear sample wherever the picture is small, and skips what lies
between: fine lines flicker, edges are stairs. Here the design is halved first until it is less than
three times too large, and the mean of two samples a quarter of a pixel off the middle is taken, in about the time
that the single samples of the whole picture take (benchmarks/mockups). Alpha is premultiplied
throughout: what is transparent has no colour that could bleed.
"""

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from image_assets.core.recipes import Fit, Size
from image_assets.core.templates import Area, Corners, edges

Floats = NDArray[np.float64]
Box = tuple[int, int, int, int]

_SPARE = math.sqrt(2)
_OFFSETS = (-0.25, 0.25)


def warped(design: Image.Image, area: Area, size: Size) -> tuple[Image.Image, Box]:
    """The design as it lies in an area of a picture of that size.

    Args:
        design: RGB or RGBA.
        area: where it comes to lie; some of it is on the picture.
        size: of the picture, pixels.

    Returns:
        RGBA of what is on the picture, and where: left, top, right, bottom.
    """
    part, onto = placed(design.size, area)
    box = _bounds(onto, size)
    shown = design if part == (0, 0, *design.size) else design.crop(part)
    pixels = _brought_near(_premultiplied(shown), onto, most=2 * max(size))
    lies = _homography((pixels.shape[1], pixels.shape[0]), onto)
    seen = [_sampled(pixels, lies, box, offset) for offset in _OFFSETS]
    mean = _cv2().addWeighted(seen[0], 0.5, seen[1], 0.5, 0)
    across, down = box[2] - box[0], box[3] - box[1]
    return Image.frombuffer("RGBa", (across, down), mean.tobytes()).convert("RGBA"), box


def placed(size: Size, area: Area) -> tuple[Box, Corners]:
    """Which part of a design of that size is shown in an area, and where its corners come to lie."""
    shape = size[0] / size[1] / area.shape  # of the design, in units of the area's
    whole = (0, 0, *size)
    if area.fit is Fit.STRETCH or math.isclose(shape, 1, rel_tol=1e-3):
        return whole, area.corners
    if area.fit is Fit.COVER:
        return _middle(size, shape), area.corners
    across, down = min(1.0, shape), min(1.0, 1 / shape)
    left, top = (1 - across) / 2, (1 - down) / 2
    corners = [(left, top), (left + across, top), (left + across, top + down), (left, top + down)]
    seen = _homography((1, 1), area.corners) @ np.array([[x, y, 1.0] for x, y in corners]).T
    x, y = (seen[:2] / seen[2]).tolist()
    return whole, ((x[0], y[0]), (x[1], y[1]), (x[2], y[2]), (x[3], y[3]))


def _middle(size: Size, shape: float) -> Box:
    """The middle part of a picture of that size that has the area's shape."""
    width, height = size
    across, down = max(1, round(width / max(shape, 1))), max(1, round(height * min(shape, 1)))
    left, top = (width - across) // 2, (height - down) // 2
    return left, top, left + across, top + down


def _homography(size: Size, corners: Corners) -> Floats:
    """The 3x3 matrix that takes the corners of a picture of that size to these."""
    width, height = size
    equations, wanted = [], []
    for (u, v), (x, y) in zip(
        ((0, 0), (width, 0), (width, height), (0, height)), corners, strict=True
    ):
        equations += [[u, v, 1, 0, 0, 0, -u * x, -v * x], [0, 0, 0, u, v, 1, -u * y, -v * y]]
        wanted += [x, y]
    found = np.linalg.solve(np.array(equations, float), np.array(wanted, float))
    return np.append(found, 1.0).reshape(3, 3)


def _bounds(corners: Corners, size: Size) -> Box:
    """The pixels that the corners bound, and one around them for the edge; on the picture."""
    across, down = ([point[axis] for point in corners] for axis in (0, 1))
    left, top = max(0, math.floor(min(across)) - 1), max(0, math.floor(min(down)) - 1)
    right, bottom = (
        min(size[0], math.ceil(max(across)) + 1),
        min(size[1], math.ceil(max(down)) + 1),
    )
    return left, top, max(left + 1, right), max(top + 1, bottom)


def _premultiplied(design: Image.Image) -> Any:
    cv2 = _cv2()
    pixels = np.asarray(design)
    if design.mode == "RGB":
        return cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA)
    return cv2.cvtColor(pixels, cv2.COLOR_RGBA2mRGBA)


def _brought_near(pixels: Any, onto: Corners, *, most: int) -> Any:
    """The picture from one to less than three times as large as it is seen: halved as often as that
    takes, each way by itself, or enlarged (to no more than `most` pixels).
    """
    cv2 = _cv2()
    while True:
        size = pixels.shape[1], pixels.shape[0]
        halves = [
            ratio >= 2 * _SPARE and side > 1
            for ratio, side in zip(_ratios(pixels, onto), size, strict=True)
        ]
        if not any(halves):
            break
        less = [side // 2 if half else side for side, half in zip(size, halves, strict=True)]
        pixels = cv2.resize(pixels, less, interpolation=cv2.INTER_AREA)
    larger = [
        max(side, min(most, math.ceil(side / ratio)))
        for side, ratio in zip(size, _ratios(pixels, onto), strict=True)
    ]
    # Enlarged as it is sampled, its edges would fade over as many pixels as one of its own covers.
    return (
        pixels if larger == [*size] else cv2.resize(pixels, larger, interpolation=cv2.INTER_CUBIC)
    )


def _ratios(pixels: Any, onto: Corners) -> tuple[float, float]:
    """How many times larger than it is seen a picture is, across and down, where it is seen largest."""
    top, right, bottom, left = edges(onto)
    return pixels.shape[1] / max(top, bottom), pixels.shape[0] / max(right, left)


def _sampled(pixels: Any, lies: Floats, box: Box, offset: float) -> Any:
    """One sample for each pixel of the box, so far beside its middle."""
    cv2 = _cv2()
    # OpenCV counts from the middle of pixels, corners are of their edges.
    moved = _shift(-box[0] - 0.5 - offset, -box[1] - 0.5 - offset) @ lies @ _shift(0.5, 0.5)
    size = box[2] - box[0], box[3] - box[1]
    return cv2.warpPerspective(pixels, moved, size, flags=cv2.INTER_LINEAR)


def _shift(x: float, y: float) -> Floats:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


@cache
def _cv2() -> Any:
    """OpenCV, loaded when the first mockup is made: seventy megabytes that no other picture needs."""
    import cv2

    cv2.setNumThreads(1)  # the pool decides how many cores are used
    return cv2
