"""What a picture looks like, in a few kilobytes, under a version that names the recipe."""

import hashlib
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from image_assets.core import lanczos
from image_assets.core.colour import BLACK, WHITE, flatten

VERSION = "1"
"""Changes whenever any figure of a fingerprint could; versions are never compared with each other."""

FLAT_SCORE = 0.85
"""Pictures below this score are flat: their hashes move with every encoder."""

_HASH = 16  # bits in each direction
_DCT = 64  # pHash looks at 64 x 64 pixels, as imagehash does (hash_size x highfreq_factor)
_SMALL = 32
_CELLS = 8
_STRIP_PIXELS = 1 << 19
_LONGEST = 1 << 14  # longer sides would need weights without bound
_SURE = 64.0  # what noise of half a gray level does to a coefficient (its standard deviation)

_COSINES = 2 * np.cos(
    np.pi * np.outer(np.arange(_HASH), 2 * np.arange(_DCT) + 1) / (2 * _DCT),
)
_LAYOUT = struct.Struct("<4sB15s32s32s32s32s32s192s3072sd")
_MAGIC = b"IAfp"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The upright sRGB picture in figures; two grounds because ink may be transparent.

    `phash_*` and `dhash_*` are 32 bytes (256 bits), rows first, most significant bit first.
    `cells` is 8x8 mean RGB (192 bytes) and `small` 32x32 RGB (3,072 bytes), both on white.
    `score` is the information in the picture, 0 (flat) to 1: flat pictures abstain from likeness.
    """

    version: str
    pixel_sha256: str
    phash_white: bytes
    dhash_white: bytes
    phash_black: bytes
    dhash_black: bytes
    cells: bytes
    small: bytes
    score: float

    def to_bytes(self) -> bytes:
        """The fingerprint in a fixed layout of 3,452 bytes that begins with its version."""
        version = self.version.encode("ascii")
        return _LAYOUT.pack(
            _MAGIC,
            len(version),
            version,
            bytes.fromhex(self.pixel_sha256),
            self.phash_white,
            self.dhash_white,
            self.phash_black,
            self.dhash_black,
            self.cells,
            self.small,
            self.score,
        )

    @classmethod
    def from_bytes(cls, packed: bytes) -> "Fingerprint":
        """The way back.

        Raises:
            ValueError: these bytes are not a packed fingerprint.
        """
        if len(packed) != _LAYOUT.size or not packed.startswith(_MAGIC):
            raise ValueError(f"{len(packed)} bytes are not a packed fingerprint")
        _, length, version, pixels, *figures = _LAYOUT.unpack(packed)
        return cls(version[:length].decode("ascii"), pixels.hex(), *figures)


def of(image: Image.Image) -> Fingerprint:
    r"""The fingerprint of an upright sRGB picture (`colour.upright`), RGB or RGBA.

    `pixel_sha256` is the SHA-256 of the line `{mode} {width}x{height}\n` and of the pixels, row by
    row, 3 or 4 bytes each. What cannot be seen does not count: colour under alpha 0 is taken as
    black, because optimisers of PNG rewrite it freely and every export would look the same. Alpha
    itself counts, so pictures that agree on every ground but differ in it stay apart.

    `phash_*` and `dhash_*` have the bits of imagehash 4.3.2 (`hash_size=16`) on the picture laid
    on the ground. They can differ only where a coefficient of pHash equals the median to within
    0.001 (symmetric and flat pictures): imagehash leaves that bit to float noise, here it is 0.
    Sides beyond 16,384 pixels are averaged down first.

    The picture is read in strips of rows, so that little more than itself is in memory.
    """
    digest = hashlib.sha256(f"{image.mode} {image.width}x{image.height}\n".encode())
    scale = _Scale.of(image.size)
    white, black, tiles = [], [], []
    for strip in _strips(image, scale):
        digest.update(_visible(strip))
        on_white = flatten(strip, WHITE)
        white.append(_gray(on_white, scale))
        if strip.mode == "RGBA":
            black.append(_gray(flatten(strip, BLACK), scale))
        tiles.append(np.asarray(on_white.reduce(scale.tile)))
    small = _small(np.concatenate(tiles), image.size, scale)
    phash_white, dhash_white, sure = _hashes(np.concatenate(white))
    phash_black, dhash_black, sure_black = (
        _hashes(np.concatenate(black)) if black else (phash_white, dhash_white, sure)
    )
    return Fingerprint(
        version=VERSION,
        pixel_sha256=digest.hexdigest(),
        phash_white=phash_white,
        dhash_white=dhash_white,
        phash_black=phash_black,
        dhash_black=dhash_black,
        cells=_cells(small).tobytes(),
        small=small.tobytes(),
        score=max(sure, sure_black),
    )


class _Scale(NamedTuple):
    """By how much pixels are averaged, across and down, before the hashes and before 32x32.

    All are powers of two, so that strips can be cut between averaged rows.
    """

    gray: tuple[int, int]
    tile: tuple[int, int]

    @classmethod
    def of(cls, size: tuple[int, int]) -> "_Scale":
        width, height = (_power_of_two(side / _LONGEST) for side in size)
        # Half-way to 32x32 by the cheap way; the rest by exact areas.
        tile = _power_of_two(min(size) / (4 * _SMALL))
        return cls((width, height), (max(tile, width), max(tile, height)))


def _power_of_two(least: float) -> int:
    """The smallest power of two that is not below `least`, and at least 1."""
    return 1 if least <= 1 else 1 << math.ceil(math.log2(least))


def _strips(image: Image.Image, scale: _Scale) -> Iterator[Image.Image]:
    """The picture from top to bottom in strips of some 500,000 pixels, cut between averaged rows."""
    step = scale.tile[1]
    rows = max(1, _STRIP_PIXELS // (image.width * step)) * step
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


def _visible(strip: Image.Image) -> bytes:
    """The strip's pixels, colour under alpha 0 as black."""
    if strip.mode == "RGB":
        return strip.tobytes()
    pixels = np.array(strip)
    pixels[pixels[..., 3] == 0] = 0
    return pixels.tobytes()


def _gray(strip: Image.Image, scale: _Scale) -> lanczos.Bytes:
    gray = strip.convert("L")
    return np.asarray(gray if scale.gray == (1, 1) else gray.reduce(scale.gray))


def _hashes(gray: lanczos.Bytes) -> tuple[bytes, bytes, float]:
    """pHash, dHash and score of the picture on one ground."""
    for_phash, for_dhash = lanczos.resized(gray, (_DCT, _DCT), (_HASH + 1, _HASH))
    phash, score = _phash(for_phash)
    return phash, _dhash(for_dhash), score


def _phash(pixels: lanczos.Bytes) -> tuple[bytes, float]:
    """The signs of 16x16 low frequencies against their median, and how many of them are sure.

    A sign is sure when noise of half a gray level would not turn it: a gradient has a handful of
    these, a photo nearly 256. The share of sure ones is the score.
    """
    coefficients = np.round(_COSINES @ pixels.astype(np.float64) @ _COSINES.T, 3)
    distance = coefficients - np.median(coefficients)
    return _packed(distance > 0), float(np.mean(np.abs(distance) > _SURE))


def _dhash(pixels: lanczos.Bytes) -> bytes:
    """Whether each pixel is brighter than its left neighbour, 16 rows of 17 pixels."""
    return _packed(pixels[:, 1:] > pixels[:, :-1])


def _packed(bits: NDArray[np.bool_]) -> bytes:
    return np.packbits(bits.ravel()).tobytes()


def _small(tiles: lanczos.Bytes, size: tuple[int, int], scale: _Scale) -> lanczos.Bytes:
    """The averaged picture on white as 32x32 means."""
    box = (0.0, 0.0, size[0] / scale.tile[0], size[1] / scale.tile[1])
    reduced = Image.fromarray(tiles)
    return np.asarray(reduced.resize((_SMALL, _SMALL), Image.Resampling.BOX, box=box))


def _cells(small: lanczos.Bytes) -> lanczos.Bytes:
    """8x8 means of the 32x32 picture, halves rounded up."""
    each = _SMALL // _CELLS
    sums = small.reshape(_CELLS, each, _CELLS, each, 3).astype(np.int64).sum(axis=(1, 3))
    means: lanczos.Bytes = ((sums + each * each // 2) // (each * each)).astype(np.uint8)
    return means
