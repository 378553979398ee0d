"""Messages to a program of somebody's own, signed as Standard Webhooks says."""

import datetime as dt
import json
from typing import Any

from image_assets.core.errors import ImageAssetsError, PermanentError
from image_assets.core.notices import Message, Notice
from image_assets.core.webhook_signature import WebhookSecret
from image_assets.services.answers import Answer
from image_assets.services.http import Clock
from image_assets.services.notify.line import SecretLine, gone

SETTING, SECRET = "NOTIFY_WEBHOOK_URL", "NOTIFY_WEBHOOK_SECRET"

_MOST_BODY = 20_000  # bytes: the specification's 20 KB


class WebhookChannel:
    """One receiver.

    Args:
        url: its address, a secret.
        secret: `whsec_…`, what messages are signed with.
        timeout: seconds one message may take.
        clock: time.

    Raises:
        PermanentError: the secret is none; it is not repeated.
    """

    name = "webhook"

    def __init__(
        self, url: str, secret: str, *, timeout: float = 15.0, clock: Clock | None = None
    ) -> None:
        try:
            self._secret = WebhookSecret.of(secret)
        except ValueError as error:
            raise PermanentError(f"{SECRET}: {error}; it is spelled whsec_ and base64") from None
        self._clock = clock or Clock()
        self._line = SecretLine(
            self.name, SETTING, url, secrets=(secret,), timeout=timeout, clock=clock
        )
        self.address = self._line.address
        self.deadline = self._line.deadline

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def send(self, message: Message) -> None:
        """Post it once, under the message's id, signed for this moment."""
        body = encoded(message)
        timestamp = int(self._clock.now().timestamp())
        headers = {
            "webhook-id": message.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": self._secret.signature(message.id, timestamp, body),
        }
        self._line.post(body, headers, explain=_explain)

    def probe(self) -> None:
        """See that somebody answers there; what they say to a look without a message is no matter."""
        try:
            self._line.ask("HEAD", None, {}, explain=_explain_probe)
        except _AnswersError:
            return


class _AnswersError(ImageAssetsError):
    """Somebody answered, and not to our liking: receivers take posts."""


def encoded(message: Message) -> bytes:
    """The body: `type`, `timestamp`, `data`; less than 20 KB, the last items left out for that."""
    notices = list(message.notices)
    while True:
        left_out = message.left_out + len(message.notices) - len(notices)
        told = {
            "type": message.kind,
            "timestamp": _time(message.created_at),
            "data": {"notices": [_spelled(notice) for notice in notices], "left_out": left_out},
        }
        body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "backslashreplace"
        )
        if len(body) < _MOST_BODY or not notices:
            return body
        notices.pop()


def _spelled(notice: Notice) -> dict[str, Any]:
    return {
        "kind": notice.kind.value,
        "subject": notice.subject,
        "text": notice.text,
        "count": notice.count,
        "tenant": notice.tenant,
        "since": _time(notice.since),
        "at": _time(notice.at),
    }


def _time(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat("T", "milliseconds").replace("+00:00", "Z")


def _explain(answer: Answer) -> ImageAssetsError | None:
    if answer.status == 410:
        return gone(answer, SETTING)
    if answer.status in (401, 403, 404):
        return PermanentError(f"{answer.what}: {answer.excerpt}; check {SETTING} and {SECRET}")
    return None


def _explain_probe(answer: Answer) -> ImageAssetsError | None:
    return _explain(answer) if answer.status == 410 else _AnswersError(answer.what)
