"""The requests of 24 hours, counted in a file."""

import datetime as dt
from pathlib import Path

import pytest

from image_assets.core.errors import QuotaExhaustedError
from image_assets.services.etsy_budget import DayBudget
from image_assets.services.http import Answer, Clock

START = dt.datetime(2026, 1, 1, 12, 30, tzinfo=dt.UTC)


class Time:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def clock(self) -> Clock:
        return Clock(now=lambda: self.now)

    def pass_by(self, hours: float) -> None:
        self.now += dt.timedelta(hours=hours)


def answer(left: str) -> Answer:
    return Answer("etsy", 200, {"x-remaining-today": left}, b"", "")


def test_a_day_slides(tmp_path: Path):
    time = Time()
    budget = DayBudget(tmp_path / "day", 3, time.clock())
    budget.take()
    time.pass_by(20)
    budget.take()
    budget.take()

    with pytest.raises(QuotaExhaustedError, match="until 2026-01-02 13:00 UTC"):
        budget.take()
    time.pass_by(4.5)  # the first is a day old, and its hour is over
    budget.take()

    assert budget.used == 3


def test_no_window_of_24_hours_ever_holds_more(tmp_path: Path):
    time, made = Time(), []
    budget = DayBudget(tmp_path / "day", 5, time.clock())
    for _ in range(400):
        time.pass_by(0.31)
        try:
            budget.take()
        except QuotaExhaustedError:
            continue
        made.append(time.now)

    day = dt.timedelta(hours=24)
    assert len(made) > 20
    assert max(sum(one <= other < one + day for other in made) for one in made) == 5


def test_a_file_is_shared_and_one_that_was_cut_says_nothing(tmp_path: Path):
    time, file = Time(), tmp_path / "pace/day"
    first, second = (DayBudget(file, 2, time.clock()) for _ in range(2))
    first.take()
    second.take()
    with pytest.raises(QuotaExhaustedError):
        first.take()

    file.write_bytes(file.read_bytes()[:-3])
    first.take()

    assert first.used == second.used == 1


def test_what_etsy_says_is_left_goes_before_what_we_counted(tmp_path: Path):
    time = Time()
    budget = DayBudget(tmp_path / "day", 100, time.clock())
    budget.take()
    budget.read(answer("7"))
    budget.take()
    budget.read(answer("0"))

    with pytest.raises(QuotaExhaustedError):
        budget.take()
    time.pass_by(1.1)
    budget.take()

    assert budget.used == 3
