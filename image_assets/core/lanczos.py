"""Pillow's Lanczos resize of 8-bit gray, to several sizes at once.

It gives the pixels of Pillow 13 exactly: the same fixed-point weights (22 bits, `Resample.c`), the
same rounding between the two passes, the same order of them. The products are integers below 2**53
in float64, so a matrix product is exact in whatever order a machine sums it, and the result stays
what it is when Pillow changes.
"""

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Size = tuple[int, int]

_SUPPORT = 3.0
_ONE = float(1 << 22)
_BLOCKS = 4  # blocks of a row: an output pixel depends on a few of them, not on the whole row
_CHUNK = 1 << 19  # pixels taken to float64 at a time


class _Block(NamedTuple):
    """What the input pixels `start` to `stop` of a row add to the output pixels `targets`."""

    start: int
    stop: int
    targets: NDArray[np.intp]
    weights: Floats


def resized(gray: Bytes, *sizes: Size) -> list[Bytes]:
    """`gray` (height x width) in each of `sizes`, given as Pillow gives them: width, height."""
    upright = [size for size in sizes if _across_first(gray, size)]
    lying = [size for size in sizes if size not in upright]
    found = dict(zip(upright, _both_passes(gray, upright), strict=True))
    turned = _both_passes(gray.T, [(height, width) for width, height in lying])
    found.update(zip(lying, (pixels.T for pixels in turned), strict=True))
    return [found[size] for size in sizes]


def _across_first(gray: Bytes, size: Size) -> bool:
    """Pillow 13 starts downwards where the height loses more than twice what the width loses."""
    height, width = gray.shape
    lost = int(height) - size[1]
    return lost <= max(0, 2 * (int(width) - size[0]))


def _both_passes(gray: Bytes, sizes: list[Size]) -> list[Bytes]:
    if not sizes:
        return []
    widths = tuple(width for width, _ in sizes)
    columns = np.split(_narrowed(gray, widths), np.cumsum(widths)[:-1], axis=1)
    return [
        _rounded(_weights(gray.shape[0], height) @ narrow.astype(np.float64))
        for narrow, (_, height) in zip(columns, sizes, strict=True)
    ]


def _narrowed(gray: Bytes, widths: tuple[int, ...]) -> Bytes:
    """Every row resized to each of `widths`, side by side."""
    height, width = gray.shape
    out = np.empty((height, sum(widths)), dtype=np.uint8)
    step = max(1, _CHUNK // width)
    for top in range(0, height, step):
        rows = gray[top : top + step]
        sums = np.zeros((rows.shape[0], out.shape[1]))
        for block in _blocks(width, widths):
            part = rows[:, block.start : block.stop].astype(np.float64)
            sums[:, block.targets] += part @ block.weights
        out[top : top + step] = _rounded(sums)
    return out


def _rounded(sums: Floats) -> Bytes:
    return np.clip(np.floor((sums + _ONE / 2) / _ONE), 0, 255).astype(np.uint8)


# A camera's pictures share a size. Few are kept: weights take 64 x length x 8 bytes.
@lru_cache(maxsize=4)
def _blocks(length: int, widths: tuple[int, ...]) -> tuple[_Block, ...]:
    weights = np.concatenate([_weights(length, width) for width in widths]).T
    edges = np.linspace(0, length, min(_BLOCKS, length) + 1).astype(int)
    blocks = []
    for start, stop in pairwise(edges.tolist()):
        targets = np.flatnonzero(weights[start:stop].any(axis=0))
        part = np.ascontiguousarray(weights[start:stop, targets])
        blocks.append(_Block(start, stop, targets, part))
    return tuple(blocks)


@lru_cache(maxsize=8)
def _weights(length: int, size: int) -> Floats:
    """Pillow's weights for resizing `length` pixels to `size`, as a matrix size x length."""
    scale = length / size
    stretch = max(scale, 1.0)
    centres = (np.arange(size) + 0.5) * scale
    first = np.maximum((centres - _SUPPORT * stretch + 0.5).astype(int), 0)
    last = np.minimum((centres + _SUPPORT * stretch + 0.5).astype(int), length)
    pixels = first[:, None] + np.arange(int((last - first).max()))
    raw = _lanczos((pixels - centres[:, None] + 0.5) / stretch)
    raw[pixels >= last[:, None]] = 0.0
    shares = raw / raw.sum(axis=1, keepdims=True)
    fixed = np.trunc(shares * _ONE + np.copysign(0.5, shares))
    weights = np.zeros((size, length))
    row, column = np.nonzero(pixels < last[:, None])
    weights[row, pixels[row, column]] = fixed[row, column]
    return weights


def _lanczos(x: Floats) -> Floats:
    return np.where(np.abs(x) < _SUPPORT, np.sinc(x) * np.sinc(x / _SUPPORT), 0.0)
