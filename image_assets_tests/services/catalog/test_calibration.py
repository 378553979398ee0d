from image_assets.core.fingerprint import VERSION
from image_assets.core.model import Policy, Scope
from image_assets.services.catalog import Catalog
from image_assets_tests.services.catalog.samples import (
    DAY,
    OTHER_SHOP,
    SCOPE,
    add_tenant,
    design,
    fingerprint,
    store,
)


def merge(catalog: Catalog, minute: int, word: str, into: str) -> None:
    """Store a picture with pixels of its own, and join it to a design."""
    store(catalog, minute, word)
    [picture] = catalog.designs.undesigned(DAY, SCOPE)
    with catalog.designs.admission(SCOPE) as desk:
        pixels = fingerprint(word).pixel_hash
        desk.join(picture.image_id, into, pixels, sha256=picture.sha256)


def test_designs_and_what_was_merged_into_them_are_sampled(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    store(catalog, 2, "crane")
    truck, crane = design(catalog)
    merge(catalog, 3, "truck again", truck)

    found = catalog.calibration.designs(SCOPE, VERSION, 9)
    [alias] = catalog.calibration.aliases(SCOPE, VERSION, 9)

    assert [one.design_id for one in found] == sorted([truck, crane])
    assert alias.design.design_id == truck
    assert alias.path != alias.design.path
    assert None not in {one.path for one in found}
    assert catalog.calibration.size(SCOPE, VERSION) == (2, 1)


def test_a_sample_is_no_larger_than_asked_for(catalog: Catalog) -> None:
    for minute in range(4):
        store(catalog, minute, f"truck {minute}")
    first, *_ = design(catalog)
    merge(catalog, 8, "truck again", first)

    assert len(catalog.calibration.designs(SCOPE, VERSION, 3)) == 3
    assert catalog.calibration.aliases(SCOPE, VERSION, 0) == ()


def test_nothing_of_another_tenant_scope_or_version_is_sampled(catalog: Catalog) -> None:
    add_tenant(catalog, "other")
    store(catalog, 1, "truck", partition=OTHER_SHOP)
    design(catalog, OTHER_SHOP, Scope("camera", Policy.EXACT, "other"))

    for scope, version in (
        (SCOPE, VERSION),
        (Scope("inbox", Policy.NEAR, "other"), VERSION),
        (Scope("camera", Policy.EXACT, "other"), "older"),
    ):
        assert catalog.calibration.size(scope, version) == (0, 0)
        assert catalog.calibration.designs(scope, version, 9) == ()


def test_a_repeat_of_the_anchor_was_not_merged_by_likeness(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    store(catalog, 2, "truck")
    design(catalog)

    assert catalog.calibration.size(SCOPE, VERSION) == (1, 0)
