"""What the API's page says of requests: their fields and bounds, as JSON and as a form."""

from typing import Any

from image_assets.core.generation import AspectRatio
from image_assets.delivery.intake import FORM, JSON, Bounds
from image_assets.delivery.thumbnail_answers import Problem

# Something that is no space, and no control characters but tabs and line breaks.
_CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_SCRIPT = rf"^[^{_CONTROL}]*[^\s{_CONTROL}][^{_CONTROL}]*$"
_EXAMPLE = {"script": "My awesome video", "aspect_ratio": "16:9", "count": 2}


def order_body(bounds: Bounds) -> dict[str, Any]:
    """The body of one request."""
    fields = _fields(bounds)
    form = fields | {
        "image": {
            "type": "string",
            "format": "binary",
            "description": f"Base image: PNG, JPEG or WebP of at most {bounds.image} bytes.",
        }
    }
    return {
        "requestBody": {
            "required": True,
            "content": {
                FORM: {"schema": _object(form)},
                JSON: {"schema": _object(fields | _image(bounds)), "example": _EXAMPLE},
            },
        }
    }


def batch_body(bounds: Bounds) -> dict[str, Any]:
    """The body of a batch. Its items are looked at one by one, so only the list's bounds are here."""
    key = {"type": "string", "pattern": r"^[\x21-\x7e]{1,200}$"}
    item = _object(_fields(bounds) | _image(bounds) | {"idempotency_key": key})
    items = {
        "type": "array",
        "minItems": 1,
        "maxItems": bounds.batch,
        "items": {
            "description": "A request; one that is refused is told among the results.",
            "anyOf": [item, {}],
        },
    }
    return {
        "requestBody": {
            "required": True,
            "content": {
                JSON: {
                    "schema": _object({"requests": items}, required="requests"),
                    "example": {"requests": [_EXAMPLE]},
                }
            },
        }
    }


def event_stream() -> dict[str, Any]:
    """An answer that is a stream of events."""
    fields = {
        "data": {"type": "string", "contentMediaType": JSON},
        "event": {"type": "string"},
        "id": {"type": "string", "pattern": "^[0-9]+$"},
        "retry": {"type": "integer"},
    }
    schema = {"type": "object", "properties": fields}
    return {
        "description": "Events as they happen: `data` is JSON, `id` the number of the event.",
        "content": {"text/event-stream": {"schema": schema}},
    }


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals that an operation has."""
    return {status: {"model": Problem, "description": _WHY[status]} for status in statuses}


_WHY = {
    400: "The body cannot be read.",
    404: "There is no such request.",
    409: "The idempotency key is another request's.",
    408: "The body was not there in time.",
    413: "The body, or the image, is too large.",
    415: "The body, or the image, is of another type than it should be.",
    422: "A value cannot be; or a content policy refuses what was asked for.",
    429: "Too many requests for a minute, or for the day; see Retry-After.",
    500: "Something is wrong here, and the operator is told.",
    502: "Nothing came of it.",
    503: "It cannot be done now; it is written down and done later where a request_id is given.",
}


def _fields(bounds: Bounds) -> dict[str, Any]:
    return {
        "script": {
            "type": "string",
            "minLength": 1,
            "maxLength": bounds.script,
            "pattern": _SCRIPT,
            "description": "What to draw.",
        },
        "aspect_ratio": {
            "type": "string",
            "enum": [ratio.value for ratio in AspectRatio],
            "default": AspectRatio.LANDSCAPE_16_9.value,
        },
        "count": {"type": "integer", "minimum": 1, "maximum": bounds.count, "default": 1},
    }


def _image(bounds: Bounds) -> dict[str, Any]:
    return {
        "image": {
            "type": ["string", "null"],
            "contentEncoding": "base64",
            "minLength": 4,
            "maxLength": bounds.image * 4 // 3 + 100,
            "description": f"Base image in base64, or as a data URL, of at most {bounds.image} bytes.",
        }
    }


def _object(fields: dict[str, Any], required: str = "script") -> dict[str, Any]:
    return {
        "type": "object",
        "properties": fields,
        "required": [required],
        "additionalProperties": False,
    }
