"""What Etsy's answers mean: listings, images and tokens, and its four shapes of an error."""

import datetime as dt
import html
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    InDoubtError,
    NotDoneError,
    NotFoundError,
    QuotaExhaustedError,
    RejectedError,
    TransientError,
)
from image_assets.ports.listings import Listed
from image_assets.ports.tokens import Grant
from image_assets.services.http import Answer

_LONG = 600.0  # seconds: whoever asks for more means the day
_EXPIRED = frozenset({"invalid_token", "access token is expired"})
_CODE = re.compile(r"[a-z_]{1,60}")


class ExpiredError(AuthenticationError):
    """The access token is no longer taken; a new one may be."""


def explain(answer: Answer) -> ImageAssetsError | None:
    """Etsy's own reading of an error; None leaves it to the status."""
    told = f"{answer.what}: {said(answer) or answer.excerpt}"
    match answer.status:
        case 409:
            return NotDoneError(told)  # somebody edits it at this moment
        case 401 if _code(answer) in _EXPIRED:
            return ExpiredError(told)
        case 401:
            return AuthenticationError(f"{told}; run image-assets etsy login")
        case 403:
            return AuthenticationError(
                f"{told}; check ETSY_KEYSTRING and ETSY_SHARED_SECRET, the shop's number in the"
                " sources file, and who logged in: image-assets etsy status"
            )
        case 404:
            return _absence(answer, told)
        case 429:
            return _too_many(answer, told)
        case 400 | 413 | 422:
            return RejectedError(told)
    return None


def explain_creation(answer: Answer) -> ImageAssetsError | None:
    """The same of what must not happen twice: whatever fails beyond Etsy's door may have been done."""
    if answer.status >= 500:
        return InDoubtError(f"{answer.what}: {said(answer)}; it was sent and may be there")
    return explain(answer)


def said(answer: Answer) -> str:
    """The words of an error, whichever of Etsy's shapes it has; empty where there are none."""
    body = _parsed(answer.excerpt)  # out of which every secret was taken
    if isinstance(body, list):
        return "; ".join(filter(None, map(_flaw, body)))
    if not isinstance(body, dict):
        return ""
    words = (body.get("error"), body.get("error_description"))
    return ": ".join(word for word in words if isinstance(word, str) and word)


def _flaw(flaw: Any) -> str:
    """One entry of a validation's list."""
    if not isinstance(flaw, dict):
        return ""
    path, message = flaw.get("path"), flaw.get("message")
    told = f"{path} {message}".strip() if isinstance(path, str) else str(message)
    return told[:300] if isinstance(message, str) else ""


def _absence(answer: Answer, told: str) -> ImageAssetsError:
    """Only Etsy's own word is an absence: a proxy's page means a wrong address."""
    if isinstance(_json(answer), dict):
        return NotFoundError(told)
    return RejectedError(f"{told}; check ETSY_API_URL")


def _too_many(answer: Answer, told: str) -> ImageAssetsError:
    wait = answer.retry_after
    if answer.headers.get("x-remaining-today", "").strip() == "0" or (wait or 0.0) > _LONG:
        return QuotaExhaustedError(f"{told}; the app's requests of 24 hours are spent")
    return NotDoneError(told, retry_after=wait or 1.0)


def _code(answer: Answer) -> str:
    body = _json(answer)
    code = body.get("error") if isinstance(body, dict) else None
    return code if isinstance(code, str) else ""


def _json(answer: Answer) -> Any:
    return _parsed(answer.body)


def _parsed(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def listing(told: Any, what: str) -> Listed:
    """A listing as Etsy tells it.

    Raises:
        TransientError: it is none.
    """
    try:
        return Listed(
            _whole(told["listing_id"]),
            str(told.get("url") or ""),
            html.unescape(str(told["title"])),  # Etsy escapes what it shows
            html.unescape(str(told.get("description") or "")),
            str(told.get("state") or ""),
            _moment(told),
            tuple(str(sku) for sku in told.get("skus") or ()),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise TransientError(f"{what} without a listing") from error


def created(answer: Answer) -> Listed:
    """The draft that an answer tells of."""
    return listing(answer.json(), answer.what)


def page(answer: Answer) -> tuple[int, list[Listed]]:
    """How many listings there are in all, and those of this page."""
    count, results = results_of(answer)
    return count, [listing(one, answer.what) for one in results]


def results_of(answer: Answer) -> tuple[int, list[Any]]:
    """A list's count and entries.

    Raises:
        TransientError: the answer holds none.
    """
    told = answer.json()
    if not isinstance(told, dict) or not isinstance(told.get("results"), list):
        raise TransientError(f"{answer.what} without results: {answer.excerpt}")
    count = told.get("count")
    return (count if isinstance(count, int) else len(told["results"])), told["results"]


def some_object(answer: Answer) -> None:
    """See that a success is one of Etsy's answers.

    Raises:
        TransientError: it is another's page.
    """
    if not isinstance(answer.json(), dict):
        raise TransientError(f"{answer.what} without an object: {answer.excerpt}")


def image_rank(answer: Answer) -> int:
    """The rank of the image that an answer tells of."""
    told = answer.json()
    try:
        _whole(told["listing_image_id"])
        return _whole(told["rank"])
    except (KeyError, TypeError, ValueError) as error:
        raise TransientError(f"{answer.what} without an image: {answer.excerpt}") from error


def ranks(answer: Answer) -> frozenset[int]:
    """The ranks of a listing's images."""
    _, results = results_of(answer)
    try:
        return frozenset(_whole(one["rank"]) for one in results)
    except (KeyError, TypeError, ValueError) as error:
        raise TransientError(f"{answer.what} without ranks: {answer.excerpt}") from error


def grant(now: Callable[[], dt.datetime]) -> Callable[[Answer], Grant]:
    """Reads the tokens of an answer. What it holds is secret: no message repeats any of it."""

    def read(answer: Answer) -> Grant:
        try:
            told = json.loads(answer.body)
            access, refresh = _token(told["access_token"]), _token(told["refresh_token"])
            seconds = dt.timedelta(seconds=_whole(told["expires_in"]))
        except (KeyError, TypeError, ValueError, RecursionError, OverflowError):
            raise TransientError(f"{answer.what} without tokens") from None
        return Grant(access, refresh, now() + seconds)

    return read


def explain_token(answer: Answer) -> ImageAssetsError:
    """An error of the token service, by its code alone: its words could repeat a token."""
    code = _code(answer)
    told = f"{answer.what}{f' ({code})' if _CODE.fullmatch(code) else ''}"
    if answer.status == 429:
        return NotDoneError(told, retry_after=answer.retry_after or 1.0)
    if answer.status >= 500:
        return TransientError(told)
    if code == "invalid_grant":
        return AuthenticationError(
            f"{told}: the login is no longer valid; run image-assets etsy login"
        )
    return AuthenticationError(f"{told}; check ETSY_KEYSTRING and ETSY_REDIRECT_URL")


def _token(value: Any) -> str:
    """A token as it can be sent."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise TypeError
    if not value or " " in value:
        raise ValueError
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(value)
    return value


def _moment(told: Mapping[str, Any]) -> dt.datetime:
    seconds = told.get("created_timestamp", told.get("creation_timestamp"))
    return dt.datetime.fromtimestamp(_whole(seconds), dt.UTC)
