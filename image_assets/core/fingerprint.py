"""What a picture looks like, in a few kilobytes, under a version that names the recipe."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, cast

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray
from PIL import Image

from image_assets.core import averages
from image_assets.core.averages import Floats

VERSION = "2"
"""Changes whenever any figure of a fingerprint could; versions are never compared with each other."""

FLAT_SCORE = 0.125
"""Pictures below this score are flat: their hashes move with every encoder."""

SMALL = 32
CELLS = 8

_HASH = 16  # bits in each direction
_DCT = 64  # pHash is the lowest 16x16 frequencies of 64x64 pixels
_STRIP_PIXELS = 1 << 19
_PAM = "P7\nWIDTH {}\nHEIGHT {}\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
_CLEAR = 0.2  # of the picture's own contrast: a coefficient nearer to the median says nothing
_UNSEEN = 8.0  # levels beside a ground: black ink leaves an encoder as nearly black
_STEP = 2.0  # gray levels between neighbours that an encoder makes of none

_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as imagehash and Pillow weigh colours
_COSINES = 2 * np.cos(
    np.pi * np.outer(np.arange(_HASH), 2 * np.arange(_DCT) + 1) / (2 * _DCT),
)
_LAYOUT = struct.Struct("<4sB15s32s32s32s32s32s192s3072sd1024s")
_MAGIC = b"IAfp"
_OPAQUE = b"\xff" * (SMALL * SMALL)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The upright sRGB picture in figures; two grounds because ink may be transparent.

    `phash_*` and `dhash_*` are 32 bytes (256 bits), rows first, most significant bit first.
    `cells` is 8x8 mean RGB (192 bytes) and `small` 32x32 RGB (3,072 bytes), both on white; `alpha`
    is 32x32 opacity (1,024 bytes), by which `small` can be laid on any other ground.
    `score` is the sharpest edge in `small`, on white or black, 0 (flat) to 1: by how much of all
    levels a pixel leaves the line between its neighbours. Flat pictures abstain from likeness: of
    gradients, skies and plain grounds it is below 0.11 even after JPEG of quality 20, and of the
    313 pictures with something on them that it was measured on above 0.15.
    """

    version: str
    pixel_hash: str
    phash_white: bytes
    dhash_white: bytes
    phash_black: bytes
    dhash_black: bytes
    cells: bytes
    small: bytes
    score: float
    alpha: bytes = _OPAQUE

    def to_bytes(self) -> bytes:
        """The fingerprint in a fixed layout of 4,476 bytes that begins with its version."""
        version = self.version.encode("ascii")
        return _LAYOUT.pack(
            _MAGIC,
            len(version),
            version,
            bytes.fromhex(self.pixel_hash),
            self.phash_white,
            self.dhash_white,
            self.phash_black,
            self.dhash_black,
            self.cells,
            self.small,
            self.score,
            self.alpha,
        )

    @classmethod
    def from_bytes(cls, packed: bytes) -> "Fingerprint":
        """The way back.

        Raises:
            ValueError: these bytes are not a packed fingerprint of this layout; those of version 1
                had another, and are made again by `image-assets refingerprint`.
        """
        if len(packed) != _LAYOUT.size or not packed.startswith(_MAGIC):
            raise ValueError(f"{len(packed)} bytes are not a packed fingerprint")
        _, length, version, pixels, *figures = _LAYOUT.unpack(packed)
        return cls(version[:length].decode("ascii"), pixels.hex(), *figures)


def of(image: Image.Image) -> Fingerprint:
    """The fingerprint of an upright sRGB picture (`colour.upright`), RGB or RGBA.

    `pixel_hash` is the exact hash: 256 bits of BLAKE3 of the picture as a Netpbm file: PPM (`P6`)
    where it is opaque, PAM (`P7`, `RGB_ALPHA`) where it is not. What cannot be seen does not count:
    colour under alpha 0 is taken as black, because optimisers of PNG rewrite it freely and every
    export would look the same. Alpha itself counts, so pictures that agree on every ground but
    differ in it stay apart.

    The rest is computed on the picture averaged down to some 128 to 255 pixels a side, colours
    multiplied by their opacity first. The hashes are built as imagehash builds its own
    (`hash_size=16`), but their bits are not those: pixels are weighed by a triangle instead of
    Lanczos, which rings at the hard edges of drawings, and what lies within the noise of an encoder
    (coefficients near the median, neighbours of nearly one gray) is 0 instead of either.

    Little more than the picture itself is in memory: it is hashed and weighed in parts.
    """
    digest = blake3()
    factors = averages.factors(image.size)
    parts = _opaque if image.mode == "RGB" else _transparent
    tiles = parts(image, factors, digest)
    reduced = np.concatenate([np.asarray(tile) for tile in tiles]).astype(np.float64)
    opaque = reduced.shape[2] == 3
    white, black = _looks(reduced, image.size)
    small = np.rint(averages.scaled(reduced, image.size, SMALL, SMALL))
    on_white = small if opaque else _on_white(small)
    return Fingerprint(
        version=VERSION,
        pixel_hash=digest.hexdigest(),
        phash_white=white.phash,
        dhash_white=white.dhash,
        phash_black=black.phash,
        dhash_black=black.dhash,
        cells=_bytes(_cells(on_white)),
        small=_bytes(on_white),
        score=_sharpest(on_white)
        if opaque
        else max(_sharpest(on_white), _sharpest(small[..., :3])),
        alpha=_OPAQUE if opaque else _bytes(small[..., 3]),
    )


def _opaque(
    image: Image.Image, factors: tuple[int, int], digest: "blake3"
) -> Iterator[Image.Image]:
    """Averages of an RGB picture, in one part; its pixels go to `digest`."""
    # Pillow writes some rows at a time, which are hashed before they leave the cache; the six
    # megabytes that `tobytes` makes of a camera's picture would be new memory every time.
    image.save(cast("IO[bytes]", _Written(digest)), "PPM")
    yield image.reduce(factors)


def _transparent(
    image: Image.Image, factors: tuple[int, int], digest: "blake3"
) -> Iterator[Image.Image]:
    """Averages of an RGBA picture, from top to bottom; its pixels go to `digest`."""
    digest.update(_PAM.format(*image.size).encode("ascii"))
    step = factors[1]
    rows = max(1, _STRIP_PIXELS // (image.width * step)) * step
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        pixels = np.array(strip).view("<u4")[..., 0]
        pixels[pixels < 1 << 24] = 0  # alpha is the highest byte
        digest.update(pixels.tobytes())
        yield strip.convert("RGBa").reduce(factors)  # colours multiplied by their opacity


class _Written:
    """A file that Pillow writes to, and that only hashes."""

    def __init__(self, digest: "blake3") -> None:
        self.write = digest.update


@dataclass(frozen=True, slots=True)
class _Look:
    """pHash and dHash of the picture on one ground."""

    phash: bytes
    dhash: bytes

    @classmethod
    def of(cls, gray: Floats, size: tuple[int, int]) -> "_Look":
        return cls(
            _phash(averages.scaled(gray, size, _DCT, _DCT)),
            _dhash(averages.scaled(gray, size, _HASH + 1, _HASH)),
        )


def _on_white(weighed: Floats) -> Floats:
    white: Floats = weighed[..., :3] + (255.0 - weighed[..., 3:])
    return np.minimum(white, 255.0)


def _looks(weighed: Floats, size: tuple[int, int]) -> tuple[_Look, _Look]:
    """On white and on black; ink of nearly the ground's own gray counts as the ground."""
    black = weighed[..., :3] @ _LUMA
    if weighed.shape[2] == 3:
        look = _Look.of(black, size)
        return look, look
    white = black + (255.0 - weighed[..., 3])
    return (
        _Look.of(np.minimum(white + _UNSEEN, 255.0), size),
        _Look.of(np.maximum(black - _UNSEEN, 0.0), size),
    )


def _phash(pixels: Floats) -> bytes:
    """Which of 16x16 low frequencies are clearly above their median.

    Clearly is by a fifth of their root mean square: of a symmetrical drawing half of them are zero
    but for noise.
    """
    coefficients = np.round(_COSINES @ pixels @ _COSINES.T, 3)
    distance = coefficients - np.median(coefficients)
    contrast = distance.copy()
    contrast[0, 0] = 0.0  # brightness
    return _packed(distance > _CLEAR * np.sqrt(np.mean(contrast**2)))


def _dhash(pixels: Floats) -> bytes:
    """Whether each pixel is clearly brighter than its left neighbour, 16 rows of 17 pixels."""
    return _packed(np.round(np.diff(pixels, axis=1), 3) > _STEP)


def _packed(bits: NDArray[np.bool_]) -> bytes:
    return np.packbits(bits.ravel()).tobytes()


def _sharpest(small: Floats) -> float:
    """The largest second difference of a channel, across or down, as a share of all levels."""
    bends = (np.abs(np.diff(small, 2, axis=axis)).max() for axis in (0, 1))
    return min(1.0, float(max(bends)) / 255)


def _cells(small: Floats) -> Floats:
    """8x8 means of the 32x32 picture."""
    each = SMALL // CELLS
    means: Floats = small.reshape(CELLS, each, CELLS, each, -1).mean(axis=(1, 3))
    return means


def _bytes(levels: Floats) -> bytes:
    return np.floor(levels + 0.5).astype(np.uint8).tobytes()
