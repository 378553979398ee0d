from dataclasses import replace

import pytest
import sqlalchemy as sa

from image_assets.core.errors import RejectedError
from image_assets.core.fingerprint import VERSION
from image_assets.core.model import Policy, Scope
from image_assets.ports import Backlog, By, DesignFlaws, Named, Renewal
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.schema import decisions, designs, images, verdicts
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


ADA = By("Ada", NOW)


def two(catalog: Catalog) -> tuple[Named, Named]:
    """Two designs."""
    store(catalog, 1, "truck")
    store(catalog, 2, "crane")
    truck, crane = (catalog.gallery.named("default", name) for name in design(catalog))
    return truck, crane


def renew_all(catalog: Catalog, **words: str) -> list[Renewal]:
    """A new version, in which the pictures of these words have these pixels."""
    names = {sha256(word): pixels for word, pixels in words.items()}
    results = []
    for old in outdated(catalog):
        looks = {sha: fingerprint(names.get(sha, f"{sha} anew")) for sha, _ in old.pictures}
        assert old.anchor is not None
        pixels = {sha: look.pixel_hash for sha, look in looks.items()}
        look = replace(looks[old.anchor], version="next")
        results.append(catalog.refingerprinting.renew(old, look, pixels))
    return results


def test_a_verdict_can_be_undone_after_its_pictures_were_renewed(catalog: Catalog) -> None:
    decided = catalog.verdicts.different("default", *two(catalog), ADA)
    renew_all(catalog)
    assert decided.decision_id is not None

    catalog.verdicts.undo("default", decided.decision_id, ADA)

    assert column(catalog, sa.select(verdicts.c.id)) == []


def test_a_merge_can_be_undone_after_its_designs_were_renewed(catalog: Catalog) -> None:
    truck, crane = two(catalog)
    decided = catalog.verdicts.same("default", truck, [crane], ADA)
    renew_all(catalog)
    assert decided.decision_id is not None

    catalog.verdicts.undo("default", decided.decision_id, ADA)

    apart = sa.select(designs.c.id).where(designs.c.merged_into_id.is_(None))
    assert set(column(catalog, apart)) == {truck.own, crane.own}
    assert column(catalog, sa.select(verdicts.c.id)) == []


def test_a_decision_of_another_scope_keeps_its_names(catalog: Catalog) -> None:
    catalog.verdicts.different("default", *two(catalog), ADA)
    with catalog.engine.begin() as connection:
        connection.execute(sa.update(decisions).values(scope="elsewhere"))
    [before] = column(catalog, sa.select(decisions.c.changes))

    renew_all(catalog)

    assert column(catalog, sa.select(decisions.c.changes)) == [before]


def test_a_word_that_nobody_needs_any_more_is_dropped_and_its_decision_can_be_undone(
    catalog: Catalog,
) -> None:
    """The new version sees no difference between two that somebody had called the same."""
    truck, crane = two(catalog)
    decided = catalog.verdicts.same("default", truck, [crane], ADA)
    assert decided.decision_id is not None

    results = renew_all(catalog, truck="both", crane="both")
    catalog.verdicts.undo("default", decided.decision_id, ADA)

    assert set(results) == {Renewal.RENEWED, Renewal.JOINED}
    assert column(catalog, sa.select(verdicts.c.id)) == []


def test_two_that_differ_by_somebodys_word_are_not_made_one(catalog: Catalog) -> None:
    catalog.verdicts.different("default", *two(catalog), ADA)

    with pytest.raises(RejectedError, match=r"Ada said .* have the same pixels by now"):
        renew_all(catalog, truck="both", crane="both")

    assert len(column(catalog, sa.select(verdicts.c.id))) == 1
    assert catalog.refingerprinting.backlog("next") == Backlog(1, 0)


def test_a_design_whose_anchor_is_gone_is_counted_apart(catalog: Catalog) -> None:
    two(catalog)
    with catalog.engine.begin() as connection:
        gone = images.c.sha256 == sha256("truck")
        connection.execute(sa.update(images).where(gone).values(state="expired", blob_id=None))

    assert catalog.refingerprinting.backlog("next") == Backlog(1, 1)
    assert catalog.refingerprinting.backlog(VERSION) == Backlog(0, 0)


def begun_anew(catalog: Catalog) -> str:
    """The crane came again before the command ran: the new version began another design."""
    store(catalog, 3, "crane as another file")
    [again] = catalog.designs.undesigned(DAY, SCOPE)
    look = replace(fingerprint("crane anew"), version="next")
    with catalog.designs.admission(SCOPE) as desk:
        made = desk.create(again.image_id, look, sha256=again.sha256, now=NOW)
    assert made is not None
    return made


def rulings(catalog: Catalog) -> dict[object, object]:
    with catalog.engine.connect() as connection:
        rows = connection.execute(sa.select(designs.c.id, designs.c.merged_into_id))
        return {row.id: row.merged_into_id for row in rows}


def test_a_merge_holds_for_what_began_anew_and_can_still_be_undone(catalog: Catalog) -> None:
    truck, crane = two(catalog)
    decided = catalog.verdicts.same("default", truck, [crane], ADA)
    new = begun_anew(catalog)
    renew_all(catalog, crane="crane anew")
    assert decided.decision_id is not None

    merged = rulings(catalog)
    catalog.verdicts.undo("default", decided.decision_id, ADA)

    assert merged == {truck.own: None, crane.own: truck.own, new: truck.own}
    assert rulings(catalog) == {truck.own: None, crane.own: new, new: None}


def test_the_one_that_others_were_merged_into_may_be_taken_in_itself(catalog: Catalog) -> None:
    truck, crane = two(catalog)
    decided = catalog.verdicts.same("default", crane, [truck], ADA)
    new = begun_anew(catalog)
    renew_all(catalog, crane="crane anew")
    assert decided.decision_id is not None

    merged = rulings(catalog)
    catalog.verdicts.undo("default", decided.decision_id, ADA)

    assert merged == {truck.own: new, crane.own: new, new: None}
    assert rulings(catalog) == {truck.own: None, crane.own: new, new: None}


def test_what_was_changed_by_no_decision_is_not_undone_and_says_why(catalog: Catalog) -> None:
    truck, crane = two(catalog)
    decided = catalog.verdicts.same("default", truck, [crane], ADA)
    with catalog.engine.begin() as connection:
        connection.execute(
            sa.update(designs).where(designs.c.id == crane.own).values(merged_into_id=None)
        )
    assert decided.decision_id is not None

    with pytest.raises(RejectedError, match=r"by no decision: .*same, different"):
        catalog.verdicts.undo("default", decided.decision_id, ADA)


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
