"""Pictures averaged down: by whole pixels first, which is cheap, then by triangles to any size.

A triangle weighs pixels by their distance, over twice the width of a target pixel: unlike boxes it
does not jump where the grids of two sizes of one picture fall differently, unlike Lanczos it does
not ring, so flat areas stay flat.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_AMPLE = 128
"""Pixels a side that are kept at least (of pictures that have them): twice what hashes look at."""


def factors(size: tuple[int, int]) -> tuple[int, int]:
    """By how many pixels across and down `Image.reduce` may average a picture of this size."""
    width, height = (max(1, side // _AMPLE) for side in size)
    return width, height


def scaled(reduced: Floats, size: tuple[int, int], width: int, height: int) -> Floats:
    """A reduced picture (height x width, or with channels) at another size.

    Args:
        reduced: a picture of `size` after `Image.reduce(factors(size))`, whose last pixels may
            stand for fewer than the others.
        size: of the picture before, width and height.
        width: of the result.
        height: of the result.
    """
    across, down = factors(size)
    rows = _weights(size[1] / down, height)
    columns = _weights(size[0] / across, width)
    flat = rows @ reduced.reshape(reduced.shape[0], -1)
    if reduced.ndim == 2:
        return flat @ columns.T
    return columns @ flat.reshape(height, reduced.shape[1], reduced.shape[2])


# A camera's pictures share a size. At most 255 x 64 weights each.
@lru_cache(maxsize=32)
def _weights(length: float, size: int) -> Floats:
    """The weights of `length` pixels, the last perhaps a part of one, in each of `size` pixels."""
    reach = max(length / size, 1.0)
    centres = (np.arange(size) + 0.5) * length / size
    pixels = np.arange(np.ceil(length))
    ends = np.minimum(pixels + 1, length)
    away = np.abs((pixels + ends) / 2 - centres[:, None])
    weights: Floats = np.maximum(0.0, 1 - away / reach) * (ends - pixels)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights
