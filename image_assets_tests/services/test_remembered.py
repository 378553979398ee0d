import datetime as dt

import pytest

from image_assets.compose import source
from image_assets.core.model import Partition
from image_assets.rehearsal import Profile, Rehearsal
from image_assets.services.answers import Answer
from image_assets.services.http import Clock, Http
from image_assets.services.remembered import Remembered
from image_assets.settings import isolated
from image_assets_tests.loopback import Loopback, reply

LATER = "Fri, 02 Jan 2026 03:04:05 GMT"
EARLIER = "Fri, 02 Jan 2026 03:04:04 GMT"


def asked_twice(*answers: bytes, remember: bool = True):
    """The answers to the same question twice, and the requests."""
    with Loopback(*answers) as server:
        http = Http("site", [server.url], clock=Clock(sleep=lambda _: None))
        bodies = [http.request("GET", server.url, remember=remember).body for _ in range(2)]

    return bodies, [asked.headers for asked in server.asked]


def test_what_has_not_changed_is_not_sent_again():
    bodies, (_, second) = asked_twice(reply(200, b"day", ETag='"a"'), reply(304))

    assert (bodies, second["if-none-match"]) == ([b"day", b"day"], '"a"')


def test_the_time_of_the_last_change_will_do():
    first = reply(200, b"day", Last_Modified=EARLIER, Date=LATER)

    bodies, (_, second) = asked_twice(first, reply(304))

    assert (bodies, second["if-modified-since"]) == ([b"day", b"day"], EARLIER)


def test_what_has_changed_is_taken():
    bodies, _ = asked_twice(reply(200, b"old", ETag='"a"'), reply(200, b"new", ETag='"b"'))

    assert bodies == [b"old", b"new"]


@pytest.mark.parametrize(
    "headers", [{"X_Nothing": "known"}, {"Last_Modified": LATER, "Date": LATER}]
)
def test_without_a_way_to_tell_no_condition_is_made(headers):
    _, (_, second) = asked_twice(reply(200, b"day", **headers))

    assert {"if-none-match", "if-modified-since"} & second.keys() == set()


def test_who_does_not_want_it_remembered_asks_in_full():
    _, (_, second) = asked_twice(reply(200, b"day", ETag='"a"'), remember=False)

    assert "if-none-match" not in second


def test_an_answer_that_failed_its_check_is_not_remembered():
    bad, good = reply(200, b"<html>", ETag='"a"'), reply(200, b"[]", ETag='"b"')
    with Loopback(bad, good) as server:
        http = Http("site", [server.url], clock=Clock(sleep=lambda _: None))
        http.request("GET", server.url, check=Answer.json, remember=True)

        assert "if-none-match" not in server.asked[1].headers


def answer(body: bytes = b"") -> Answer:
    return Answer("site", 200, {"etag": '"a"'}, body, "")


def test_memory_does_not_grow_with_the_days():
    remembered = Remembered()

    for number in range(1000):
        remembered.keep(str(number), answer())

    held = [number for number in range(1000) if remembered.get(str(number)) is not None]
    assert held == list(range(1000 - 64, 1000))


def test_a_monstrous_answer_is_not_worth_its_memory():
    remembered = Remembered()
    remembered.keep("day", answer())

    remembered.keep("day", answer(b"x" * (1 << 20) + b"x"))

    assert remembered.get("day") is None


def test_an_open_day_that_has_nothing_new_is_not_sent_again():
    with Rehearsal(Profile(cadence=dt.timedelta(hours=12))) as rehearsal:
        site = source(isolated(rehearsal.environment()), "camera")
        day = Partition("camera", "apm/in_gate", "2025-09-01")
        first, second = site.list(day), site.list(day)
        statuses = [asked["status"] for asked in rehearsal.requests()["requests"]]

    assert (first, statuses) == (second, [200, 304])
