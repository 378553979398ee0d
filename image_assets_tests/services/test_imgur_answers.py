import datetime as dt
import json

import pytest

from image_assets.core.errors import QuotaExhaustedError
from image_assets.services.http import Answer, Clock
from image_assets.services.imgur_answers import Budget, said_in

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
DAY = 86_400


def answer(body="", **headers):
    named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    return Answer("imgur: POST /3/image answered 200 OK", 200, named, body.encode(), body)


@pytest.fixture
def passed():
    """Seconds that have passed."""
    return [0.0]


@pytest.fixture
def budget(passed):
    return Budget(Clock(monotonic=lambda: passed[0], now=lambda: NOW))


def test_nothing_is_spent_before_anything_is_known(budget):
    budget.see()

    assert not budget.known


@pytest.mark.parametrize(
    "told",
    [
        {"x_ratelimit_clientremaining": 9, "x_ratelimit_clientreset": 600},
        {"x_ratelimit_clientremaining": 0, "x_ratelimit_clientreset": int(NOW.timestamp()) + 600},
        {"x_post_rate_limit_remaining": 0, "x_post_rate_limit_reset": int(NOW.timestamp()) + 7200},
        {"x_post_rate_limit_remaining": 0},
    ],
)
def test_what_does_not_suffice_for_an_upload_ends_the_day(budget, told):
    budget.read(answer(**told))

    with pytest.raises(QuotaExhaustedError, match="nothing was sent"):
        budget.see()


@pytest.mark.parametrize(
    "told",
    [
        {"x_ratelimit_clientremaining": 10},
        {
            "x_post_rate_limit_remaining": 0,
            "x_post_rate_limit_reset": 3600,
        },  # an hour's, not a day's
        {"x_ratelimit_clientremaining": "many"},
        {},
    ],
)
def test_what_suffices_or_says_nothing_ends_nothing(budget, told):
    budget.read(answer(**told))

    budget.see()


@pytest.mark.parametrize(("reset", "lasts"), [(600, 600), (None, DAY), (10 * DAY, DAY)])
def test_a_spent_day_ends_when_the_answer_said_and_never_after_more_than_a_day(
    budget, passed, reset, lasts
):
    told = {} if reset is None else {"x_ratelimit_clientreset": reset}
    budget.read(answer(x_ratelimit_clientremaining=0, **told))

    passed[0] = lasts - 1
    assert budget.spent
    passed[0] = lasts + 1
    assert not budget.spent


def test_the_question_for_credits_tells_the_same_in_its_body(budget):
    budget.read_credits({"ClientRemaining": 9})

    assert (budget.known, budget.spent) == (True, True)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"data": {"error": "no"}}, "no"),
        ({"data": {"error": {"code": 1003, "message": "File type invalid"}}}, "File type invalid"),
        ({"errors": [{"code": "429", "detail": "Too Many Requests"}]}, "Too Many Requests"),
        ({"data": None}, ""),
        ({"errors": []}, ""),
        ([], ""),
        ("<html>", ""),
    ],
)
def test_both_shapes_of_an_error_are_read_and_no_shape_is_none(body, words):
    text = body if isinstance(body, str) else json.dumps(body)

    assert said_in(answer(text)) == words
