"""What sites that run Chevereto answer, and imgbb in their words: every no is HTTP 400.

The codes are of the sources of Chevereto; one code stands for several things, and words decide.
"""

import json
import re
from typing import Any
from urllib.parse import urlsplit

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    InDoubtError,
    NotDoneError,
    PermanentError,
    QuotaExhaustedError,
    RejectedError,
    TransientError,
)
from image_assets.core.model import Receipt
from image_assets.services.http import Answer
from image_assets.services.served import plain_address

_TOO_FAST = re.compile(r"flood|rate limit", re.IGNORECASE)
_PER = re.compile(r"per\s+(?:a\s+|the\s+)?(\w+?)s?\b", re.IGNORECASE)
_SECONDS = {"minute": 60.0, "hour": 3600.0}
_DAYS = frozenset({"day", "week", "month"})

_NO_SOURCE = 130
_DUPLICATES = frozenset({101, 102, 103})
_DENIED = frozenset({100, 401})
_OFFERED = frozenset({120, 201, 202, 203, *range(310, 320)})  # the file: too large, no picture …
_PASSING = frozenset({400, 410, 666})  # its storage, or too many at once


class EmptySourceError(PermanentError):
    """The site let the key in and found no file: what a probe wants to hear."""


def refusal(answer: Answer, credential: str, address: str) -> ImageAssetsError | None:
    """The error that the body of an answer stands for; None where its status alone must say it.

    `credential` and `address` are the settings to check.
    """
    error = _error(answer)
    said = f"{answer.what}: {answer.excerpt}"
    if error is None:
        if answer.excerpt.startswith("<") and answer.status in (400, 404):
            return PermanentError(f"{said}; a page and no answer of the API: check {address}")
        return None
    code, words = error
    if _TOO_FAST.search(words):
        return _too_fast(said, words)
    if code in _DUPLICATES:
        return InDoubtError(
            f"{said}; the site has these bytes and does not say where: look there, or wait a day"
        )
    if code in _DENIED:
        return AuthenticationError(f"{said}; check {credential}")
    if code == _NO_SOURCE:
        return EmptySourceError(f"{said}; it saw no file: check {address}")
    if code in _OFFERED:
        return RejectedError(said)
    if code in _PASSING:
        return NotDoneError(said)
    return PermanentError(f"{said}; check {address}") if code else None


def receipt(answer: Answer, image: Any, *, id: str) -> Receipt:
    """The receipt for the picture that a success tells of; `id` is the field that names it.

    Raises:
        InDoubtError: it was taken and is not shown: somebody has to approve it first.
        TransientError: the answer tells of no picture.
    """
    if not isinstance(image, dict) or not isinstance(image.get(id), str) or not image[id]:
        raise TransientError(f"{answer.what} without a picture's id: {answer.excerpt}")
    inner = image.get("image")
    url = image.get("url") or (inner.get("url") if isinstance(inner, dict) else None)
    if not url:
        raise InDoubtError(
            f"{answer.what}: picture {image[id]!r} was taken and has no address yet;"
            " pictures wait for approval there"
        )
    return Receipt(plain_address(url, answer.what), host_id=_named(image[id], image))


def success(answer: Answer, credential: str, address: str) -> dict[str, Any]:
    """The body of a success; some sites say no with HTTP 200 as well.

    Raises:
        TransientError: it is no object.
    """
    body = answer.json()
    if not isinstance(body, dict):
        raise TransientError(f"{answer.what} without an object: {answer.excerpt}")
    error = refusal(answer, credential, address) if "error" in body else None
    if error is not None:
        raise error
    return body


def _too_fast(said: str, words: str) -> ImageAssetsError:
    found = _PER.search(words)
    per = found.group(1).lower() if found else ""
    if per in _DAYS:
        return QuotaExhaustedError(f"{said}; the budget is spent, the next day goes on")
    return NotDoneError(said, retry_after=_SECONDS.get(per))


def _error(answer: Answer) -> tuple[int, str] | None:
    """Code and words of the error in a body; numbers come as texts too."""
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return None
    code, words = str(error.get("code", "")), error.get("message")
    number = int(code) if code.isascii() and code.isdigit() and len(code) < 6 else 0
    return number, words if isinstance(words, str) else ""


def _named(id: str, image: dict[str, Any]) -> str:
    """The id, and after a slash what opens the page that removes it, where the site tells that."""
    page = image.get("delete_url")
    secret = urlsplit(page).path.rpartition("/")[2] if isinstance(page, str) else ""
    return f"{id}/{secret}" if secret else id
