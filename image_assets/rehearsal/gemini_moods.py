"""What the rehearsed model does when a prompt says so: `[rehearse: IMAGE_SAFETY]` and the like.

A prompt that names a reason gets it; one that names a manner gets a picture in that manner.
"""

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

BLOCK_REASONS = frozenset({"OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "SAFETY"})
"""Said of a prompt; there are no candidates then."""

FINISH_REASONS = frozenset(
    {
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "IMAGE_OTHER",
        "NO_IMAGE",
        "RECITATION",
        "MAX_TOKENS",
        "SPII",
        "MALFORMED_FUNCTION_CALL",
    }
)
"""Said of a candidate without content."""

_ASKED = re.compile(r"\[rehearse: ([A-Z_]+)(?: x(\d))?\]")

Part = dict[str, Any]


def asked(prompt: str) -> tuple[str, int | None]:
    """The reason or manner a prompt asks for, and how often (None: always); empty where it asks none."""
    match = _ASKED.search(prompt)
    if match is None:
        return "", None
    return match[1], int(match[2]) if match[2] else None


def refusal(mood: str) -> dict[str, Any] | None:
    """The body of an answer without a picture; None where the mood is no reason."""
    if mood in BLOCK_REASONS:
        return {"promptFeedback": {"blockReason": mood}}
    if mood in FINISH_REASONS:
        message = f"The model did not draw it: {mood}."
        return {"candidates": [{"finishReason": mood, "finishMessage": message, "index": 0}]}
    return None


def words(text: str) -> Part:
    """A part that is text."""
    return {"text": text}


def picture(content: bytes, mime: str = "image/png") -> Part:
    """A part that is a picture."""
    return {"inlineData": {"mimeType": mime, "data": base64.b64encode(content).decode()}}


def _snake(part: Part) -> Part:
    inline = part["inlineData"]
    return {"inline_data": {"mime_type": inline["mimeType"], "data": inline["data"]}}


def _cut(part: Part) -> Part:
    inline = part["inlineData"]
    content = base64.b64decode(inline["data"])
    return picture(content[: len(content) // 2], inline["mimeType"])


Arrange = Callable[[Part, Callable[[], Part]], list[Part]]
"""From the picture's part, and a way to draw another, to the parts of the answer."""

MANNERS: Mapping[str, Arrange] = {
    "": lambda one, more: [words("Here is your picture."), one],
    "IMAGE_FIRST": lambda one, more: [one, words("There it is.")],
    "TWO_IMAGES": lambda one, more: [one, words("And another:"), more()],
    "MANY_IMAGES": lambda one, more: [one, *(more() for _ in range(7))],
    "THOUGHTS": lambda one, more: [
        words("Thinking about it.") | {"thought": True},
        more() | {"thought": True},
        one,
    ],
    "TEXT_ONLY": lambda one, more: [words("What colour should it be?")],
    "SNAKE_CASE": lambda one, more: [_snake(one)],
    "WRONG_MIME": lambda one, more: [
        {"inlineData": one["inlineData"] | {"mimeType": "image/jpeg"}}
    ],
    "CUT_IMAGE": lambda one, more: [_cut(one)],
    "NOT_AN_IMAGE": lambda one, more: [picture(b"<html>not a picture</html>")],
    "NOT_BASE64": lambda one, more: [{"inlineData": {"mimeType": "image/png", "data": "@@@"}}],
}
"""How the parts of an answer come, by mood."""
