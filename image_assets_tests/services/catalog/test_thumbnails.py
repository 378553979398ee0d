from dataclasses import replace

import pytest
import sqlalchemy as sa

from image_assets.core.errors import NoSpaceError, NotFoundError
from image_assets.core.model import Blob, ImageFormat
from image_assets.ports import ExportsCount, NewExport, Origin, Unexported
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
    record,
    sha256,
    store,
)


def png(word: str, path: str) -> Blob:
    return Blob(sha256(word), path, 500, ImageFormat.PNG, 1280, 720)


def record_half(catalog: Catalog, design_id: str) -> None:
    with catalog.thumbnails.recording(design_id, now=NOW) as desk:
        desk.add(NewExport(RECIPE, png("export", "exports/a.png"), "x", sha256("truck")))
        raise NoSpaceError("the disk is full")


def expire(catalog: Catalog) -> None:
    with catalog.engine.begin() as connection:
        connection.execute(exports.update().values(state="expired", blob_id=None))


def test_a_design_is_exported_from_its_display_image_once(catalog: Catalog) -> None:
    truck = store(catalog, 1, "truck")
    store(catalog, 2, "truck")
    store(catalog, 3, "undesigned later")
    design_id, _, _ = design(catalog)

    first, _ = catalog.thumbnails.unexported(DAY, [RECIPE])

    whole = tuple((RECIPE.name, format) for format in sorted(RECIPE.formats))
    assert first == Unexported(design_id, Origin(sha256("truck"), truck.path), whole)


def test_nothing_is_left_to_export_once_the_set_is_whole(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    design(catalog)
    assert catalog.thumbnails.exports_count(DAY, RECIPE) == ExportsCount(designs=1, whole=0)

    export(catalog)

    assert catalog.thumbnails.unexported(DAY, [RECIPE]) == ()
    assert catalog.thumbnails.exports_count(DAY, RECIPE) == ExportsCount(designs=1, whole=1)


def test_a_set_that_lacks_a_format_is_not_whole(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [design_id] = design(catalog)

    record(catalog, design_id, png("export", "exports/a.png"))

    assert len(catalog.thumbnails.unexported(DAY, [RECIPE])) == 1
    assert catalog.thumbnails.exports_count(DAY, RECIPE) == ExportsCount(designs=1, whole=0)


def test_a_design_exported_for_one_day_is_not_exported_for_the_next(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    design(catalog)
    export(catalog)

    store(catalog, 1441, "truck", partition=NEXT_DAY)
    design(catalog, NEXT_DAY)

    assert catalog.thumbnails.unexported(NEXT_DAY, [RECIPE]) == ()


def test_expired_exports_count_as_whole(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    design(catalog)
    export(catalog)

    expire(catalog)

    assert catalog.thumbnails.unexported(DAY, [RECIPE]) == ()
    assert catalog.thumbnails.exports_count(DAY, RECIPE) == ExportsCount(designs=1, whole=1)


def test_equal_exports_of_two_designs_lie_once(catalog: Catalog) -> None:
    store(catalog, 1, "flat")
    store(catalog, 2, "flat, larger")
    one, two = design(catalog)
    record(catalog, one, png("white", "exports/one.png"))

    paths = record(catalog, two, png("white", "exports/two.png"))

    assert paths == ["exports/one.png"]
    assert column(catalog, sa.select(blobs.c.path).where(blobs.c.path.like("exports/%"))) == paths


def test_a_live_export_stays_when_another_encoder_comes(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [design_id] = design(catalog)
    record(catalog, design_id, png("export", "exports/a.png"))

    paths = record(catalog, design_id, png("export of a newer encoder", "exports/b.png"))

    assert paths == [None]
    assert column(catalog, sa.select(exports.c.sha256)) == [sha256("export")]


def test_only_what_lacks_is_told(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [design_id] = design(catalog)
    record(catalog, design_id, png("export", "exports/a.png"))

    [lacking] = catalog.thumbnails.unexported(DAY, [RECIPE, replace(RECIPE, name="square")])

    assert lacking.lacks == (
        ("square", ImageFormat.JPEG),
        ("square", ImageFormat.PNG),
        ("thumbnail", ImageFormat.JPEG),
    )


def test_a_format_that_is_done_without_is_not_tried_again_and_shown(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [design_id] = design(catalog)
    with catalog.thumbnails.recording(design_id, now=NOW) as desk:
        desk.add(NewExport(RECIPE, png("export", "exports/a.png"), "Pillow 13", sha256("truck")))
        desk.lacks(RECIPE, ImageFormat.JPEG, "jpeg: out of luck", encoder="Pillow 13")

    assert catalog.thumbnails.unexported(DAY, [RECIPE]) == ()
    assert catalog.thumbnails.exports_count(DAY, RECIPE) == ExportsCount(
        1, 0, 1, {ImageFormat.JPEG: "jpeg: out of luck"}
    )


def test_a_set_that_fails_half_way_is_not_recorded_at_all(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [design_id] = design(catalog)

    with pytest.raises(NoSpaceError):
        record_half(catalog, design_id)

    assert column(catalog, sa.select(exports.c.id)) == []
    assert len(catalog.thumbnails.unexported(DAY, [RECIPE])) == 1


def test_a_path_that_other_bytes_have_is_stepped_aside_from(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    store(catalog, 2, "gate")
    one, two = design(catalog)
    record(catalog, one, png("export", "exports/a.png"))

    [path] = record(catalog, two, png("another", "exports/a.png"))

    assert path == f"exports/a~{sha256('another')[:8]}.png"


def test_a_design_that_is_unknown_has_no_desk(catalog: Catalog) -> None:
    with (
        pytest.raises(NotFoundError, match="not in the catalog"),
        catalog.thumbnails.recording("0" * 24, now=NOW),
    ):
        pass
