import datetime as dt
from dataclasses import replace

import pytest
import sqlalchemy as sa

from image_assets.core import naming
from image_assets.core.errors import NotFoundError, QuotaExhaustedError, RejectedError
from image_assets.core.generation import AspectRatio, RequestState, VariationState
from image_assets.core.model import Blob, ImageFormat, Partition
from image_assets.ports import Arrival, Claim, Drawing, NewRequest
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.schema import blobs, tenants
from image_assets_tests.services.catalog.samples import sha256

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
SOON = NOW + dt.timedelta(minutes=1)
LEASE = NOW + dt.timedelta(minutes=5)
KEY = "req_" + 32 * "a"
PARTITION = Partition("generated", "default", KEY)
REQUEST = NewRequest(KEY, "a kite", "a model", AspectRatio.SQUARE, 2, "digest")
BASE = Blob(sha256("base"), "uploads/ba/base.png", 100, ImageFormat.PNG, 10, 10)
ARRIVAL = Arrival(
    Drawing(b"", "a model", "version 1", "response 1"), "generated/x", sha256("one"), 1000
)


def ask(catalog: Catalog, request: NewRequest = REQUEST, tenant: str = "default") -> str:
    return catalog.requests.add(tenant, request, now=NOW).key


def claim(catalog: Catalog, number: int = 1, owner: str = "run 1", now: dt.datetime = NOW) -> Claim:
    until = now + dt.timedelta(minutes=5)
    return catalog.generation.claim(PARTITION, number, owner, lease_until=until, now=now)


def states(catalog: Catalog) -> list[VariationState]:
    return [v.state for v in catalog.generation.asked(PARTITION).variations]


def test_a_request_is_found_as_it_was_made(catalog):
    ask(catalog, replace(REQUEST, base=BASE))

    asked = catalog.requests.find("default", KEY)
    assert (asked.prompt, asked.model, asked.aspect_ratio) == ("a kite", "a model", "1:1")
    assert (asked.state, asked.base, asked.open) == (RequestState.WAITING, BASE, (1, 2))


def test_one_that_was_never_made_is_not_there(catalog):
    assert catalog.requests.find("default", KEY) is None
    with pytest.raises(NotFoundError, match="no such request"):
        catalog.generation.asked(PARTITION)


def test_nobody_finds_the_requests_of_another_tenant(catalog):
    with catalog.engine.begin() as connection:
        connection.execute(tenants.insert().values(name="other", created_at=NOW))
    ask(catalog)

    assert catalog.requests.find("other", KEY) is None
    assert catalog.requests.revisions([("other", KEY)]) == {}


def test_the_same_idempotency_key_gives_the_same_request(catalog):
    first = replace(REQUEST, idempotency_key="again")
    ask(catalog, first)

    again = catalog.requests.add("default", replace(first, key="req_" + 32 * "b"), now=NOW)
    other = catalog.requests.add(
        "default", replace(first, key="req_" + 32 * "c", digest="another"), now=NOW
    )

    assert (again.key, again.again, again.same) == (KEY, True, True)
    assert (other.again, other.same) == (True, False)


def test_the_bytes_of_a_base_are_recorded_once(catalog):
    ask(catalog, replace(REQUEST, base=BASE))

    again = catalog.requests.add(
        "default",
        replace(REQUEST, key="req_" + 32 * "b", base=replace(BASE, path="uploads/elsewhere.png")),
        now=NOW,
    )

    assert again.base_path == BASE.path
    with catalog.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(blobs)) == 1


def test_no_more_are_taken_than_the_day_allows_and_tomorrow_they_are(catalog):
    one, two = (replace(REQUEST, key="req_" + 32 * c) for c in "12")
    catalog.requests.add("default", one, now=NOW, daily=3)

    with pytest.raises(QuotaExhaustedError, match="2 of 3 pictures"):
        catalog.requests.add("default", two, now=NOW, daily=3)

    tomorrow = NOW + dt.timedelta(days=1)
    assert not catalog.requests.add("default", two, now=tomorrow, daily=3).again


def test_what_is_new_is_due_at_once_the_oldest_first(catalog):
    ask(catalog)
    later = replace(REQUEST, key="req_" + 32 * "b")
    catalog.requests.add("default", later, now=SOON)

    due = catalog.generation.due(now=SOON, limit=10)

    assert due == (("default", KEY, NOW), ("default", later.key, SOON))
    assert catalog.generation.due(now=NOW - dt.timedelta(seconds=1), limit=10) == ()


def test_a_variation_is_claimed_by_one(catalog):
    ask(catalog)

    assert [claim(catalog), claim(catalog, owner="run 2")] == [Claim.GRANTED, Claim.BUSY]
    assert catalog.generation.asked(PARTITION).state is RequestState.GENERATING


def test_who_never_told_leaves_it_in_doubt_for_ever(catalog):
    """The process was killed after it asked: it may have been drawn, and paid for."""
    ask(catalog)
    claim(catalog)

    late = LEASE + dt.timedelta(seconds=1)

    assert claim(catalog, owner="run 2", now=late) is Claim.DOUBTED
    assert claim(catalog, owner="run 3", now=late) is Claim.SETTLED
    assert states(catalog)[0] is VariationState.IN_DOUBT
    assert "not asked for again" in catalog.generation.asked(PARTITION).variations[0].reason


def test_what_came_is_known_with_its_lineage(catalog):
    ask(catalog)
    claim(catalog)

    catalog.generation.receive(PARTITION, 1, "run 1", ARRIVAL, now=SOON)

    (received,) = catalog.generation.asked(PARTITION).received
    assert (received.path, received.sha256, received.size) == ("generated/x", sha256("one"), 1000)
    assert (received.model_version, received.response_id) == ("version 1", "response 1")
    assert claim(catalog, owner="run 2") is Claim.SETTLED


def test_only_who_asked_last_may_tell_what_came(catalog):
    ask(catalog)
    claim(catalog)

    with pytest.raises(RejectedError, match="another run's"):
        catalog.generation.receive(PARTITION, 1, "run 2", ARRIVAL, now=SOON)

    assert states(catalog)[0] is VariationState.SENDING


def test_what_was_not_done_waits_again(catalog):
    ask(catalog)
    claim(catalog)

    catalog.generation.release(PARTITION, 1, "run 1", "busy", now=SOON)

    assert catalog.generation.asked(PARTITION).variations[0].reason == "busy"
    assert claim(catalog, owner="run 2") is Claim.GRANTED


def test_a_picture_that_came_unasked_takes_the_last_that_waits(catalog):
    ask(catalog)
    claim(catalog)

    assert catalog.generation.spare(PARTITION, "run 1", now=NOW) == 2
    assert catalog.generation.spare(PARTITION, "run 1", now=NOW) is None


def test_everything_that_happens_is_numbered_in_order(catalog):
    ask(catalog)
    claim(catalog)
    catalog.generation.receive(PARTITION, 1, "run 1", ARRIVAL, now=SOON)
    claim(catalog, 2)
    blocked = VariationState.BLOCKED
    catalog.generation.settle(PARTITION, 2, "run 1", blocked, "SAFETY", now=SOON)

    events = catalog.requests.events("default", KEY, after=0)

    assert [(e.number, e.kind, e.settled) for e in events] == [
        (1, "accepted", 0),
        (2, "sending", 0),
        (3, "received", 1),
        (4, "sending", 1),
        (5, "blocked", 2),
    ]
    assert catalog.requests.events("default", KEY, after=3) == events[3:]
    assert catalog.requests.revisions([("default", KEY)]) == {("default", KEY): 5}


def test_what_is_over_is_told_once_and_is_not_due(catalog):
    ask(catalog)
    for _ in range(2):
        catalog.generation.advance(PARTITION, RequestState.DONE, recipe="thumbnail", now=SOON)

    assert catalog.requests.revisions([("default", KEY)]) == {("default", KEY): 2}
    assert catalog.generation.due(now=LEASE, limit=10) == ()


def test_waiting_longer_each_time_is_counted(catalog):
    ask(catalog)
    for state in (RequestState.WAITING, RequestState.HELD, RequestState.GENERATING):
        catalog.generation.advance(PARTITION, state, due_at=LEASE, now=SOON)

    assert catalog.generation.asked(PARTITION).postponed == 2
    assert catalog.generation.due(now=LEASE, limit=10) == (("default", KEY, LEASE),)


def test_odd_texts_are_kept(catalog):
    ask(catalog)
    claim(catalog)

    catalog.generation.release(PARTITION, 1, "run 1", "a \0 and \ud800", now=SOON)

    assert catalog.generation.asked(PARTITION).variations[0].reason == "a \\x00 and \\ud800"


def test_keys_of_requests_are_spelled_one_way():
    key = f"default:{KEY}"

    assert naming.request_of("generated", key) == PARTITION
    assert naming.variation_number(naming.variation_key(KEY, 12)) == 12
    for odd in ("default", KEY, "default:x", f"../x:{KEY}", f"default:{KEY}/..", ":"):
        with pytest.raises(ValueError, match="no request"):
            naming.request_of("generated", odd)
