"""Fingerprints that tests make: a real one, with the hashes and pixels that a test wants."""

import functools
import hashlib
import random
from dataclasses import replace
from io import BytesIO

from PIL import Image

from image_assets.core import fingerprint
from image_assets.core.fingerprint import Fingerprint
from image_assets_tests.drawing import picture

HASHES = ("phash_white", "phash_black", "dhash_white", "dhash_black")


@functools.cache
def drawn() -> Fingerprint:
    return fingerprint.of(Image.open(BytesIO(picture(1, (320, 180), "PNG"))).convert("RGB"))


def with_hashes(name: str, *hashes: bytes) -> Fingerprint:
    """The fingerprint of a picture of its own with these four hashes, in the order of `HASHES`."""
    pixels = hashlib.sha256(name.encode()).hexdigest()
    return replace(drawn(), pixel_hash=pixels, **dict(zip(HASHES, hashes, strict=True)))


def relative(family: int, member: int, *, turned: int = 3) -> Fingerprint:
    """A picture of a family: others of it differ in at most twice `turned` bits of each hash.

    Those of other families differ in about 128.
    """
    base, own = random.Random(f"family {family}"), random.Random(f"{family} {member}")
    hashes = []
    for _ in HASHES:
        hash = base.getrandbits(256)
        for bit in own.sample(range(256), turned):
            hash ^= 1 << bit
        hashes.append(hash.to_bytes(32))
    return with_hashes(f"{family} {member}", *hashes)
