"""The five filters of PNG (specification, section 9) for many rows at once, and which suits a strip.

The specification proposes the filter with the least sum of differences, row by row. Here it is the
one whose sample is smallest once it is compressed: dearer to ask, so it is asked for a strip of rows
at a time, and right where the proposal is wrong, in flat artwork and in noise.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import deflate
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Filter = Callable[[Bytes, Bytes, int], Bytes]
"""From rows, the rows above them and the bytes of a pixel to the filtered rows."""

_STRIPS = 24
_LEAST_ROWS = 16
_SAMPLE_ROWS = 3
_PAETH = 4
_PAETH_COSTS = 1.01
_CHANGE_SAVES = 0.99
_CACHED_ROWS = 32  # done together: the intermediate arrays stay in the processor's cache


@dataclass(frozen=True, slots=True)
class Filtered:
    """Every row with the number of its filter before it, and rows from all over it, filtered too."""

    rows: Bytes
    sample: bytes


def filtered(rows: Bytes, channels: int) -> Filtered:
    """Rows as PNG compresses them.

    Args:
        rows: height x (width * channels).
        channels: bytes of a pixel.
    """
    height, width = rows.shape
    out = np.empty((height, width + 1), np.uint8)
    strips = list(_strips(height))
    tries = [_tried(rows, strip, channels) for strip in strips]
    usual = min(_FILTERS, key=lambda number: sum(tried[number][0] for tried in tries))
    samples = []
    for (start, end), tried in zip(strips, tries, strict=True):
        best = min(tried, key=lambda number: tried[number][0])
        # A change of filter is itself something that nothing before it is like.
        if tried[best][0] > _CHANGE_SAVES * tried[usual][0]:
            best = usual
        out[start:end, 0] = best
        out[start:end, 1:] = _apply(best, rows[start:end], _above(rows, start, end), channels)
        samples.append(tried[best][1])
    return Filtered(out, b"".join(samples))


def _strips(height: int) -> Iterator[tuple[int, int]]:
    rows = max(_LEAST_ROWS, -(-height // _STRIPS))
    for start in range(0, height, rows):
        yield start, min(start + rows, height)


def _above(rows: Bytes, start: int, end: int) -> Bytes:
    if start > 0:
        return rows[start - 1 : end - 1]
    return np.concatenate((np.zeros_like(rows[:1]), rows[: end - 1]))


def _tried(rows: Bytes, strip: tuple[int, int], channels: int) -> dict[int, tuple[float, bytes]]:
    """What each filter makes of a few rows in the middle of a strip, and the bytes that it costs.

    Paeth's takes five times as long as the others, and must save more.
    """
    start = (strip[0] + strip[1]) // 2
    end = min(start + _SAMPLE_ROWS, strip[1])
    sample, above = rows[start:end], _above(rows, start, end)
    tried = {}
    for number, apply in _FILTERS.items():
        made = apply(sample, above, channels).tobytes()
        price = _PAETH_COSTS if number == _PAETH else 1.0
        tried[number] = len(deflate.zlib_compress(made, 1)) * price, made
    return tried


def _apply(number: int, rows: Bytes, above: Bytes, channels: int) -> Bytes:
    if number != _PAETH:
        return _FILTERS[number](rows, above, channels)
    parts = (slice(n, n + _CACHED_ROWS) for n in range(0, len(rows), _CACHED_ROWS))
    return np.concatenate([_paeth(rows[part], above[part], channels) for part in parts])


def _none(rows: Bytes, above: Bytes, channels: int) -> Bytes:
    return rows


def _sub(rows: Bytes, above: Bytes, channels: int) -> Bytes:
    return rows - _left(rows, channels)


def _up(rows: Bytes, above: Bytes, channels: int) -> Bytes:
    return rows - above


def _average(rows: Bytes, above: Bytes, channels: int) -> Bytes:
    left = _left(rows, channels)
    # Halving without a wider type: what both share, and half of where they differ.
    return rows - ((left & above) + ((left ^ above) >> 1))


def _paeth(rows: Bytes, above: Bytes, channels: int) -> Bytes:
    """The neighbour nearest to left + above - corner; ties go to left, then above (section 9.4)."""
    left, corner = _left(rows, channels), _left(above, channels)
    from_left = np.maximum(above, corner) - np.minimum(above, corner)
    from_above = np.maximum(left, corner) - np.minimum(left, corner)
    wide = left.astype(np.int16)
    wide += above
    wide -= corner
    wide -= corner
    from_corner = np.abs(wide)
    nearest = np.where(from_above <= from_corner, above, corner)
    is_left = (from_left <= from_above) & (from_left <= from_corner)
    return rows - np.where(is_left, left, nearest)


def _left(rows: Bytes, channels: int) -> Bytes:
    """The pixel before each; nothing before the first."""
    shifted = np.empty_like(rows)
    shifted[:, :channels] = 0
    shifted[:, channels:] = rows[:, :-channels]
    return shifted


_FILTERS: Mapping[int, Filter] = {0: _none, 1: _sub, 2: _up, 3: _average, _PAETH: _paeth}
