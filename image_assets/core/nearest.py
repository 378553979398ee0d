"""When two pictures are one design: the plain scan, which every faster search must equal."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from image_assets.core.fingerprint import FLAT_SCORE, Fingerprint
from image_assets.core.model import Policy


@dataclass(frozen=True, slots=True)
class Limits:
    """How far apart two pictures of one design may be.

    `near_bits` bounds each of the four hashes (of 256 bits), `near_cell` is the first difference
    of a channel (0..255) that is too much in any of 8x8 cells, `near_mean` the first mean absolute
    difference that is too much over 32x32 RGB. `seed_bits` bounds each hash, and nothing else.

    On 245 labelled pictures (266 pairs that are the same picture re-encoded, resized or in another
    mode, 29,000 that are not, tone variants of emoji among them) near finds 247 with no false pair:
    146 of 146 photos, 101 of 120 small emoji. A cell limit of 20 finds 11 more and takes two pairs
    of tone variants for one; 12 finds 38 fewer. Seed finds 145, with 4 false pairs.
    """

    near_bits: int = 40
    near_cell: int = 16
    near_mean: float = 8.0
    seed_bits: int = 5


def distance(a: bytes, b: bytes) -> int:
    """The number of bits in which two hashes of equal length differ."""
    if len(a) != len(b):
        raise ValueError(f"hashes of {len(a)} and {len(b)} bytes are never compared")
    return (int.from_bytes(a) ^ int.from_bytes(b)).bit_count()


def matches(policy: Policy, a: Fingerprint, b: Fingerprint, limits: Limits) -> bool:
    """Whether the policy takes `a` and `b` for one design.

    Equal pixels always match, and under `exact` nothing else does. For likeness both grounds must
    agree, because ink may be invisible on one of them, and a flat picture (`FLAT_SCORE`) abstains:
    its hashes are noise.

    Raises:
        ValueError: the fingerprints are of different versions.
    """
    if a.version != b.version:
        raise ValueError(f"fingerprint versions {a.version} and {b.version} are never compared")
    if a.pixel_sha256 == b.pixel_sha256:
        return True
    if policy is Policy.EXACT or min(a.score, b.score) < FLAT_SCORE:
        return False
    if policy is Policy.SEED:
        return _hashes_within(a, b, limits.seed_bits)
    return _hashes_within(a, b, limits.near_bits) and _colours_within(a, b, limits)


def plain_scan(
    policy: Policy, query: Fingerprint, anchors: Iterable[tuple[str, Fingerprint]], limits: Limits
) -> str | None:
    """The id of the anchor that `query` is of; None when it matches none.

    Of several, the one with equal pixels, else the nearest by the sum of the four distances; of
    equally near ones the first by id: the order in which anchors come decides nothing.
    """
    matching = (
        (_order(query, anchor), id)
        for id, anchor in anchors
        if matches(policy, query, anchor, limits)
    )
    return min(matching, default=(None, None))[1]


def _order(a: Fingerprint, b: Fingerprint) -> tuple[bool, int]:
    return a.pixel_sha256 != b.pixel_sha256, sum(distance(*pair) for pair in _pairs(a, b))


def _hashes_within(a: Fingerprint, b: Fingerprint, bits: int) -> bool:
    return all(distance(*pair) <= bits for pair in _pairs(a, b))


def _pairs(a: Fingerprint, b: Fingerprint) -> tuple[tuple[bytes, bytes], ...]:
    return (
        (a.phash_white, b.phash_white),
        (a.dhash_white, b.dhash_white),
        (a.phash_black, b.phash_black),
        (a.dhash_black, b.dhash_black),
    )


def _colours_within(a: Fingerprint, b: Fingerprint, limits: Limits) -> bool:
    if _differences(a.cells, b.cells).max() >= limits.near_cell:
        return False
    return bool(_differences(a.small, b.small).mean() < limits.near_mean)


def _differences(a: bytes, b: bytes) -> NDArray[np.int16]:
    first, second = (np.frombuffer(side, dtype=np.uint8).astype(np.int16) for side in (a, b))
    differences: NDArray[np.int16] = np.abs(first - second)
    return differences
