"""How much two pictures differ, once what sizes and encoders do to one picture is taken away.

What is left is in levels (0 to 255) of a colour channel on white or on black, at 32x32 pixels.
"""

from dataclasses import dataclass

import numpy as np

from image_assets.core.averages import Floats
from image_assets.core.fingerprint import CELLS, SMALL, Fingerprint

MOST_SHIFT = 0.75
"""Pixels of 32 that two sizes of one picture may lie apart: a pixel of a picture of some 40."""

_MOST_GRAIN = 3.0  # levels: what JPEG of a low quality leaves at 32x32; more is not noise
_GRAINS = 4.0  # so many times the middle noise is the largest of a thousand pixels
_REJECT = 96  # levels that shifts by `MOST_SHIFT` both ways can make of none in a cell


@dataclass(frozen=True, slots=True)
class Difference:
    """What sets two pictures apart, in levels, the largest of all places, channels and grounds.

    `colour` is between means of 8x8 cells, and tells coloured versions of one drawing apart. `detail`
    is by how much a pixel is outside all that its surroundings in the other picture hold, less what
    is noise of an encoder; it tells apart what differs in one small place: a skin, a word, a year.
    """

    colour: float
    detail: float


def difference(a: Fingerprint, b: Fingerprint) -> Difference:
    """The difference of two pictures; the same whichever comes first.

    Two published sizes of one picture often sit on grids that are half a pixel apart, so both are
    moved to the middle between them first (one step of Lucas and Kanade, at most `MOST_SHIFT`).
    """
    one, other = _aligned(_weighed(a), _weighed(b))
    one, other = _on_both_grounds(one), _on_both_grounds(other)
    apart = one - other
    cells = apart.reshape(CELLS, SMALL // CELLS, CELLS, SMALL // CELLS, -1).mean(axis=(1, 3))
    outside = max(_outside(one, other), _outside(other, one))
    detail = outside - _GRAINS * min(_grain(apart), _MOST_GRAIN)
    return Difference(float(np.abs(cells).max()), max(0.0, detail))


def may_be_within(a: Fingerprint, b: Fingerprint, colour: float) -> bool:
    """False where `difference(a, b).colour` is at least `colour` by far; costs next to nothing."""
    one, other = (np.frombuffer(look.cells, np.uint8).astype(np.int16) for look in (a, b))
    return bool(np.abs(one - other).max() < colour + _REJECT)


def _weighed(look: Fingerprint) -> Floats:
    """32x32 pixels of red, green and blue on black, and opacity."""
    white = np.frombuffer(look.small, np.uint8).reshape(SMALL, SMALL, 3).astype(np.float64)
    alpha = np.frombuffer(look.alpha, np.uint8).reshape(SMALL, SMALL, 1).astype(np.float64)
    return np.concatenate([np.maximum(white - (255.0 - alpha), 0.0), alpha], axis=2)


def _on_both_grounds(weighed: Floats) -> Floats:
    """Six channels: on white and on black."""
    black, alpha = weighed[..., :3], weighed[..., 3:]
    return np.concatenate([black + (255.0 - alpha), black], axis=2)


def _aligned(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Both moved by half of what best makes one of the other."""
    down, across = _shift(a, b) / 2
    return _moved(a, -down, -across), _moved(b, down, across)


def _shift(a: Floats, b: Floats) -> Floats:
    """By how many pixels (down, across) `b` looks at another place of the picture than `a`."""
    slopes = np.stack([g.ravel() for g in np.gradient((a + b) / 2, axis=(0, 1))])
    square = slopes @ slopes.T
    # A picture without slopes in one direction says nothing of shifts in it: then there is none.
    square += np.eye(2) * (1e-3 * np.trace(square) + 1e-9)
    found = np.linalg.solve(square, slopes @ (b - a).ravel())
    return np.clip(found, -MOST_SHIFT, MOST_SHIFT)


def _moved(picture: Floats, down: float, across: float) -> Floats:
    """The picture moved by less than a pixel each way, its edges repeated."""
    edged = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows = _between(edged[:-2], edged[1:-1], edged[2:], down)
    return _between(rows[:, :-2], rows[:, 1:-1], rows[:, 2:], across)


def _between(before: Floats, here: Floats, after: Floats, by: float) -> Floats:
    neighbour = before if by > 0 else after
    return here + abs(by) * (neighbour - here)


def _outside(picture: Floats, other: Floats) -> float:
    """The most by which a pixel leaves the range of 3x3 pixels around its place in the other."""
    least, most = _reduced(np.minimum, other), _reduced(np.maximum, other)
    return float(np.maximum(least - picture, picture - most).max(initial=0.0))


def _reduced(function: np.ufunc, picture: Floats) -> Floats:
    """A function (minimum, maximum, add) over 3x3 pixels around each, edges repeated."""
    edged = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows = function(function(edged[:-2], edged[1:-1]), edged[2:])
    reduced: Floats = function(function(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
    return reduced


def _grain(apart: Floats) -> float:
    """The middle of what is left of a difference when its smooth part is taken away: noise.

    Another colour of an area is smooth, another drawing is in few places: neither moves it.
    """
    rough = np.abs(apart - _reduced(np.add, apart) / 9)
    return float(np.median(rough.max(axis=2)))
