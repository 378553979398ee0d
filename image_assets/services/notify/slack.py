"""Messages in a channel of Slack, by an incoming webhook.

https://api.slack.com/messaging/webhooks: the address is the credential; errors are plain words.
"""

import json
from typing import Any

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    PermanentError,
    RejectedError,
    TransientError,
)
from image_assets.core.notices import Message, Notice
from image_assets.services.answers import Answer
from image_assets.services.http import Clock
from image_assets.services.notify.line import SecretLine, gone

SETTING = "SLACK_WEBHOOK_URL"

_GONE = frozenset({"no_service", "no_team", "channel_not_found", "channel_is_archived"})
_EMPTY = frozenset({"no_text", "invalid_payload", "missing_text_or_fallback_or_attachments"})
_MOST_BLOCK = 2900  # characters of one block, with some to spare


class SlackChannel:
    """One incoming webhook.

    Args:
        url: its address, a secret.
        timeout: seconds one message may take.
        clock: time.
    """

    name = "slack"

    def __init__(self, url: str, *, timeout: float = 15.0, clock: Clock | None = None) -> None:
        self._line = SecretLine(self.name, SETTING, url, timeout=timeout, clock=clock)
        self.address = self._line.address
        self.deadline = self._line.deadline

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def send(self, message: Message) -> None:
        """Post it once. Where no answer comes it is posted again, and may stand there twice."""
        body = json.dumps(payload(message), ensure_ascii=False).encode()
        self._line.post(body, {}, explain=_explain, check=_check)

    def probe(self) -> None:
        """See that the address is one: Slack refuses an empty message at a good one by name."""
        try:
            self._line.post(b"{}", {}, explain=_explain)
        except RejectedError as error:
            if not any(word in str(error) for word in _EMPTY):
                raise


def payload(message: Message) -> dict[str, Any]:
    """The message as Slack takes it: blocks, and a text for where only that is shown."""
    told = sum(notice.count for notice in message.notices)
    first = message.notices[0]
    headline = f"{first.kind.words}: {first.subject}"
    if len(message.notices) > 1:
        headline = f"{told:,} happenings, the first: {headline}"
    blocks = [_section(_spelled(notice)) for notice in message.notices]
    if message.left_out:
        blocks.append(_section(f"and {message.left_out:,} more"))
    return {"text": _escaped(headline), "blocks": blocks}


def _spelled(notice: Notice) -> str:
    times = f" ({notice.count:,} times)" if notice.count > 1 else ""
    whose = f" of {notice.tenant}" if notice.tenant != "default" else ""
    head = f"*{notice.kind.words}*{times}: {_escaped(notice.subject + whose)}"
    return f"{head}\n{_escaped(notice.text)}"


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:_MOST_BLOCK]}}


def _escaped(text: str) -> str:
    """What came from outside mentions nobody and links nowhere."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _explain(answer: Answer) -> ImageAssetsError | None:
    word = answer.excerpt.strip()
    if answer.status == 410 or (answer.status in (403, 404) and word in _GONE):
        return gone(answer, SETTING)
    told = f"{answer.what}: {word}"
    if answer.status == 403:
        return AuthenticationError(f"{told}; check {SETTING}")
    if answer.status == 404:
        return PermanentError(f"{told}; check {SETTING}")
    return None


def _check(answer: Answer) -> None:
    # A proxy's page is no message delivered.
    if answer.body.strip() != b"ok":
        raise TransientError(f"{answer.what} without its ok: {answer.excerpt}")
