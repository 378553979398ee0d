import datetime as dt
import json
import logging

import pytest

from image_assets.core.errors import (
    ImageAssetsError,
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
)
from image_assets.core.webhook_signature import WebhookSecret
from image_assets.rehearsal import Profile, Rehearsal
from image_assets.services.http import Clock
from image_assets.services.notify.webhook import WebhookChannel, encoded
from image_assets_tests.loopback import Loopback, reply
from image_assets_tests.services.notify.samples import message, notice

POST = "POST /webhook"
SECRET = "whsec_" + "Y2FuYXJ5" * 4
PATH = "canary-path"


@pytest.fixture
def rehearsal():
    with Rehearsal(Profile(webhook_path=PATH, webhook_secret=SECRET)) as rehearsal:
        yield rehearsal


def channel(rehearsal: Rehearsal, secret: str = SECRET, path: str = PATH) -> WebhookChannel:
    return WebhookChannel(f"{rehearsal.address}/webhook/{path}", secret, timeout=5)


def test_a_receiver_believes_the_message(rehearsal):
    channel(rehearsal).send(message())

    assert rehearsal.webhook.events == [
        {
            "type": "upload.failed",
            "timestamp": "2026-01-01T12:00:00.000Z",
            "data": {
                "notices": [
                    {
                        "kind": "upload.failed",
                        "subject": "pinata",
                        "text": "answered 500",
                        "count": 3,
                        "tenant": "default",
                        "since": "2026-01-01T11:00:00.000Z",
                        "at": "2026-01-01T12:00:00.000Z",
                    }
                ],
                "left_out": 0,
            },
        }
    ]


def test_the_id_is_the_same_however_often_it_is_sent(rehearsal):
    rehearsal.inject(POST, {"kind": "drop_after"}, times=1)
    with pytest.raises(TransientError):
        channel(rehearsal).send(message())
    channel(rehearsal).send(message())

    assert (rehearsal.webhook.ids, len(rehearsal.webhook.events)) == (["msg_1", "msg_1"], 1)


def test_what_is_signed_are_the_bytes_that_were_sent_now():
    now = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    with Loopback(reply(200)) as server:
        WebhookChannel(server.url, SECRET, clock=Clock(now=lambda: now)).send(message())

    (asked,) = server.asked
    given, at = asked.headers["webhook-signature"], int(asked.headers["webhook-timestamp"])
    assert at == int(now.timestamp())
    assert WebhookSecret.of(SECRET).has_signed(given, "msg_1", at, asked.body, now=at)


def test_a_message_stays_below_the_specifications_size():
    large = message(*[notice("ä" * 600)] * 20, left_out=5)

    body = encoded(large)

    told = json.loads(body)["data"]
    assert len(body) < 20_000
    assert len(told["notices"]) + told["left_out"] == 25
    assert len(told["notices"]) > 10


def test_half_a_surrogate_is_told_all_the_same():
    assert b"\\udc80" in encoded(message(notice("\udc80")))


def test_a_receiver_that_is_gone_is_told_as_that():
    profile = Profile(webhook_path=PATH, webhook_secret=SECRET, webhook_gone=True)
    with Rehearsal(profile) as gone, pytest.raises(NotFoundError, match="set NOTIFY_WEBHOOK_URL"):
        channel(gone).send(message())


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, RejectedError),
        (401, PermanentError),
        (403, PermanentError),
        (404, PermanentError),
        (413, RejectedError),
        (429, TransientError),
        (500, TransientError),
        (502, TransientError),
        (504, TransientError),
    ],
)
def test_each_refusal_has_its_meaning(rehearsal, status, error):
    rehearsal.inject(POST, {"kind": "status", "status": status, "headers": {"Retry-After": "7"}})

    with pytest.raises(ImageAssetsError) as raised:
        channel(rehearsal).send(message())

    assert type(raised.value) is error
    assert error is not TransientError or raised.value.retry_after == 7


def test_a_wrong_secret_is_told_by_its_setting(rehearsal):
    with pytest.raises(PermanentError, match="check NOTIFY_WEBHOOK_URL and NOTIFY_WEBHOOK_SECRET"):
        channel(rehearsal, "whsec_" + "YWJj" * 8).send(message())


def test_a_probe_sends_no_message_and_finds_who_answers(rehearsal):
    channel(rehearsal).probe()

    assert rehearsal.webhook.ids == []
    with pytest.raises(TransientError):
        WebhookChannel("http://127.0.0.1:9/", SECRET).probe()


@pytest.mark.parametrize("secret", ["canary", "whsec_canary!", "whsec_" + "Y2FuYXJ5"])
def test_a_secret_that_is_none_is_told_and_not_repeated(secret):
    with pytest.raises(PermanentError, match="NOTIFY_WEBHOOK_SECRET") as raised:
        WebhookChannel("http://127.0.0.1:9/", secret)

    told = f"{raised.value!r} {raised.value.__cause__!r}"
    assert "canary" not in told
    assert "Y2FuYXJ5" not in told


@pytest.mark.parametrize("status", [302, 400, 401, 404, 410, 429, 500])
def test_no_failure_tells_address_or_secret(rehearsal, status, caplog):
    caplog.set_level(logging.DEBUG)
    said = f"{rehearsal.address}/webhook/{PATH} {SECRET}"
    headers = {"Location": f"/webhook/{PATH}/there?{SECRET}"}
    fault = {"kind": "status", "status": status, "body": said, "headers": headers}
    rehearsal.inject(POST, fault)
    webhook = channel(rehearsal)
    with pytest.raises(ImageAssetsError) as raised:
        webhook.send(message())

    told = f"{raised.value!r} {raised.value.__cause__!r} {raised.value.__context__!r} {webhook!r}"
    assert PATH not in told + caplog.text
    assert "Y2FuYXJ5" not in told + caplog.text
