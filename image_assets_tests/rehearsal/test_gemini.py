import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from PIL import ImageChops

from image_assets.rehearsal import Profile, Rehearsal
from image_assets_tests.drawing import decoded, picture
from image_assets_tests.rehearsal.conftest import NOON

MODEL = "gemini-nano-banana-2.1"


@pytest.fixture
def gemini(rehearsal: Rehearsal, profile: Profile) -> Iterator[httpx.Client]:
    headers = {"x-goog-api-key": profile.gemini_api_key}
    base = f"{rehearsal.address}/gemini"
    with httpx.Client(base_url=base, headers=headers, timeout=20, verify=False) as client:
        yield client


def body(text: str = "a kite", *parts: dict[str, Any], **config: Any) -> dict[str, Any]:
    return {
        "contents": [{"parts": [{"text": text}, *parts]}],
        "generationConfig": {"responseModalities": ["TEXT", "IMAGE"], **config},
    }


def call(
    gemini: httpx.Client, told: Any, model: str = MODEL, version: str = "v1beta", **more: Any
) -> httpx.Response:
    return gemini.post(f"/{version}/models/{model}:generateContent", json=told, **more)


def inline(content: bytes, mime: str = "image/jpeg") -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime, "data": base64.b64encode(content).decode()}}


def drawn(answer: httpx.Response) -> bytes:
    (part,) = [p for p in answer.json()["candidates"][0]["content"]["parts"] if "inlineData" in p]
    return base64.b64decode(part["inlineData"]["data"])


def refused(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    return error["code"], error["status"]


@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_both_paths_draw(gemini, version):
    answer = call(gemini, body(imageConfig={"aspectRatio": "21:9"}), version=version)

    assert decoded(drawn(answer)).size == (1536, 672)
    assert answer.json()["modelVersion"] == f"{MODEL} (rehearsal)"


def test_both_spellings_are_read(gemini):
    told = {
        "contents": [
            {
                "parts": [
                    {"text": "x"},
                    {
                        "inline_data": {
                            "mime_type": "image/png",
                            "data": base64.b64encode(picture(1, format="PNG")).decode(),
                        }
                    },
                ]
            }
        ],
        "generation_config": {
            "response_modalities": ["IMAGE"],
            "image_config": {"aspect_ratio": "1:1", "image_size": "1K"},
        },
    }

    assert decoded(drawn(call(gemini, told))).size == (1024, 1024)


def test_the_inner_name_may_be_spelled_otherwise_than_the_outer_one(gemini):
    """So the official SDK writes it."""
    data = base64.b64encode(picture(1)).decode()
    part = {"inlineData": {"mime_type": "image/jpeg", "data": data}}

    assert call(gemini, body("x", part)).status_code == 200


def test_the_same_prompt_gives_another_picture_each_time_and_the_same_from_the_start(
    gemini, rehearsal
):
    first, second = drawn(call(gemini, body())), drawn(call(gemini, body()))
    rehearsal.reset()

    assert first != second
    assert drawn(call(gemini, body())) == first


def test_without_asking_for_images_there_is_text_alone(gemini):
    told = {"contents": [{"parts": [{"text": "a kite"}]}]}

    (part,) = call(gemini, told).json()["candidates"][0]["content"]["parts"]

    assert set(part) == {"text"}


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"contents": []},
        {"contents": [{"parts": []}]},
        {"contents": [{"parts": [{"txt": "a"}]}]},
        {**body(), "unknown": 1},
        body(imageConfig={"aspectRatio": "7:5"}),
        body(imageConfig={"imageSize": "8K"}),
        body("x", inline(b"no picture")),
        body("x", inline(picture(1), "image/gif")),
        body("x", {"inlineData": {"mimeType": "image/png", "data": "@"}}),
        body("  "),
        [],
    ],
)
def test_what_cannot_be_is_an_invalid_argument(gemini, told):
    assert refused(call(gemini, told)) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("model", ["gemini-2.5-flash-image", "gemini-2.0-flash", "nothing"])
def test_a_model_that_was_retired_or_never_was_is_not_found(gemini, model):
    answer = call(gemini, body(), model=model)

    assert refused(answer) == (404, "NOT_FOUND")
    assert "is not found for API version v1beta" in answer.json()["error"]["message"]


def test_a_wrong_key_is_an_invalid_argument_with_its_reason(gemini):
    answer = call(gemini, body(), headers={"x-goog-api-key": "wrong"})

    assert refused(answer) == (400, "INVALID_ARGUMENT")
    assert answer.json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"


def test_without_a_key_nobody_is_let_in(rehearsal):
    url = f"{rehearsal.address}/gemini/v1beta/models/{MODEL}:generateContent"

    assert refused(httpx.post(url, json=body(), verify=False)) == (403, "PERMISSION_DENIED")


class TestWithQuotas:
    @pytest.fixture
    def profile(self) -> Profile:
        return replace(Profile(now=NOON), gemini_requests_per_minute=2, gemini_daily_requests=3)

    def test_a_full_minute_says_how_long_to_wait(self, gemini, rehearsal):
        for _ in range(2):
            call(gemini, body())

        answer = call(gemini, body())
        details = answer.json()["error"]["details"]
        rehearsal.clock.advance(60)

        assert refused(answer) == (429, "RESOURCE_EXHAUSTED")
        assert "PerMinute" in details[0]["violations"][0]["quotaId"]
        assert details[2]["retryDelay"] == "60s"
        assert call(gemini, body()).status_code == 200

    def test_a_spent_day_says_so_by_its_quota(self, gemini, rehearsal):
        for _ in range(3):
            rehearsal.clock.advance(61)
            call(gemini, body())
        rehearsal.clock.advance(61)

        violations = call(gemini, body()).json()["error"]["details"][0]["violations"]

        assert "PerDay" in violations[0]["quotaId"]


@pytest.mark.parametrize("reason", ["SAFETY", "PROHIBITED_CONTENT"])
def test_a_prompt_can_be_blocked_under_status_200(gemini, reason):
    answer = call(gemini, body(f"x [rehearse: {reason}]"))

    assert answer.status_code == 200
    assert answer.json()["promptFeedback"] == {"blockReason": reason}
    assert "candidates" not in answer.json()


@pytest.mark.parametrize("reason", ["IMAGE_SAFETY", "NO_IMAGE"])
def test_a_candidate_can_end_without_content(gemini, reason):
    (candidate,) = call(gemini, body(f"x [rehearse: {reason}]")).json()["candidates"]

    assert candidate["finishReason"] == reason
    assert "content" not in candidate


def test_a_drawing_shows_the_base_in_a_corner(gemini, rehearsal):
    plain = decoded(drawn(call(gemini, body("kite"))))
    rehearsal.reset()

    over = decoded(drawn(call(gemini, body("kite", inline(picture(1))))))

    left, top, right, bottom = ImageChops.difference(plain, over).getbbox()
    assert (left > 600, top > 0, right < 1024, bottom < 400) == (True, True, True, True)
