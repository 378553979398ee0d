import dataclasses
import datetime as dt
import itertools
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import StatementError

from image_assets.core.errors import PermanentError
from image_assets.core.model import Fetched, ImageState, Variant
from image_assets.core.naming import conflict_key, item_key
from image_assets.ports import ImageCounts, KnownImage, StoredImage
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.schema import blobs, images
from image_assets_tests.services.catalog.samples import (
    DAY,
    NEXT_DAY,
    NOW,
    OTHER_SHOP,
    SCOPE,
    add_tenant,
    at,
    blob,
    column,
    design,
    entry,
    fingerprint,
    sha256,
    store,
)

FIRST = item_key(at(1))
HOUR = dt.timedelta(hours=1)


def stored_as(word: str) -> KnownImage:
    origin = entry(1).address
    return KnownImage(ImageState.STORED, sha256(word), Variant.FULL, None, NOW, origin)


def bring(catalog: Catalog, word: str, address: str) -> StoredImage:
    """Record the bytes `word` of the first minute, listed at `address`."""
    listed = dataclasses.replace(entry(1), address=address)
    fetched = Fetched(sha256(word), 1000)
    picture = blob(word)
    return catalog.images.add_stored(DAY, listed, picture, fetched=fetched, exif={}, now=NOW)


def miss(catalog: Catalog, *, absent: bool, now: dt.datetime = NOW) -> ImageState:
    return catalog.images.add_missing(
        DAY, entry(1), reason="404", absent=absent, gone_after=6 * HOUR, now=now
    )


def reject(catalog: Catalog, word: str, reason: str = "truncated") -> None:
    catalog.images.add_rejected(
        DAY, entry(1), reason=reason, sha256=sha256(word), quarantine=f"q/{word}", now=NOW
    )


def stale(catalog: Catalog) -> list[object]:
    """Item keys of the stale pictures."""
    return column(catalog, sa.select(images.c.item_key).where(images.c.stale).order_by("id"))


def test_a_day_that_was_never_listed_is_unknown(catalog: Catalog) -> None:
    assert catalog.images.day(DAY) is None


def test_a_listing_is_remembered_and_sealed(catalog: Catalog) -> None:
    catalog.images.record_listing(DAY, listed=3, complete=False, now=at(1))
    catalog.images.record_listing(DAY, listed=24, complete=True, now=at(2))

    catalog.images.seal(DAY, now=at(3))

    day = catalog.images.day(DAY)
    assert day is not None
    assert (day.listed_at, day.listed, day.complete, day.sealed_at) == (at(2), 24, True, at(3))
    assert catalog.images.day(NEXT_DAY) is None


def test_what_was_never_listed_cannot_be_sealed(catalog: Catalog) -> None:
    with pytest.raises(ValueError, match="never listed"):
        catalog.images.seal(DAY, now=NOW)


def test_a_stored_picture_is_known_with_its_bytes(catalog: Catalog) -> None:
    stored = store(catalog, 1, "truck")

    assert stored == StoredImage(FIRST, f"images/2025-09-01/in_gate/{FIRST}_in_gate.jpg", False)
    assert catalog.images.known(DAY) == {FIRST: stored_as("truck")}
    assert catalog.images.known(NEXT_DAY) == {}


def test_the_same_bytes_lie_once_under_their_first_path(catalog: Catalog) -> None:
    store(catalog, 1, "truck", path="images/first.jpg")

    again = store(catalog, 2, "truck", path="images/second.jpg")

    assert again == StoredImage(item_key(at(2)), "images/first.jpg", stale=True)
    assert column(catalog, sa.select(blobs.c.path)) == ["images/first.jpg"]
    assert catalog.images.paths(DAY) == ("images/first.jpg",)


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
def test_the_earliest_capture_is_fresh_whatever_the_order_of_arrival(
    sqlite_catalog: Catalog, order: tuple[int, ...]
) -> None:
    for minute in order:
        store(sqlite_catalog, minute, "truck")

    assert set(stale(sqlite_catalog)) == {item_key(at(2)), item_key(at(3))}


def test_an_earlier_capture_that_arrives_later_takes_the_place_of_the_first(
    catalog: Catalog,
) -> None:
    store(catalog, 2, "truck")

    earlier = store(catalog, 1, "truck")

    assert not earlier.stale
    assert stale(catalog) == [item_key(at(2))]


def test_another_source_with_the_same_bytes_is_not_a_repeat(catalog: Catalog) -> None:
    store(catalog, 1, "truck")

    other = store(catalog, 2, "truck", partition=type(DAY)("yard", "apm/in_gate", DAY.key))

    assert not other.stale


def test_the_very_same_picture_again_changes_nothing(catalog: Catalog) -> None:
    first = store(catalog, 1, "truck")

    again = store(catalog, 1, "truck")

    assert again == first
    assert len(catalog.images.known(DAY)) == 1


def test_changed_bytes_at_a_known_time_are_kept_beside_the_first(catalog: Catalog) -> None:
    store(catalog, 1, "truck")

    changed = store(catalog, 1, "other truck", path="images/other.jpg")

    key = conflict_key(FIRST, sha256("other truck"))
    assert changed == StoredImage(key, "images/other.jpg", stale=False)
    assert store(catalog, 1, "other truck") == changed
    assert column(catalog, sa.select(images.c.item_key).where(images.c.conflict)) == [key]
    assert set(catalog.images.known(DAY)) == {FIRST, key}


def test_a_full_size_picture_replaces_a_thumbnail(catalog: Catalog) -> None:
    store(catalog, 1, "small", variant=Variant.THUMBNAIL)

    full = store(catalog, 1, "large")

    assert full == StoredImage(FIRST, f"images/2025-09-01/in_gate/{FIRST}_in_gate.jpg", False)
    known = catalog.images.known(DAY)
    assert known == {FIRST: stored_as("large")}


def test_a_thumbnail_of_what_is_held_in_full_adds_nothing(catalog: Catalog) -> None:
    full = store(catalog, 1, "large")

    assert store(catalog, 1, "small", variant=Variant.THUMBNAIL) == full
    assert catalog.images.known(DAY)[FIRST].variant is Variant.FULL


def test_a_thumbnail_that_others_live_on_keeps_its_path(catalog: Catalog) -> None:
    small = store(catalog, 2, "small", variant=Variant.THUMBNAIL)
    store(catalog, 1, "large")

    again = store(catalog, 1, "small", variant=Variant.THUMBNAIL)

    assert again.path == small.path  # else the stage would delete the file under the other record


def test_a_replaced_thumbnail_leaves_the_next_one_fresh(catalog: Catalog) -> None:
    for minute in (1, 2, 3):
        store(catalog, minute, "small", variant=Variant.THUMBNAIL)

    store(catalog, 1, "large")

    assert stale(catalog) == [item_key(at(3))]


def test_a_replaced_thumbnail_is_looked_at_again_and_its_design_redirected(
    catalog: Catalog,
) -> None:
    store(catalog, 1, "small", variant=Variant.THUMBNAIL)
    [thumbnail] = design(catalog)
    store(catalog, 1, "large")

    [full] = design(catalog)

    assert full != thumbnail
    assert catalog.designs.flaws(DAY).unanchored == ()
    store(catalog, 2, "small", variant=Variant.THUMBNAIL)
    assert design(catalog) == [full]


def test_a_design_that_keeps_other_pictures_keeps_itself(catalog: Catalog) -> None:
    for minute in (1, 2):
        store(catalog, minute, "small", variant=Variant.THUMBNAIL)
    thumbnail, _ = design(catalog)
    store(catalog, 1, "large")

    [full] = design(catalog)

    assert full != thumbnail
    assert catalog.designs.counts(DAY).designs == 2
    assert catalog.designs.flaws(DAY).unanchored == ()


def test_bytes_that_changed_since_the_look_get_no_design(catalog: Catalog) -> None:
    store(catalog, 1, "small", variant=Variant.THUMBNAIL)
    store(catalog, 2, "gate")
    seen, _ = catalog.designs.undesigned(DAY, SCOPE)
    _, gate = design(catalog)
    store(catalog, 1, "large")

    with catalog.designs.admission(SCOPE) as desk:
        joined = desk.join(seen.image_id, gate, None, sha256=seen.sha256)
        made = desk.create(seen.image_id, fingerprint("small"), sha256=seen.sha256, now=NOW)

    assert (joined, made) == (False, None)
    assert catalog.designs.flaws(DAY).undesigned == (FIRST,)
    assert catalog.designs.flaws(DAY).unanchored == ()


def test_bytes_that_come_during_an_admission_are_looked_at_again(catalog: Catalog) -> None:
    store(catalog, 1, "small", variant=Variant.THUMBNAIL)
    [seen] = catalog.designs.undesigned(DAY, SCOPE)
    full = threading.Thread(target=store, args=(catalog, 1, "large"))

    with catalog.designs.admission(SCOPE) as desk:
        look = fingerprint(seen.sha256)
        thumbnail = desk.create(seen.image_id, look, sha256=seen.sha256, now=NOW)
        full.start()
        full.join(timeout=0.5)  # it waits for the end of the admission
    full.join()

    assert catalog.designs.flaws(DAY).undesigned == (FIRST,)
    assert column(catalog, sa.select(images.c.former_design_id)) == [thumbnail]


def test_a_thumbnail_is_accepted_and_a_full_picture_needs_no_accepting(catalog: Catalog) -> None:
    store(catalog, 1, "small", variant=Variant.THUMBNAIL)
    store(catalog, 2, "large")

    for minute in (1, 2):
        catalog.images.accept_thumbnail(DAY, item_key(at(minute)), reason="no_full_size")

    known = catalog.images.known(DAY)
    assert [image.reason for image in known.values()] == ["no_full_size", None]


def test_a_conflict_has_the_origin_of_its_own(catalog: Catalog) -> None:
    bring(catalog, "truck", "b.jpg")

    bring(catalog, "gate", "a.jpg")

    known = catalog.images.known(DAY)
    assert known[FIRST].origin == "b.jpg"
    assert known[conflict_key(FIRST, sha256("gate"))].origin == "a.jpg"


def test_equal_bytes_from_elsewhere_change_the_origin_only(catalog: Catalog) -> None:
    first = bring(catalog, "truck", "b.jpg")

    again = bring(catalog, "truck", "moved/b.jpg")

    assert again == first
    assert {k: i.origin for k, i in catalog.images.known(DAY).items()} == {FIRST: "moved/b.jpg"}


def test_an_expired_picture_that_comes_again_keeps_its_design(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    [known] = design(catalog)
    with catalog.engine.begin() as connection:
        connection.execute(images.update().values(state="expired", blob_id=None))

    store(catalog, 1, "truck")

    assert column(catalog, sa.select(images.c.design_id)) == [known]
    assert catalog.images.counts(DAY).states == {ImageState.STORED: 1}


@pytest.mark.parametrize("state", ["missing", "rejected", "gone"])
def test_a_picture_that_comes_at_last_is_stored(catalog: Catalog, state: str) -> None:
    if state == "rejected":
        reject(catalog, "half a truck")
    else:
        miss(catalog, absent=True)
        miss(catalog, absent=state == "gone", now=NOW + 7 * HOUR)
    assert catalog.images.known(DAY)[FIRST].state == state

    store(catalog, 1, "truck")

    known = catalog.images.known(DAY)
    assert known == {FIRST: stored_as("truck")}


def test_a_refused_picture_keeps_its_reason_its_hash_and_its_quarantine(catalog: Catalog) -> None:
    reject(catalog, "half a truck")

    assert catalog.images.known(DAY) == {
        FIRST: KnownImage(
            ImageState.REJECTED,
            sha256("half a truck"),
            Variant.FULL,
            "truncated",
            NOW,
            entry(1).address,
        )
    }
    assert column(catalog, sa.select(images.c.quarantine)) == ["q/half a truck"]


def test_refused_bytes_at_a_stored_time_are_recorded_beside_it(catalog: Catalog) -> None:
    store(catalog, 1, "truck")

    reject(catalog, "half a truck")

    known = catalog.images.known(DAY)
    assert known[FIRST].state is ImageState.STORED
    assert known[conflict_key(FIRST, sha256("half a truck"))].state is ImageState.REJECTED


def test_two_absent_looks_hours_apart_make_a_picture_gone(catalog: Catalog) -> None:
    assert miss(catalog, absent=True) is ImageState.MISSING
    assert miss(catalog, absent=True, now=NOW + 5 * HOUR) is ImageState.MISSING
    assert miss(catalog, absent=True, now=NOW + 6 * HOUR) is ImageState.GONE
    assert miss(catalog, absent=True, now=NOW + 7 * HOUR) is ImageState.GONE


def test_a_failure_proves_nothing_and_resets_nothing(catalog: Catalog) -> None:
    assert miss(catalog, absent=False) is ImageState.MISSING
    assert miss(catalog, absent=False, now=NOW + 9 * HOUR) is ImageState.MISSING
    assert miss(catalog, absent=True, now=NOW + 10 * HOUR) is ImageState.MISSING
    assert miss(catalog, absent=False, now=NOW + 20 * HOUR) is ImageState.MISSING
    assert miss(catalog, absent=True, now=NOW + 21 * HOUR) is ImageState.GONE


def test_a_miss_never_takes_a_stored_picture_away(catalog: Catalog) -> None:
    store(catalog, 1, "truck")

    assert miss(catalog, absent=True) is ImageState.STORED
    assert catalog.images.known(DAY)[FIRST].sha256 == sha256("truck")


def test_a_partition_is_counted_by_state_and_by_distinct_bytes(catalog: Catalog) -> None:
    miss(catalog, absent=False)
    for minute, word in ((2, "truck"), (3, "truck"), (4, "gate"), (4, "other gate")):
        store(catalog, minute, word, path=f"images/{minute}-{word}")
    store(catalog, 1442, "truck", partition=NEXT_DAY)

    counts = catalog.images.counts(DAY)

    assert counts == ImageCounts(
        {ImageState.MISSING: 1, ImageState.STORED: 4}, stale=1, conflicts=1, bytes=3000
    )


def test_a_naive_time_is_refused(catalog: Catalog) -> None:
    with pytest.raises(StatementError, match="has no time zone"):
        catalog.images.record_listing(
            DAY,
            listed=1,
            complete=True,
            now=dt.datetime(2025, 9, 1),  # noqa: DTZ001
        )


def test_times_come_back_as_they_went_in_aware_and_utc(catalog: Catalog) -> None:
    east = dt.timezone(dt.timedelta(hours=2))

    catalog.images.record_listing(DAY, listed=1, complete=True, now=at(0.5).astimezone(east))

    day = catalog.images.day(DAY)
    assert day is not None
    assert day.listed_at == at(0.5)
    assert day.listed_at.tzinfo is dt.UTC


@pytest.mark.parametrize("name", ["a\0b.png", "\udcff.png", "'; DROP TABLE images; --", "😀\u202e"])
def test_an_odd_name_stops_nothing(catalog: Catalog, name: str) -> None:
    catalog.images.add_missing(
        DAY, entry(1, name), reason=name, absent=False, gone_after=HOUR, now=NOW
    )

    reason = catalog.images.known(DAY)[FIRST].reason
    assert reason == name.replace("\0", "\\x00").replace("\udcff", "\\udcff")


def test_tenants_never_see_each_other(catalog: Catalog) -> None:
    add_tenant(catalog, "other")
    store(catalog, 1, "truck")
    design(catalog)

    theirs = store(catalog, 2, "truck", partition=OTHER_SHOP)

    assert theirs.path.startswith("images/other/")
    assert not theirs.stale
    assert list(catalog.images.known(OTHER_SHOP)) == [item_key(at(2))]
    assert list(catalog.images.known(DAY)) == [FIRST]
    assert catalog.totals.totals("other").images.bytes == 1000


def test_an_unknown_tenant_is_refused_by_name(catalog: Catalog) -> None:
    with pytest.raises(PermanentError, match="no tenant 'other'"):
        catalog.images.known(OTHER_SHOP)
