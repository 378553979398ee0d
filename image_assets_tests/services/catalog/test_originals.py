import datetime as dt
from dataclasses import replace

import pytest
import sqlalchemy as sa

from image_assets.core.model import ImageState, Level, Publishes, Receipt
from image_assets.core.originals import Copy, OriginalFacts, OriginalsPolicy, plan
from image_assets.ports import PlannedDeletion
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.blobs import forget
from image_assets.services.catalog.schema import (
    blobs,
    deletions,
    designs,
    images,
    tenants,
    uploads,
)
from image_assets_tests.services.catalog.samples import (
    ATTEMPT,
    DAY,
    LEASE,
    NEXT_DAY,
    NOW,
    add_tenant,
    at,
    blob,
    column,
    design,
    export,
    publish,
    record,
    register,
    sha256,
    store,
)

ORIGINALS = Publishes.ORIGINALS
POLICY = OriginalsPolicy(places={"camera": frozenset({"pinata"})})
TOMORROW = NOW + dt.timedelta(days=1)
AFTER = TOMORROW + POLICY.undo


def proven(catalog: Catalog, *words: str) -> None:
    """Pictures of these words and a newer one, all of them published and proven."""
    for minute, word in enumerate(words):
        store(catalog, minute, word)
    store(catalog, 1000, "newest")
    publish(catalog, publishes=ORIGINALS)


def facts(catalog: Catalog) -> dict[str, OriginalFacts]:
    """What decides, by path."""
    return {one.path: one for one in catalog.originals.facts({"camera"})}


def fact(catalog: Catalog, word: str) -> OriginalFacts:
    [path] = column(catalog, sa.select(blobs.c.path).where(blobs.c.sha256 == sha256(word)))
    return facts(catalog)[str(path)]


def planned(catalog: Catalog, policy: OriginalsPolicy = POLICY) -> list[PlannedDeletion]:
    decided = plan(catalog.originals.facts(policy.sources), policy, now=TOMORROW)
    catalog.originals.forget_plan()
    catalog.originals.record_plan(decided, now=TOMORROW)
    return list(catalog.originals.planned())


def tombstoned(catalog: Catalog, *words: str) -> list[PlannedDeletion]:
    """What went of the words that are proven."""
    proven(catalog, *words)
    found = planned(catalog)
    assert [catalog.originals.tombstone(one.id, POLICY, now=TOMORROW) for one in found] == [
        True
    ] * len(words)
    return found


def states(catalog: Catalog) -> list[object]:
    return column(catalog, sa.select(images.c.state).order_by(images.c.item_key))


def purge(catalog: Catalog, deletion: PlannedDeletion, now: dt.datetime = AFTER) -> object:
    with catalog.originals.purging(deletion.id, POLICY, now=now) as found:
        return found.path or found.kept


def test_facts_of_a_proven_original(catalog: Catalog) -> None:
    proven(catalog, "truck")

    found = fact(catalog, "truck")

    assert (found.size, found.arrived_at, found.sources) == (1000, NOW, {"camera"})
    assert (found.settled, found.unsettled) == ({"pinata"}, 0)
    assert [replace(copy, upload=0) for copy in found.copies] == [Copy("pinata", Level.L4, NOW)]
    assert not any((found.pinned, found.latest_target, found.newest, found.shown, found.shared))


def test_a_rendering_at_a_host_is_no_copy(catalog: Catalog) -> None:
    proven(catalog, "truck")
    with catalog.engine.begin() as connection:
        connection.execute(uploads.update().values(rendering="jpeg 2000000"))

    assert (fact(catalog, "truck").copies, fact(catalog, "truck").settled) == ((), {"pinata"})


def test_an_upload_that_is_not_proven_yet_is_no_copy(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [upload] = register(catalog, publishes=ORIGINALS)
    catalog.uploads.begin(upload.id, "us", lease_until=LEASE, now=NOW)
    catalog.uploads.receive(upload.id, "us", Receipt("http://h/x"), attempt=ATTEMPT, now=NOW)

    found = fact(catalog, "truck")

    assert (found.copies, found.unsettled, found.settled) == ((), 1, frozenset())


def test_another_tenants_copy_proves_nothing_of_ours(catalog: Catalog) -> None:
    proven(catalog, "truck")
    add_tenant(catalog, "other")
    other = sa.select(tenants.c.id).where(tenants.c.name == "other").scalar_subquery()
    with catalog.engine.begin() as connection:
        connection.execute(uploads.update().values(tenant_id=other))

    assert fact(catalog, "truck").copies == ()


def test_the_newest_of_each_collection_is_told(catalog: Catalog) -> None:
    proven(catalog, "truck")

    assert [fact(catalog, word).newest for word in ("truck", "newest")] == [False, True]


def test_an_export_on_the_same_bytes_and_a_latest_key_are_told(catalog: Catalog) -> None:
    proven(catalog, "truck", "gate")
    [first, *_] = design(catalog)
    record(catalog, first, blob("truck", "exports/a.jpg"))
    catalog.latest.append(
        "default", "k", sequence=1, captured_at=at(1), value="v", sha256=sha256("gate"), now=NOW
    )

    assert fact(catalog, "truck").shared == "an export"
    assert fact(catalog, "gate").latest_target


def test_what_is_shown_of_a_design_is_told(catalog: Catalog) -> None:
    proven(catalog, "truck", "gate")
    made = design(catalog)
    with catalog.engine.begin() as connection:  # both are one design, of which the first is shown
        connection.execute(
            images.update().where(images.c.sha256 == sha256("gate")).values(design_id=made[0])
        )

    assert [fact(catalog, word).shown for word in ("truck", "gate")] == [{"camera"}, frozenset()]


def test_bytes_of_two_pictures_are_one_original(catalog: Catalog) -> None:
    proven(catalog, "truck")
    store(catalog, 5, "truck")
    with catalog.engine.begin() as connection:
        connection.execute(
            images.update()
            .where(images.c.captured_at == at(5))
            .values(pinned=True, received_at=TOMORROW)
        )

    found = fact(catalog, "truck")

    assert (len(facts(catalog)), found.pinned, found.arrived_at) == (2, True, TOMORROW)


def test_all_that_there_ever_was_is_known(catalog: Catalog) -> None:
    tombstoned(catalog, "truck", "gate")

    assert catalog.originals.known({"camera"}) == 3
    assert catalog.originals.known({"inbox"}) == 0


def test_a_tombstone_expires_every_picture_and_keeps_the_bytes(catalog: Catalog) -> None:
    [deletion] = tombstoned(catalog, "truck")

    assert states(catalog) == ["expired", "stored"]
    assert deletion.path in column(catalog, sa.select(blobs.c.path))
    assert catalog.originals.tombstoned() == (deletion,)
    [proof] = column(catalog, sa.select(deletions.c.proof))
    assert proof["copies"] == [
        {"destination": "pinata", "level": "L4", "verified_at": NOW.isoformat()}
    ]


def test_a_picture_that_went_is_not_asked_for_again_and_stays_published(catalog: Catalog) -> None:
    tombstoned(catalog, "truck")

    assert {known.state for known in catalog.images.known(DAY).values()} == {
        ImageState.EXPIRED,
        ImageState.STORED,
    }
    assert len(catalog.uploads.published(DAY, "pinata")) == 2


@pytest.mark.parametrize("need", ["pinned", "latest", "upload", "lost", "old", "export", "newer"])
def test_what_came_to_be_needed_since_the_plan_is_withdrawn(catalog: Catalog, need: str) -> None:
    proven(catalog, "truck")
    [deletion] = planned(catalog)
    now = TOMORROW
    match need:
        case "pinned":
            catalog.originals.pin([deletion.path], pinned=True)
        case "latest":
            catalog.latest.append(
                "default", "k", sequence=1, captured_at=at(1), value="v",
                sha256=sha256("truck"), now=NOW,
            )  # fmt: skip
        case "upload":
            register(catalog, publishes=ORIGINALS, destination="s3")
        case "lost":
            with catalog.engine.begin() as connection:
                connection.execute(uploads.update().values(state="failed"))
        case "old":
            now = NOW + POLICY.fresh + dt.timedelta(days=1)
        case "export":
            [first, *_] = design(catalog)
            record(catalog, first, blob("truck", "exports/a.jpg"))
        case "newer":
            with catalog.engine.begin() as connection:
                connection.execute(
                    images.update()
                    .where(images.c.sha256 == sha256("newest"))
                    .values(state="gone", blob_id=None)
                )

    assert not catalog.originals.tombstone(deletion.id, POLICY, now=now)

    assert catalog.originals.planned() == ()
    assert "expired" not in states(catalog)


def test_a_tombstone_waits_for_its_days_of_undo(catalog: Catalog) -> None:
    [deletion] = tombstoned(catalog, "truck")
    early = TOMORROW + POLICY.undo - dt.timedelta(seconds=1)

    due = [catalog.originals.tombstoned(before=moment - POLICY.undo) for moment in (early, AFTER)]

    assert due == [(), (deletion,)]


def test_a_purge_forgets_the_bytes_and_cannot_be_undone(catalog: Catalog) -> None:
    [deletion] = tombstoned(catalog, "truck")

    assert purge(catalog, deletion) == deletion.path

    assert deletion.path not in column(catalog, sa.select(blobs.c.path))
    assert (catalog.originals.tombstoned(), purge(catalog, deletion)) == ((), "restored")
    assert not catalog.originals.restore(deletion.id, now=AFTER)


def test_a_purge_whose_file_could_not_go_is_left_for_later(catalog: Catalog) -> None:
    [deletion] = tombstoned(catalog, "truck")

    with (
        pytest.raises(RuntimeError),
        catalog.originals.purging(deletion.id, POLICY, now=AFTER),
    ):
        raise RuntimeError("the disk does not answer")

    assert catalog.originals.tombstoned() == (deletion,)
    assert catalog.originals.restore(deletion.id, now=AFTER)


@pytest.mark.parametrize("lost", ["state", "level", "age", "policy"])
def test_a_proof_that_is_gone_before_the_purge_brings_the_original_back(
    catalog: Catalog, lost: str
) -> None:
    [deletion] = tombstoned(catalog, "truck")
    now, policy = AFTER, POLICY
    match lost:
        case "state":
            changes = {"state": "failed"}
        case "level":
            changes = {"level": "L2"}
        case "age":
            changes, now = {}, NOW + dt.timedelta(days=3650)
        case _:
            changes, policy = {}, replace(POLICY, on=False)
    if changes:
        with catalog.engine.begin() as connection:
            connection.execute(uploads.update().values(**changes))

    with catalog.originals.purging(deletion.id, policy, now=now) as found:
        pass

    assert (found.path, found.kept) == (None, "restored")
    assert states(catalog) == ["stored", "stored"]


def test_a_picture_that_came_with_the_same_bytes_keeps_them(catalog: Catalog) -> None:
    [deletion] = tombstoned(catalog, "truck")
    later = store(catalog, 1500, "truck", partition=NEXT_DAY)
    store(catalog, 2000, "still newer", partition=NEXT_DAY)

    assert purge(catalog, deletion) == "shared"

    assert later.path == deletion.path
    assert catalog.images.paths(NEXT_DAY)[0] == deletion.path


def test_an_export_that_goes_leaves_the_bytes_of_a_tombstone(catalog: Catalog) -> None:
    [deletion] = tombstoned(catalog, "truck")
    made = design(catalog)
    record(catalog, made[0], blob("truck", "exports/a.jpg"))
    with catalog.engine.begin() as connection:
        connection.execute(sa.text("UPDATE exports SET blob_id = NULL, state = 'expired'"))
    with catalog.engine.begin() as connection:
        assert not forget(connection, int(deletion.subject))

    assert catalog.originals.restore(deletion.id, now=TOMORROW)


def test_what_is_restored_is_as_it_was_and_pinned(catalog: Catalog) -> None:
    proven(catalog, "truck")
    store(catalog, 5, "truck")
    before = column(catalog, sa.select(images.c.stale).order_by(images.c.item_key))
    [deletion] = planned(catalog)
    catalog.originals.tombstone(deletion.id, POLICY, now=TOMORROW)

    assert catalog.originals.restore(deletion.id, now=TOMORROW)

    assert states(catalog) == ["stored"] * 3
    assert column(catalog, sa.select(images.c.stale).order_by(images.c.item_key)) == before
    assert fact(catalog, "truck").pinned
    assert planned(catalog) == []
    assert (catalog.originals.tombstoned(), catalog.originals.restore(deletion.id, now=AFTER)) == (
        (), False,
    )  # fmt: skip


def test_a_picture_that_is_restored_beside_a_later_one_is_the_first_of_both(
    catalog: Catalog,
) -> None:
    [deletion] = tombstoned(catalog, "truck")
    store(catalog, 1500, "truck", partition=NEXT_DAY)

    catalog.originals.restore(deletion.id, now=TOMORROW)

    rows = sa.select(images.c.stale).where(images.c.sha256 == sha256("truck"))
    assert column(catalog, rows.order_by(images.c.item_key)) == [False, True]


def test_keys_that_nobody_knows_are_named_and_others_pinned(catalog: Catalog) -> None:
    proven(catalog, "truck")
    path = fact(catalog, "truck").path

    assert catalog.originals.pin([path, "images/none.jpg"], pinned=True) == ["images/none.jpg"]
    assert fact(catalog, "truck").pinned
    assert catalog.originals.pin([path], pinned=False) == []
    assert not fact(catalog, "truck").pinned


def test_plans_of_exports_and_of_originals_do_not_disturb_each_other(catalog: Catalog) -> None:
    proven(catalog, "truck")
    design(catalog)
    export(catalog)
    [deletion] = planned(catalog)

    catalog.retention.forget_plan()

    assert catalog.originals.planned() == (deletion,)
    assert catalog.retention.planned() == ()
    assert catalog.originals.tombstone(deletion.id, POLICY, now=TOMORROW)
    assert catalog.retention.unpurged() == ()


def test_exports_of_an_original_that_went_stay_and_say_why(catalog: Catalog) -> None:
    proven(catalog, "truck")
    design(catalog)
    export(catalog)
    [deletion] = planned(catalog)
    catalog.originals.tombstone(deletion.id, POLICY, now=TOMORROW)

    stored = {
        one.name.split()[0]: one.source_stored for one in catalog.retention.export_facts({"x"})
    }

    assert sorted(stored.values()) == [False, True]
    assert len(column(catalog, sa.select(designs.c.id))) == 2
