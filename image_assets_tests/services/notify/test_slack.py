import json
import logging

import pytest

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
)
from image_assets.core.notices import NoticeKind
from image_assets.rehearsal import Profile, Rehearsal
from image_assets.services.notify.slack import SlackChannel, payload
from image_assets_tests.loopback import Loopback, reply
from image_assets_tests.services.notify.samples import message, notice

POST = "POST /slack"
HOOK = "canaryTeam/canaryBot/canaryToken"


@pytest.fixture
def rehearsal():
    with Rehearsal(Profile(slack_webhook=HOOK)) as rehearsal:
        yield rehearsal


def channel(rehearsal: Rehearsal, hook: str = HOOK) -> SlackChannel:
    return SlackChannel(f"{rehearsal.address}/slack/services/{hook}", timeout=5)


def test_a_message_stands_in_the_channel(rehearsal):
    channel(rehearsal).send(message(notice(), notice("spent", NoticeKind.QUOTA_EXHAUSTED)))

    (post,) = rehearsal.slack.posts
    texts = [block["text"]["text"] for block in post["blocks"]]
    assert post["text"] == "6 happenings, the first: Upload failed: pinata"
    assert texts == [
        "*Upload failed* (3 times): pinata\nanswered 500",
        "*Quota exhausted* (3 times): pinata\nspent",
    ]


def test_what_came_from_outside_mentions_nobody(rehearsal):
    channel(rehearsal).send(message(notice("<!channel> <@U1> & <http://x|y>")))

    (post,) = rehearsal.slack.posts
    assert "&lt;!channel&gt; &lt;@U1&gt; &amp; &lt;http://x|y&gt;" in json.dumps(post)


def test_the_largest_message_is_taken(rehearsal):
    channel(rehearsal).send(message(*[notice("&" * 600)] * 20, left_out=1234))

    (post,) = rehearsal.slack.posts
    assert len(post["blocks"]) == 21
    assert post["blocks"][-1]["text"]["text"] == "and 1,234 more"


def test_a_probe_finds_the_webhook_and_posts_nothing(rehearsal):
    channel(rehearsal).probe()

    assert rehearsal.slack.posts == []


@pytest.mark.parametrize(
    ("hook", "error"),
    [("canaryTeam/b/c", AuthenticationError), ("other/b/c", NotFoundError)],
)
@pytest.mark.parametrize("do", ["send", "probe"])
def test_a_wrong_webhook_is_told_by_its_setting(rehearsal, hook, error, do):
    with pytest.raises(error, match="SLACK_WEBHOOK_URL"):
        _do(channel(rehearsal, hook), do)


def _do(slack: SlackChannel, do: str) -> None:
    if do == "send":
        slack.send(message())
    else:
        slack.probe()


@pytest.mark.parametrize(
    ("status", "word", "error"),
    [
        (400, "invalid_blocks", RejectedError),
        (403, "invalid_token", AuthenticationError),
        (403, "action_prohibited", AuthenticationError),
        (404, "no_service", NotFoundError),
        (404, "channel_not_found", NotFoundError),
        (404, "<html>a proxy</html>", PermanentError),
        (410, "channel_is_archived", NotFoundError),
        (429, "rate_limited", TransientError),
        (500, "rollup_error", TransientError),
        (503, "busy", TransientError),
    ],
)
def test_each_refusal_has_its_meaning(rehearsal, status, word, error):
    rehearsal.inject(POST, {"kind": "status", "status": status, "body": word})

    with pytest.raises(ImageAssetsError) as raised:
        channel(rehearsal).send(message())

    assert type(raised.value) is error


@pytest.mark.parametrize("kind", ["html", "non_json", "empty", "truncate", "drop_before"])
def test_a_message_without_its_ok_was_not_told(rehearsal, kind):
    rehearsal.inject(POST, {"kind": kind})

    with pytest.raises(TransientError):
        channel(rehearsal).send(message())


def test_it_is_sent_once_at_a_time(rehearsal):
    """Trying again is the outbox's business."""
    rehearsal.inject(POST, {"kind": "status", "status": 500})
    with pytest.raises(TransientError):
        channel(rehearsal).send(message())

    assert rehearsal.requests()["total"] == 1


def test_how_long_to_wait_is_heard():
    with Rehearsal(Profile(slack_webhook=HOOK, slack_posts_per_minute=1)) as rehearsal:
        channel(rehearsal).send(message())
        with pytest.raises(TransientError) as raised:
            channel(rehearsal).send(message())

    assert 1 <= (raised.value.retry_after or 0) <= 61


@pytest.mark.parametrize("status", [200, 302, 400, 403, 404, 410, 429, 500])
def test_no_failure_tells_the_address(rehearsal, status, caplog):
    caplog.set_level(logging.DEBUG)
    address = f"{rehearsal.address}/slack/services/{HOOK}"
    said = f"no post at {address}, {HOOK}, canaryToken"
    headers = {"Location": f"/services/{HOOK}/there"}
    fault = {"kind": "status", "status": status, "body": said, "headers": headers}
    rehearsal.inject(POST, fault)
    slack = channel(rehearsal)
    with pytest.raises(ImageAssetsError) as raised:
        slack.send(message())

    told = f"{raised.value!r} {raised.value.__cause__!r} {raised.value.__context__!r} {slack!r}"
    assert "canary" not in told + caplog.text + slack.address
    assert "***" in told


def test_an_address_that_is_none_is_told_and_not_repeated():
    with pytest.raises(PermanentError, match="SLACK_WEBHOOK_URL is no http address") as raised:
        SlackChannel("canary://T/B/X")

    assert "canary" not in f"{raised.value} {raised.value.__cause__!r}"


def test_the_address_arrives_as_it_is_and_the_body_as_json():
    with Loopback(reply(200, b"ok")) as server:
        SlackChannel(f"{server.url}/services/T/B/X").send(message())

    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/services/T/B/X")
    assert asked.headers["content-type"] == "application/json"
    assert json.loads(asked.body) == payload(message())
