import datetime as dt

import pytest
import sqlalchemy as sa

from image_assets.core.errors import TransientError
from image_assets.core.model import DeletionKind, ImageFormat
from image_assets.core.retention import ExportFacts, RetentionPolicy, TemporaryFile, plan
from image_assets.ports import PlannedDeletion
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.making import recipes
from image_assets.services.catalog.schema import blobs, deletions, exports, images
from image_assets_tests.services.catalog.samples import (
    DAY,
    NOW,
    RECIPE,
    at,
    blob,
    column,
    design,
    export,
    journey,
    record,
    register,
    sha256,
    store,
)

KNOWN = {RECIPE.name}
IN_TEN_DAYS = NOW + dt.timedelta(days=10)


def facts(catalog: Catalog) -> list[ExportFacts]:
    return list(catalog.retention.export_facts(KNOWN))


def planned(catalog: Catalog, *temporary: TemporaryFile) -> list[PlannedDeletion]:
    """Plan in ten days; what is to go."""
    decided = plan(facts(catalog), temporary, RetentionPolicy(), now=IN_TEN_DAYS)
    catalog.retention.forget_plan()
    catalog.retention.record_plan(decided, now=IN_TEN_DAYS)
    return list(catalog.retention.planned())


def tombstone(catalog: Catalog, deletion: PlannedDeletion) -> str | None:
    return catalog.retention.tombstone(deletion.id, now=IN_TEN_DAYS)


def announce(catalog: Catalog, content: str, sequence: int, *, published: bool) -> None:
    catalog.latest.append(
        "default", "k", sequence=sequence, captured_at=at(1), value="v", sha256=content, now=NOW
    )
    if published:
        catalog.latest.published("default", "k", sequence, now=NOW)


def published_export(catalog: Catalog) -> str:
    """The hash of one of two exports that are verified."""
    store(catalog, 1, "truck")
    journey(catalog)
    return str(column(catalog, sa.select(exports.c.sha256).order_by("id"))[0])


def change_export(catalog: Catalog, **values: object) -> None:
    with catalog.engine.begin() as connection:
        connection.execute(exports.update().values(**values))


def test_facts_of_an_export_that_may_go(catalog: Catalog) -> None:
    published_export(catalog)

    first, second = facts(catalog)

    assert {first.path[-4:], second.path[-4:]} == {".png", "jpeg"}
    assert (first.size, first.created_at) == (500, NOW)
    assert (first.source_stored, first.recipe_known, first.pinned) == (True, True, False)
    assert (first.latest_target, first.unpublished) == (False, 0)


def test_an_export_that_is_not_settled_somewhere_is_still_needed(catalog: Catalog) -> None:
    published_export(catalog)

    register(catalog, destination="local")

    assert [fact.unpublished for fact in facts(catalog)] == [1, 1]


def test_a_recipe_that_is_made_no_longer_is_known_as_long_as_it_is_recorded(
    catalog: Catalog,
) -> None:
    published_export(catalog)
    recorded = {fact.recipe_known for fact in catalog.retention.export_facts({"other"})}

    with catalog.engine.begin() as connection:
        connection.execute(recipes.delete())

    assert recorded == {True}
    assert {fact.recipe_known for fact in catalog.retention.export_facts({"other"})} == {False}


def test_an_export_without_its_source_is_told(catalog: Catalog) -> None:
    published_export(catalog)

    with catalog.engine.begin() as connection:
        connection.execute(images.update().values(state="expired", blob_id=None))

    assert {fact.source_stored for fact in facts(catalog)} == {False}


def test_what_the_store_may_still_hold_is_a_latest_target(catalog: Catalog) -> None:
    content = published_export(catalog)
    announce(catalog, content, 1, published=True)
    targets = [facts(catalog)[0].latest_target]

    announce(catalog, sha256("newer"), 2, published=False)
    targets.append(facts(catalog)[0].latest_target)
    catalog.latest.published("default", "k", 2, now=NOW)
    targets.append(facts(catalog)[0].latest_target)

    assert targets == [True, True, False]


def test_a_plan_replaces_the_one_before(catalog: Catalog) -> None:
    published_export(catalog)
    old = planned(catalog)

    new = planned(catalog, TemporaryFile("tmp/left", 7, NOW))

    assert len(old) == 2
    assert [(d.kind, d.path) for d in new if d.kind is DeletionKind.TEMPORARY] == [
        (DeletionKind.TEMPORARY, "tmp/left")
    ]
    assert len(new) == 3
    assert tombstone(catalog, old[0]) is None  # that plan is over


def test_a_tombstone_expires_the_export_and_gives_its_file_away(catalog: Catalog) -> None:
    published_export(catalog)
    first, second = planned(catalog)

    path = tombstone(catalog, first)

    assert path == first.path
    assert sorted(map(str, column(catalog, sa.select(exports.c.state)))) == ["expired", "live"]
    assert first.path not in column(catalog, sa.select(blobs.c.path))
    assert catalog.retention.planned() == (second,)
    assert column(
        catalog, sa.select(deletions.c.proof["source_sha256"].as_string()).order_by("id")
    ) == [sha256("truck"), None]


def test_a_run_cut_off_before_the_file_went_is_finished_later(catalog: Catalog) -> None:
    published_export(catalog)
    first, _ = planned(catalog)
    tombstone(catalog, first)

    left = catalog.retention.unpurged()
    with catalog.retention.purging(first.id, now=IN_TEN_DAYS) as path:
        pass

    assert (left, path) == ((first,), first.path)
    assert catalog.retention.unpurged() == ()


def test_a_purge_that_fails_is_left_for_later(catalog: Catalog) -> None:
    published_export(catalog)
    first, _ = planned(catalog)
    tombstone(catalog, first)

    with (
        pytest.raises(TransientError),
        catalog.retention.purging(first.id, now=IN_TEN_DAYS),
    ):
        raise TransientError("the disk does not answer")

    assert catalog.retention.unpurged() == (first,)


def test_one_turn_at_a_time(catalog: Catalog) -> None:
    until = NOW + dt.timedelta(minutes=15)

    taken = [catalog.retention.take_turn(who, until=until, now=NOW) for who in ("a", "b", "a")]
    later = catalog.retention.take_turn("b", until=until, now=until)
    catalog.retention.end_turn("b")

    assert (taken, later) == ([True, False, True], True)
    assert catalog.retention.take_turn("c", until=until, now=NOW)


def test_a_file_that_was_made_again_is_not_left_over(catalog: Catalog) -> None:
    published_export(catalog)
    for deletion in planned(catalog):
        tombstone(catalog, deletion)

    with catalog.engine.begin() as connection:
        for row in connection.execute(sa.select(deletions.c.path)).all():
            again = blob(row.path, row.path)
            connection.execute(
                blobs.insert().values(
                    tenant_id=1,
                    sha256=again.sha256,
                    path=again.path,
                    size=1,
                    format="png",
                    width=1,
                    height=1,
                    created_at=NOW,
                )
            )

    left = catalog.retention.unpurged()
    going = []
    for deletion in left:
        with catalog.retention.purging(deletion.id, now=IN_TEN_DAYS) as path:
            going.append(path)

    assert going == [None, None]
    assert catalog.retention.unpurged() == ()
    assert column(catalog, sa.select(deletions.c.restored_at)) == [IN_TEN_DAYS, IN_TEN_DAYS]


def test_bytes_that_another_row_lives_on_stay(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    store(catalog, 2, "gate")
    for design_id in design(catalog):
        record(catalog, design_id, blob("white", f"exports/{design_id}.jpg"))
    first, second = planned(catalog)

    paths = [tombstone(catalog, first), tombstone(catalog, second)]

    assert paths == [None, first.path]
    assert column(catalog, sa.select(exports.c.state)) == ["expired", "expired"]
    assert [left.id for left in catalog.retention.unpurged()] == [second.id]


def test_an_original_with_the_bytes_of_an_export_stays(catalog: Catalog) -> None:
    original = store(catalog, 1, "truck")
    [design_id] = design(catalog)
    record(catalog, design_id, blob("truck", "exports/a.jpg"))
    [deletion] = planned(catalog)

    assert tombstone(catalog, deletion) is None
    assert catalog.images.paths(DAY) == (original.path,)


@pytest.mark.parametrize("need", ["pinned", "latest", "upload", "source"])
def test_what_came_to_be_needed_since_the_plan_is_withdrawn(catalog: Catalog, need: str) -> None:
    published_export(catalog)
    first, second = planned(catalog)
    match need:
        case "pinned":
            change_export(catalog, pinned=True)
        case "latest":
            [content] = column(
                catalog, sa.select(exports.c.sha256).where(exports.c.id == int(first.subject))
            )
            announce(catalog, str(content), 1, published=False)
        case "upload":
            register(catalog, destination="local")
        case "source":
            with catalog.engine.begin() as connection:
                connection.execute(images.update().values(state="expired", blob_id=None))

    assert tombstone(catalog, first) is None

    assert catalog.retention.planned() == (second,)
    assert column(catalog, sa.select(exports.c.state)) == ["live", "live"]


def test_a_scratch_file_that_became_a_picture_is_withdrawn(catalog: Catalog) -> None:
    left, became = planned(
        catalog, TemporaryFile("tmp/left", 7, NOW), TemporaryFile("tmp/picture", 7, NOW)
    )

    store(catalog, 1, "truck", path="tmp/picture")

    assert [tombstone(catalog, left), tombstone(catalog, became)] == ["tmp/left", None]


def test_uploads_of_an_expired_export_stay_published(catalog: Catalog) -> None:
    published_export(catalog)
    for deletion in planned(catalog):
        tombstone(catalog, deletion)

    formats = {link.upload.content.format for link in catalog.uploads.published(DAY, "pinata")}

    assert formats == {ImageFormat.PNG, ImageFormat.JPEG}
    export(catalog)
    assert column(catalog, sa.select(exports.c.state)) == ["expired", "expired"]
