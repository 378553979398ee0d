"""What should lie in the store, and what a loss does to records, days and exports."""

import datetime as dt

import sqlalchemy as sa

from image_assets.core.model import Fetched, ImageFormat, ImageState, Partition, Variant
from image_assets.core.naming import image_path, item_key
from image_assets.core.spans import Span
from image_assets.ports import Kept, Reopened
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.schema import blobs, exports, images
from image_assets_tests.services.catalog.samples import (
    DAY,
    NEXT_DAY,
    NOW,
    OTHER_SHOP,
    add_tenant,
    at,
    blob,
    column,
    design,
    entry,
    export,
    sha256,
    store,
)

HOUR = dt.timedelta(hours=1)
LATER = NOW + 24 * HOUR


def path(minute: float, partition: Partition = DAY) -> str:
    return image_path(partition, item_key(at(minute)), ImageFormat.JPEG)


def kept(minute: float, word: str) -> Kept:
    return Kept(path(minute), sha256(word), 1000)


def sealed(catalog: Catalog, *days: Partition) -> None:
    for day in days:
        catalog.images.record_listing(day, listed=2, complete=True, now=NOW)
        catalog.images.seal(day, now=NOW)


def is_sealed(catalog: Catalog, partition: Partition) -> bool:
    day = catalog.images.day(partition)
    return day is not None and day.sealed_at is not None


def lose(catalog: Catalog, minute: float, word: str) -> list[Reopened]:
    lost = catalog.verify.lose("default", kept(minute, word), reason="lost", now=LATER)
    return list(lost)


def state(catalog: Catalog, minute: float, partition: Partition = DAY) -> ImageState:
    return catalog.images.known(partition)[item_key(at(minute))].state


def test_kept_are_the_bytes_of_stored_pictures_once_each(catalog: Catalog) -> None:
    store(catalog, 1, "a")
    store(catalog, 2, "a")
    store(catalog, 3, "b")
    catalog.images.add_missing(DAY, entry(4), reason="404", absent=True, gone_after=HOUR, now=NOW)

    assert catalog.verify.kept(DAY) == (kept(1, "a"), kept(3, "b"))
    assert catalog.verify.kept(NEXT_DAY) == ()


def test_tracked_paths_are_those_of_some_record_of_any_tenant(catalog: Catalog) -> None:
    add_tenant(catalog, "other")
    store(catalog, 1, "a")
    store(catalog, 1, "a", partition=OTHER_SHOP)
    theirs = path(1, OTHER_SHOP)

    assert catalog.verify.tracked([path(1), theirs, "images/b.jpg"]) == {path(1), theirs}
    assert catalog.verify.tracked([]) == frozenset()


def test_a_lost_picture_is_missing_and_its_day_is_open_again(catalog: Catalog) -> None:
    store(catalog, 1, "a")
    store(catalog, 2, "b")
    sealed(catalog, DAY)

    pictures = lose(catalog, 1, "a")

    assert pictures == [Reopened(DAY, item_key(at(1)))]
    assert (state(catalog, 1), state(catalog, 2)) == (ImageState.MISSING, ImageState.STORED)
    assert catalog.images.known(DAY)[item_key(at(1))].reason == "lost"
    assert not is_sealed(catalog, DAY)
    assert catalog.verify.kept(DAY) == (kept(2, "b"),)


def test_every_picture_on_lost_bytes_is_missing_whatever_its_day(catalog: Catalog) -> None:
    store(catalog, 1, "a")
    store(catalog, 1441, "a", partition=NEXT_DAY)
    sealed(catalog, DAY, NEXT_DAY)

    pictures = lose(catalog, 1, "a")

    assert [picture.partition for picture in pictures] == [DAY, NEXT_DAY]
    assert [is_sealed(catalog, day) for day in (DAY, NEXT_DAY)] == [False, False]


def test_a_loss_is_recorded_once(catalog: Catalog) -> None:
    store(catalog, 1, "a")

    assert (len(lose(catalog, 1, "a")), lose(catalog, 1, "a")) == (1, [])


def test_a_record_that_says_something_else_by_now_loses_nothing(catalog: Catalog) -> None:
    store(catalog, 1, "a")

    assert lose(catalog, 1, "b") == []
    assert lose(catalog, 2, "a") == []
    assert state(catalog, 1) is ImageState.STORED


def test_the_same_bytes_come_back_with_their_design(catalog: Catalog) -> None:
    store(catalog, 1, "a")
    (before,) = design(catalog)
    lose(catalog, 1, "a")

    again = store(catalog, 1, "a")

    assert (again.path, again.stale) == (path(1), False)
    assert design(catalog) == []
    assert column(catalog, sa.select(images.c.design_id)) == [before]


def test_other_bytes_in_their_place_get_a_design_of_their_own(catalog: Catalog) -> None:
    store(catalog, 1, "a")
    (before,) = design(catalog)
    lose(catalog, 1, "a")

    store(catalog, 1, "b")

    assert [made != before for made in design(catalog)] == [True]


def test_whichever_repeat_comes_back_first_has_the_bytes(catalog: Catalog) -> None:
    store(catalog, 1, "a")
    store(catalog, 2, "a")
    lose(catalog, 1, "a")

    again = store(catalog, 2, "a")

    assert (again.path, again.stale) == (path(2), False)
    assert store(catalog, 1, "a").path == path(2)
    assert column(catalog, sa.select(images.c.item_key).where(images.c.stale)) == [item_key(at(2))]


def test_exports_that_stood_on_the_same_bytes_are_expired(catalog: Catalog) -> None:
    store(catalog, 1, "a")
    design(catalog)
    export(catalog)
    number = sa.select(blobs.c.id).where(blobs.c.sha256 == sha256("a")).scalar_subquery()
    with catalog.engine.begin() as connection:
        connection.execute(
            sa.update(exports).where(exports.c.format == "png").values(blob_id=number)
        )

    lose(catalog, 1, "a")

    found = sa.select(exports.c.format).where(exports.c.state == "expired")
    assert column(catalog, found) == ["png"]
    assert column(catalog, sa.select(blobs.c.id).where(blobs.c.sha256 == sha256("a"))) == []


def gone(catalog: Catalog, partition: Partition = DAY, minute: float = 1) -> None:
    for now in (NOW, NOW + HOUR):
        catalog.images.add_missing(
            partition, entry(minute), reason="404", absent=True, gone_after=HOUR, now=now
        )


def test_what_is_gone_is_looked_at_again_and_its_day_is_open(catalog: Catalog) -> None:
    gone(catalog)
    gone(catalog, NEXT_DAY, 1441)
    sealed(catalog, DAY, NEXT_DAY)

    pictures = catalog.verify.recall(Span.of(DAY))

    assert pictures == (Reopened(DAY, item_key(at(1))),)
    assert (state(catalog, 1), is_sealed(catalog, DAY)) == (ImageState.MISSING, False)
    assert state(catalog, 1441, NEXT_DAY) is ImageState.GONE
    assert is_sealed(catalog, NEXT_DAY)


def test_one_more_absent_look_makes_it_gone_for_good(catalog: Catalog) -> None:
    gone(catalog)
    catalog.verify.recall(Span.of(DAY))

    again = catalog.images.add_missing(
        DAY, entry(1), reason="404", absent=True, gone_after=HOUR, now=LATER
    )

    assert again is ImageState.GONE


def test_a_recalled_picture_that_is_there_after_all_is_stored(catalog: Catalog) -> None:
    gone(catalog)
    catalog.verify.recall(Span.of(DAY))

    fetched = Fetched(sha256("a"), 1000, Variant.FULL)
    catalog.images.add_stored(DAY, entry(1), blob("a"), fetched=fetched, exif={}, now=LATER)

    assert state(catalog, 1) is ImageState.STORED
