import asyncio
from collections.abc import Collection, Mapping

import pytest

from image_assets.core.errors import TransientError
from image_assets.delivery.rates import Rates, Seats
from image_assets.delivery.watch import Name, Watch

ONE: Name = ("default", "req_1")
TWO: Name = ("default", "req_2")


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


def test_no_minute_has_more_than_it_may_however_it_is_laid(time):
    rates = Rates(3, time)
    admitted = []

    for _ in range(200):
        if rates.wait("client") == 0:
            admitted.append(time.now)
        time.now += 1

    windows = [sum(at <= t < at + 60 for t in admitted) for at in admitted]
    assert max(windows) == 3


def test_who_waits_as_long_as_he_is_told_may_ask(time):
    rates = Rates(3, time)
    for _ in range(3):
        rates.wait("client")
        time.now += 7

    time.now += rates.wait("client", 2)

    assert rates.wait("client", 2) == 0


def test_one_client_does_not_wait_for_another(time):
    rates = Rates(1, time)

    assert [rates.wait("one"), rates.wait("other")] == [0, 0]
    assert rates.wait("one") == 60


def test_who_is_refused_is_not_counted(time):
    rates = Rates(1, time)
    rates.wait("client")
    for _ in range(5):
        time.now += 10
        rates.wait("client")

    time.now += 10

    assert rates.wait("client") == 0


def test_memory_does_not_grow_with_the_clients(time):
    rates = Rates(1, time)
    for number in range(20_000):
        rates.wait(str(number))

    assert len(rates._begun) == 10_000


def test_seats_are_given_back():
    seats = Seats(1)
    with seats.one() as first, seats.one() as second:
        assert (first, second, seats.full) == (True, False, True)

    assert not seats.full


class Catalog:
    """Revisions that a test sets; counts how often it was asked, and for how many."""

    def __init__(self) -> None:
        self.revisions: dict[Name, int] = {ONE: 1, TWO: 1}
        self.looks: list[int] = []
        self.down = False

    def __call__(self, names: Collection[Name]) -> Mapping[Name, int]:
        self.looks.append(len(names))
        if self.down:
            raise TransientError("the database is busy")
        return {name: self.revisions[name] for name in names}


def test_all_who_wait_share_one_look():
    catalog = Catalog()
    watch = Watch(catalog, every=0.01)

    async def wait() -> list[bool]:
        waiting = [asyncio.create_task(watch.changed(n, 1, 5)) for n in (ONE, ONE, TWO) * 10]
        await asyncio.sleep(0.05)
        catalog.revisions = {ONE: 2, TWO: 2}
        return await asyncio.gather(*waiting)

    assert asyncio.run(wait()) == [True] * 30
    assert max(catalog.looks) == 2


def test_nobody_looks_when_nobody_waits():
    catalog = Catalog()
    watch = Watch(catalog, every=0.01)

    async def wait() -> int:
        await watch.changed(ONE, 1, 0.05)
        await asyncio.sleep(0.05)
        looks = len(catalog.looks)
        await asyncio.sleep(0.1)
        return len(catalog.looks) - looks

    assert asyncio.run(wait()) == 0


def test_what_does_not_change_is_waited_for_no_longer_than_told():
    assert asyncio.run(Watch(Catalog(), every=0.01).changed(ONE, 1, 0.05)) is False


def test_what_changed_before_is_told_at_once():
    assert asyncio.run(Watch(Catalog(), every=0.01).changed(ONE, 0, 5)) is True


def test_a_database_that_is_down_for_a_while_stops_nobody(caplog):
    catalog = Catalog()
    catalog.down = True
    watch = Watch(catalog, every=0.01)

    async def wait() -> bool:
        waiting = asyncio.create_task(watch.changed(ONE, 0, 5))
        await asyncio.sleep(0.05)
        catalog.down = False
        return await waiting

    assert asyncio.run(wait()) is True
    assert "requests are not looked at" in caplog.text
