"""Mockups in the catalog, on both databases."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from image_assets.core.errors import NoSpaceError, NotFoundError
from image_assets.core.model import Blob, ImageFormat
from image_assets.ports import Origin, Unmade
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.schema import blobs
from image_assets.services.catalog.shops import mockups
from image_assets_tests.services.catalog.samples import (
    DAY,
    NEXT_DAY,
    NOW,
    OTHER_SHOP,
    SCOPE,
    add_tenant,
    design,
    sha256,
    store,
)

TEMPLATES = ("mug", "bag")


def jpeg(word: str, path: str | None = None) -> Blob:
    return Blob(sha256(word), path or f"mockups/{word}.jpg", 700, ImageFormat.JPEG, 200, 160)


def make(catalog: Catalog, design_id: str, template: str, word: str | None = None) -> str | None:
    new = jpeg(word or f"{design_id}-{template}")
    with catalog.mockups.recording(design_id, template, new, now=NOW) as place:
        return place and place.path


def lacking(catalog: Catalog) -> list[tuple[str, str]]:
    return [(one.design_id, one.template) for one in catalog.mockups.unmade(DAY, TEMPLATES)]


def test_each_design_lacks_every_template_once_in_order(catalog: Catalog) -> None:
    truck = store(catalog, 1, "truck")
    store(catalog, 2, "car")
    store(catalog, 3, "truck")
    first, second, _ = design(catalog)

    found = catalog.mockups.unmade(DAY, TEMPLATES)

    assert found[0] == Unmade(
        first, "20250901000100.jpg", "mug", Origin(sha256("truck"), truck.path)
    )
    assert lacking(catalog) == [(d, t) for d in (first, second) for t in TEMPLATES]
    assert catalog.mockups.made(DAY, TEMPLATES) == ()
    assert catalog.mockups.unmade(NEXT_DAY, TEMPLATES) == ()


def test_what_is_recorded_is_made_and_lacks_nothing(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [truck] = design(catalog)

    path = make(catalog, truck, "mug", "truck on mug")

    (made,) = catalog.mockups.made(DAY, TEMPLATES)
    assert path == made.blob.path == "mockups/truck on mug.jpg"
    assert (made.design_id, made.template, made.name) == (truck, "mug", "20250901000100.jpg")
    assert made.blob == jpeg("truck on mug")
    assert lacking(catalog) == [(truck, "bag")]
    assert catalog.mockups.unmade(DAY, ["mug"]) == ()


def test_the_second_of_two_writers_writes_nothing(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [truck] = design(catalog)
    make(catalog, truck, "mug", "one")

    assert make(catalog, truck, "mug", "other") is None
    (made,) = catalog.mockups.made(DAY, TEMPLATES)
    assert made.blob.sha256 == sha256("one")


def test_a_failure_is_remembered_and_lacking_still(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [truck] = design(catalog)

    catalog.mockups.failed(truck, "mug", "area 1 is not on the picture", now=NOW)
    before = lacking(catalog)
    make(catalog, truck, "mug")
    catalog.mockups.failed(truck, "mug", "another run was slower", now=NOW)

    assert before == [(truck, "mug"), (truck, "bag")]
    with catalog.engine.connect() as connection:
        (row,) = connection.execute(sa.select(mockups)).all()
    assert (row.state, row.reason) == ("made", None)


def test_a_block_that_fails_records_nothing(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [truck] = design(catalog)

    with (
        pytest.raises(NoSpaceError),
        catalog.mockups.recording(truck, "mug", jpeg("truck"), now=NOW),
    ):
        raise NoSpaceError("the disk is full")

    assert catalog.mockups.made(DAY, TEMPLATES) == ()
    with catalog.engine.connect() as connection:
        paths = connection.scalars(sa.select(blobs.c.path)).all()
    assert "mockups/truck.jpg" not in paths


def test_equal_bytes_are_kept_once_and_other_bytes_step_aside(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    store(catalog, 2, "car")
    truck, car = design(catalog)
    for design_id in (truck, car):
        make(catalog, design_id, "mug", "both look the same on it")
    with catalog.mockups.recording(
        truck, "bag", jpeg("others", "mockups/both look the same on it.jpg"), now=NOW
    ) as place:
        assert place is not None

    first, other, second = catalog.mockups.made(DAY, TEMPLATES)
    assert first.blob == second.blob
    assert other.blob.path == f"mockups/both look the same on it~{sha256('others')[:8]}.jpg"


def test_what_is_on_the_nas_is_known(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [truck] = design(catalog)
    for template in TEMPLATES:
        make(catalog, truck, template)
    first, second = catalog.mockups.unshelved(DAY, TEMPLATES)

    catalog.mockups.shelved(first.number, "acme/mockups/mug/truck.jpg")

    assert catalog.mockups.unshelved(DAY, TEMPLATES) == (second,)
    assert catalog.mockups.made(DAY, TEMPLATES) == (first, second)


def test_another_tenants_designs_are_not_seen(catalog: Catalog) -> None:
    add_tenant(catalog, "other")
    store(catalog, 1, "truck", partition=OTHER_SHOP)
    [truck] = design(catalog, OTHER_SHOP, replace(SCOPE, tenant="other"))
    make(catalog, truck, "mug")

    assert catalog.mockups.made(DAY, TEMPLATES) == catalog.mockups.unmade(DAY, TEMPLATES) == ()
    assert len(catalog.mockups.made(OTHER_SHOP, TEMPLATES)) == 1


def test_of_no_design_nothing_is_recorded(catalog: Catalog) -> None:
    with pytest.raises(NotFoundError):
        make(catalog, "0" * 24, "mug")
    with pytest.raises(NotFoundError):
        catalog.mockups.failed("0" * 24, "mug", "why", now=NOW)
