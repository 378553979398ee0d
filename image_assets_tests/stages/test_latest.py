import datetime as dt
import json
from dataclasses import replace

import pytest
import sqlalchemy as sa

from image_assets.core.errors import PermanentError, TransientError
from image_assets.core.model import ImageFormat, LatestState, Partition, Publishes
from image_assets.ports import LatestStore
from image_assets.services.catalog.schema import uploads
from image_assets.stages.latest import Announcement, Announcer
from image_assets.stages.latest_by_hand import Hand
from image_assets.stages.uploads import Publisher
from image_assets_tests.drawing import picture
from image_assets_tests.fakes import FakeHost, FakeLatestStore, RefusesWrites
from image_assets_tests.stages.conftest import NOW, RECIPE, House

WHAT = Announcement("camera", "apm/in_gate", "somewhere", RECIPE.name, ImageFormat.JPEG, "daily")


@pytest.fixture
def published(house: House):
    """Publish a frame of a day and hour."""

    def publish(seed: int, day: int, hour: int) -> None:
        partition = Partition("camera", "apm/in_gate", f"2025-09-{day:02}")
        house.collect({f"202509{day:02}{hour:02}0000_in_gate.jpg": picture(seed)}, partition)
        house.admit(partition)
        house.export(partition)
        publisher = Publisher(
            "somewhere", FakeHost(), house.catalog.uploads, house.store, "run", lambda: NOW, 1
        )
        publisher.publish(partition, Publishes.EXPORTS, RECIPE)

    return publish


def announcer(
    house: House, store: LatestStore, now: dt.datetime = NOW, owner: str = "run 1"
) -> Announcer:
    return Announcer(store, house.catalog.latest, owner, lambda: now)


def announce(house: House, store: LatestStore, now: dt.datetime = NOW) -> str:
    (note,) = announcer(house, store, now).announce(WHAT).counts
    return note


def said(store: LatestStore) -> tuple[int, str]:
    """Sequence and capture time that the store holds."""
    value = store.get(WHAT.key)
    assert value is not None
    metadata = json.loads(value)["metadata"]
    return metadata["sequence"], metadata["captured_at"]


def test_the_key_is_spelled_as_ever():
    assert WHAT.key == "apm/in_gate:daily:latest"


def test_the_newest_verified_picture_is_announced_in_the_shape_of_the_original(house, published):
    published(1, 1, 10)
    store = FakeLatestStore()

    note = announce(house, store)

    value = json.loads(store.get(WHAT.key) or "")
    assert note == "published"
    assert value.keys() == {"url", "updated_at", "metadata"}
    assert value["updated_at"] == str(int(NOW.timestamp()))
    assert said(store) == (1, "2025-09-01T10:00:00+00:00")


def test_nothing_is_announced_before_something_is_verified(house):
    store = FakeLatestStore()

    assert announce(house, store) == "nothing yet"
    assert store.writes == []


def test_it_moves_forward_with_the_captures(house, published):
    store = FakeLatestStore()
    published(1, 1, 10)
    announce(house, store)
    published(2, 2, 9)

    announce(house, store)

    assert said(store) == (2, "2025-09-02T09:00:00+00:00")


def test_an_older_day_published_later_does_not_move_it_back(house, published):
    store = FakeLatestStore()
    published(1, 2, 10)
    announce(house, store)
    published(2, 1, 23)

    note = announce(house, store)

    assert (note, len(store.writes)) == ("unchanged", 1)
    assert said(store) == (1, "2025-09-02T10:00:00+00:00")


def test_a_repeated_frame_advances_it(house, published):
    store = FakeLatestStore()
    published(1, 1, 10)
    announce(house, store)
    published(1, 1, 11)

    announce(house, store)

    assert said(store) == (2, "2025-09-01T11:00:00+00:00")


def test_a_capture_of_the_future_never_qualifies(house, published):
    store = FakeLatestStore()
    published(1, 1, 10)
    published(2, 9, 10)  # a week ahead of NOW

    announce(house, store)

    assert said(store) == (1, "2025-09-01T10:00:00+00:00")


def test_a_key_that_the_store_lost_is_repaired(house, published):
    published(1, 1, 10)
    announce(house, FakeLatestStore())
    empty = FakeLatestStore()

    note = announce(house, empty, NOW + dt.timedelta(hours=1))

    assert note == "repaired"
    assert said(empty) == (1, "2025-09-01T10:00:00+00:00")


def test_a_store_that_is_ahead_of_the_catalog_is_not_set_back(house, published):
    published(1, 1, 10)
    store = FakeLatestStore()
    ahead = {"url": "x", "metadata": {"sequence": 7, "captured_at": "2025-09-03T00:00:00+00:00"}}
    store.put(WHAT.key, json.dumps(ahead))

    with pytest.raises(PermanentError, match="another catalog"):
        announce(house, store)

    assert json.loads(store.get(WHAT.key) or "") == ahead


def test_one_writer_a_key(house, published):
    published(1, 1, 10)
    store = FakeLatestStore()
    catalog = house.catalog.latest
    lease = f"latest:default:{WHAT.key}"
    assert catalog.lease(lease, "run 2", until=NOW + dt.timedelta(minutes=1), now=NOW)

    note = announce(house, store)

    assert (note, store.writes) == ("another writer", [])


def test_the_lease_is_given_back_after_a_failure(house, published):
    published(1, 1, 10)
    with pytest.raises(TransientError):
        announce(house, RefusesWrites(TransientError("busy")))

    later = NOW + dt.timedelta(seconds=5)

    assert announce(house, FakeLatestStore(), later) == "published"


def test_a_stale_read_is_no_reason_to_write_again(house, published):
    clock = [NOW]
    store = FakeLatestStore(lag=dt.timedelta(seconds=60), now=lambda: clock[0])
    published(1, 1, 10)
    first = announce(house, store, clock[0])
    clock[0] += dt.timedelta(seconds=30)
    second = announce(house, store, clock[0])
    clock[0] += dt.timedelta(seconds=60)

    third = announce(house, store, clock[0])

    assert (first, second, third) == ("settling", "settling", "published")
    assert len(store.writes) == 1


def test_the_catalog_says_published_only_after_reading_it_back(house, published):
    published(1, 1, 10)
    lagging = FakeLatestStore(lag=dt.timedelta(seconds=60), now=lambda: NOW)

    announce(house, lagging)

    current = house.catalog.latest.current("default", WHAT.key)
    assert current is not None
    assert current.state is LatestState.PENDING


def test_it_is_due_when_there_is_something_to_do_and_not_otherwise(house, published):
    store = FakeLatestStore()
    nothing = announcer(house, store).due(WHAT)
    published(1, 1, 10)
    newer = announcer(house, store).due(WHAT)
    announce(house, store)
    done = announcer(house, store).due(WHAT)
    lost = announcer(house, FakeLatestStore(), NOW + dt.timedelta(hours=1)).due(WHAT)

    assert (nothing, newer, done, lost) == (
        None,
        "capture 20250901100000",
        None,
        "repair of sequence 1",
    )


def test_a_value_that_ages_is_written_again_at_half_its_life(house, published):
    clock = [NOW]
    life = dt.timedelta(hours=4)
    store = FakeLatestStore(lifetime=life, now=lambda: clock[0])
    published(1, 1, 10)
    announce(house, store, clock[0])
    clock[0] += life / 2 - dt.timedelta(seconds=1)
    early = announcer(house, store, clock[0]).due(WHAT)
    clock[0] += dt.timedelta(seconds=1)

    due = announcer(house, store, clock[0]).due(WHAT)
    announce(house, store, clock[0])

    assert early is None
    assert due == "refresh of sequence 1 on 2025-09-03T14:00"
    assert (len(store.writes), announcer(house, store, clock[0]).due(WHAT)) == (2, None)


def test_a_key_that_was_just_written_is_left_alone_for_a_second(house, published):
    store = FakeLatestStore()
    store.rest = dt.timedelta(seconds=1)
    published(1, 1, 10)
    announce(house, store)
    published(2, 2, 10)

    soon = announce(house, store, NOW + dt.timedelta(seconds=0.5))
    later = announce(house, store, NOW + dt.timedelta(seconds=1))

    assert (soon, later, said(store)[0]) == ("settling", "published", 2)


def test_a_killed_writer_holds_a_key_up_for_one_call_of_the_store_and_no_longer(house, published):
    published(1, 1, 10)
    store = FakeLatestStore()
    assert announcer(house, store, owner="killed").turn(WHAT).take()
    waits = NOW + store.deadline

    before = announcer(house, store, waits).announce(WHAT)
    after = announcer(house, store, waits + dt.timedelta(seconds=10)).announce(WHAT)

    assert (dict(before.counts), dict(after.counts)) == ({"another writer": 1}, {"published": 1})


def test_a_writer_that_was_overtaken_does_not_write(house, published):
    published(1, 1, 10)
    store, clock = FakeLatestStore(), [NOW]

    class Slow(FakeLatestStore):
        def get(self, key):
            clock[0] += dt.timedelta(hours=1)
            assert announcer(house, store, clock[0], "run 2").turn(WHAT).take()
            return super().get(key)

    slow = Slow()
    with pytest.raises(TransientError, match="another writer took over"):
        Announcer(slow, house.catalog.latest, "run 1", lambda: clock[0]).announce(WHAT)

    assert slow.writes == []


def test_a_picture_that_moved_is_announced_where_it_is_now(house, published):
    store = FakeLatestStore()
    published(1, 1, 10)
    announce(house, store)
    with house.catalog.engine.begin() as connection:
        connection.execute(sa.update(uploads).values(url="https://elsewhere.test/1", cid=None))

    note = announce(house, store)

    assert (note, said(store)) == ("published", (2, "2025-09-01T10:00:00+00:00"))
    assert json.loads(store.get(WHAT.key) or "")["url"] == "https://elsewhere.test/1"


def test_a_late_read_of_our_own_newer_word_is_no_other_catalog(house, published):
    """After a rollback that was let go, a read may still show what was said before it."""
    store = FakeLatestStore()
    published(1, 1, 10)
    announce(house, store)
    published(2, 2, 10)
    announce(house, store)
    newer = store.get(WHAT.key) or ""
    hand = Hand(announcer(house, store))
    hand.roll_back(WHAT)
    hand.let_go(WHAT)
    current = house.catalog.latest.current("default", WHAT.key)
    assert current is not None

    announcer(house, store).refuse_to_go_back(WHAT, current, newer)


def test_the_key_is_spelled_by_a_pattern():
    other = replace(WHAT, pattern="sites:{stream}:{interval}")

    assert other.key == "sites:in_gate:daily"
