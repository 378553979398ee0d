"""What Imgur's answers say: its two shapes of an error, refusals under 200, and what is left of its budgets."""

import re
import threading
from collections.abc import Mapping
from typing import Any

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    NotDoneError,
    NotFoundError,
    QuotaExhaustedError,
    RejectedError,
    TransientError,
)
from image_assets.services.http import Answer, Clock

_UPLOAD_CREDITS = 10  # of a client's 12,500 a day
_DAY = 86_400.0
_HOUR = 3_600.0
_EPOCH = 1e9  # a larger number is a time, a smaller one seconds from now
_HOURLY = (
    ("x-ratelimit-userremaining", "x-ratelimit-userreset"),
    ("x-post-rate-limit-remaining", "x-post-rate-limit-reset"),
)
_TOO_FAST = re.compile(r"too (fast|many requests)|rate limit", re.IGNORECASE)
_WAIT = re.compile(r"wait (\d{1,4}) more minute", re.IGNORECASE)
_ID = re.compile(r"[A-Za-z0-9]{1,20}")


class Budget:
    """What is left of a client's day, as the last answer told; thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._until = 0.0  # monotonic seconds
        self.known = False

    @property
    def spent(self) -> bool:
        """Whether another upload would overrun the day."""
        with self._lock:
            return self._clock.monotonic() < self._until

    def see(self) -> None:
        """Let an upload pass.

        Raises:
            QuotaExhaustedError: it would overrun the day.
        """
        if self.spent:
            raise QuotaExhaustedError(
                "imgur: the day's uploads are spent; nothing was sent, because overrunning five"
                " days of a month closes the client"
            )

    def read(self, answer: Answer) -> None:
        """Learn what an answer's headers say is left."""
        client = _number(answer, "x-ratelimit-clientremaining")
        posts = _number(answer, "x-post-rate-limit-remaining")
        reset = self._seconds(answer, "x-post-rate-limit-reset")
        if posts is not None and posts < 1 and (reset is None or reset > _HOUR):
            self._end(reset)
        elif client is not None:
            self._know(client, self._seconds(answer, "x-ratelimit-clientreset"))

    def read_credits(self, data: Mapping[str, Any]) -> None:
        """The same of an answer about nothing else."""
        left = data.get("ClientRemaining")
        self._know(left if isinstance(left, int) else _UPLOAD_CREDITS, None)

    def _know(self, credits: float, reset: float | None) -> None:
        self.known = True
        if credits < _UPLOAD_CREDITS:
            self._end(reset)

    def _end(self, reset: float | None) -> None:
        with self._lock:
            self._until = self._clock.monotonic() + min(reset or _DAY, _DAY)

    def pause(self, answer: Answer) -> float | None:
        """Seconds that an answer's hourly budgets ask for; None where they do not."""
        waits = [
            self._seconds(answer, reset)
            for remaining, reset in _HOURLY
            if _number(answer, remaining) == 0
        ]
        return max((wait for wait in waits if wait is not None), default=None)

    def _seconds(self, answer: Answer, header: str) -> float | None:
        """When a budget is renewed: documented as a time, seen as seconds from now."""
        value = _number(answer, header)
        if value is None or value < _EPOCH:
            return value
        return max(0.0, value - self._clock.now().timestamp())


def _number(answer: Answer, header: str) -> float | None:
    value = answer.headers.get(header, "")
    return float(value) if re.fullmatch(r"\d{1,12}", value) else None


def _body(answer: Answer) -> dict[str, Any]:
    body = answer.json()
    if not isinstance(body, dict):
        raise TransientError(f"{answer.what} without an object: {answer.excerpt}")
    return body


def told(answer: Answer) -> dict[str, Any]:
    """The data of an answer that says it is a success.

    Raises:
        RejectedError, AuthenticationError, NotDoneError: under 200 it says that it is none.
        TransientError: it says neither.
    """
    body = _body(answer)
    if body.get("success") is False:
        raise _refusal(answer, body.get("status"))
    data = body.get("data")
    if body.get("success") is not True or not isinstance(data, dict):
        raise TransientError(f"{answer.what} without data: {answer.excerpt}")
    return data


def is_id(text: str) -> bool:
    """Whether a text could be a picture's id."""
    return _ID.fullmatch(text) is not None


def uploaded(answer: Answer) -> dict[str, Any]:
    """The picture that an upload's answer tells of: its id, type and delete hash."""
    data = told(answer)
    if not all(isinstance(data.get(name), str) for name in ("id", "type", "deletehash")):
        raise TransientError(f"{answer.what} without a picture: {answer.excerpt}")
    if not is_id(data["id"]) or not data["deletehash"]:
        raise TransientError(f"{answer.what} without a picture: {answer.excerpt}")
    return data


def done(answer: Answer) -> None:
    """See that an answer says it is a success.

    Raises:
        TransientError: it does not.
    """
    body = _body(answer)
    if body.get("success") is not True:
        raise TransientError(f"{answer.what} without success: {answer.excerpt}")


def _refusal(answer: Answer, status: object) -> ImageAssetsError:
    """What a refusal means that came under a status of success."""
    message = f"{answer.what}, and refused inside: {answer.excerpt}"
    if is_too_fast(answer):
        status = 429
    match status:
        case 401 | 403:
            return AuthenticationError(f"{message}; check IMGUR_CLIENT_ID")
        case 404:
            return NotFoundError(message)
        case 429:
            return NotDoneError(message, retry_after=wait_in(answer))
        case int() if 400 <= status < 500:
            return RejectedError(message)
    return TransientError(message)


def absence(answer: Answer) -> NotFoundError | None:
    """An absence that Imgur itself tells of; any other 404 is a wrong address."""
    if answer.status != 404:
        return None
    try:
        body = _body(answer)
    except TransientError:
        return None
    own = body.get("success") is False and body.get("status") == 404
    return NotFoundError(f"{answer.what}: {answer.excerpt}") if own else None


def said_in(answer: Answer) -> str:
    """The words of an error, whichever of Imgur's two shapes it has; empty where there are none."""
    try:
        body = _body(answer)
    except TransientError:
        return ""
    data, errors = body.get("data"), body.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        return str(errors[0].get("detail", ""))
    error = data.get("error") if isinstance(data, dict) else None
    if isinstance(error, dict):
        error = error.get("message")
    return error if isinstance(error, str) else ""


def is_too_fast(answer: Answer) -> bool:
    """Whether an error is one of asking too often, under whichever status."""
    return answer.status == 429 or _TOO_FAST.search(said_in(answer)) is not None


def wait_in(answer: Answer) -> float | None:
    """Seconds that an error's words ask us to wait."""
    found = _WAIT.search(said_in(answer))
    return float(found[1]) * 60 if found is not None else None
