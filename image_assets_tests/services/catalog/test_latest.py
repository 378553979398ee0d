import datetime as dt

import pytest

from image_assets.core.errors import RejectedError
from image_assets.core.model import ImageFormat, LatestState, Publishes
from image_assets.core.naming import item_key
from image_assets.ports import LatestEntry, Newest
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.schema import exports, images
from image_assets_tests.services.catalog.samples import (
    NOW,
    RECIPE,
    at,
    design,
    export,
    journey,
    publish,
    register,
    sha256,
    store,
)

KEY = "apm/in_gate:daily:latest"
SOON = NOW + dt.timedelta(minutes=1)


def newest(
    catalog: Catalog,
    *,
    recipe: str | None = RECIPE.name,
    until: dt.datetime = NOW,
    target: str | None = None,
) -> Newest | None:
    return catalog.latest.newest_verified(
        "camera",
        "apm/in_gate",
        "pinata",
        recipe,
        ImageFormat.JPEG,
        until=until,
        tenant="default",
        target=target,
    )


def append(
    catalog: Catalog, sequence: int, minute: float, value: str = "v", *, hold: bool = False
) -> LatestEntry:
    return catalog.latest.append(
        "default",
        KEY,
        sequence=sequence,
        captured_at=at(minute),
        value=value,
        sha256=sha256(value),
        now=NOW,
        hold=hold,
    )


def test_nothing_is_newest_before_something_is_verified(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    design(catalog)
    export(catalog)
    register(catalog)

    assert newest(catalog) is None


def test_the_newest_is_the_last_capture_whose_export_is_verified(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    store(catalog, 2, "gate")
    journey(catalog)
    store(catalog, 3, "not published yet")
    design(catalog)
    export(catalog)

    found = newest(catalog)

    assert found is not None
    assert (found.item_key, found.captured_at) == (item_key(at(2)), at(2))
    assert (found.width, found.height) == (1280, 720)
    assert found.upload.content.format is ImageFormat.JPEG


def test_a_repeated_frame_advances_the_newest(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    journey(catalog)

    store(catalog, 9, "truck")
    design(catalog)

    found = newest(catalog)
    assert found is not None
    assert found.captured_at == at(9)


def test_a_capture_beyond_the_limit_never_qualifies(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    store(catalog, 9, "from the future")
    journey(catalog)

    found = newest(catalog, until=at(8))

    assert found is not None
    assert found.captured_at == at(1)


def test_captures_of_one_moment_go_by_item_key_and_the_first_record_rules(
    catalog: Catalog,
) -> None:
    store(catalog, 1, "truck", path="images/a.jpg")
    store(catalog, 1, "changed truck", path="images/b.jpg")
    journey(catalog)

    found = newest(catalog)

    assert found is not None
    assert found.item_key == item_key(at(1))


def test_an_expired_export_is_newest_all_the_same_and_an_expired_picture_is_not(
    catalog: Catalog,
) -> None:
    store(catalog, 1, "truck")
    journey(catalog)

    with catalog.engine.begin() as connection:
        connection.execute(exports.update().values(state="expired", blob_id=None))
    found = newest(catalog)
    with catalog.engine.begin() as connection:
        connection.execute(images.update().values(state="expired", blob_id=None))

    assert found is not None
    assert newest(catalog) is None


def test_a_source_that_publishes_originals_announces_their_own_bytes(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    publish(catalog, publishes=Publishes.ORIGINALS)

    found = newest(catalog, recipe=None)

    assert found is not None
    assert (found.upload.content.sha256, found.width, found.height) == (sha256("truck"), 64, 36)
    assert newest(catalog) is None


def test_a_key_goes_forward_pending_then_published(catalog: Catalog) -> None:
    assert catalog.latest.current("default", KEY) is None

    first = append(catalog, 1, 1)
    catalog.latest.published("default", KEY, 1, now=SOON)
    published = catalog.latest.current("default", KEY)
    second = append(catalog, 2, 2)

    assert first == LatestEntry(
        KEY, 1, at(1), "v", sha256("v"), LatestState.PENDING, False, NOW, None
    )
    assert published is not None
    assert (published.state, published.published_at) == (LatestState.PUBLISHED, SOON)
    assert catalog.latest.current("default", KEY) == second


def test_a_key_never_goes_back(catalog: Catalog) -> None:
    append(catalog, 1, 2)

    with pytest.raises(RejectedError, match="would go back"):
        append(catalog, 2, 1)

    current = catalog.latest.current("default", KEY)
    assert current is not None
    assert current.captured_at == at(2)


def test_a_capture_may_be_announced_again_with_another_value(catalog: Catalog) -> None:
    append(catalog, 1, 1)

    assert append(catalog, 2, 1, "corrected").value == "corrected"


@pytest.mark.parametrize("sequence", [1, 3])
def test_a_sequence_that_is_not_the_next_is_refused(catalog: Catalog, sequence: int) -> None:
    append(catalog, 1, 1)

    with pytest.raises(RejectedError, match="sequence 2 is next"):
        append(catalog, sequence, 2)


def test_a_lease_is_one_owners_until_it_ends(catalog: Catalog) -> None:
    take = catalog.latest.lease

    assert take("k", "us", until=SOON, now=NOW)
    assert not take("k", "them", until=SOON, now=NOW)
    assert take("other", "them", until=SOON, now=NOW)
    assert take("k", "us", until=SOON, now=NOW)
    assert take("k", "them", until=SOON + (SOON - NOW), now=SOON)
    assert not take("k", "us", until=SOON, now=SOON)


def test_a_lease_is_given_back_by_its_owner_alone(catalog: Catalog) -> None:
    catalog.latest.lease("k", "us", until=SOON, now=NOW)

    catalog.latest.release("k", "them")
    kept = catalog.latest.lease("k", "them", until=SOON, now=NOW)
    catalog.latest.release("k", "us")

    assert not kept
    assert catalog.latest.lease("k", "them", until=SOON, now=NOW)


def test_a_persons_word_may_go_back_and_is_held_until_it_is_let_go(catalog: Catalog) -> None:
    append(catalog, 1, 2)
    held = append(catalog, 2, 1, hold=True)
    current = catalog.latest.current("default", KEY)
    let_go = [catalog.latest.let_go("default", KEY) for _ in range(2)]
    after = catalog.latest.current("default", KEY)

    assert current == held
    assert held.hold
    assert let_go == [True, False]
    assert after is not None
    assert not after.hold


def test_the_history_is_the_newest_first_and_each_sequence_can_be_asked_for(
    catalog: Catalog,
) -> None:
    entries = [append(catalog, number, number) for number in (1, 2, 3)]

    assert list(catalog.latest.history("default", KEY, most=2)) == [entries[2], entries[1]]
    assert catalog.latest.entry("default", KEY, 1) == entries[0]
    assert catalog.latest.entry("default", KEY, 9) is None
    assert list(catalog.latest.keys("default")) == [KEY]


def test_when_a_key_was_written_is_known_of_each_sequence_and_of_all(catalog: Catalog) -> None:
    append(catalog, 1, 1)
    catalog.latest.written("default", KEY, 1, now=SOON)
    append(catalog, 2, 2)

    current = catalog.latest.current("default", KEY)

    assert current is not None
    assert (current.written_at, current.touched_at) == (None, SOON)


@pytest.mark.parametrize("name", ["item key", "sha256", "url", "other"])
def test_a_picture_is_found_by_any_of_its_names(catalog: Catalog, name: str) -> None:
    store(catalog, 1, "truck")
    store(catalog, 2, "gate")
    journey(catalog)
    found = newest(catalog, until=at(1))
    assert found is not None
    assert found.upload.receipt is not None
    names = {
        "item key": found.item_key,
        "sha256": found.upload.content.sha256,
        "url": found.upload.receipt.url,
    }

    named = newest(catalog, target=names.get(name, "nothing"))

    assert named == (found if name in names else None)
