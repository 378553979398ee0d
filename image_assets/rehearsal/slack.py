"""Slack's incoming webhooks: one address, which is the credential; answers are plain words."""

import json
from typing import Any

from image_assets.rehearsal.clock import Clock
from image_assets.rehearsal.exchange import Refusal, Reply, Request, Route, dispatch, text_reply
from image_assets.rehearsal.limits import Window
from image_assets.rehearsal.profile import Profile

BASE = "/slack"

_MOST_TEXT = 40_000
_MOST_BLOCK = 3000
_MOST_BLOCKS = 50


class Slack:
    """One workspace with one webhook into one channel. `posts` are what stands there."""

    def __init__(self, profile: Profile, clock: Clock) -> None:
        self._profile = profile
        self._pace = Window(clock, profile.slack_posts_per_minute, 60)
        self.posts: list[dict[str, Any]] = []
        self._routes = (Route("POST", "/services/{team}/{bot}/{token}", self._post),)

    def reset(self) -> None:
        """An empty channel."""
        self.posts.clear()
        self._pace.reset()

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request below the service's root."""
        return dispatch(self._routes, request, lambda _: text_reply(404, "no_service"))

    def _post(self, request: Request, team: str, bot: str, token: str) -> Reply:
        if f"{team}/{bot}/{token}" != self._profile.slack_webhook:
            known = team == self._profile.slack_webhook.partition("/")[0]
            raise _refused(403, "invalid_token") if known else _refused(404, "no_team")
        if self._profile.slack_archived:
            raise _refused(410, "channel_is_archived")
        wait = self._pace.take()
        if wait:
            limited = text_reply(429, "rate_limited")
            raise Refusal(limited.plus({"Retry-After": str(int(wait) + 1)}))
        self.posts.append(_checked(request.body))
        return text_reply(200, "ok")


def _checked(body: bytes) -> dict[str, Any]:
    """The message, when it is one."""
    try:
        message = json.loads(body)
    except ValueError as problem:
        raise _refused(400, "invalid_payload") from problem
    if not isinstance(message, dict):
        raise _refused(400, "invalid_payload")
    text, blocks = message.get("text"), message.get("blocks", [])
    if not text and not blocks:
        raise _refused(400, "no_text")
    if isinstance(text, str) and len(text) > _MOST_TEXT:
        raise _refused(400, "msg_too_long")
    if not isinstance(blocks, list) or len(blocks) > _MOST_BLOCKS:
        raise _refused(400, "invalid_blocks")
    if any(not _is_section(block) for block in blocks):
        raise _refused(400, "invalid_blocks")
    return message


def _is_section(block: Any) -> bool:
    text = block.get("text") if isinstance(block, dict) else None
    if not isinstance(text, dict) or block.get("type") != "section":
        return False
    words = text.get("text")
    plain = text.get("type") in ("mrkdwn", "plain_text") and isinstance(words, str)
    return plain and 0 < len(str(words)) <= _MOST_BLOCK


def _refused(status: int, word: str) -> Refusal:
    return Refusal(text_reply(status, word))
