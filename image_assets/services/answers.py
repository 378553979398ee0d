"""What an HTTP answer means in our errors, said in one place, and in words that hold no secret."""

import datetime as dt
import email.utils
import functools
import http
import json
import re
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
)

REFUSED_UNTRIED = frozenset({408, 429, 503})
"""The server says that it did not carry the request out: even a creation may be sent again."""

_TRANSIENT = frozenset({408, 425, 429})
_OURS_TO_MEND = frozenset({402, 405, 407})  # the account or the address, not what was offered
_EXCERPT = 500  # bytes of a body that may appear in a message


class Redactor:
    """Takes known secrets, in any spelling a server may echo, out of a text."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spellings = {
            spelling for secret in secrets for spelling in _spellings(secret) if len(spelling) >= 4
        }
        longest_first = sorted(spellings, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, longest_first)) if spellings else "(?!)")

    def clean(self, text: str) -> str:
        """`text` with asterisks where a secret was."""
        return self._secrets.sub("***", text)

    def excerpt(self, body: bytes) -> str:
        """The beginning of an unknown body on one line, at most 500 bytes."""
        # Redacted before it is cut: half a secret is one too.
        text = self.clean(body.decode("utf-8", "replace"))
        plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return plain.encode()[:_EXCERPT].decode("utf-8", "ignore")


def _spellings(secret: str) -> Iterator[str]:
    """As it is, in an address or a form once and twice over, in JSON."""
    yield secret
    for quote in (urllib.parse.quote, urllib.parse.quote_plus):
        yield (once := quote(secret, safe=""))
        yield quote(once, safe="")
    yield json.dumps(secret)[1:-1]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `what` names the exchange for messages: service, method, path, status."""

    what: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    excerpt: str
    retry_after: float | None = None

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            TransientError: it is none: a proxy's or a site's own page, or a cut body.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise TransientError(f"{self.what}, which is not JSON: {self.excerpt}") from None


Explain = Callable[[Answer], ImageAssetsError | None]
"""A service's own reading of an answer that is an error; None leaves it to `error_of`."""


def error_of(answer: Answer, credential: str | None) -> ImageAssetsError | None:
    """The error an answer stands for, by its status alone; None when it is a success.

    `credential` is the setting to check when the server refuses us.
    """
    status = answer.status
    message = f"{answer.what}: {answer.excerpt}" if answer.excerpt else answer.what
    if status in (200, 201, 202, 204):
        return None
    if status in _TRANSIENT or status >= 500 or status < 300:
        return TransientError(message, retry_after=answer.retry_after)
    if status in (401, 403):
        return AuthenticationError(f"{message}; check {credential or 'who may read there'}")
    if status in (404, 410):
        return NotFoundError(message)
    return PermanentError(message) if status in _OURS_TO_MEND else RejectedError(message)


@functools.cache
def phrase(status: int) -> str:
    """A status with its standard words; the server's own words are not repeated."""
    try:
        return f"{status} {http.HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def retry_after(value: str | None, now: dt.datetime) -> float | None:
    """Seconds that a Retry-After header asks for, given in seconds or as a date (RFC 9110)."""
    if value is None:
        return None
    if re.fullmatch(r"\s*\d{1,9}\s*", value, re.ASCII):
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return max(0.0, (aware - now).total_seconds())
