"""What Workers KV accepts, and the words in which it refuses the rest.

Messages of limits are workerd's; where the service's own code is not published, it is 10001.
"""

import base64
import json
from typing import Any

from image_assets.rehearsal.exchange import Refusal, Reply, Request, json_reply
from image_assets.rehearsal.forms import NotAFormError, read_form

MAX_KEY = 512  # bytes of UTF-8
MAX_VALUE = 25 * 1024 * 1024
MAX_METADATA = 1024  # bytes of JSON
MIN_TTL = 60  # seconds
MAX_BULK_WRITE = 10_000
MAX_BULK_GET = 100


def envelope(result: Any, *, result_info: dict[str, Any] | None = None) -> Reply:
    """A success as the API wraps it."""
    body = {"result": result, "success": True, "errors": [], "messages": []}
    return json_reply(200, body | ({"result_info": result_info} if result_info else {}))


def error(status: int, code: int, message: str) -> Reply:
    """A failure as the API wraps it."""
    errors = [{"code": code, "message": message}]
    return json_reply(status, {"result": None, "success": False, "errors": errors, "messages": []})


def refused(status: int, code: int, message: str) -> Refusal:
    """The same, for a handler to raise."""
    return Refusal(error(status, code, message))


def invalid(message: str) -> Refusal:
    """What is asked cannot be done: 400."""
    return refused(400, 10001, message)


def check_key(key: str) -> None:
    """Refuse what cannot be a key.

    Raises:
        Refusal: 400 or 414.
    """
    if not isinstance(key, str) or not key:
        raise invalid("Key name cannot be empty.")
    if key in (".", ".."):
        raise invalid(f'"{key}" is not allowed as a key name.')
    size = len(key.encode("utf-8", "surrogatepass"))
    if size > MAX_KEY:
        message = f"UTF-8 encoded length of {size} exceeds key length limit of {MAX_KEY}."
        raise refused(414, 10001, message)


def value_and_metadata(request: Request) -> tuple[bytes, Any]:
    """A form's parts; any other body, JSON too, is the value as it stands."""
    if request.content_type != "multipart/form-data":
        return request.body, None
    try:
        form = read_form(request.headers["Content-Type"], request.body)
    except NotAFormError as problem:
        raise invalid(f"could not parse the form: {problem}") from problem
    if "value" not in form:
        raise invalid("value: Required")
    if "metadata" not in form:
        return form["value"].content, None
    try:
        return form["value"].content, json.loads(form["metadata"].content)
    except ValueError as problem:
        raise invalid("metadata must be valid JSON") from problem


def check_sizes(value: bytes, metadata: Any) -> None:
    """Refuse a value or metadata beyond the limits: 413."""
    if len(value) > MAX_VALUE:
        message = f"Value length of {len(value)} exceeds limit of {MAX_VALUE}."
        raise refused(413, 10001, message)
    size = 0 if metadata is None else len(_compact(metadata).encode())
    if size > MAX_METADATA:
        message = f"Metadata length of {size} exceeds limit of {MAX_METADATA}."
        raise refused(413, 10001, message)


def expiration(ttl: Any, moment: Any, now: int) -> int | None:
    """Seconds since 1970 at which a value goes; a life time wins over a moment."""
    if ttl not in (None, ""):
        return now + _life_time(ttl)
    return None if moment in (None, "") else _moment(moment, now)


def _life_time(ttl: Any) -> int:
    seconds = _whole(ttl)
    said = f"Invalid expiration_ttl of {ttl}."
    if seconds is None or seconds <= 0:
        raise invalid(f"{said} Please specify integer greater than 0.")
    if seconds < MIN_TTL:
        raise invalid(f"{said} Expiration TTL must be at least {MIN_TTL}.")
    return seconds


def _moment(moment: Any, now: int) -> int:
    at = _whole(moment)
    said = f"Invalid expiration of {moment}."
    if at is None or at <= now:
        raise invalid(
            f"{said} Please specify integer greater than the current number of seconds since the"
            " UNIX epoch."
        )
    if at < now + MIN_TTL:
        least = f"must be at least {MIN_TTL} seconds in the future."
        raise invalid(f"{said} Expiration times {least}")
    return at


def page_size(text: str | None) -> int:
    """How many keys a page of a listing holds: 10 to 1000, 400 otherwise."""
    limit = 1000 if not text else _whole(text)
    if limit is None:
        raise invalid("limit: Expected number, received nan")
    if limit < 10:
        raise invalid("limit: Number must be greater than or equal to 10")
    if limit > 1000:
        raise invalid("limit: Number must be less than or equal to 1000")
    return limit


def json_body(request: Request) -> Any:
    """The body's JSON; 400 when it is none."""
    try:
        return json.loads(request.body)
    except ValueError as problem:
        raise invalid("could not parse the body") from problem


def json_array(request: Request, most: int) -> list[Any]:
    """The body's JSON array of at most so many; 400 otherwise."""
    value = json_body(request)
    if not isinstance(value, list):
        raise invalid("Expected array")
    if len(value) > most:
        raise invalid(f"Array must contain at most {most} element(s)")
    return value


def from_base64(text: str) -> bytes:
    """The bytes a bulk write spells in base64; 400 when they are not."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as problem:
        raise invalid("value: Invalid base64") from problem


def cursor_of(key: str) -> str:
    """The cursor of a page that ends with `key`."""
    return base64.urlsafe_b64encode(key.encode()).decode()


def key_of(cursor: str | None) -> str | None:
    """The key after which a cursor goes on; None at the beginning."""
    try:
        return base64.b64decode(cursor, altchars=b"-_", validate=True).decode() if cursor else None
    except ValueError as problem:
        raise invalid("cursor: Invalid cursor") from problem


def _whole(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.removeprefix("-").isdecimal() and len(text) <= 15 else None


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
