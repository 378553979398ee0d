"""Nothing crosses tenants: whatever another shop does, ours is as if it were alone.

Both shops have the same pictures, capture times, exports and keys on purpose: everything that could
be mistaken for the other's is.
"""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from image_assets.core import retention
from image_assets.core.errors import NotFoundError, PermanentError, RejectedError
from image_assets.core.fingerprint import VERSION
from image_assets.core.model import (
    Blob,
    Entry,
    Fetched,
    ImageFormat,
    Partition,
    Policy,
    Publishes,
    Scope,
)
from image_assets.core.retention import DeletionPlan, RetentionPolicy
from image_assets.ports import By, Newest, Reach
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.columns import metadata
from image_assets.services.catalog.schema import designs, exports, tenants
from image_assets.stages.designs import Admitter
from image_assets_tests.conftest import _emptied
from image_assets_tests.fakes import KnownLooks
from image_assets_tests.looks import relative
from image_assets_tests.services.catalog.samples import (
    DAY,
    NOW,
    OTHER_SHOP,
    RECIPE,
    add_tenant,
    column,
    design,
    publish,
    record,
    sha256,
    store,
)

SHOPS = {"default": DAY, "other": OTHER_SHOP}
WORDS = ("truck", "gate", "crane")
KEY = "apm/in_gate:daily:latest"
MUTE = {"id", "tenant_id", "changes", "subject", "said"}
"""Columns that hold numbers of rows: they count both shops' together, and mean nothing outside."""

Step = tuple[str, str, int]


def act(catalog: Catalog, shop: str, step: Step) -> None:
    kind, word, minute = step
    partition = SHOPS[shop]
    match kind:
        case "store":
            path = f"images/{shop}/{minute} {word}.jpg"
            store(catalog, minute, word, partition=partition, path=path)
        case "design":
            design(catalog, partition, scope(shop))
        case "export":
            export(catalog, shop)
        case "publish":
            publish(catalog, partition, owner=shop)
        case "announce":
            announce(catalog, shop)
        case "same" | "different":
            judge(catalog, shop, kind, word, WORDS[minute % 3])
        case "expire":
            expire(catalog, shop)
        case "drop":
            drop(catalog, shop, WORDS.index(word), minute)
        case "search":
            search(catalog, shop, WORDS.index(word), minute)


def scope(shop: str) -> Scope:
    return Scope("camera", Policy.EXACT, shop)


def drop(catalog: Catalog, shop: str, family: int, member: int) -> None:
    """A design in the shop's inbox: it is one with others of its family, in this shop alone."""
    look, name = relative(family, member), f"{family} {member}"
    blob = Blob(look.pixel_hash, f"inbox/{shop}/{name}.png", 1000, ImageFormat.PNG, 64, 64)
    catalog.images.add_stored(
        batch(shop), Entry(name, name), blob, fetched=Fetched(blob.sha256, 1000), exif={}, now=NOW
    )
    looks = KnownLooks({blob.path: look})
    admitter = Admitter(inbox(shop), catalog.designs, looks, looks, workers=1)
    admitter.admit(batch(shop), now=NOW)


def search(catalog: Catalog, shop: str, family: int, member: int) -> list[list[str]]:
    """What is found near to a picture, by keys and in memory."""
    found = []
    for bits in (16, 40):
        with catalog.designs.admission(inbox(shop), Reach(VERSION, bits)) as desk:
            [anchors] = desk.near([relative(family, member)])
        found.append([anchor.design_id for anchor in anchors])
    return found


def batch(shop: str) -> Partition:
    return Partition("inbox", "acme", "batch", tenant=shop)


def inbox(shop: str) -> Scope:
    return Scope("inbox", Policy.NEAR, shop)


def export(catalog: Catalog, shop: str) -> None:
    """Exports whose bytes are the same in both shops."""
    for lacking in catalog.thumbnails.unexported(SHOPS[shop], [RECIPE]):
        source = lacking.origin.sha256
        blobs = [
            Blob(sha256(f"{source} {f}"), f"exports/{shop}/{source}.{f}", 5, f, 8, 8)
            for f in RECIPE.formats
        ]
        record(catalog, lacking.design_id, *blobs)


def newest(catalog: Catalog, shop: str) -> Newest | None:
    return catalog.latest.newest_verified(
        *("camera", "apm/in_gate", "pinata", RECIPE.name, ImageFormat.JPEG), until=NOW, tenant=shop
    )


def announce(catalog: Catalog, shop: str) -> None:
    found, current = newest(catalog, shop), catalog.latest.current(shop, KEY)
    if found is None or (current is not None and current.captured_at >= found.captured_at):
        return
    sequence = 1 if current is None else current.sequence + 1
    content = found.upload.content.sha256
    catalog.latest.append(
        shop, KEY, sequence=sequence, captured_at=found.captured_at, value=content,
        sha256=content, now=NOW,
    )  # fmt: skip
    catalog.latest.published(shop, KEY, sequence, now=NOW)


def judge(catalog: Catalog, shop: str, kind: str, one: str, other: str) -> None:
    """A person of the shop on two of its designs, where it has both."""
    by = By(shop, NOW)
    try:
        pair = [catalog.gallery.named(shop, own_design(catalog, shop, w)) for w in (one, other)]
        if kind == "same":
            catalog.verdicts.same(shop, pair[0], pair[1:], by)
        else:
            catalog.verdicts.different(shop, *pair, by)
    except (NotFoundError, RejectedError):
        return


def own_design(catalog: Catalog, shop: str, word: str) -> str:
    pixels = sha256(f"pixels of {sha256(word)}")
    found = column(
        catalog,
        sa.select(designs.c.id)
        .join(tenants, tenants.c.id == designs.c.tenant_id)
        .where(designs.c.pixel_hash == pixels, tenants.c.name == shop),
    )
    return str(found[0]) if found else "none yet"


def expire(catalog: Catalog, shop: str) -> None:
    """Every old export of the shop that nothing needs goes."""
    later = NOW.replace(year=NOW.year + 1)
    ours = set(
        column(
            catalog,
            sa.select(exports.c.id)
            .join(tenants, tenants.c.id == exports.c.tenant_id)
            .where(tenants.c.name == shop),
        )
    )
    every = catalog.retention.export_facts([RECIPE.name])
    facts = [fact for fact in every if fact.subject in map(str, ours)]
    planned = retention.plan(facts, [], RetentionPolicy(), now=later)
    catalog.retention.forget_plan()
    catalog.retention.record_plan(DeletionPlan(planned.going), now=later)
    for deletion in catalog.retention.planned():
        catalog.retention.tombstone(deletion.id, now=later)


def rows(catalog: Catalog, shop: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is the shop's, table by table, without the numbers of rows."""
    found = {}
    with catalog.engine.connect() as connection:
        for table in metadata.sorted_tables:
            if "tenant_id" not in table.c:
                continue
            told = [
                c
                for c in table.c
                if c.name not in MUTE
                and not (c.name.endswith("_id") and isinstance(c.type, sa.Integer | sa.BigInteger))
            ]
            mine = sa.select(*told).join_from(table, tenants, table.c.tenant_id == tenants.c.id)
            answers = connection.execute(mine.where(tenants.c.name == shop))
            found[table.name] = sorted((tuple(row) for row in answers), key=repr)
    return found


def seen(catalog: Catalog, shop: str) -> dict[str, Any]:
    """What the shop reads through the ports."""
    partition = SHOPS[shop]
    found, current = newest(catalog, shop), catalog.latest.current(shop, KEY)
    contents = catalog.uploads.publishable(partition, Publishes.BOTH, RECIPE)
    return {
        "known": {k: replace(v) for k, v in catalog.images.known(partition).items()},
        "counts": catalog.images.counts(partition),
        "undesigned": [
            (u.item_key, u.design_of_blob)
            for u in catalog.designs.undesigned(partition, scope(shop))
        ],
        "designs": catalog.gallery.listed(shop),
        "decisions": [(d.kind, d.person) for d in catalog.gallery.decisions(shop)],
        "contents": [(c.sha256, c.path) for c in contents],
        "published": [p.upload.content for p in catalog.uploads.published(partition, "pinata")],
        "newest": found and (found.item_key, found.upload.content.sha256),
        "latest": current and (current.sequence, current.value, current.state),
        "dropped": catalog.designs.counts(batch(shop)),
        "near": [search(catalog, shop, family, 9) for family in range(len(WORDS))],
        "totals": catalog.totals.totals(shop),
    }


def alone_and_together(catalog: Catalog, steps: list[tuple[str, Step]]) -> None:
    """Our shop's steps give the same whether another shop is there or not."""
    told = []
    for present in ({"default"}, set(SHOPS)):
        _emptied(catalog)
        add_tenant(catalog, "other")
        for shop, step in steps:
            if shop in present:
                act(catalog, shop, step)
        told.append((rows(catalog, "default"), seen(catalog, "default")))

    assert told[0] == told[1]


KINDS = (
    *("store", "store", "design", "export", "publish", "announce", "same", "different", "expire"),
    *("drop", "drop", "search"),
)
stories = st.lists(
    st.tuples(
        st.sampled_from(sorted(SHOPS)),
        st.tuples(st.sampled_from(KINDS), st.sampled_from(WORDS), st.integers(0, 5)),
    ),
    max_size=24,
)


@settings(max_examples=25, deadline=None)
@given(stories)
def test_a_shop_is_as_if_it_were_alone(
    shared_sqlite_catalog: Catalog, steps: list[tuple[str, Step]]
) -> None:
    alone_and_together(shared_sqlite_catalog, steps)


@settings(max_examples=5, deadline=None)
@given(stories)
def test_a_shop_is_as_if_it_were_alone_on_postgres_as_well(
    shared_postgres_catalog: Catalog, steps: list[tuple[str, Step]]
) -> None:
    alone_and_together(shared_postgres_catalog, steps)


def whole(catalog: Catalog) -> None:
    """Both shops go through everything with the same two pictures."""
    add_tenant(catalog, "other")
    for shop in SHOPS:
        for minute, word in enumerate(WORDS[:2]):
            act(catalog, shop, ("store", word, minute))
        for kind in ("design", "export", "publish", "announce", "drop", "search"):
            act(catalog, shop, (kind, "truck", 1))


def test_two_shops_go_the_whole_way_side_by_side(catalog: Catalog) -> None:
    """The stories above mean something: their steps reach the end."""
    whole(catalog)
    act(catalog, "other", ("same", "truck", 1))
    act(catalog, "other", ("expire", "truck", 1))

    ours, theirs = rows(catalog, "default"), rows(catalog, "other")

    filled = {"images", "designs", "exports", "uploads", "latest", "blobs", "spaces"}
    assert {name for name, found in ours.items() if found} >= filled
    assert {name for name, found in theirs.items() if found} >= filled | {"verdicts", "deletions"}
    assert seen(catalog, "default")["newest"] is not None
    assert [len(by_keys) for by_keys, _ in seen(catalog, "default")["near"]] == [1, 0, 0]
    assert (ours["deletions"], ours["verdicts"]) == ([], [])


def test_names_of_another_shop_lead_nowhere(catalog: Catalog) -> None:
    whole(catalog)
    theirs = own_design(catalog, "other", "truck")
    pair = [catalog.gallery.named("other", own_design(catalog, "other", w)) for w in WORDS[:2]]
    decided = catalog.verdicts.same("other", pair[0], pair[1:], By("Ben", NOW))
    image = catalog.gallery.shown("other", theirs).pictures[0].image_id

    for name in (theirs, theirs[:10], f"image:{image}"):
        with pytest.raises(NotFoundError):
            catalog.gallery.named("default", name)
    with pytest.raises(NotFoundError):
        catalog.gallery.shown("default", theirs)
    with pytest.raises(NotFoundError):
        catalog.verdicts.undo("default", decided.decision_id or 0, By("Ann", NOW))


def test_a_name_smuggled_past_the_door_changes_nothing(catalog: Catalog) -> None:
    """Even a value made for another shop finds nothing of its own here."""
    whole(catalog)
    pair = [catalog.gallery.named("other", own_design(catalog, "other", w)) for w in WORDS[:2]]
    before = rows(catalog, "other"), rows(catalog, "default")

    with pytest.raises(NotFoundError):
        catalog.verdicts.same("default", pair[0], pair[1:], By("Ann", NOW))

    assert (rows(catalog, "other"), rows(catalog, "default")) == before


def test_a_shop_that_is_not_there_is_refused(catalog: Catalog) -> None:
    with pytest.raises(PermanentError, match="no tenant 'nobody'"):
        catalog.gallery.listed("nobody")
