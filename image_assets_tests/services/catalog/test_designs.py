import pytest
import sqlalchemy as sa

from image_assets.core.fingerprint import VERSION
from image_assets.core.model import Policy, Scope
from image_assets.core.naming import design_id, item_key
from image_assets.ports import DesignCounts, DesignFlaws, Reach
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.schema import designs, images
from image_assets_tests.services.catalog.samples import (
    DAY,
    NEXT_DAY,
    NOW,
    OTHER_SHOP,
    SCOPE,
    add_tenant,
    at,
    column,
    design,
    fingerprint,
    sha256,
    store,
)


def test_pictures_without_a_design_come_by_item_key(catalog: Catalog) -> None:
    for minute in (3, 1, 2):
        store(catalog, minute, f"truck {minute}")

    found = catalog.designs.undesigned(DAY, SCOPE)

    assert [picture.item_key for picture in found] == [item_key(at(m)) for m in (1, 2, 3)]
    assert [picture.sha256 for picture in found] == [sha256(f"truck {m}") for m in (1, 2, 3)]
    assert {picture.design_of_blob for picture in found} == {None}


def test_a_repeat_tells_the_design_of_its_bytes(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [known] = design(catalog)

    store(catalog, 1441, "truck", partition=NEXT_DAY)

    [repeat] = catalog.designs.undesigned(NEXT_DAY, SCOPE)
    [elsewhere] = catalog.designs.undesigned(NEXT_DAY, Scope("inbox", Policy.NEAR))
    assert (repeat.design_of_blob, elsewhere.design_of_blob) == (known, None)


def test_a_design_has_the_id_of_its_pixels_and_its_first_picture_as_anchor(
    catalog: Catalog,
) -> None:
    store(catalog, 1, "truck")
    look = fingerprint(sha256("truck"))

    assert design(catalog) == [design_id("default", "camera", look.pixel_hash, VERSION)]
    assert column(catalog, sa.select(designs.c.anchor_image_id)) == column(
        catalog, sa.select(images.c.id)
    )


def test_equal_pixels_are_one_design_and_the_rest_are_aliases(catalog: Catalog) -> None:
    for minute, word in enumerate(("truck", "gate", "truck"), start=1):
        store(catalog, minute, word)

    first, second, third = design(catalog)

    assert (first == third, first == second) == (True, False)
    assert catalog.designs.counts(DAY) == DesignCounts(designs=2, images=3, aliases=1)
    assert catalog.designs.counts(NEXT_DAY) == DesignCounts(0, 0, 0)


def test_the_pixels_of_an_alias_find_its_design(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    store(catalog, 2, "truck, saved again")
    anchor, alias = catalog.designs.undesigned(DAY, SCOPE)
    pixels = sha256("pixels of the alias")
    with catalog.designs.admission(SCOPE) as desk:
        known = desk.create(anchor.image_id, fingerprint("truck"), sha256=anchor.sha256, now=NOW)
        assert known is not None
        desk.join(alias.image_id, known, pixels, sha256=alias.sha256)

    with catalog.designs.admission(SCOPE) as desk:
        found = desk.exact(pixels, VERSION), desk.exact(pixels, "another")

    assert found == (known, None)


def test_designs_of_another_scope_or_version_are_not_found(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    design(catalog)
    pixels = fingerprint(sha256("truck")).pixel_hash

    with catalog.designs.admission(Scope("inbox", Policy.EXACT)) as desk:
        assert desk.exact(pixels, VERSION) is None
    with catalog.designs.admission(SCOPE) as desk:
        assert desk.exact(pixels, "another") is None


def test_creating_twice_gives_the_same_design(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [picture] = catalog.designs.undesigned(DAY, SCOPE)

    made = []
    for pixels in ("truck", "truck", "the same picture, looked at otherwise"):
        with catalog.designs.admission(SCOPE) as desk:
            look = fingerprint(pixels)
            made.append(desk.create(picture.image_id, look, sha256=picture.sha256, now=NOW))

    assert len(set(made)) == 1
    assert catalog.designs.counts(DAY) == DesignCounts(1, 1, 0)


def test_a_picture_stays_with_its_first_design(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    store(catalog, 2, "gate")
    truck, _ = catalog.designs.undesigned(DAY, SCOPE)
    first, second = design(catalog)

    with catalog.designs.admission(SCOPE) as desk:
        desk.join(truck.image_id, second, None, sha256=truck.sha256)

    assert column(catalog, sa.select(images.c.design_id).where(images.c.id == truck.image_id)) == [
        first
    ]


def test_an_admission_that_fails_leaves_nothing(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [picture] = catalog.designs.undesigned(DAY, SCOPE)

    def cut_off() -> None:
        with catalog.designs.admission(SCOPE) as desk:
            desk.create(picture.image_id, fingerprint("truck"), sha256=picture.sha256, now=NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cut_off()

    assert [p.item_key for p in catalog.designs.undesigned(DAY, SCOPE)] == [picture.item_key]
    assert column(catalog, sa.select(designs.c.id)) == []


def test_flaws_name_what_breaks_an_invariant(catalog: Catalog) -> None:
    for minute, word in enumerate(("truck", "gate", "yard"), start=1):
        store(catalog, minute, word)
    truck, gate, _ = design(catalog)
    assert catalog.designs.flaws(DAY) == DesignFlaws((), (), ())
    store(catalog, 4, "new")
    pixels = sa.select(designs.c.pixel_hash).where(designs.c.id == gate).scalar_subquery()

    with catalog.engine.begin() as connection:
        connection.execute(
            images.update().where(images.c.design_id == truck).values(pixel_hash=pixels)
        )
        connection.execute(designs.update().where(designs.c.id == gate).values(anchor_image_id=1))

    assert catalog.designs.flaws(DAY) == DesignFlaws((item_key(at(4)),), (gate,), (truck,))


def test_the_same_pixels_are_one_design_of_each_tenant_however_often_they_come(
    catalog: Catalog,
) -> None:
    """Original 2's insert that did nothing on a conflict, tenant by tenant."""
    add_tenant(catalog, "other")
    theirs = Scope("camera", Policy.EXACT, tenant="other")

    made = []
    for minute in (1, 2):
        for partition, scope in ((DAY, SCOPE), (OTHER_SHOP, theirs)):
            store(catalog, minute, "truck", partition=partition)
            made += design(catalog, partition, scope)

    assert made[:2] == made[2:]
    assert len(set(made)) == len(column(catalog, sa.select(designs.c.id))) == 2
    for partition in (DAY, OTHER_SHOP):
        assert catalog.designs.counts(partition) == DesignCounts(designs=1, images=2, aliases=1)


def test_tenants_never_share_a_design(catalog: Catalog) -> None:
    add_tenant(catalog, "other")
    store(catalog, 1, "truck")
    store(catalog, 1, "truck", partition=OTHER_SHOP)

    [ours] = design(catalog)
    [theirs] = design(catalog, OTHER_SHOP, Scope("camera", Policy.EXACT, tenant="other"))

    assert ours != theirs
    with catalog.designs.admission(SCOPE, Reach(VERSION, 40)) as desk:
        [near] = desk.near([fingerprint(sha256("truck"))])
    assert [anchor.design_id for anchor in near] == [ours]
