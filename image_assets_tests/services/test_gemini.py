import datetime as dt
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from image_assets.core.errors import (
    AuthenticationError,
    BlockedError,
    ImageAssetsError,
    InDoubtError,
    PermanentError,
    QuotaExhaustedError,
    RejectedError,
    TransientError,
)
from image_assets.core.generation import AspectRatio
from image_assets.core.model import ImageFormat
from image_assets.ports import Wish
from image_assets.rehearsal import Profile, Rehearsal
from image_assets.services.gemini import Gemini
from image_assets.services.http import Clock, Retry
from image_assets_tests.drawing import decoded, picture
from image_assets_tests.loopback import Loopback, reply

CALL = "POST /gemini"
SQUARE = AspectRatio.SQUARE


def wish(prompt: str = "a red kite", **more: Any) -> Wish:
    return Wish(prompt, **({"aspect_ratio": SQUARE} | more))


def connect(rehearsal: Rehearsal, **changes: Any) -> Gemini:
    """A generator whose time is the rehearsal's: waiting costs none."""
    settings, time = rehearsal.environment(), rehearsal.clock
    known = {
        "api_key": settings["GEMINI_API_KEY"],
        "model": "gemini-nano-banana-2.1",
        "api_url": settings["GEMINI_API_URL"],
        "requests_per_minute": 1000,
        "retry": Retry(attempts=3, delay=2.0, seconds=120.0),
        "clock": Clock(time.epoch, time.now, time.advance, lambda: 1.0),
    }
    return Gemini(**(known | changes))


def start(profile: Profile | None = None) -> Rehearsal:
    rehearsal = Rehearsal(profile)
    rehearsal.clock.set(rehearsal.clock.now(), frozen=True)
    return rehearsal


@pytest.fixture
def rehearsal() -> Iterator[Rehearsal]:
    with start() as rehearsal:
        yield rehearsal


@pytest.fixture
def gemini(rehearsal: Rehearsal) -> Gemini:
    return connect(rehearsal)


def asked(rehearsal: Rehearsal) -> int:
    return len(rehearsal.requests()["requests"])


def error(code: int, status: str, **more: Any) -> dict[str, Any]:
    """A fault that answers as Gemini does."""
    body = json.dumps({"error": {"code": code, "message": "it is so", "status": status, **more}})
    kind = {"Content-Type": "application/json"}
    return {"kind": "status", "status": code, "body": body, "headers": kind}


def answer(told: dict[str, Any]) -> dict[str, Any]:
    body, kind = json.dumps(told), {"Content-Type": "application/json"}
    return {"kind": "status", "status": 200, "body": body, "headers": kind}


def test_a_picture_comes_in_the_shape_that_was_asked_for_with_its_lineage(gemini):
    (drawing,) = gemini.draw(wish(aspect_ratio=AspectRatio.LANDSCAPE_16_9))

    assert decoded(drawing.content).size == (1344, 768)
    assert drawing.model == "gemini-nano-banana-2.1"
    assert drawing.model_version == "gemini-nano-banana-2.1 (rehearsal)"
    assert drawing.response_id


def test_a_base_goes_along_as_it_is(tmp_path: Path):
    file = tmp_path / "base"
    file.write_bytes(picture(1))
    told = {"candidates": [{"content": {"parts": [{"inlineData": {"data": "AAAA"}}]}}]}
    with Loopback(reply(200, json.dumps(told).encode())) as server:
        gemini = Gemini(api_key="a key", model="m", api_url=server.url)

        gemini.draw(wish(base=file, base_format=ImageFormat.JPEG))

    body = json.loads(server.asked[0].body)
    text, inline = body["contents"][0]["parts"]
    assert text == {"text": "a red kite"}
    assert inline["inlineData"]["mimeType"] == "image/jpeg"
    assert body["generationConfig"]["imageConfig"] == {"aspectRatio": "1:1", "imageSize": "1K"}


def test_the_key_travels_in_its_header_and_nowhere_else():
    told = {"candidates": [{"content": {"parts": [{"inlineData": {"data": "AAAA"}}]}}]}
    with Loopback(reply(200, json.dumps(told).encode())) as server:
        Gemini(api_key="canary-key", model="m", api_url=server.url).draw(wish())

    (request,) = server.asked
    assert request.headers["x-goog-api-key"] == "canary-key"
    assert request.path == "/v1beta/models/m:generateContent"
    assert b"canary-key" not in request.body


@pytest.mark.parametrize("root", ["/v1", "/v1beta", "/v1beta/"])
def test_a_version_in_the_configured_address_stays(root):
    told = {"candidates": [{"content": {"parts": [{"inlineData": {"data": "AAAA"}}]}}]}
    with Loopback(reply(200, json.dumps(told).encode())) as server:
        Gemini(api_key="a key", model="m", api_url=server.url + root).draw(wish())

    assert server.asked[0].path == f"{root.rstrip('/')}/models/m:generateContent"


@pytest.mark.parametrize(
    ("manner", "pictures"),
    [
        ("IMAGE_FIRST", 1),
        ("TWO_IMAGES", 2),
        ("THOUGHTS", 1),
        ("SNAKE_CASE", 1),
        ("WRONG_MIME", 1),
    ],
)
def test_pictures_are_found_by_their_key_in_whatever_order_they_come(
    rehearsal, gemini, manner, pictures
):
    found = gemini.draw(wish(f"a kite [rehearse: {manner}]"))

    assert [decoded(drawing.content).format for drawing in found] == ["PNG"] * pictures
    assert asked(rehearsal) == 1


@pytest.mark.parametrize(
    "reason",
    [
        *("SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "OTHER", "RECITATION", "SPII"),
        *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
    ],
)
def test_a_block_under_status_200_is_permanent_and_names_its_reason(rehearsal, gemini, reason):
    with pytest.raises(BlockedError, match=reason) as blocked:
        gemini.draw(wish(f"something [rehearse: {reason}]"))

    assert (blocked.value.reason, asked(rehearsal)) == (reason, 1)


@pytest.mark.parametrize("reason", ["NO_IMAGE", "IMAGE_OTHER", "TEXT_ONLY"])
def test_where_nothing_was_drawn_it_is_asked_for_once_more_and_no_more(rehearsal, gemini, reason):
    with pytest.raises(RejectedError, match="2 times"):
        gemini.draw(wish(f"something [rehearse: {reason}]"))

    assert asked(rehearsal) == 2


def test_the_second_time_may_bring_the_picture(rehearsal, gemini, caplog):
    (drawing,) = gemini.draw(wish("a kite [rehearse: NO_IMAGE x1]"))

    assert decoded(drawing.content).size == (1024, 1024)
    assert "drew nothing (NO_IMAGE)" in caplog.text


def test_any_other_end_without_a_picture_is_refused_at_once(rehearsal, gemini):
    with pytest.raises(RejectedError, match="MAX_TOKENS"):
        gemini.draw(wish("a kite [rehearse: MAX_TOKENS]"))

    assert asked(rehearsal) == 1


def test_a_retired_model_names_the_setting_and_what_to_do(rehearsal):
    gemini = connect(rehearsal, model="gemini-2.5-flash-image")

    with pytest.raises(PermanentError, match=r"GEMINI_MODEL is gemini-2\.5-flash-image") as retired:
        gemini.draw(wish())

    assert "Set GEMINI_MODEL to one that draws now" in str(retired.value)
    assert asked(rehearsal) == 1


def test_a_wrong_key_is_400_there_and_names_the_variable(rehearsal):
    gemini = connect(rehearsal, api_key="canary-of-the-key")

    with pytest.raises(AuthenticationError, match="check GEMINI_API_KEY") as refused:
        gemini.draw(wish())

    assert "canary" not in str(refused.value)
    assert asked(rehearsal) == 1


def test_a_key_without_the_right_is_refused(rehearsal, gemini):
    rehearsal.inject(CALL, error(403, "PERMISSION_DENIED"))

    with pytest.raises(AuthenticationError, match="GEMINI_API_KEY"):
        gemini.draw(wish())


def test_a_full_minute_is_waited_for_as_long_as_it_says():
    with start(Profile(gemini_requests_per_minute=1)) as rehearsal:
        gemini = connect(rehearsal)
        gemini.draw(wish())
        began = rehearsal.clock.epoch()

        gemini.draw(wish())

        assert 60 <= rehearsal.clock.epoch() - began < 62
        assert asked(rehearsal) == 3


def test_a_spent_day_is_not_waited_for():
    with start(Profile(gemini_daily_requests=1)) as rehearsal:
        gemini = connect(rehearsal)
        gemini.draw(wish())

        with pytest.raises(QuotaExhaustedError, match="day's quota"):
            gemini.draw(wish())

        assert asked(rehearsal) == 2


def test_a_day_begins_at_midnight_of_the_services_own_zone(gemini):
    summer = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
    winter = dt.datetime(2026, 12, 1, 3, tzinfo=dt.UTC)

    assert gemini.renewed_at(summer) == dt.datetime(2026, 7, 2, 7, tzinfo=dt.UTC)
    assert gemini.renewed_at(winter) == dt.datetime(2026, 12, 1, 8, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("code", "status"), [(500, "INTERNAL"), (503, "UNAVAILABLE"), (504, "DEADLINE_EXCEEDED")]
)
def test_what_gemini_says_it_did_not_do_is_asked_for_again(rehearsal, gemini, code, status):
    rehearsal.inject(CALL, error(code, status), times=2)

    assert len(gemini.draw(wish())) == 1
    assert asked(rehearsal) == 3


def test_attempts_are_bounded(rehearsal, gemini):
    rehearsal.inject(CALL, error(503, "UNAVAILABLE"))

    with pytest.raises(TransientError, match="503"):
        gemini.draw(wish())

    assert asked(rehearsal) == 3


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_after"},
        {"kind": "truncate"},
        {"kind": "html"},
        {"kind": "non_json", "body": "{"},
        {"kind": "empty"},
        {"kind": "status", "status": 502},
        {"kind": "status", "status": 504},
        answer({"something": "else"}),
        answer({"candidates": [{"content": {"parts": [{"inlineData": {"data": "@@@"}}]}}]}),
    ],
    ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}",
)
def test_what_was_sent_and_not_answered_by_gemini_is_in_doubt_and_never_repeated(
    rehearsal, gemini, fault
):
    rehearsal.inject(CALL, fault)

    with pytest.raises(InDoubtError):
        gemini.draw(wish())

    assert asked(rehearsal) == 1


def test_a_time_out_after_it_was_sent_is_in_doubt():
    over = threading.Event()
    with Loopback(lambda _: over.wait(5)) as server:
        gemini = Gemini(api_key="a key", model="m", api_url=server.url, timeout=0.2)

        with pytest.raises(InDoubtError, match="may have been carried out"):
            gemini.draw(wish())

        over.set()
        assert len(server.asked) == 1


def test_what_never_left_is_sent_again(rehearsal, gemini):
    rehearsal.inject(CALL, {"kind": "status", "status": 503}, times=1)

    assert len(gemini.draw(wish())) == 1


@pytest.mark.parametrize(
    "told",
    [
        {"candidates": None, "promptFeedback": None},
        {"candidates": [None, 3, {"content": None}]},
        {"candidates": [{"content": {"parts": {"a": 1}}, "finishReason": 7}]},
        {"promptFeedback": {"blockReason": ["SAFETY"]}},
        {"candidates": [{"finishReason": "<script>", "finishMessage": {"a": 1}}]},
        {"candidates": [{"content": {"parts": [{"inlineData": {"data": 7}}, "x", None]}}]},
    ],
)
def test_no_answer_is_so_odd_that_it_is_no_error_of_ours(rehearsal, gemini, told):
    rehearsal.inject(CALL, answer(told))

    with pytest.raises(ImageAssetsError) as odd:
        gemini.draw(wish())

    assert "<script>" not in str(odd.value)


def test_neither_prompt_nor_key_is_ever_logged(rehearsal, caplog):
    caplog.set_level(logging.DEBUG)
    gemini = connect(rehearsal)
    rehearsal.inject(CALL, error(503, "UNAVAILABLE"), times=1)

    gemini.draw(wish("canary-prompt [rehearse: NO_IMAGE x1]"))

    assert "canary-prompt" not in caplog.text
    assert rehearsal.profile.gemini_api_key not in caplog.text
