"""PNG files: the smallest of a few quick encodings, about as small as zlib's slowest.

Rows are filtered as the PNG specification suggests (section 12.7: the filter with the least sum of
absolute differences), here for many rows at once, and compressed by libdeflate, which reaches zlib's
level 9 in a fifth of its time. Pictures that compress very well (flat artwork) are cheap for zlib
too: those are made both ways, and the smaller file is kept.
"""

import struct
import zlib
from io import BytesIO

import deflate
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Bytes = NDArray[np.uint8]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {"L": 0, "RGB": 2, "RGBA": 6}
_ROWS = 32  # filtered together: the intermediate arrays stay in the processor's cache
_SMALL_SHARE = 0.1  # of the raw size: below it zlib is quick, and now and then smaller
_DENSEST = (
    8  # libdeflate's level that comes within 1.02 of zlib's 9 on camera frames and photographs
)


def encode(image: Image.Image, compression: int) -> bytes:
    """An RGB, RGBA or L picture as PNG, pixels only.

    Args:
        image: the picture; its `info` is not written.
        compression: 0 (none) to 9, as zlib counts; 9 is meant to be no larger than 1.02 x zlib's.
    """
    pixels = np.asarray(image)
    rows = pixels.reshape(image.height, -1)
    channels = rows.shape[1] // image.width
    raw = filtered(rows, channels)
    packed = bytes(deflate.zlib_compress(raw, min(compression, _DENSEST)))
    ours = _file(image, packed)
    if compression > 0 and len(packed) < _SMALL_SHARE * len(raw):
        return min(ours, _by_pillow(image, compression), key=len)
    return ours


def filtered(rows: Bytes, channels: int) -> bytes:
    """Every row with the number of its filter before it, as PNG compresses them.

    Args:
        rows: height x (width * channels).
        channels: bytes of a pixel.
    """
    height, width = rows.shape
    out = np.empty((height, width + 1), np.uint8)
    above = np.zeros((1, width), np.uint8)
    for start in range(0, height, _ROWS):
        strip = rows[start : start + _ROWS]
        up = np.concatenate((above, strip[:-1]))
        out[start : start + len(strip)] = _filter_strip(strip, up, channels)
        above = strip[-1:]
    return out.tobytes()


def _filter_strip(strip: Bytes, up: Bytes, channels: int) -> Bytes:
    left, corner = _shifted(strip, channels), _shifted(up, channels)
    candidates = np.stack(
        (
            strip,
            strip - left,
            strip - up,
            strip - _average(left, up),
            strip - _paeth(left, up, corner),
        )
    )
    # A difference of 255 is one of -1: both count 1.
    costs = np.minimum(candidates, -candidates).sum(axis=2, dtype=np.uint32)
    best = costs.argmin(axis=0)
    chosen = candidates[best, np.arange(len(strip))]
    return np.concatenate((best[:, None].astype(np.uint8), chosen), axis=1)


def _shifted(rows: Bytes, channels: int) -> Bytes:
    """The pixel before each; nothing before the first."""
    shifted = np.zeros_like(rows)
    shifted[:, channels:] = rows[:, :-channels]
    return shifted


def _average(left: Bytes, up: Bytes) -> Bytes:
    # Halving without a wider type: what both share, and half of where they differ.
    return (left & up) + ((left ^ up) >> 1)


def _paeth(left: Bytes, up: Bytes, corner: Bytes) -> Bytes:
    """The neighbour nearest to left + up - corner; ties go to left, then up (specification 9.4)."""
    wide_left, wide_up, wide_corner = (side.astype(np.int16) for side in (left, up, corner))
    from_left, from_up = np.abs(wide_up - wide_corner), np.abs(wide_left - wide_corner)
    from_corner = np.abs(wide_left + wide_up - 2 * wide_corner)
    nearest = np.where(from_up <= from_corner, up, corner)
    return np.where((from_left <= from_up) & (from_left <= from_corner), left, nearest)


def _file(image: Image.Image, packed: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", *image.size, 8, _COLOUR_TYPES[image.mode], 0, 0, 0)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def _by_pillow(image: Image.Image, compression: int) -> bytes:
    bare = image.copy()
    bare.info = {}
    out = BytesIO()
    bare.save(out, "PNG", compress_level=compression)
    return out.getvalue()
