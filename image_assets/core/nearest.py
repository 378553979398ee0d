"""When two pictures are one design: the plain scan, which every faster search must equal."""

from collections.abc import Iterable
from dataclasses import dataclass

from image_assets.core import likeness
from image_assets.core.fingerprint import FLAT_SCORE, Fingerprint
from image_assets.core.model import Policy


@dataclass(frozen=True, slots=True)
class Limits:
    """How far apart two pictures of one design may be.

    `near_bits` bounds each of the four hashes (of 256 bits): who is within it is a candidate, and
    `near_colour` and `near_detail` are the first differences (`likeness.Difference`, levels of 255)
    that are too much for one. `seed_bits` bounds each hash, and nothing else: original 2's rule.

    The defaults were chosen by `python -m benchmarks.dedup_quality`; `docs/designs.md` has its table.
    """

    near_bits: int = 40
    near_colour: float = 16.0
    near_detail: float = 26.0
    seed_bits: int = 5


def distance(a: bytes, b: bytes) -> int:
    """The number of bits in which two hashes of equal length differ."""
    if len(a) != len(b):
        raise ValueError(f"hashes of {len(a)} and {len(b)} bytes are never compared")
    return (int.from_bytes(a) ^ int.from_bytes(b)).bit_count()


def distances(a: Fingerprint, b: Fingerprint) -> tuple[int, int, int, int]:
    """How many bits of 256 differ: pHash and dHash on white, pHash and dHash on black."""
    return (
        distance(a.phash_white, b.phash_white),
        distance(a.dhash_white, b.dhash_white),
        distance(a.phash_black, b.phash_black),
        distance(a.dhash_black, b.dhash_black),
    )


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
    if a.pixel_hash == b.pixel_hash:
        return True
    if policy is Policy.EXACT or min(a.score, b.score) < FLAT_SCORE:
        return False
    if policy is Policy.SEED:
        return _within(a, b, limits.seed_bits)
    return _within(a, b, limits.near_bits) and _alike(a, b, limits)


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
    return a.pixel_hash != b.pixel_hash, sum(distances(a, b))


def _within(a: Fingerprint, b: Fingerprint, bits: int) -> bool:
    return max(distances(a, b)) <= bits


def _alike(a: Fingerprint, b: Fingerprint, limits: Limits) -> bool:
    if not likeness.may_be_within(a, b, limits.near_colour):
        return False
    found = likeness.difference(a, b)
    return found.colour < limits.near_colour and found.detail < limits.near_detail
