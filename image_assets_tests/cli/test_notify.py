import datetime as dt
import json

import pytest

from image_assets.core.notices import Happening, NoticeKind
from image_assets.services.catalog import open_catalog

DEAD = "http://127.0.0.1:9/canary-nobody"


@pytest.fixture
def near(shell):
    shell.point_at_rehearsal()
    return shell


def happens(shell, text: str) -> None:
    with open_catalog(f"sqlite:///{shell.folder / 'data/catalog.db'}") as catalog:
        happening = Happening(NoticeKind.UPLOAD_FAILED, "pinata", text)
        catalog.notices.tell([happening], now=dt.datetime.now(dt.UTC))


def test_a_test_message_reaches_every_channel(near):
    result = near.run("notify", "test")

    assert (result.exit_code, result.output) == (0, "slack: took it\nwebhook: took it\n")
    assert [post["text"] for post in near.rehearsal.slack.posts] == ["Test: notifications"]
    assert [event["type"] for event in near.rehearsal.webhook.events] == ["test"]


def test_a_test_message_to_one_channel(near):
    near.run("notify", "test", "--channel", "webhook")

    assert near.rehearsal.slack.posts == []
    assert len(near.rehearsal.webhook.events) == 1


def test_a_channel_that_does_not_take_it_is_told_without_its_address(near):
    near.export(SLACK_WEBHOOK_URL=DEAD)

    result = near.run("notify", "test")

    assert result.exit_code == 1
    assert "failed: slack: POST http://127.0.0.1:9/***" in result.output
    assert "webhook: took it" in result.output
    assert "canary" not in result.output


def test_without_a_channel_the_variables_are_named(shell):
    result = shell.run("notify", "test")

    assert result.exit_code == 1
    assert "SLACK_WEBHOOK_URL, or NOTIFY_WEBHOOK_URL and NOTIFY_WEBHOOK_SECRET" in result.output


@pytest.mark.parametrize("missing", ["NOTIFY_WEBHOOK_URL", "NOTIFY_WEBHOOK_SECRET"])
def test_half_a_webhook_is_told_by_its_variable(near, missing):
    near.environment.delenv(missing)

    result = near.run("notify", "send")

    assert (result.exit_code, f"{missing} is not set" in result.output) == (1, True)


def test_what_is_new_is_sent_once(near):
    happens(near, "broken")

    first, second = near.run("notify", "send"), near.run("notify", "send")

    assert first.stdout == "slack: told of 1\nwebhook: told of 1\n"
    assert second.stdout == "slack: nothing to tell\nwebhook: nothing to tell\n"


def test_a_secret_that_got_into_the_news_is_not_told(near):
    near.export(PINATA_JWT="canary-7f")
    happens(near, f"canary-7f and {near.rehearsal.profile.slack_webhook} at work")

    near.run("notify", "send")

    told = json.dumps([near.rehearsal.slack.posts, near.rehearsal.webhook.events])
    assert "*** and *** at work" in told
    assert "canary" not in told


def test_a_message_that_waits_is_an_exit_code(near):
    happens(near, "broken")
    near.rehearsal.inject("POST /slack", {"kind": "status", "status": 500})

    result = near.run("notify", "send")

    assert result.exit_code == 1
    assert "slack: later: slack: POST" in result.stdout
    assert near.rehearsal.profile.slack_webhook not in result.output


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("SLACK_WEBHOOK_URL", DEAD, "no connection"),
        ("SLACK_WEBHOOK_URL", "canary", "SLACK_WEBHOOK_URL is no http address"),
        ("NOTIFY_WEBHOOK_URL", DEAD, "no connection"),
        ("NOTIFY_WEBHOOK_SECRET", "canary", "NOTIFY_WEBHOOK_SECRET: it"),
    ],
)
def test_doctor_names_the_channel_that_is_not_well(near, variable, value, words):
    near.export(**{variable: value})

    result = near.run("doctor")

    assert result.exit_code == 1
    assert words in result.output
    assert "canary" not in result.output


def test_doctor_tells_nobody_anything(near):
    result = near.run("doctor")

    assert result.output.count("try it out: image-assets notify test") == 2
    assert (near.rehearsal.slack.posts, near.rehearsal.webhook.events) == ([], [])
