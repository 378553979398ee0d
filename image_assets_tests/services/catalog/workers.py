"""Several processes that work on one catalog at once: `workers.py URL ROLE [ROLE …]`.

Silent when all is well; what went wrong in any of them is told on the standard error.
"""

import multiprocessing
import sys

from image_assets.services.catalog import open_catalog
from image_assets_tests.services.catalog.samples import design, journey, store

PICTURES = 12


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


WORK = {"write": write, "migrate": migrate, "admit": admit}

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
