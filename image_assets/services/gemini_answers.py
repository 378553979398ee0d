"""What Gemini's answers mean: pictures, refusals under status 200, and errors with details."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from image_assets.core.errors import (
    AuthenticationError,
    BlockedError,
    ImageAssetsError,
    NotDoneError,
    PermanentError,
    QuotaExhaustedError,
    RejectedError,
    TransientError,
)
from image_assets.services.http import Answer

_NO_PICTURE = frozenset({"NO_IMAGE", "IMAGE_OTHER", "OTHER"})
"""The model drew nothing, for no reason that would stand: another try may bring a picture."""

_BLOCKS = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "LANGUAGE",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
    }
)
"""A policy says no, to the prompt, the base or the picture."""

_DELAY = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s")


class NoPictureError(RejectedError):
    """The model answered and drew nothing."""


def check(answer: Answer) -> None:
    """See that a success is one of Gemini's answers.

    Raises:
        TransientError: it is another's page, or broke off; sent it was all the same.
    """
    told = answer.json()
    if not isinstance(told, dict) or not ({"candidates", "promptFeedback"} & told.keys()):
        raise TransientError(f"{answer.what} without candidates: {answer.excerpt}")


def pictures(told: Mapping[str, Any]) -> list[str]:
    """The pictures of an answer, in base64, in its order; drafts of its thinking are none.

    Raises:
        BlockedError: a policy refused.
        NoPictureError: the model drew nothing, and may when it is asked again.
        RejectedError: it drew nothing, and would not.
    """
    found = list(_inline(told))
    if found:
        return found
    feedback = _mapping(told.get("promptFeedback"))
    blocked = _code(feedback.get("blockReason"))
    if blocked:
        raise BlockedError(blocked, _said(f"gemini blocked the prompt ({blocked})", feedback))
    candidates = [_mapping(candidate) for candidate in _list(told.get("candidates"))]
    first = candidates[0] if candidates else {}
    reason = _code(first.get("finishReason")) or "no candidate"
    message = _said(f"gemini drew nothing ({reason})", first)
    if reason in _BLOCKS:
        raise BlockedError(reason, _said(f"gemini blocked the picture ({reason})", first))
    # STOP with words and no picture is the model's way of asking back: it may draw the next time.
    if reason in _NO_PICTURE or reason in ("STOP", "no candidate"):
        raise NoPictureError(message)
    raise RejectedError(message)


def explain(answer: Answer, model: str) -> ImageAssetsError | None:
    """The error of an answer by its own code and details; None leaves it to the status."""
    error = _error(answer)
    if error is None:
        return None
    details = [_mapping(detail) for detail in _list(error.get("details"))]
    told = f"{answer.what}: {answer.excerpt}"
    if answer.status == 429:
        return _spent(told, details, answer.retry_after)
    if answer.status == 400 and "API_KEY_INVALID" in _reasons(details):
        return AuthenticationError(f"{told}; check GEMINI_API_KEY")
    if answer.status in (401, 403):
        return AuthenticationError(f"{told}; check GEMINI_API_KEY and what its project may do")
    if answer.status == 404:
        return PermanentError(
            f"{told}; GEMINI_MODEL is {model}, which is not there: models are retired after some months."
            " Set GEMINI_MODEL to one that draws now (https://ai.google.dev/gemini-api/docs/models)"
        )
    if answer.status >= 500:
        # Said by Gemini itself: it did not carry the request out, and takes no money for it.
        return NotDoneError(told, retry_after=_delay(details) or answer.retry_after)
    return None


def _spent(
    told: str, details: Iterable[Mapping[str, Any]], retry_after: float | None
) -> ImageAssetsError:
    known = list(details)
    violations = [_mapping(v) for d in known for v in _list(d.get("violations"))]
    quotas = [str(violation.get("quotaId", "")) for violation in violations]
    if any("PerDay" in quota for quota in quotas):
        return QuotaExhaustedError(f"{told}; the day's quota of the project is spent")
    return NotDoneError(told, retry_after=_delay(known) or retry_after)


def _delay(details: Iterable[Mapping[str, Any]]) -> float | None:
    """Seconds that a RetryInfo asks for."""
    for detail in details:
        match = _DELAY.fullmatch(str(detail.get("retryDelay", "")))
        if match is not None:
            return float(match[1])
    return None


def _reasons(details: Iterable[Mapping[str, Any]]) -> set[str]:
    return {str(detail.get("reason")) for detail in details}


def _inline(told: Mapping[str, Any]) -> Iterator[str]:
    """The data of every picture's part; both spellings are in use."""
    for candidate in map(_mapping, _list(told.get("candidates"))):
        for part in map(_mapping, _list(_mapping(candidate.get("content")).get("parts"))):
            inline = _mapping(part.get("inlineData") or part.get("inline_data"))
            data = inline.get("data")
            if isinstance(data, str) and data and part.get("thought") is not True:
                yield data


def _error(answer: Answer) -> Mapping[str, Any] | None:
    """What Gemini says of an error; None where somebody else answered."""
    try:
        told = answer.json()
    except TransientError:
        return None
    # Streams answer with a list of one.
    told = told[0] if isinstance(told, list) and told else told
    error = _mapping(told).get("error")
    return error if isinstance(error, dict) else None


def _said(what: str, about: Mapping[str, Any]) -> str:
    """The sentence, and the message that the service adds to it."""
    words = about.get("finishMessage") or about.get("blockReasonMessage")
    if not isinstance(words, str) or not words:
        return what
    plain = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return f"{what}: {plain[:300]}"


def _code(value: object) -> str:
    """A code of the service as it may appear in messages."""
    plain = value if isinstance(value, str) else ""
    known = re.fullmatch(r"[A-Z][A-Z0-9_]{0,60}", plain)
    return plain if known and not plain.endswith("_UNSPECIFIED") else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
