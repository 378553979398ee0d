"""What is expected of a camera: as it was given, or as its past days teach."""

import datetime as dt
import random

import pytest

from image_assets.core.cadence import (
    HOURS,
    LEAST_DAYS,
    MOST_DAYS,
    Basis,
    Service,
    given,
    learned,
    lessons,
    same_weekday,
)

EVERY_TEN_MINUTES = (6,) * HOURS
DAYLIGHT = tuple(4 if 6 <= hour < 18 else 0 for hour in range(HOURS))
DAY = dt.date(2025, 9, 15)


def past(*days: int) -> dict[dt.date, tuple[int, ...]]:
    """Days at a distance from the day, each of which counts its own distance."""
    return {DAY + dt.timedelta(days=n): (n % 100,) * HOURS for n in days}


def test_given_minutes_are_a_rate_for_every_hour():
    cadence = given(Service(10))

    assert (cadence.basis, cadence.rates) == (Basis.GIVEN, (6.0,) * HOURS)
    assert cadence.expected(0, 24) == 144
    assert cadence.expected(7.5, 8.25) == pytest.approx(4.5)


@pytest.mark.parametrize(
    ("hours", "stretches"),
    [((7, 20), [(7, 20)]), ((22, 3), [(0, 3), (22, 24)]), ((0, 24), [(0, 24)])],
)
def test_nothing_is_expected_out_of_service(hours, stretches):
    cadence = given(Service(10, hours))

    assert cadence.stretches(0, 24) == stretches
    assert cadence.expected(0, 24) == sum(6 * (end - start) for start, end in stretches)


def test_too_little_history_teaches_nothing():
    cadence = learned([EVERY_TEN_MINUTES] * (LEAST_DAYS - 1))

    assert (cadence.basis, cadence.rates, cadence.days) == (Basis.UNKNOWN, None, LEAST_DAYS - 1)


def test_a_cadence_is_learned_hour_by_hour():
    cadence = learned([DAYLIGHT] * LEAST_DAYS)

    assert (cadence.basis, cadence.rates) == (Basis.LEARNED, tuple(map(float, DAYLIGHT)))


def test_days_that_failed_move_nothing():
    cadence = learned([EVERY_TEN_MINUTES] * 8 + [(0,) * HOURS] * 3 + [(60,) * HOURS] * 3)

    assert cadence.rates == (6.0,) * HOURS


def test_a_camera_that_never_took_a_picture_is_expected_to_take_none():
    cadence = learned([(0,) * HOURS] * LEAST_DAYS)

    assert (cadence.basis, cadence.expected(0, 24)) == (Basis.LEARNED, 0)


def test_a_slow_camera_whose_hours_wander_has_its_days_total():
    chance = random.Random(1)
    days = []
    for _ in range(14):
        taken = chance.sample(range(HOURS), 4)
        days.append(tuple(int(hour in taken) for hour in range(HOURS)))

    assert learned(days).expected(0, 24) == pytest.approx(4)


def test_the_days_before_teach_and_of_them_the_last():
    assert lessons(past(*range(-30, 0), 1, 2), DAY) == [
        (n % 100,) * HOURS for n in range(-1, -MOST_DAYS - 1, -1)
    ]


def test_later_days_teach_where_earlier_ones_are_lacking():
    assert lessons(past(-2, 0, 3, 1), DAY) == [(98,) * HOURS, (1,) * HOURS, (3,) * HOURS]


SUNDAY = (0,) * HOURS


def weeks(resting: int = 6) -> dict[dt.date, tuple[int, ...]]:
    """Four weeks before the day, which is a Monday, with one day of rest in each."""
    days = (DAY - dt.timedelta(days=n) for n in range(1, 29))
    return {day: SUNDAY if day.weekday() == resting else EVERY_TEN_MINUTES for day in days}


def expected(past: dict[dt.date, tuple[int, ...]], day: dt.date) -> float:
    return learned(lessons(past, day), same_weekday(past, day)).expected(0, 24)


def test_a_camera_that_rests_on_sundays_is_expected_to():
    past = weeks()

    assert expected(past, DAY + dt.timedelta(days=6)) == 0
    assert expected(past, DAY) == expected(past, DAY + dt.timedelta(days=5)) == 144


def test_one_bad_sunday_is_not_every_sunday():
    past = dict.fromkeys(weeks(), EVERY_TEN_MINUTES)
    past[DAY - dt.timedelta(days=1)] = SUNDAY

    assert expected(past, DAY + dt.timedelta(days=6)) == 144


def test_a_weekday_that_is_known_too_little_teaches_nothing_of_its_own():
    past = {day: counts for day, counts in weeks().items() if day > DAY - dt.timedelta(days=15)}

    assert expected(past, DAY + dt.timedelta(days=6)) == 144


def test_the_nearest_days_of_a_weekday_teach():
    past = {DAY + dt.timedelta(weeks=n): (abs(n),) * HOURS for n in range(-9, 3)}

    assert sorted(counts[0] for counts in same_weekday(past, DAY)) == [1, 1, 2, 2]
