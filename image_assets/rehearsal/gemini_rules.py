"""What Gemini accepts of a request, and how it says no."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image

from image_assets.rehearsal.exchange import Refusal, Reply, Request, json_reply
from image_assets.rehearsal.gemini_pictures import SCALES, SIZES

MOST_BODY = 20 * 1024 * 1024
MOST_IMAGE = 7 * 1024 * 1024
MOST_IMAGES = 14
MOST_PROMPT = 32_000  # characters; far below the model's tokens, far above a script

_TYPES = {"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"}
_FIELDS = {
    "contents",
    "generationConfig",
    "safetySettings",
    "systemInstruction",
    "tools",
    "toolConfig",
    "cachedContent",
    "labels",
}
_SNAKES = {
    "generation_config": "generationConfig",
    "safety_settings": "safetySettings",
    "system_instruction": "systemInstruction",
    "tool_config": "toolConfig",
    "cached_content": "cachedContent",
    "response_modalities": "responseModalities",
    "image_config": "imageConfig",
    "aspect_ratio": "aspectRatio",
    "image_size": "imageSize",
    "inline_data": "inlineData",
    "mime_type": "mimeType",
}
"""Every name may be spelled either way, as protocol buffers have it."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a request asks for, once it is accepted."""

    prompt: str
    images: tuple[Image.Image, ...]
    size: tuple[int, int]
    wants_image: bool


def error(status: int, code: str, message: str, details: list[Any] | None = None) -> Reply:
    """The service's way to say no."""
    told: dict[str, Any] = {"code": status, "message": message, "status": code}
    return json_reply(status, {"error": told | ({"details": details} if details else {})})


def refused(status: int, code: str, message: str, details: list[Any] | None = None) -> Refusal:
    """The same, for a handler to raise."""
    return Refusal(error(status, code, message, details))


def invalid(message: str) -> Refusal:
    """A request that cannot be."""
    return refused(400, "INVALID_ARGUMENT", message)


def read(request: Request) -> Order:
    """The order that a request's body spells.

    Raises:
        Refusal: 400 in the service's words.
    """
    if len(request.body) > MOST_BODY:
        raise invalid("Request payload size exceeds the limit: 20971520 bytes.")
    body = _camels(_json(request.body))
    if unknown := body.keys() - _FIELDS:
        raise invalid(
            f'Invalid JSON payload received. Unknown name "{sorted(unknown)[0]}": Cannot find field.'
        )
    texts, images = _contents(body.get("contents"))
    config = body.get("generationConfig") or {}
    if not isinstance(config, dict):
        raise invalid("Invalid value at 'generation_config'.")
    modalities = config.get("responseModalities") or ["TEXT"]
    return Order("\n".join(texts), images, _size(config), "IMAGE" in modalities)


def _json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError as problem:
        raise invalid("Invalid JSON payload received. Unexpected token.") from problem
    if not isinstance(value, dict):
        raise invalid("Invalid JSON payload received. Expected an object.")
    return value


def _camels(value: Any) -> Any:
    if isinstance(value, dict):
        return {_SNAKES.get(name, name): _camels(inner) for name, inner in value.items()}
    return [_camels(inner) for inner in value] if isinstance(value, list) else value


def _contents(contents: Any) -> tuple[list[str], tuple[Image.Image, ...]]:
    if not isinstance(contents, list) or not contents:
        raise invalid("* GenerateContentRequest.contents: contents is not specified")
    texts, images = [], []
    for content in contents:
        parts = content.get("parts") if isinstance(content, dict) else None
        if not isinstance(parts, list) or not parts:
            raise invalid("* GenerateContentRequest.contents: parts must not be empty")
        for part in parts:
            kind = part if isinstance(part, dict) else {}
            if isinstance(kind.get("text"), str):
                texts.append(kind["text"])
            elif isinstance(kind.get("inlineData"), dict):
                images.append(_image(kind["inlineData"]))
            else:
                raise invalid("* GenerateContentRequest.contents: unable to parse a part")
    if len(images) > MOST_IMAGES:
        raise invalid(f"Too many images in the request: the limit is {MOST_IMAGES}.")
    if not any(text.strip() for text in texts) or sum(map(len, texts)) > MOST_PROMPT:
        raise invalid("The prompt is empty or exceeds the maximum number of tokens allowed.")
    return texts, tuple(images)


def _image(inline: Mapping[str, Any]) -> Image.Image:
    if inline.get("mimeType") not in _TYPES:
        raise invalid(f"Unsupported MIME type: {str(inline.get('mimeType'))[:60]}")
    try:
        content = base64.b64decode(str(inline.get("data", "")), validate=True)
    except binascii.Error as problem:
        raise invalid(
            "Invalid value at 'inline_data.data' (TYPE_BYTES), Base64 decoding failed."
        ) from problem
    if len(content) > MOST_IMAGE:
        raise invalid("Image exceeds the maximum inline size of 7 MB.")
    try:
        with Image.open(BytesIO(content)) as opened:
            opened.load()
            return opened.copy()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise invalid(
            "Unable to process input image. Please retry or report in https://developers.generativeai.google/guide/troubleshooting"
        ) from problem


def _size(config: Mapping[str, Any]) -> tuple[int, int]:
    wanted = config.get("imageConfig") or {}
    ratio, size = wanted.get("aspectRatio", "1:1"), wanted.get("imageSize", "1K")
    if ratio not in SIZES:
        raise invalid(f"Invalid aspect ratio: {str(ratio)[:40]}. Supported: {', '.join(SIZES)}.")
    if size not in SCALES:
        raise invalid(f"Invalid image size: {str(size)[:40]}. Supported: {', '.join(SCALES)}.")
    width, height = SIZES[ratio]
    return width * SCALES[size], height * SCALES[size]
