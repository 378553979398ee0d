from dataclasses import replace

import sqlalchemy as sa

from image_assets.core.fingerprint import VERSION
from image_assets.core.model import Policy, Scope
from image_assets.ports import By, DesignFlaws, Renewal
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.schema import designs, verdicts
from image_assets_tests.services.catalog.samples import (
    DAY,
    NOW,
    OTHER_SHOP,
    SCOPE,
    add_tenant,
    column,
    design,
    fingerprint,
    sha256,
    store,
)


def outdated(catalog: Catalog, tenant: str | None = None):
    return catalog.refingerprinting.outdated("next", tenant=tenant, after="", most=10)


def renewed(catalog: Catalog, word: str = "anew") -> Renewal:
    [old] = outdated(catalog)
    look = replace(fingerprint(word), version="next")
    return catalog.refingerprinting.renew(old, look, {old.anchor: look.pixel_hash})


def test_a_design_of_another_version_is_outdated_until_it_is_renewed(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [known] = design(catalog)
    [old] = outdated(catalog)

    result = renewed(catalog)

    assert (old.design_id, old.version, old.anchor) == (known, VERSION, sha256("truck"))
    assert (result, outdated(catalog)) == (Renewal.RENEWED, ())


def test_the_pixels_of_its_pictures_are_found_by_their_new_hash(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [known] = design(catalog)

    renewed(catalog)

    with catalog.designs.admission(SCOPE) as desk:
        assert desk.exact(fingerprint("anew").pixel_hash, "next") == known
        assert desk.exact(fingerprint("truck").pixel_hash, VERSION) is None


def test_verdicts_move_with_the_pixels_they_are_on(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    store(catalog, 2, "crane")
    truck, crane = (catalog.gallery.named("default", name) for name in design(catalog))
    catalog.verdicts.different("default", truck, crane, By("Ada", NOW))
    for old in outdated(catalog):
        look = replace(fingerprint(f"{old.anchor} anew"), version="next")
        catalog.refingerprinting.renew(old, look, {old.anchor: look.pixel_hash})

    pairs = column(catalog, sa.select(verdicts.c.pixel_a)) + column(
        catalog, sa.select(verdicts.c.pixel_b)
    )

    assert set(pairs) == set(column(catalog, sa.select(designs.c.pixel_hash)))


def test_what_changed_meanwhile_is_left_for_the_next_run(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    design(catalog)
    [old] = outdated(catalog)
    renewed(catalog)

    look = replace(fingerprint("other"), version="next")
    result = catalog.refingerprinting.renew(old, look, {old.anchor: look.pixel_hash})

    assert result is Renewal.CHANGED


def test_one_tenant_alone_can_be_asked_for(catalog: Catalog) -> None:
    add_tenant(catalog, "other")
    store(catalog, 1, "truck")
    store(catalog, 1, "truck", partition=OTHER_SHOP, path="images/other/truck.jpg")
    design(catalog)
    design(catalog, OTHER_SHOP, Scope("camera", Policy.EXACT, "other"))

    assert {old.tenant for old in outdated(catalog)} == {"default", "other"}
    assert [old.tenant for old in outdated(catalog, "other")] == ["other"]


def test_a_fingerprint_of_another_layout_is_no_trouble(catalog: Catalog) -> None:
    store(catalog, 1, "truck", partition=DAY)
    design(catalog)
    with catalog.engine.begin() as connection:
        connection.execute(sa.update(designs).values(fingerprint=b"older"))

    assert renewed(catalog) is Renewal.RENEWED


def test_a_design_that_began_anew_meanwhile_takes_the_old_one_in(catalog: Catalog) -> None:
    """Before the command ran the same pixels came again: nothing knew the old ones."""
    store(catalog, 1, "truck")
    [old] = design(catalog)
    store(catalog, 2, "truck as another file")
    [again] = catalog.designs.undesigned(DAY, SCOPE)
    look = replace(fingerprint("anew"), version="next")
    with catalog.designs.admission(SCOPE) as desk:
        new = desk.create(again.image_id, look, sha256=again.sha256, now=NOW)

    result = renewed(catalog)

    assert (result, outdated(catalog)) == (Renewal.JOINED, ())
    assert catalog.gallery.shown("default", old).id == new
    assert len(catalog.gallery.shown("default", old).pictures) == 2
    assert catalog.designs.flaws(DAY) == DesignFlaws((), (), ())
