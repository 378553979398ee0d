"""PNG files, about as small as zlib makes them at its slowest, in a fraction of its time.

Rows are filtered strip by strip (`core/filters.py`) and compressed by libdeflate: at a quick level
where little is to be gained, as in grainy photographs, at a dense one in flat artwork. What compresses so
well that headers count is cheap for zlib too: it is made both ways, and the smaller file is kept.
"""

import struct
import zlib
from io import BytesIO

import deflate
import numpy as np
from PIL import Image

from image_assets.core.filters import filtered

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {"L": 0, "RGB": 2, "RGBA": 6}

# libdeflate's levels: the first leaves grain as small as zlib's 9 does, for it matches nothing. What a
# sample comes to, or would come to beside that, tells where a higher one makes a difference.
_GRAINY, _SMOOTH, _FLAT = 1, 6, 8
_FLAT_SHARE = 0.3  # of its raw size
_SMOOTH_SHARE = 0.5
_SMOOTH_SAVES = 0.045
_TINY = 0.01


def encode(image: Image.Image, compression: int) -> bytes:
    """An RGB, RGBA or L picture as PNG, pixels only.

    Args:
        image: the picture; its `info` is not written.
        compression: 0 (none) to 9, as zlib counts; 9 is meant to be no larger than 1.02 x zlib's.
    """
    pixels = np.asarray(image)
    rows = pixels.reshape(image.height, -1)
    made = filtered(rows, rows.shape[1] // image.width)
    level = min(compression + 1, _worthwhile(made.sample)) if compression else 0
    packed = bytes(deflate.zlib_compress(made.rows.tobytes(), level))
    ours = _file(image, packed)
    if compression > 0 and len(packed) < _TINY * made.rows.size:
        return min(ours, _by_pillow(image, compression), key=len)
    return ours


def _worthwhile(sample: bytes) -> int:
    """The level beyond which more time makes no difference to speak of."""
    quick = len(deflate.zlib_compress(sample, _GRAINY))
    if quick < _FLAT_SHARE * len(sample):
        return _FLAT
    longer = len(deflate.zlib_compress(sample, _SMOOTH))
    is_smooth = quick < _SMOOTH_SHARE * len(sample) or longer < (1 - _SMOOTH_SAVES) * quick
    return _SMOOTH if is_smooth else _GRAINY


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
