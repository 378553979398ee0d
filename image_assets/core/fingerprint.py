"""What a picture looks like, in a few kilobytes, under a version that names the recipe."""

from dataclasses import dataclass

VERSION = "1"
"""Changes whenever any figure of a fingerprint could; versions are never compared with each other."""


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
