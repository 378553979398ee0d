"""Reading what is asked for: bounded in bytes and in time, as a form or as JSON, and nothing unknown in it."""

import asyncio
import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fastapi import HTTPException, Request
from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect
from starlette.types import Message

from image_assets.core.generation import AspectRatio, is_script
from image_assets.settings import Settings
from image_assets.stages.requests import Order, Upload

JSON, FORM = "application/json", "multipart/form-data"

_FIELDS = ("script", "image", "aspect_ratio", "count")
_OVERHEAD = 64 * 1024
"""Bytes of a body beside script and image: names, boundaries, headers of parts."""

_DATA_URL = re.compile(r"data:(?P<type>[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+);base64,")
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may be asked for: characters, bytes, pictures, requests of a batch, seconds of sending."""

    script: int
    image: int
    count: int
    batch: int
    seconds: float

    @classmethod
    def of(cls, settings: Settings) -> "Bounds":
        """Those of the settings."""
        return cls(
            settings.api_max_script,
            settings.api_max_image_bytes,
            settings.max_variations,
            settings.api_max_batch,
            settings.api_upload_seconds,
        )

    @property
    def body(self) -> int:
        """Bytes of one request, however it is spelled: base64 and escapes take their share."""
        return self.image * 4 // 3 + 6 * self.script + _OVERHEAD


async def read_order(request: Request, bounds: Bounds) -> Order:
    """The order in a request's body.

    Raises:
        HTTPException: 400, 408, 413, 415 or 422, with the reason.
    """
    kind = _kind(request)
    body = await _body(request, bounds.body, bounds.seconds)
    if kind == JSON:
        return from_json(_json(body), bounds)
    return await _from_form(request, body, bounds)


async def read_batch(request: Request, bounds: Bounds) -> list[Any]:
    """The items of a batch, each as JSON has it.

    Raises:
        HTTPException: 400, 408, 413, 415 or 422, with the reason.
    """
    if _kind(request) != JSON:
        raise HTTPException(415, f"a batch is {JSON}")
    body = _json(await _body(request, bounds.batch * bounds.body, bounds.seconds))
    items = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(items, list) or set(body) != {"requests"}:
        raise HTTPException(422, 'a batch is {"requests": [...]}')
    if not 1 <= len(items) <= bounds.batch:
        raise HTTPException(422, f"requests: 1 to {bounds.batch} of them, not {len(items)}")
    return items


def from_json(value: Any, bounds: Bounds, *, keyed: bool = False) -> Order:
    """The order that JSON spells; `keyed`: it may bring its own idempotency key.

    Raises:
        HTTPException: 413 or 422, with the reason.
    """
    if not isinstance(value, dict):
        raise HTTPException(422, "an object is needed")
    _check_names(value, (*_FIELDS, "idempotency_key") if keyed else _FIELDS)
    count = value.get("count", 1)
    # A whole number may be spelled with a point; JSON knows no difference.
    if isinstance(count, float) and count.is_integer():
        count = int(count)
    image = value.get("image")
    order = Order(
        _script(value.get("script"), bounds),
        _ratio(value.get("aspect_ratio", AspectRatio.LANDSCAPE_16_9)),
        _count(count, bounds),
        None if image is None else _decoded(image, bounds),
    )
    key = value.get("idempotency_key")
    return order if key is None else replace(order, idempotency_key=idempotency(key))


def idempotency(key: Any) -> str:
    """An idempotency key that can be kept.

    Raises:
        HTTPException: 422.
    """
    if not isinstance(key, str) or _KEY.fullmatch(key) is None:
        raise HTTPException(422, "an idempotency key is 1 to 200 visible ASCII characters")
    return key


def _kind(request: Request) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (JSON, FORM):
        raise HTTPException(415, f"a request is {FORM} or {JSON}")
    return kind


async def _body(request: Request, most: int, seconds: float) -> bytes:
    """The body, whole. What says that it is too long is not read, and what is longer not further."""
    said = request.headers.get("content-length", "")
    if said.isascii() and said.isdigit() and int(said[:20]) > most:
        raise HTTPException(413, f"a request has at most {most} bytes")
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise HTTPException(413, f"a request has at most {most} bytes")
    except TimeoutError:
        # What comes later on this connection cannot be told from the rest of the body.
        headers = {"Connection": "close"}
        raise HTTPException(
            408, f"the request was not there whole after {seconds:g} s", headers
        ) from None
    except ClientDisconnect:
        raise HTTPException(400, "the request broke off") from None
    return bytes(body)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400, "the body is no JSON") from None


async def _from_form(request: Request, body: bytes, bounds: Bounds) -> Order:
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    again = Request(request.scope, receive)
    # A field's text is bounded here; a file's bytes are by the body's.
    largest = max(4 * bounds.script, 1024)
    async with again.form(max_files=1, max_fields=8, max_part_size=largest) as form:
        return await _order(form, bounds)


async def _order(form: FormData, bounds: Bounds) -> Order:
    fields = form.multi_items()
    _check_names(dict(fields), _FIELDS)
    if len({name for name, _ in fields}) < len(fields):
        raise HTTPException(422, "a field comes twice")
    text = {name: value for name, value in fields if isinstance(value, str)}
    files = {name: value for name, value in fields if isinstance(value, UploadFile)}
    if files.keys() - {"image"} or "image" in text:
        raise HTTPException(422, "image is a file, and the other fields are text")
    count = text.get("count", "1")
    return Order(
        _script(text.get("script"), bounds),
        _ratio(text.get("aspect_ratio", AspectRatio.LANDSCAPE_16_9)),
        _count(int(count) if re.fullmatch(r"\d{1,4}", count, re.ASCII) else count, bounds),
        await _uploaded(files["image"], bounds) if "image" in files else None,
    )


async def _uploaded(file: UploadFile, bounds: Bounds) -> Upload | None:
    content = await file.read()
    said = file.headers.get("content-length")
    if said is not None and said.strip() != str(len(content)):
        raise HTTPException(
            422, f"the image has {len(content)} bytes, where its part says {_brief(said)}"
        )
    if not content and not file.filename:
        return None  # what a browser sends where no file was chosen
    return _checked(Upload(content, file.content_type or ""), bounds)


def _decoded(image: Any, bounds: Bounds) -> Upload:
    if not isinstance(image, str):
        raise HTTPException(422, "image is a text in base64")
    head = _DATA_URL.match(image)
    data, kind = (image[head.end() :], head["type"]) if head else (image, "")
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise HTTPException(422, "image is no base64") from None
    return _checked(Upload(content, kind), bounds)


def _checked(upload: Upload, bounds: Bounds) -> Upload:
    if not upload.content:
        raise HTTPException(422, "the image is empty")
    if len(upload.content) > bounds.image:
        raise HTTPException(413, f"an image has at most {bounds.image} bytes")
    return upload


def _check_names(value: Mapping[str, Any], known: tuple[str, ...]) -> None:
    if unknown := sorted(str(name) for name in value.keys() - set(known)):
        raise HTTPException(422, f"{_brief(unknown[0])!r} is none of {', '.join(known)}")


def _script(value: Any, bounds: Bounds) -> str:
    if not isinstance(value, str):
        raise HTTPException(422, "script: a text is needed")
    if len(value) > bounds.script:
        raise HTTPException(422, f"script: at most {bounds.script} characters, not {len(value)}")
    if not is_script(value, bounds.script):
        raise HTTPException(422, "script: something to read, without control characters")
    return value


def _ratio(value: Any) -> AspectRatio:
    try:
        return AspectRatio(value)
    except ValueError:
        raise HTTPException(422, f"aspect_ratio: one of {', '.join(AspectRatio)}") from None


def _count(value: Any, bounds: Bounds) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= bounds.count:
        raise HTTPException(422, f"count: 1 to {bounds.count}")
    return value


def _brief(text: str) -> str:
    return "".join(c if c.isprintable() and c.isascii() else "?" for c in text)[:60]
