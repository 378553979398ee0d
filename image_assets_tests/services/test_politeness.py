from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from image_assets.compose import source
from image_assets.core.errors import TransientError
from image_assets.core.model import Partition
from image_assets.rehearsal import Profile, Rehearsal
from image_assets.services.http import Clock, Http, Politeness, Retry
from image_assets.services.politeness import Deadline
from image_assets.settings import isolated
from image_assets_tests.loopback import Loopback, reply

BODY = b"x" * 100_000


class Time:
    """A clock that stands until somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.clock = Clock(lambda: 1000.0 + sum(self.slept), sleep=self.slept.append)


@pytest.fixture
def time_():
    return Time()


def test_bytes_come_no_faster_than_agreed(time_):
    with Loopback(reply(200, BODY)) as server:
        polite = Politeness(bandwidth=50_000, clock=time_.clock)
        http = Http("site", [server.url], politeness=polite, clock=time_.clock)
        http.request("GET", server.url)
        http.request("GET", server.url)

    assert sum(time_.slept) == pytest.approx(4.0)


def test_a_bounded_stream_is_smooth(time_):
    with Loopback(reply(200, BODY)) as server:
        polite = Politeness(bandwidth=50_000, clock=time_.clock)
        http = Http("site", [server.url], politeness=polite, clock=time_.clock)
        http.request("GET", server.url)

    assert max(time_.slept) <= 0.1 + 1e-9


def test_our_own_waits_are_not_held_against_the_site(time_, tmp_path):
    with Loopback(reply(200, BODY)) as server:
        polite = Politeness(bandwidth=1000, clock=time_.clock)
        retry = Retry(attempts=1, seconds=10.0)
        http = Http(
            "site", [server.url], politeness=polite, timeout=5.0, retry=retry, clock=time_.clock
        )
        got = http.download(server.url, tmp_path / "new", limit=len(BODY))

    assert got.size == len(BODY)
    assert sum(time_.slept) == pytest.approx(100.0)


def test_all_connections_share_the_bandwidth(time_):
    polite = Politeness(2, bandwidth=1000, clock=time_.clock)

    for _ in range(2):
        with polite.turn(Deadline(10, time_.clock), "site"):
            polite.pay(500, Deadline(10, time_.clock))

    assert sum(time_.slept) == pytest.approx(1.0)


def test_silence_earns_no_credit(time_):
    polite = Politeness(bandwidth=1000, clock=time_.clock)
    time_.slept.append(3600.0)

    polite.pay(500, Deadline(10, time_.clock))

    assert time_.slept == [3600.0, 0.5]


def test_without_a_bound_nobody_waits(time_):
    Politeness(clock=time_.clock).pay(10**9, Deadline(10, time_.clock))

    assert time_.slept == []


@pytest.mark.parametrize("bandwidth", [1000, 100_000, 10**12, None])
def test_what_is_taken_at_a_time_is_neither_a_drop_nor_a_flood(bandwidth):
    assert 1400 <= Politeness(bandwidth=bandwidth).sip <= 512 * 1024


def test_the_site_has_its_silence_between_dates(time_):
    with Loopback(reply(200)) as server:
        polite = Politeness(rest=2.0, clock=time_.clock)
        http = Http("site", [server.url], politeness=polite, clock=time_.clock)
        for _ in range(3):
            http.rest()
            http.request("GET", server.url)

    assert time_.slept == [2.0, 2.0]


def test_silence_that_the_site_had_already_counts(time_):
    polite = Politeness(rest=2.0, clock=time_.clock)
    with polite.turn(Deadline(10, time_.clock), "site"):
        pass
    time_.slept.append(1.5)

    polite.rest()

    assert time_.slept == [1.5, 0.5]


def test_a_part_of_a_deadline_ends_no_later_than_the_whole(time_):
    whole = Deadline(10.0, time_.clock)

    assert [whole.part(3.0).left(), whole.part(30.0).left()] == [3.0, 10.0]


def test_a_deadline_that_is_put_off_takes_the_whole_with_it(time_):
    whole = Deadline(10.0, time_.clock)
    part = whole.part(3.0)

    part.put_off(5.0)

    assert [part.left(), whole.left()] == [8.0, 15.0]


def test_the_settings_bound_the_requests_to_a_camera_site():
    with Rehearsal(Profile()) as rehearsal:
        slow = {"DOWNLOAD_REQUESTS_PER_SECOND": "0.001"}  # the next one after a quarter of an hour
        site = source(isolated(rehearsal.environment() | slow), "camera")
        day = Partition("camera", "apm/in_gate", "2025-09-01")
        site.list(day)
        with pytest.raises(TransientError, match="1 requests in 1000 s are spoken for"):
            site.list(day)


def test_who_is_patient_waits_for_those_who_have_the_connections():
    polite = Politeness(1, patient=True)

    def enter(deadline: Deadline) -> str:
        with polite.turn(deadline, "site"):
            return "in"

    with ThreadPoolExecutor(1) as pool:
        with polite.turn(Deadline(60.0, Clock()), "site"):
            waiting = pool.submit(enter, Deadline(0.01, Clock()))
            wait([waiting], timeout=0.2)  # who is not patient has given up by then

        assert waiting.result() == "in"


def test_who_is_not_is_told():
    polite = Politeness(1)
    clock = Clock()
    busy = pytest.raises(TransientError, match="all 1 connections stayed busy")

    with polite.turn(Deadline(60.0, clock), "site"), busy, polite.turn(Deadline(0.0, clock), "x"):
        pass
