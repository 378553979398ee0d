"""What people say about latest keys, and that the sensor honours it."""

import datetime as dt
import json

import pytest

from image_assets.core.errors import NotFoundError, PermanentError, TransientError
from image_assets.core.model import LatestState, Partition, Publishes
from image_assets.services.catalog.schema import uploads
from image_assets.stages.latest import Announcer
from image_assets.stages.latest_by_hand import Hand
from image_assets.stages.uploads import Publisher
from image_assets_tests.drawing import picture
from image_assets_tests.fakes import FakeHost, FakeLatestStore
from image_assets_tests.stages.conftest import NOW, RECIPE, House
from image_assets_tests.stages.test_latest import WHAT, announcer, said

LATER = NOW + dt.timedelta(hours=1)
CAPTURES = ["2025-09-01T10:00:00+00:00", "2025-09-01T11:00:00+00:00", "2025-09-01T12:00:00+00:00"]


@pytest.fixture
def store() -> FakeLatestStore:
    return FakeLatestStore()


@pytest.fixture
def published(house: House, store: FakeLatestStore) -> House:
    """Three captures of one day, announced one after another."""
    partition = Partition("camera", "apm/in_gate", "2025-09-01")
    for hour in (10, 11, 12):
        house.collect({f"20250901{hour}0000_in_gate.jpg": picture(hour)}, partition)
        house.admit(partition)
        house.export(partition)
        catalog, clock = house.catalog.uploads, lambda: NOW
        host = Publisher("somewhere", FakeHost(), catalog, house.store, "run", clock, 1)
        host.publish(partition, Publishes.EXPORTS, RECIPE)
        announcer(house, store).announce(WHAT)
    return house


def hand(house: House, store: FakeLatestStore, now: dt.datetime = NOW) -> Hand:
    return Hand(announcer(house, store, now))


def due(house: House, store: FakeLatestStore) -> str | None:
    return announcer(house, store, LATER).due(WHAT)


def test_a_rollback_is_a_new_sequence_of_the_capture_before(published, store):
    report = hand(published, store, LATER).roll_back(WHAT)

    value = json.loads(store.get(WHAT.key) or "")
    assert dict(report.counts) == {"published": 1}
    assert said(store) == (4, CAPTURES[1])
    assert value["updated_at"] == str(int(LATER.timestamp()))


def test_a_rollback_goes_further_back_each_time_and_no_further_than_there_is(published, store):
    for expected in (CAPTURES[1], CAPTURES[0]):
        hand(published, store).roll_back(WHAT)
        assert said(store)[1] == expected

    with pytest.raises(NotFoundError, match="nothing older"):
        hand(published, store).roll_back(WHAT)


def test_a_rollback_to_a_sequence(published, store):
    hand(published, store).roll_back(WHAT, 1)

    assert said(store) == (4, CAPTURES[0])
    with pytest.raises(NotFoundError, match="no sequence 99"):
        hand(published, store).roll_back(WHAT, 99)


def test_a_rollback_leads_to_where_its_picture_is_now(published, store):
    with published.catalog.engine.begin() as connection:
        connection.execute(uploads.update().values(url="https://elsewhere.test/1", cid=None))

    hand(published, store).roll_back(WHAT)

    value = json.loads(store.get(WHAT.key) or "")
    assert (value["url"], value["metadata"]["url"]) == ("https://elsewhere.test/1",) * 2


def test_the_sensor_leaves_a_held_key_and_repairs_it_to_what_is_held(published, store):
    hand(published, store).roll_back(WHAT)
    held = due(published, store)
    lost = FakeLatestStore()

    repair = due(published, lost)
    announcer(published, lost, LATER).announce(WHAT)

    assert (held, repair) == (None, "repair of sequence 4")
    assert said(lost) == (4, CAPTURES[1])


def test_a_key_that_is_let_go_goes_forward_again(published, store):
    hand(published, store).roll_back(WHAT)
    let_go = [hand(published, store).let_go(WHAT) for _ in range(2)]

    announcer(published, store, LATER).announce(WHAT)

    assert let_go == [True, False]
    assert said(store) == (5, CAPTURES[2])


def test_what_is_not_verified_any_more_is_not_announced_again(published, store):
    with published.catalog.engine.begin() as connection:
        connection.execute(uploads.update().values(state="receipt"))

    with pytest.raises(PermanentError, match="not verified at somewhere any more"):
        hand(published, store).roll_back(WHAT)

    assert said(store)[0] == 3


@pytest.mark.parametrize("name", ["20250901100000", "https", "sha256"])
def test_a_certain_picture_is_announced_and_held(published, store, name):
    first = announcer(published, store).picture(WHAT, "20250901100000")
    assert first is not None
    assert first.upload.receipt is not None
    names = {"https": first.upload.receipt.url, "sha256": first.upload.content.sha256}

    hand(published, store).set(WHAT, names.get(name, name))

    current = published.catalog.latest.current("default", WHAT.key)
    assert said(store) == (4, CAPTURES[0])
    assert current is not None
    assert (current.hold, current.state) == (True, LatestState.PUBLISHED)
    assert due(published, store) is None


def test_a_picture_that_is_not_there_is_not_announced(published, store):
    with pytest.raises(NotFoundError, match="goes by 'nothing'"):
        hand(published, store).set(WHAT, "nothing")


def test_a_key_that_another_writer_has_is_told(published, store):
    other = announcer(published, store, owner="another")
    assert other.turn(WHAT).take()

    with pytest.raises(TransientError, match="another writer has it"):
        hand(published, store).roll_back(WHAT)


def test_a_store_that_was_lost_is_given_everything_again(published):
    lost = FakeLatestStore()

    reports = [hand(published, lost, LATER).republish([WHAT]) for _ in range(2)]

    assert [dict(report.counts) for report in reports] == [{"repaired": 1}, {"unchanged": 1}]
    assert said(lost) == (3, CAPTURES[2])


def test_what_a_store_does_not_take_is_told(published):
    class Refuses(FakeLatestStore):
        def put_many(self, values):
            return frozenset(values)

    report = hand(published, Refuses(), LATER).republish([WHAT])

    assert (report.failed, report.failures[0].item) == (1, WHAT.key)


def test_a_key_of_another_writer_is_left_to_him(published):
    lost = FakeLatestStore()
    assert announcer(published, lost, owner="another").turn(WHAT).take()

    report = hand(published, lost).republish([WHAT])

    assert (dict(report.counts), lost.writes) == ({"another writer": 1}, [])


def test_a_read_that_is_late_settles(published):
    clock = [LATER]
    late = FakeLatestStore(lag=dt.timedelta(seconds=60), now=lambda: clock[0])
    announcing = Announcer(late, published.catalog.latest, "us", lambda: clock[0])

    report = Hand(announcing).republish([WHAT])

    assert dict(report.counts) == {"settling": 1}
