import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa

from image_assets.core.model import ImageState, Scope, UploadState
from image_assets.core.naming import item_key
from image_assets.ports import DesignFlaws
from image_assets.services.catalog import open_catalog
from image_assets.services.catalog.schema import attempts, designs, images
from image_assets.stages.designs import doubles
from image_assets_tests.services.catalog.samples import DAY, at, column, design, store
from image_assets_tests.services.catalog.workers import (
    FAMILIES,
    LIKENESS,
    PICTURES,
    RELATIVES,
    batch,
    store_relatives,
)

WORKERS = Path(__file__).with_name("workers.py")


def run_at_once(url: str, *roles: str) -> str:
    """Let a process for each role work at the same time; what they complained of."""
    ended = subprocess.run(
        [sys.executable, str(WORKERS), url, *roles], capture_output=True, text=True, timeout=120
    )
    return ended.stderr or (f"ended with {ended.returncode}" if ended.returncode else "")


def test_four_write_and_two_migrate_at_once_and_nothing_is_lost_or_double(
    database_url: str,
) -> None:
    complaints = run_at_once(database_url, *["write"] * 4, *["migrate"] * 2)

    assert complaints == ""
    catalog = open_catalog(database_url)
    totals = catalog.totals.totals("default")
    fresh = column(
        catalog, sa.select(images.c.item_key).where(~images.c.stale).order_by("item_key")
    )
    numbers = column(catalog, sa.select(attempts.c.number))
    flaws = catalog.designs.flaws(DAY)
    catalog.dispose()
    assert totals.images.states == {ImageState.STORED: 4 * PICTURES}
    assert fresh == [item_key(at(minute)) for minute in range(PICTURES)]
    assert (totals.images.bytes, totals.designs, totals.exports) == (
        PICTURES * 1000,
        PICTURES,
        PICTURES * 2,
    )
    assert totals.uploads == {UploadState.VERIFIED: PICTURES * 2}
    assert numbers == [1] * PICTURES * 2
    assert flaws == DesignFlaws((), (), ())


def test_two_that_admit_the_same_pictures_leave_one_design_each(database_url: str) -> None:
    catalog = open_catalog(database_url)
    for minute in range(2 * PICTURES):
        store(catalog, minute, f"bytes {minute % PICTURES}", path=f"images/{minute}")

    complaints = run_at_once(database_url, "admit", "admit")

    assert complaints == ""
    assert catalog.designs.counts(DAY).designs == PICTURES
    assert catalog.designs.counts(DAY).images == 2 * PICTURES
    assert catalog.totals.totals("default").designs == PICTURES
    assert design(catalog) == []
    catalog.dispose()


def test_four_that_admit_near_duplicates_at_once_leave_one_design_of_each_picture(
    database_url: str,
) -> None:
    catalog = open_catalog(database_url)
    store_relatives(catalog)

    complaints = run_at_once(database_url, *["admit relatives"] * 4)

    assert complaints == ""
    for policy, limits in LIKENESS.items():
        anchors = column(catalog, sa.select(designs.c.id).where(designs.c.scope == policy.value))
        counts = [catalog.designs.counts(batch(policy, number)) for number in range(4)]
        assert len(anchors) == FAMILIES
        assert list(doubles(catalog.designs, Scope(policy.value, policy), limits)) == []
        assert sum(count.images for count in counts) == len(RELATIVES)
        assert {count.designs for count in counts} == {FAMILIES}
    catalog.dispose()
