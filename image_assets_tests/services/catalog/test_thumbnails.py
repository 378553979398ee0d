import sqlalchemy as sa

from image_assets.core.model import Blob, ImageFormat
from image_assets.ports import ExportsCount, Unexported
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.schema import blobs, exports
from image_assets_tests.services.catalog.samples import (
    DAY,
    NEXT_DAY,
    NOW,
    RECIPE,
    column,
    design,
    export,
    sha256,
    store,
)


def png(word: str, path: str) -> Blob:
    return Blob(sha256(word), path, 500, ImageFormat.PNG, 1280, 720)


def add(catalog: Catalog, design_id: str, *blobs: Blob) -> list[str]:
    return list(
        catalog.thumbnails.add_exports(design_id, RECIPE, blobs, encoder="Pillow 13", now=NOW)
    )


def expire(catalog: Catalog) -> None:
    with catalog.engine.begin() as connection:
        connection.execute(exports.update().values(state="expired", blob_id=None))


def test_a_design_is_exported_from_its_display_image_once(catalog: Catalog) -> None:
    truck = store(catalog, 1, "truck")
    store(catalog, 2, "truck")
    store(catalog, 3, "undesigned later")
    design_id, _, _ = design(catalog)

    first, _ = catalog.thumbnails.unexported(DAY, RECIPE)

    assert first == Unexported(design_id, sha256("truck"), truck.path)


def test_nothing_is_left_to_export_once_the_set_is_whole(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    design(catalog)
    assert catalog.thumbnails.exports_count(DAY, RECIPE) == ExportsCount(designs=1, whole=0)

    export(catalog)

    assert catalog.thumbnails.unexported(DAY, RECIPE) == ()
    assert catalog.thumbnails.exports_count(DAY, RECIPE) == ExportsCount(designs=1, whole=1)


def test_a_set_that_lacks_a_format_is_not_whole(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [design_id] = design(catalog)

    add(catalog, design_id, png("export", "exports/a.png"))

    assert len(catalog.thumbnails.unexported(DAY, RECIPE)) == 1
    assert catalog.thumbnails.exports_count(DAY, RECIPE) == ExportsCount(designs=1, whole=0)


def test_a_design_exported_for_one_day_is_not_exported_for_the_next(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    design(catalog)
    export(catalog)

    store(catalog, 1441, "truck", partition=NEXT_DAY)
    design(catalog, NEXT_DAY)

    assert catalog.thumbnails.unexported(NEXT_DAY, RECIPE) == ()


def test_expired_exports_count_as_whole(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    design(catalog)
    export(catalog)

    expire(catalog)

    assert catalog.thumbnails.unexported(DAY, RECIPE) == ()
    assert catalog.thumbnails.exports_count(DAY, RECIPE) == ExportsCount(designs=1, whole=1)


def test_equal_exports_of_two_designs_lie_once(catalog: Catalog) -> None:
    store(catalog, 1, "flat")
    store(catalog, 2, "flat, larger")
    one, two = design(catalog)
    add(catalog, one, png("white", "exports/one.png"))

    paths = add(catalog, two, png("white", "exports/two.png"))

    assert paths == ["exports/one.png"]
    assert column(catalog, sa.select(blobs.c.path).where(blobs.c.path.like("exports/%"))) == paths


def test_a_live_export_stays_when_another_encoder_comes(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [design_id] = design(catalog)
    add(catalog, design_id, png("export", "exports/a.png"))

    paths = add(catalog, design_id, png("export of a newer encoder", "exports/b.png"))

    assert paths == ["exports/a.png"]
    assert column(catalog, sa.select(exports.c.sha256)) == [sha256("export")]


def test_an_expired_export_that_is_made_again_lives(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [design_id] = design(catalog)
    add(catalog, design_id, png("export", "exports/a.png"))
    expire(catalog)

    paths = add(catalog, design_id, png("export of a newer encoder", "exports/b.png"))

    assert paths == ["exports/b.png"]
    assert column(catalog, sa.select(exports.c.state)) == ["live"]
