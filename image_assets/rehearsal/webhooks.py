"""A receiver of Standard Webhooks as somebody would write it: it believes signatures alone, and each id once."""

import base64
import hashlib
import hmac
import json
from typing import Any

from image_assets.rehearsal.clock import Clock
from image_assets.rehearsal.exchange import Reply, Request, Route, dispatch, json_reply, text_reply
from image_assets.rehearsal.profile import Profile

BASE = "/webhook"

_TOLERANCE = 300  # seconds
_MOST_BODY = 20_000


class Receiver:
    """One endpoint. `events` are what it believed, `ids` what came under which id, repetitions too."""

    def __init__(self, profile: Profile, clock: Clock) -> None:
        self._profile, self._clock = profile, clock
        self.events: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self._routes = (Route("POST", "/{path}", self._post),)

    def reset(self) -> None:
        """Nothing was received."""
        self.events.clear()
        self.ids.clear()

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request below the endpoint's root."""
        return dispatch(self._routes, request, _unknown)

    def _post(self, request: Request, path: str) -> Reply:
        if path != self._profile.webhook_path:
            return text_reply(404, "nobody here")
        if self._profile.webhook_gone:
            return text_reply(410, "unsubscribed")
        known, timestamp = (
            request.headers.get("webhook-id"),
            request.headers.get("webhook-timestamp", ""),
        )
        if not known or not timestamp.isdecimal() or not self._is_signed(request, known, timestamp):
            return json_reply(401, {"error": "invalid signature"})
        if abs(self._clock.epoch() - int(timestamp)) > _TOLERANCE:
            return json_reply(401, {"error": "timestamp outside of the tolerance"})
        if len(request.body) >= _MOST_BODY:
            return json_reply(413, {"error": "too large"})
        if known not in self.ids:
            self.events.append(json.loads(request.body))
        self.ids.append(known)
        return Reply(204)

    def _is_signed(self, request: Request, known: str, timestamp: str) -> bool:
        key = base64.b64decode(self._profile.webhook_secret.removeprefix("whsec_"))
        content = f"{known}.{timestamp}.".encode() + request.body
        own = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        given = request.headers.get("webhook-signature", "").split(" ")
        return any(hmac.compare_digest(f"v1,{own}", one) for one in given if one.isascii())


def _unknown(request: Request) -> Reply:
    return text_reply(405 if request.method == "HEAD" else 404, "")
