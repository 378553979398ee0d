import json

import pytest

from image_assets.core.errors import NotDoneError, QuotaExhaustedError
from image_assets.services.answers import Answer
from image_assets.services.chevereto_answers import receipt, refusal, success


def answer(body: object, status: int = 400) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer(f"some site answered {status}", status, {}, text.encode(), text)


def no(code: object, words: object) -> Answer:
    return answer({"status_code": 400, "error": {"message": words, "code": code}})


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Flooding detected. You can only upload 50 images per minute", 60.0),
        ("Flooding detected. You can only upload 500 images per hour", 3600.0),
        ("Flooding detected. You can only upload 500 images PER HOURS", 3600.0),
        ("Rate limit reached.", None),
        ("Flooding detected", None),
    ],
)
def test_how_long_a_flood_lasts_its_words_say(words, seconds):
    error = refusal(no(130, words), "KEY", "URL")

    assert isinstance(error, NotDoneError)
    assert error.retry_after == seconds


@pytest.mark.parametrize("per", ["day", "week", "month"])
def test_more_than_hours_are_a_spent_budget(per):
    error = refusal(no(130, f"Flooding detected. 5000 images per {per}"), "KEY", "URL")

    assert isinstance(error, QuotaExhaustedError)


@pytest.mark.parametrize(
    "body",
    [
        "", "null", "[]", '"no"', "{", "[" * 100_000, {"error": "no"}, {"error": None}, {"error": []},
        {"error": {}}, {"error": {"code": None, "message": None}}, {"error": {"code": "x" * 9}},
        {"error": {"code": -1, "message": 7}}, {"error": {"code": 1e400}}, {"error": {"code": "٣"}},
    ],
)  # fmt: skip
def test_a_body_that_says_nothing_leaves_it_to_the_status(body):
    assert refusal(answer(body), "KEY", "URL") is None


def test_numbers_and_texts_are_the_same():
    image = {"id_encoded": "abc", "width": "1", "size": 7, "url": "https://iili.io/abc.jpg"}
    told = answer({"status_code": "200", "image": image}, 200)

    found = receipt(told, success(told, "KEY", "URL")["image"], id="id_encoded")

    assert (found.url, found.host_id) == ("https://iili.io/abc.jpg", "abc")


def test_an_address_within_the_address_will_do():
    image = {"id": "abc", "image": {"url": "https://i.ibb.co/abc.jpg"}, "delete_url": "x://y/abc/k"}

    assert receipt(answer({}, 200), image, id="id").host_id == "abc/k"
