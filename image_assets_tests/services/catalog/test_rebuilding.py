import datetime as dt
from dataclasses import replace

import pytest
import sqlalchemy as sa

from image_assets.core.model import Blob, ImageFormat, Partition, UploadState
from image_assets.core.naming import export_path
from image_assets.core.recipes import Recipe
from image_assets.core.retention import RetentionPolicy, plan
from image_assets.ports import Exported, LiveExport, NewExport, Origin, Place
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.making import recipes, renditions
from image_assets.services.catalog.schema import blobs, exports, uploads
from image_assets_tests.services.catalog.samples import (
    DAY,
    NEXT_DAY,
    NOW,
    RECIPE,
    column,
    design,
    journey,
    publish,
    publishable,
    record,
    sha256,
    store,
)

PNG = replace(RECIPE, formats=(ImageFormat.PNG,))
LATER = NOW + dt.timedelta(days=10)


def rendering(design_id: str, word: str) -> Blob:
    path = export_path(design_id, RECIPE.name, sha256("name"), ImageFormat.PNG)
    return Blob(sha256(word), path, 500, ImageFormat.PNG, 1280, 720)


def new(blob: Blob, recipe: Recipe = PNG, encoder: str = "Pillow 14") -> NewExport:
    return NewExport(recipe, blob, encoder, sha256("truck"))


@pytest.fixture
def exported(catalog: Catalog) -> str:
    """A design whose PNG is recorded."""
    store(catalog, 1, "truck")
    [design_id] = design(catalog)
    record(catalog, design_id, rendering(design_id, "old"), recipe=PNG)
    return design_id


def clean_up(catalog: Catalog) -> None:
    """Everything that may go after ten days goes."""
    decided = plan(catalog.retention.export_facts({RECIPE.name}), [], RetentionPolicy(), now=LATER)
    catalog.retention.forget_plan()
    catalog.retention.record_plan(decided, now=LATER)
    for deletion in catalog.retention.planned():
        if catalog.retention.tombstone(deletion.id, now=LATER) is not None:
            with catalog.retention.purging(deletion.id, now=LATER):
                pass


def found(catalog: Catalog, name: str) -> Exported:
    export = catalog.rebuilding.exported(name)
    assert export is not None
    return export


def answers(catalog: Catalog, name: str) -> list[str]:
    """The hashes of the bytes that answer for a name."""
    return [blob.sha256 for blob in found(catalog, name).answers]


def revive(catalog: Catalog, design_id: str, word: str, asked: str = "old") -> Place:
    with catalog.rebuilding.recording(design_id, now=LATER) as desk:
        return desk.revive(new(rendering(design_id, word)), sha256(asked))


def replace_by(catalog: Catalog, design_id: str, word: str) -> Place | None:
    with catalog.rebuilding.recording(design_id, now=NOW) as desk:
        return desk.replace(new(rendering(design_id, word)))


def test_an_export_is_found_by_every_name_it_has(catalog: Catalog, exported: str) -> None:
    blob = rendering(exported, "old")
    names = [blob.path, blob.path.rpartition("/")[2], blob.sha256, f"{blob.sha256}.png"]

    exports = [found(catalog, name) for name in names]

    assert {(export.design_id, export.sha256, export.recipe) for export in exports} == {
        (exported, blob.sha256, "thumbnail")
    }
    assert all(export.answers == (blob,) for export in exports)
    assert exports[0].origin == Origin(sha256("truck"), catalog.images.paths(DAY)[0])


def test_an_expired_export_is_still_known_by_its_names(catalog: Catalog, exported: str) -> None:
    clean_up(catalog)

    assert answers(catalog, rendering(exported, "old").path) == []
    assert found(catalog, sha256("old")).digest == PNG.digest


@pytest.mark.parametrize("name", ["", "..", "a.png", "exports/x/y.png", "f" * 64, "%", "/"])
def test_a_name_that_nothing_ever_had_stands_for_nothing(
    catalog: Catalog, exported: str, name: str
) -> None:
    assert catalog.rebuilding.exported(name) is None


def test_the_recipe_of_an_export_is_remembered(catalog: Catalog, exported: str) -> None:
    assert catalog.rebuilding.recipe(PNG.digest) == PNG
    assert catalog.rebuilding.recipe("0" * 16) is None


def test_a_recipe_of_another_version_is_not_taken_for_one(catalog: Catalog, exported: str) -> None:
    with catalog.engine.begin() as connection:
        connection.execute(recipes.update().values(recipe={"name": "thumbnail", "width": 5}))

    assert catalog.rebuilding.recipe(PNG.digest) is None


def test_equal_bytes_revive_the_export_under_its_name(catalog: Catalog, exported: str) -> None:
    clean_up(catalog)

    place = revive(catalog, exported, "old")

    assert place == Place(rendering(exported, "old").path, sha256("old"))
    assert column(catalog, sa.select(exports.c.state)) == ["live"]
    assert column(catalog, sa.select(exports.c.created_at)) == [LATER]
    assert column(catalog, sa.select(renditions.c.id)) == []


def test_other_bytes_stand_in_and_what_was_published_stays_on_record(
    catalog: Catalog, exported: str
) -> None:
    clean_up(catalog)

    place = revive(catalog, exported, "newer")

    assert place == Place(rendering(exported, "old").path, sha256("newer"))
    assert answers(catalog, sha256("old")) == [sha256("newer")]
    assert column(catalog, sa.select(exports.c.sha256)) == [sha256("old")]
    assert column(catalog, sa.select(exports.c.state)) == ["expired"]
    assert column(catalog, sa.select(renditions.c.encoder)) == ["Pillow 14"]


def test_what_stands_in_expires_too_and_can_be_made_again(catalog: Catalog, exported: str) -> None:
    clean_up(catalog)
    revive(catalog, exported, "newer")
    with catalog.engine.begin() as connection:
        connection.execute(renditions.update().values(created_at=NOW))

    clean_up(catalog)
    gone = answers(catalog, sha256("old"))
    revive(catalog, exported, "newest")

    assert (gone, answers(catalog, sha256("old"))) == ([], [sha256("newest")])


def test_a_lost_file_that_renders_otherwise_is_recorded_as_expired(
    catalog: Catalog, exported: str
) -> None:
    place = revive(catalog, exported, "newer")

    assert place.path == f"{rendering(exported, 'old').path[:-4]}~{sha256('newer')[:8]}.png"
    assert answers(catalog, sha256("old")) == [sha256("newer")]
    assert sha256("old") not in column(catalog, sa.select(blobs.c.sha256))


def test_a_rebuilt_export_is_a_new_file_and_the_old_one_lives_on(
    catalog: Catalog, exported: str
) -> None:
    place = replace_by(catalog, exported, "newer")

    old = rendering(exported, "old").path
    assert place == Place(f"{old[:-4]}~{sha256('newer')[:8]}.png", sha256("newer"))
    assert answers(catalog, old) == [sha256("old"), sha256("newer")]
    assert answers(catalog, place.path) == [sha256("newer")]
    assert [c.sha256 for c in publishable(catalog)] == [sha256("newer")]


def test_what_was_replaced_goes_with_retention_and_is_answered_by_the_new_one(
    catalog: Catalog, exported: str
) -> None:
    replace_by(catalog, exported, "newer")
    with catalog.engine.begin() as connection:
        connection.execute(exports.update().values(created_at=LATER))

    clean_up(catalog)

    assert answers(catalog, rendering(exported, "old").path) == [sha256("newer")]
    assert sha256("old") not in column(catalog, sa.select(blobs.c.sha256))


def test_a_rebuild_to_the_same_bytes_only_notes_what_made_them(
    catalog: Catalog, exported: str
) -> None:
    assert replace_by(catalog, exported, "old") is None

    assert column(catalog, sa.select(exports.c.encoder)) == ["Pillow 14"]
    assert column(catalog, sa.select(renditions.c.id)) == []


def test_uploads_of_what_was_replaced_stay_the_partitions(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    journey(catalog)
    [design_id] = set(column(catalog, sa.select(exports.c.design_id)))
    published = catalog.uploads.published(DAY, "pinata")

    replace_by(catalog, str(design_id), "newer")

    assert catalog.uploads.published(DAY, "pinata") == published
    assert catalog.uploads.counts(DAY, "pinata") == {UploadState.VERIFIED: 2}


def test_expired_exports_wait_for_a_destination_that_lacks_them(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    journey(catalog)
    clean_up(catalog)

    lacking = catalog.rebuilding.unpublished(DAY, "local", RECIPE)

    assert [export.format for export in lacking] == [ImageFormat.JPEG, ImageFormat.PNG]
    assert catalog.rebuilding.unpublished(DAY, "pinata", RECIPE) == ()


def test_what_a_destination_refused_or_took_down_is_not_made_for_it_again(
    catalog: Catalog,
) -> None:
    store(catalog, 1, "truck")
    journey(catalog)
    one, other = publish(catalog)
    with catalog.engine.begin() as connection:
        for upload, values in (
            (one, {"state": "removed"}),
            (other, {"state": "failed", "rejected": True}),
        ):
            connection.execute(uploads.update().where(uploads.c.id == upload.id).values(values))
    clean_up(catalog)

    assert catalog.rebuilding.unpublished(DAY, "pinata", RECIPE) == ()


def test_live_exports_tell_what_they_were_made_with(catalog: Catalog, exported: str) -> None:
    [design] = catalog.rebuilding.renewable(DAY, [RECIPE])

    made = LiveExport("thumbnail", ImageFormat.PNG, "Pillow 13", PNG.digest, sha256("source"))
    assert (design.design_id, design.exports) == (exported, (made,))
    assert catalog.rebuilding.renewable(NEXT_DAY, [RECIPE]) == ()


def test_partitions_are_found_by_day_or_by_when_they_came(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    store(catalog, 1441, "gate", partition=NEXT_DAY)
    store(catalog, 2, "crane", partition=(batch := Partition("inbox", "acme", "20250903-1")))
    first, received = DAY.day, NOW.date()

    days = catalog.rebuilding.partitions("camera", first, first, dated=True)
    every = catalog.rebuilding.partitions("camera", None, None, dated=True)
    batches = catalog.rebuilding.partitions("inbox", received, received, dated=False)
    earlier = catalog.rebuilding.partitions("inbox", None, first, dated=False)

    assert (days, every, batches, earlier) == ((DAY,), (DAY, NEXT_DAY), (batch,), ())
