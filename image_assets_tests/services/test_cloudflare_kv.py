import logging
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from image_assets.core.errors import (
    AuthenticationError,
    PermanentError,
    QuotaExhaustedError,
    RejectedError,
    TransientError,
)
from image_assets.ports import Statement
from image_assets.rehearsal.server import Profile, Rehearsal
from image_assets.services.cloudflare_kv import CloudflareKV
from image_assets.services.http import Clock, Retry
from image_assets_tests.latest_contract import KEY, LatestContract
from image_assets_tests.loopback import Loopback, reply

VALUES = r"/cloudflare/client/v4/accounts/.*/values/"


def connect(rehearsal: Rehearsal, **changes: Any) -> CloudflareKV:
    """A store whose time is the rehearsal's: waiting costs none."""
    settings = rehearsal.environment()
    time = rehearsal.clock
    known = {
        "api_token": settings["CLOUDFLARE_API_TOKEN"],
        "account_id": settings["CLOUDFLARE_ACCOUNT_ID"],
        "namespace_id": settings["KV_NAMESPACE_ID"],
        "api_url": settings["CLOUDFLARE_API_URL"],
        "retry": Retry(attempts=3, delay=0.1, seconds=30.0),
        "clock": Clock(time.epoch, time.now, time.advance),
    }
    return CloudflareKV(**(known | changes))


def asked(rehearsal: Rehearsal, method: str) -> int:
    requests = rehearsal.requests()["requests"]
    return sum(request["method"] == method for request in requests)


def start(profile: Profile) -> Rehearsal:
    rehearsal = Rehearsal(profile)
    rehearsal.clock.set(rehearsal.clock.now(), frozen=True)
    return rehearsal


@pytest.fixture
def rehearsal():
    with start(Profile()) as rehearsal:
        yield rehearsal


@pytest.fixture
def store(rehearsal):
    return connect(rehearsal)


class TestCloudflareKV(LatestContract):
    pass


class TestCloudflareKVThatIsAMinuteLate(LatestContract):
    @pytest.fixture
    def rehearsal(self):
        with start(Profile(kv_staleness=60.0)) as rehearsal:
            yield rehearsal

    @pytest.fixture
    def settled(self, rehearsal, store) -> Callable[[], None]:
        return lambda: rehearsal.clock.advance(store.staleness.total_seconds())

    def test_a_read_is_late_by_no_more_than_it_says(self, store, settled):
        store.put(KEY, "first")
        settled()
        store.put(KEY, "second")
        late = store.get(KEY)
        settled()

        assert (late, store.get(KEY)) == ("first", "second")


def test_a_key_is_written_at_most_once_a_second(rehearsal, store):
    began = rehearsal.clock.epoch()
    for number in range(4):
        store.put(KEY, str(number))

    assert (rehearsal.clock.epoch() - began, asked(rehearsal, "PUT")) == (3.0, 4)


def test_two_keys_do_not_wait_for_each_other(rehearsal, store):
    began = rehearsal.clock.epoch()
    store.put("one", "1")
    store.put("two", "2")

    assert rehearsal.clock.epoch() == began


def test_a_write_that_failed_counts_as_one(rehearsal, store):
    rehearsal.inject(f"PUT {VALUES}", {"kind": "status", "status": 400}, times=1)
    with pytest.raises(RejectedError):
        store.put(KEY, "first")
    began = rehearsal.clock.epoch()
    store.put(KEY, "second")

    assert rehearsal.clock.epoch() - began == 1.0


def test_two_writers_of_one_key_are_told_to_wait_and_do(rehearsal, store):
    other = connect(rehearsal)
    other.put(KEY, "theirs")

    store.put(KEY, "ours")

    assert (store.get(KEY), asked(rehearsal, "PUT")) == ("ours", 3)


def test_a_write_without_an_answer_is_simply_repeated(rehearsal, store):
    rehearsal.inject(f"PUT {VALUES}", {"kind": "drop_after"}, times=1)

    store.put(KEY, "value")

    assert (store.get(KEY), asked(rehearsal, "PUT")) == ("value", 2)


@pytest.mark.parametrize("method", ["get", "put"])
def test_a_wrong_token_is_told_with_its_setting(rehearsal, method):
    store = connect(rehearsal, api_token="wrong")
    arguments = (KEY,) if method == "get" else (KEY, "value")

    with pytest.raises(AuthenticationError, match="check CLOUDFLARE_API_TOKEN"):
        getattr(store, method)(*arguments)


def test_a_wrong_account_is_told_with_its_setting(rehearsal):
    with pytest.raises(AuthenticationError, match="CLOUDFLARE_ACCOUNT_ID"):
        connect(rehearsal, account_id="somebody").get(KEY)


@pytest.mark.parametrize("method", ["get", "put"])
def test_a_namespace_that_is_not_there_is_no_absent_key(rehearsal, method):
    store = connect(rehearsal, namespace_id="nowhere")
    arguments = (KEY,) if method == "get" else (KEY, "value")

    with pytest.raises(PermanentError, match="check KV_NAMESPACE_ID") as raised:
        getattr(store, method)(*arguments)

    assert type(raised.value) is PermanentError


@pytest.mark.parametrize(
    "body",
    [
        "<html>not here</html>",
        "{}",
        "[]",
        '{"errors": null}',
        '{"errors": [10009]}',
        '{"errors": [{"code": "10009"}]}',
        '{"errors": [{"code": 7003, "message": "no route"}]}',
    ],
)
def test_only_cloudflares_own_word_makes_a_key_absent(rehearsal, store, body):
    rehearsal.inject(f"GET {VALUES}", {"kind": "status", "status": 404, "body": body})

    with pytest.raises(PermanentError, match="check CLOUDFLARE_API_URL"):
        store.get(KEY)


def test_an_address_without_the_api_is_told(rehearsal):
    with pytest.raises(PermanentError, match="check CLOUDFLARE_API_URL"):
        connect(rehearsal, api_url=f"{rehearsal.address}/elsewhere").get(KEY)


@pytest.mark.parametrize("status", [429, 403])
def test_a_spent_day_is_told_and_not_tried_again(rehearsal, store, status):
    spent = (
        '{"result": null, "success": false, "messages": [], "errors": [{"code": 10048,'
        ' "message": "your account has reached the free usage limit for this operation for today"}]}'
    )
    rehearsal.inject(f"PUT {VALUES}", {"kind": "status", "status": status, "body": spent})

    with pytest.raises(QuotaExhaustedError, match="of today is spent"):
        store.put(KEY, "value")

    assert asked(rehearsal, "PUT") == 1


def test_the_plans_own_daily_limit_is_that_error():
    with start(Profile(kv_daily_writes=2)) as rehearsal:
        store = connect(rehearsal)
        store.put("one", "1")
        store.put("two", "2")

        with pytest.raises(QuotaExhaustedError):
            store.put("three", "3")


def test_who_asked_too_much_is_told_for_how_long_it_is_shut_out():
    with start(Profile(kv_requests_per_five_minutes=3)) as rehearsal:
        store = connect(rehearsal)
        for _ in range(3):
            store.get(KEY)

        with pytest.raises(TransientError) as raised:
            store.get(KEY)

    assert raised.value.retry_after == pytest.approx(300, abs=2)


def test_we_never_ask_so_much_that_we_are_shut_out():
    with start(Profile(kv_requests_per_five_minutes=1200)) as rehearsal:
        store = connect(rehearsal, retry=Retry(seconds=1000.0))
        for _ in range(1500):
            store.get(KEY)

        statuses = {request["status"] for request in rehearsal.requests()["requests"]}

    assert statuses == {404}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html"},
        {"kind": "non_json"},
        {"kind": "truncate"},
        {"kind": "empty"},
        {"kind": "status", "status": 200, "body": '{"success": false, "errors": []}'},
        {"kind": "status", "status": 200, "body": '"true"'},
        {"kind": "status", "status": 500},
    ],
    ids=str,
)
def test_a_write_without_clear_success_is_not_done(rehearsal, store, fault):
    rehearsal.inject(f"PUT {VALUES}", fault)

    with pytest.raises(TransientError):
        store.put(KEY, "value")


@pytest.mark.parametrize("kind", ["html", "truncate"])
def test_a_page_or_half_a_value_is_no_value(rehearsal, store, kind):
    store.put(KEY, "value")
    rehearsal.inject(f"GET {VALUES}", {"kind": kind})

    with pytest.raises(TransientError):
        store.get(KEY)


def test_a_value_that_is_no_text_is_not_ours():
    with Loopback(reply(200, b"\xff")) as server, pytest.raises(PermanentError, match="not ours"):
        CloudflareKV(api_token="x", account_id="a", namespace_id="n", api_url=server.url).get(KEY)


def test_a_value_larger_than_cloudflare_takes_is_refused_unsent(rehearsal, store):
    with pytest.raises(RejectedError, match="26,214,400"):
        store.put(KEY, "x" * (25 * 1024 * 1024 + 1))

    assert asked(rehearsal, "PUT") == 0


def test_the_value_is_sent_as_it_stands(rehearsal, store):
    """JSON under its own type would be stored with its wrapping."""
    store.put(KEY, '{"value": "x", "metadata": {}}')

    assert store.get(KEY) == '{"value": "x", "metadata": {}}'


def test_a_read_is_repeated_without_the_second_that_writes_need(rehearsal, store):
    rehearsal.inject(f"GET {VALUES}", {"kind": "status", "status": 500}, times=2)
    began = rehearsal.clock.epoch()

    assert store.get(KEY) is None
    assert rehearsal.clock.epoch() - began <= 0.3


def test_a_write_is_repeated_no_sooner_than_a_second_after(rehearsal, store):
    rehearsal.inject(f"PUT {VALUES}", {"kind": "status", "status": 500}, times=2)
    began = rehearsal.clock.epoch()
    store.put(KEY, "value")

    assert rehearsal.clock.epoch() - began >= 2.0


def keys(rehearsal: Rehearsal) -> list[dict[str, Any]]:
    """What a listing of the namespace shows."""
    settings = rehearsal.environment()
    path = f"/accounts/{settings['CLOUDFLARE_ACCOUNT_ID']}/storage/kv/namespaces/{settings['KV_NAMESPACE_ID']}"
    answer = httpx.get(
        f"{settings['CLOUDFLARE_API_URL']}{path}/keys",
        headers={"Authorization": f"Bearer {settings['CLOUDFLARE_API_TOKEN']}"},
    )
    return list(answer.json()["result"])


@pytest.mark.parametrize("together", [False, True])
def test_what_stands_beside_a_value_is_its_metadata(rehearsal, store, together):
    about = {"sequence": 7, "sha256": "ab", "captured_at": "ä"}
    if together:
        store.put_many({KEY: Statement("value", about)})
    else:
        store.put(KEY, "value", about)

    assert keys(rehearsal) == [{"name": KEY, "metadata": about}]


@pytest.mark.parametrize("together", [False, True])
def test_a_value_with_a_lifetime_goes_and_one_without_stays(rehearsal, together):
    mortal = connect(rehearsal, lifetime=3600)
    if together:
        mortal.put_many({KEY: Statement("value", {"sequence": 1})})
    else:
        mortal.put(KEY, "value", {"sequence": 1})
    connect(rehearsal).put("other", "stays")
    before = mortal.get(KEY)
    rehearsal.clock.advance(3601)

    assert (before, mortal.get(KEY), mortal.get("other")) == ("value", None, "stays")


def test_more_beside_a_value_than_cloudflare_takes_is_refused_unsent(rehearsal, store):
    with pytest.raises(RejectedError, match="metadata beyond 1,024"):
        store.put(KEY, "value", {"note": "x" * 1024})

    assert asked(rehearsal, "PUT") == 0


def test_hundreds_are_read_in_a_few_requests_and_written_in_one(rehearsal, store):
    store.put_many({str(number): Statement("value") for number in range(250)})
    store.get_many([str(number) for number in range(250)])

    assert (asked(rehearsal, "PUT"), asked(rehearsal, "POST")) == (1, 3)


def test_what_was_not_taken_among_many_is_told(rehearsal, store):
    connect(rehearsal).put("busy", "theirs")

    refused = store.put_many({key: Statement("ours") for key in ("busy", "free")})

    assert refused == {"busy"}
    assert store.get_many(["busy", "free"]) == {"busy": "theirs", "free": "ours"}


def test_many_keep_the_rule_of_one_write_a_second_too(rehearsal, store):
    began = rehearsal.clock.epoch()
    store.put(KEY, "one")
    store.put_many({KEY: Statement("two")})
    store.put(KEY, "three")

    assert rehearsal.clock.epoch() - began == 2.0


@pytest.mark.parametrize("body", ['{"success": true}', '{"success": true, "result": {}}'])
def test_values_that_cloudflare_does_not_name_are_not_absent(rehearsal, store, body):
    rehearsal.inject("POST /cloudflare", {"kind": "status", "status": 200, "body": body})

    with pytest.raises(TransientError, match="without values"):
        store.get_many([KEY])


def test_a_day_spent_is_told_of_many_as_of_one():
    with start(Profile(kv_daily_writes=2)) as rehearsal, pytest.raises(QuotaExhaustedError):
        connect(rehearsal).put_many({str(n): Statement("x") for n in range(3)})


def test_no_failure_tells_the_token(rehearsal, store, caplog):
    caplog.set_level(logging.DEBUG)
    token = rehearsal.profile.cloudflare_api_token
    echo = f'{{"errors": [{{"code": 1, "message": "Bearer {token} is wrong"}}]}}'
    told = []
    for status in (400, 401, 403, 404, 429, 500):
        rehearsal.inject(
            f"PUT {VALUES}", {"kind": "status", "status": status, "body": echo}, times=3
        )
        with pytest.raises((PermanentError, TransientError)) as raised:
            store.put(KEY, "value")
        told.append(f"{raised.value!r} {raised.value.__cause__!r}")
        rehearsal.clear_faults()

    assert token not in "\n".join([*told, caplog.text, repr(store)])
    assert re.search(r"\*\*\* is wrong", told[0])
