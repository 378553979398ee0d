"""Several processes that work on one catalog at once: `workers.py URL ROLE [ROLE …]`.

Silent when all is well; what went wrong in any of them is told on the standard error.
"""

import logging
import multiprocessing
import sys

from image_assets.core.model import (
    Blob,
    Entry,
    Fetched,
    ImageFormat,
    Partition,
    Policy,
    Scope,
)
from image_assets.core.nearest import Limits
from image_assets.services.catalog import Catalog, open_catalog
from image_assets.stages.designs import Admitter
from image_assets_tests.fakes import KnownLooks
from image_assets_tests.looks import relative
from image_assets_tests.services.catalog.samples import NOW, design, journey, store

PICTURES = 12
LIKENESS = {Policy.NEAR: Limits(), Policy.SEED: Limits(seed_bits=6)}
"""Policies that search in memory, and by keys."""
FAMILIES, MEMBERS = 6, 8
RELATIVES = {
    f"{family}/{member}": relative(family, member)
    for family in range(FAMILIES)
    for member in range(MEMBERS)
}


def write(url: str, number: int) -> None:
    """The whole journey of pictures of its own minutes; their bytes are those of every writer."""
    catalog = open_catalog(url)
    for picture in range(PICTURES):
        store(catalog, 100 * number + picture, f"bytes {picture}")
    journey(catalog, owner=f"writer {number}")
    catalog.dispose()


def migrate(url: str, number: int) -> None:
    for _ in range(3):
        open_catalog(url).dispose()


def admit(url: str, number: int) -> None:
    """Give the pictures that are there already their designs."""
    catalog = open_catalog(url)
    design(catalog)
    catalog.dispose()


def admit_relatives(url: str, number: int) -> None:
    """Through the stage: pictures of which many are one design, some of them others' pictures too."""
    logging.disable(logging.WARNING)  # every alias is told
    catalog = open_catalog(url)
    for policy, limits in LIKENESS.items():
        scope = Scope(policy.value, policy)
        looks = KnownLooks(RELATIVES)
        admitter = Admitter(scope, catalog.designs, looks, looks, limits, workers=2)
        for partition in (batch(policy, number), batch(policy, (number + 1) % 4)):
            admitter.admit(partition, now=NOW)
    catalog.dispose()


def batch(policy: Policy, number: int) -> Partition:
    return Partition(policy.value, "shop", f"batch {number}")


def store_relatives(catalog: Catalog) -> None:
    """Four batches for each policy, with a picture of every family in each."""
    for policy in LIKENESS:
        for name, look in RELATIVES.items():
            member = int(name.partition("/")[2])
            blob = Blob(look.pixel_hash, name, 1000, ImageFormat.PNG, 64, 64)
            catalog.images.add_stored(
                batch(policy, member % 4),
                Entry(name, name),
                blob,
                fetched=Fetched(blob.sha256, blob.size),
                exif={},
                now=NOW,
            )


WORK = {
    "write": write,
    "migrate": migrate,
    "admit": admit,
    "admit relatives": admit_relatives,
}

if __name__ == "__main__":
    _, url, *roles = sys.argv
    # Forked, so that all begin at the same moment instead of importing for seconds.
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=WORK[role], args=(url, n)) for n, role in enumerate(roles)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sys.exit(max(abs(worker.exitcode or 0) for worker in workers))
