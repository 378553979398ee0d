import datetime as dt
from collections import Counter

import pytest

from image_assets.core.looks import Finding, LookTerms, confirmed, host_is_dying, silent

NOW = dt.datetime(2025, 9, 3, 12, tzinfo=dt.UTC)
TERMS = LookTerms(confirm=dt.timedelta(hours=6))


@pytest.mark.parametrize(("hours", "sure"), [(0, False), (5.9, False), (6, True), (40, True)])
def test_an_accusation_is_believed_when_two_looks_are_apart(hours, sure):
    assert confirmed(NOW - dt.timedelta(hours=hours), NOW, TERMS) is sure


def test_what_was_never_accused_is_not_confirmed():
    assert not confirmed(None, NOW, TERMS)


@pytest.mark.parametrize(
    ("gone", "alive", "unreachable", "dying"),
    [(1, 9, 0, False), (5, 5, 0, False), (6, 4, 0, True), (9, 0, 0, False), (6, 4, 500, True)],
)
def test_more_than_half_of_enough_looks_speaks_of_the_host(gone, alive, unreachable, dying):
    found = {Finding.GONE: gone, Finding.ALIVE: alive, Finding.UNREACHABLE: unreachable}

    assert host_is_dying(Counter(found)) is dying


def test_silence_is_several_looks_without_any_answer():
    nobody = [Finding.UNREACHABLE] * 5

    assert silent(nobody)
    assert not silent(nobody[:4])
    assert not silent([*nobody, Finding.ALIVE])


def test_everything_is_due_when_asked_for():
    terms = LookTerms().within(7, everything=True)

    assert (terms.most, terms.every) == (7, dt.timedelta(0))
