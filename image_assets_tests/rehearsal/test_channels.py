"""Slack and a receiver of webhooks refuse what the real ones refuse."""

import base64
import hashlib
import hmac
import json

import httpx
import pytest

from image_assets.rehearsal import Profile, Rehearsal

GOOD = {"text": "hello"}


@pytest.fixture(scope="module")
def rehearsal():
    with Rehearsal(Profile()) as rehearsal:
        yield rehearsal


@pytest.fixture(autouse=True)
def fresh(rehearsal):
    rehearsal.reset()


def post(rehearsal: Rehearsal, body: object, hook: str | None = None) -> tuple[int, str]:
    url = f"{rehearsal.address}/slack/services/{hook or rehearsal.profile.slack_webhook}"
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = httpx.post(url, content=content)
    return answer.status_code, answer.text


def test_slack_takes_a_text_and_sections(rehearsal):
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "*hello*"}}

    answers = [post(rehearsal, GOOD), post(rehearsal, {"blocks": [section]})]

    assert answers == [(200, "ok"), (200, "ok")]
    assert rehearsal.slack.posts == [GOOD, {"blocks": [section]}]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"no json", "invalid_payload"),
        ([], "invalid_payload"),
        ({}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"text": "x", "blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"text": "x", "blocks": [{}] * 51}, "invalid_blocks"),
        (
            {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]},
            "invalid_blocks",
        ),
    ],
)
def test_slack_refuses_what_is_no_message(rehearsal, body, word):
    assert post(rehearsal, body) == (400, word)
    assert rehearsal.slack.posts == []


def test_slack_knows_its_own_webhook_alone(rehearsal):
    team = rehearsal.profile.slack_webhook.partition("/")[0]

    assert post(rehearsal, GOOD, f"{team}/B/x") == (403, "invalid_token")
    assert post(rehearsal, GOOD, "T/B/x") == (404, "no_team")


def event(rehearsal: Rehearsal, body: bytes = b'{"type":"test"}', **changes: str) -> int:
    """What the receiver says of a message, signed well but for the changes."""
    profile = rehearsal.profile
    at = changes.get("timestamp", str(int(rehearsal.clock.epoch())))
    key = base64.b64decode(profile.webhook_secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"msg_1.{at}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    headers = {
        "webhook-id": changes.get("id", "msg_1"),
        "webhook-timestamp": at,
        "webhook-signature": changes.get("signature", signature),
    }
    url = f"{rehearsal.address}/webhook/{changes.get('path', profile.webhook_path)}"
    sent = changes["instead"].encode() if "instead" in changes else body
    return httpx.post(url, content=sent, headers=headers).status_code


def test_a_signed_message_is_believed_and_taken_once(rehearsal):
    assert (event(rehearsal), event(rehearsal)) == (204, 204)
    assert (rehearsal.webhook.events, rehearsal.webhook.ids) == ([{"type": "test"}], ["msg_1"] * 2)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"id": "msg_2"}, 401),
        ({"id": ""}, 401),
        ({"signature": "v1,nonsense"}, 401),
        ({"timestamp": "0"}, 401),
        ({"timestamp": "soon"}, 401),
        ({"instead": "{}"}, 401),
        ({"path": "elsewhere"}, 404),
    ],
)
def test_what_is_not_signed_well_is_not_believed(rehearsal, changes, status):
    assert event(rehearsal, **changes) == status
    assert rehearsal.webhook.events == []


def test_a_message_beyond_the_size_is_refused(rehearsal):
    assert event(rehearsal, b'{"type":"' + b"x" * 20_000 + b'"}') == 413
