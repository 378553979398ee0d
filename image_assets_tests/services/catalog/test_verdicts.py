"""What people decide, on both databases: pictures are words, designs have their pixels."""

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from image_assets.core.display import Choice
from image_assets.core.errors import NotFoundError, RejectedError, TransientError
from image_assets.core.model import DEFAULT_TENANT
from image_assets.ports import By, DecisionKind, Named, UploadsCatalog
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.engine import tenant_id
from image_assets.services.catalog.judged import disagreements
from image_assets.services.catalog.schema import decisions, designs, exports, images, verdicts
from image_assets_tests.conftest import _emptied
from image_assets_tests.services.catalog.samples import (
    DAY,
    NEXT_DAY,
    NOW,
    SCOPE,
    column,
    design,
    fingerprint,
    journey,
    sha256,
    store,
)

ANN = By("Ann", NOW)
BEN = By("Ben", NOW)


def drawn(catalog: Catalog, *words: str) -> list[str]:
    """A design for each word."""
    for minute, word in enumerate(words):
        store(catalog, minute, word)
    return design(catalog)


def named(catalog: Catalog, name: str) -> Named:
    return catalog.gallery.named(DEFAULT_TENANT, name)


def picture(catalog: Catalog, word: str) -> str:
    """The name of the first picture with these bytes."""
    wanted = sa.select(sa.func.min(images.c.id)).where(images.c.sha256 == sha256(word))
    return f"image:{column(catalog, wanted)[0]}"


def same(catalog: Catalog, into: str, *others: str, by: By = ANN) -> int | None:
    rest = [named(catalog, other) for other in others]
    return catalog.verdicts.same(DEFAULT_TENANT, named(catalog, into), rest, by).decision_id


def different(catalog: Catalog, one: str, other: str, *, look: str | None = None) -> int | None:
    pair = named(catalog, one), named(catalog, other)
    seen = fingerprint(sha256(look)) if look else None
    return catalog.verdicts.different(DEFAULT_TENANT, *pair, ANN, look=seen).decision_id


def aliased(catalog: Catalog, *words: str) -> str:
    """One design: the first word's picture is its anchor, the others look like it."""
    for minute, word in enumerate(words):
        store(catalog, minute, word)
    anchor, *rest = catalog.designs.undesigned(DAY, SCOPE)
    with catalog.designs.admission(SCOPE) as desk:
        made = desk.create(
            anchor.image_id, fingerprint(anchor.sha256), sha256=anchor.sha256, now=NOW
        )
        assert made is not None
        for one in rest:
            pixels = fingerprint(one.sha256).pixel_hash
            desk.join(one.image_id, made, pixels, sha256=one.sha256)
    return made


def grouping(catalog: Catalog) -> dict[str, str]:
    """The ruling design of each picture, by its bytes."""
    with catalog.engine.connect() as connection:
        rows = connection.execute(
            sa.select(
                images.c.sha256, sa.func.coalesce(designs.c.merged_into_id, designs.c.id)
            ).join_from(images, designs, designs.c.id == images.c.design_id)
        )
        return {sha: ruling for sha, ruling in rows}


def state(catalog: Catalog) -> list[list[tuple[object, ...]]]:
    """Everything that decisions may change, but for the decisions themselves."""
    with catalog.engine.connect() as connection:
        return [
            [tuple(row) for row in connection.execute(query)]
            for query in (
                sa.select(designs.c.id, designs.c.merged_into_id, designs.c.display_image_id)
                .where(designs.c.merged_into_id.is_(None))
                .order_by(designs.c.id),
                sa.select(images.c.id, images.c.design_id).order_by(images.c.id),
                sa.select(verdicts.c.pixel_a, verdicts.c.pixel_b, verdicts.c.verdict).order_by(
                    verdicts.c.pixel_a, verdicts.c.pixel_b
                ),
            )
        ]


def broken(catalog: Catalog) -> list[object]:
    with catalog.engine.connect() as connection:
        tenant = tenant_id(connection, DEFAULT_TENANT)
        return list(disagreements(connection, tenant, SCOPE.group))


def test_designs_that_are_the_same_are_one_and_the_first_id_stays(catalog: Catalog) -> None:
    truck, gate = drawn(catalog, "truck", "gate")

    same(catalog, gate, truck)

    assert set(grouping(catalog).values()) == {gate}
    assert named(catalog, truck).design == gate
    view = catalog.gallery.shown(DEFAULT_TENANT, truck)
    assert (view.id, view.merged, len(view.pictures)) == (gate, (truck,), 2)


def test_merging_what_was_merged_leads_on_in_one_step(catalog: Catalog) -> None:
    truck, gate, crane = drawn(catalog, "truck", "gate", "crane")

    same(catalog, gate, truck)
    same(catalog, crane, gate)

    assert set(grouping(catalog).values()) == {crane}
    assert named(catalog, truck).design == crane


def test_exports_and_uploads_of_a_merged_design_stay(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    store(catalog, 1441, "gate", partition=NEXT_DAY)
    journey(catalog)
    journey(catalog, NEXT_DAY)
    truck, gate = design_of(catalog, "truck"), design_of(catalog, "gate")
    before = column(catalog, sa.select(exports.c.id).order_by(exports.c.id))
    published = hashes(catalog.uploads)

    same(catalog, gate, truck)

    assert column(catalog, sa.select(exports.c.id).order_by(exports.c.id)) == before
    assert hashes(catalog.uploads) >= published


def test_a_decision_says_who_and_what_and_changes_nothing_twice(catalog: Catalog) -> None:
    truck, gate = drawn(catalog, "truck", "gate")

    first = same(catalog, gate, truck)
    again = same(catalog, gate, truck, by=BEN)

    [told] = catalog.gallery.decisions(DEFAULT_TENANT)
    assert (told.id, told.kind, told.person) == (first, DecisionKind.SAME, "Ann")
    assert told.said == f"{truck} same as {gate}"
    assert again is None


def test_undoing_a_merge_gives_both_back(catalog: Catalog) -> None:
    truck, gate, crane = drawn(catalog, "truck", "gate", "crane")
    same(catalog, gate, truck)
    before = state(catalog)
    decision = same(catalog, crane, gate)
    assert decision is not None

    undone = catalog.verdicts.undo(DEFAULT_TENANT, decision, BEN)

    assert state(catalog) == before
    assert set(undone.designs) == {gate, crane}
    assert [d.undone_by for d in catalog.gallery.decisions(DEFAULT_TENANT, undone=True)] == [
        "Ben",
        None,
    ]


def test_what_is_different_is_never_merged_not_even_by_a_detour(catalog: Catalog) -> None:
    truck, gate, crane = drawn(catalog, "truck", "gate", "crane")
    different(catalog, truck, crane)
    same(catalog, gate, truck)
    before = state(catalog)

    with pytest.raises(RejectedError, match="are different"):
        same(catalog, gate, crane)

    assert state(catalog) == before


def test_aliases_speak_for_their_designs(catalog: Catalog) -> None:
    aliased(catalog, "truck", "truck, saved again")
    store(catalog, 9, "crane")
    [crane] = design(catalog)
    different(catalog, picture(catalog, "truck, saved again"), crane)

    with pytest.raises(RejectedError, match="are different"):
        same(catalog, picture(catalog, "truck"), crane)


def test_a_picture_that_is_different_leaves_with_a_design_of_its_own(catalog: Catalog) -> None:
    truck = aliased(catalog, "truck", "van")

    different(catalog, truck, picture(catalog, "van"), look="van")

    found = grouping(catalog)
    assert found[sha256("truck")] == truck
    assert found[sha256("van")] != truck
    assert broken(catalog) == []


def test_whoever_is_named_first_the_anchor_stays(catalog: Catalog) -> None:
    truck = aliased(catalog, "truck", "van")
    pair = named(catalog, picture(catalog, "van")), named(catalog, truck)

    leaver = catalog.verdicts.leaving(DEFAULT_TENANT, *pair)

    assert leaver == pair[0]


def test_nothing_leaves_that_was_not_looked_at(catalog: Catalog) -> None:
    truck = aliased(catalog, "truck", "van")
    before = state(catalog)

    with pytest.raises(TransientError, match="looked at"):
        different(catalog, truck, picture(catalog, "van"), look="truck")

    assert state(catalog) == before


def test_a_merged_design_leaves_under_its_own_id(catalog: Catalog) -> None:
    """Published ids never change: not by merging, nor by parting again years later."""
    truck, gate = drawn(catalog, "truck", "gate")
    merged = same(catalog, truck, gate)
    assert merged is not None
    with pytest.raises(RejectedError, match="contradicts"):
        different(catalog, truck, gate)
    catalog.verdicts.undo(DEFAULT_TENANT, merged, ANN)

    different(catalog, truck, gate)

    assert set(grouping(catalog).values()) == {truck, gate}


def test_split_takes_pictures_out_together(catalog: Catalog) -> None:
    truck = aliased(catalog, "truck", "van", "van again", "truck again")
    before = state(catalog)
    out = [named(catalog, picture(catalog, word)) for word in ("van", "van again")]

    done = catalog.verdicts.split(DEFAULT_TENANT, out, ANN, look=fingerprint(sha256("van")))

    found = grouping(catalog)
    own = next(design for design in done.designs if design != truck)
    assert {found[sha256("van")], found[sha256("van again")]} == {own}
    assert {found[sha256("truck")], found[sha256("truck again")]} == {truck}
    assert broken(catalog) == []
    assert done.decision_id is not None
    catalog.verdicts.undo(DEFAULT_TENANT, done.decision_id, ANN)
    assert state(catalog) == before


def test_repeats_of_the_same_bytes_leave_as_well(catalog: Catalog) -> None:
    truck = aliased(catalog, "truck", "van")
    store(catalog, 1441, "van", partition=NEXT_DAY)
    [repeat] = catalog.designs.undesigned(NEXT_DAY, SCOPE)
    with catalog.designs.admission(SCOPE) as desk:
        desk.join(repeat.image_id, truck, None, sha256=repeat.sha256)

    different(catalog, truck, picture(catalog, "van"), look="van")

    held = column(catalog, sa.select(images.c.design_id).where(images.c.sha256 == sha256("van")))
    assert len(held) == 2
    assert set(held) != {truck}
    assert len(set(held)) == 1


def test_the_anchor_cannot_be_split_off(catalog: Catalog) -> None:
    aliased(catalog, "truck", "van")

    with pytest.raises(RejectedError, match="that one stays"):
        catalog.verdicts.split(DEFAULT_TENANT, [named(catalog, picture(catalog, "truck"))], ANN)


def test_a_decision_is_undone_once_and_before_those_it_stands_on(catalog: Catalog) -> None:
    truck, gate, crane = drawn(catalog, "truck", "gate", "crane")
    first = same(catalog, gate, truck)
    second = same(catalog, crane, gate)
    assert first is not None
    assert second is not None

    with pytest.raises(RejectedError, match="changed again since"):
        catalog.verdicts.undo(DEFAULT_TENANT, first, ANN)
    catalog.verdicts.undo(DEFAULT_TENANT, second, ANN)
    catalog.verdicts.undo(DEFAULT_TENANT, first, ANN)

    assert len(set(grouping(catalog).values())) == 3
    with pytest.raises(RejectedError, match="was undone by Ann"):
        catalog.verdicts.undo(DEFAULT_TENANT, first, ANN)
    with pytest.raises(NotFoundError, match="no decision"):
        catalog.verdicts.undo(DEFAULT_TENANT, second + 100, ANN)


def test_an_undone_merge_shows_no_picture_of_the_other(catalog: Catalog) -> None:
    truck, gate = drawn(catalog, "truck", "gate")
    decision = same(catalog, truck, gate)
    assert decision is not None
    gates = named(catalog, picture(catalog, "gate")).image_id
    assert gates is not None
    assert catalog.verdicts.keep_best(DEFAULT_TENANT, truck, Choice(gates, "larger"))

    catalog.verdicts.undo(DEFAULT_TENANT, decision, ANN)

    shown = {p.image_id: p.displayed for p in catalog.gallery.shown(DEFAULT_TENANT, truck).pictures}
    assert shown == {named(catalog, picture(catalog, "truck")).image_id: True}


def test_a_picture_whose_bytes_are_gone_cannot_show_its_design(catalog: Catalog) -> None:
    aliased(catalog, "truck", "van")
    van = picture(catalog, "van")
    with catalog.engine.begin() as connection:
        gone = images.c.sha256 == sha256("van")
        connection.execute(sa.update(images).where(gone).values(state="expired", blob_id=None))

    with pytest.raises(RejectedError, match="its bytes are not here"):
        catalog.verdicts.display(DEFAULT_TENANT, named(catalog, van), ANN)


def test_what_a_person_shows_no_rule_replaces(catalog: Catalog) -> None:
    truck = aliased(catalog, "truck", "van")
    van = named(catalog, picture(catalog, "van"))
    anchor = named(catalog, picture(catalog, "truck")).image_id
    assert anchor is not None

    catalog.verdicts.display(DEFAULT_TENANT, van, ANN)

    assert not catalog.verdicts.keep_best(DEFAULT_TENANT, truck, Choice(anchor, "larger"))
    assert catalog.gallery.candidates(DEFAULT_TENANT, truck) == ()
    assert catalog.gallery.shown(DEFAULT_TENANT, truck).display_reason == "chosen by Ann"


def test_an_alias_keeps_all_that_is_known_of_it(catalog: Catalog) -> None:
    truck = aliased(catalog, "truck", "van")

    pictures = catalog.gallery.shown(DEFAULT_TENANT, truck).pictures

    assert [p.original_name for p in pictures] == ["20250901000000.jpg", "20250901000100.jpg"]
    assert [p.exif for p in pictures] == [{"Make": "A\0B"}] * 2
    assert [(p.anchor, p.displayed) for p in pictures] == [(True, True), (False, False)]


def test_designs_are_listed_page_by_page_without_those_that_were_merged(catalog: Catalog) -> None:
    known = sorted(drawn(catalog, "truck", "gate", "crane", "truck"))
    same(catalog, known[0], known[-1])

    first = catalog.gallery.listed(DEFAULT_TENANT, most=1)
    rest = catalog.gallery.listed(DEFAULT_TENANT, group="camera", after=first[0].id)

    found = [*first, *rest]
    assert [design.id for design in found] == sorted(set(known) - {known[-1]})
    assert sum(design.pictures for design in found) == 4
    assert catalog.gallery.listed(DEFAULT_TENANT, group="inbox") == ()


def test_only_designs_whose_pictures_differ_are_contested(catalog: Catalog) -> None:
    truck = aliased(catalog, "truck", "van")
    store(catalog, 1441, "gate", partition=NEXT_DAY)
    store(catalog, 1442, "gate", partition=NEXT_DAY)
    design(catalog, NEXT_DAY)

    assert catalog.gallery.contested(DAY) == (truck,)
    assert catalog.gallery.contested(NEXT_DAY) == ()


@pytest.mark.parametrize("name", ["zzzz", "abc", "image:999999", "image:x"])
def test_a_name_that_says_nothing_is_refused(catalog: Catalog, name: str) -> None:
    drawn(catalog, "truck")

    with pytest.raises(NotFoundError):
        named(catalog, name)


WORDS = ("truck", "gate", "crane", "ship", "van")
steps = st.tuples(
    st.sampled_from(["same", "different", "undo"]), st.sampled_from(WORDS), st.sampled_from(WORDS)
)


@settings(max_examples=40, deadline=None)
@given(st.lists(steps, max_size=8), st.booleans())
def test_whatever_people_say_verdicts_and_designs_agree(
    shared_sqlite_catalog: Catalog, said: list[tuple[str, str, str]], alike: bool
) -> None:
    catalog = _emptied(shared_sqlite_catalog)
    (aliased if alike else drawn)(catalog, *WORDS)
    taken: list[int] = []

    for kind, one, other in said:
        try:
            if kind == "undo" and taken:
                catalog.verdicts.undo(DEFAULT_TENANT, taken[len(one) % len(taken)], ANN)
            elif kind == "same":
                taken += made(same(catalog, picture(catalog, one), picture(catalog, other)))
            else:
                taken += made(divided(catalog, picture(catalog, one), picture(catalog, other)))
        except RejectedError:
            pass

    assert broken(catalog) == []
    assert len(grouping(catalog)) == len(WORDS)
    assert column(catalog, sa.select(sa.func.count(decisions.c.id))) == [len(taken)]


def made(decision: int | None) -> list[int]:
    return [] if decision is None else [decision]


def divided(catalog: Catalog, one: str, other: str) -> int | None:
    """`different`, with a look at whatever has to leave."""
    pair = named(catalog, one), named(catalog, other)
    leaver = catalog.verdicts.leaving(DEFAULT_TENANT, *pair)
    look = None
    if leaver is not None:
        [word] = [w for w in WORDS if fingerprint(sha256(w)).pixel_hash == leaver.pixels]
        look = fingerprint(sha256(word))
    return catalog.verdicts.different(DEFAULT_TENANT, *pair, ANN, look=look).decision_id


def design_of(catalog: Catalog, word: str) -> str:
    return grouping(catalog)[sha256(word)]


def hashes(uploads: UploadsCatalog) -> set[str]:
    """What the first day has published."""
    return {p.upload.content.sha256 for p in uploads.published(DAY, "pinata")}
