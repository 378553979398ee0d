"""What Etsy takes of a listing, and in which words it says no."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from image_assets.rehearsal.exchange import Refusal, Request, json_reply
from image_assets.rehearsal.profile import Profile

_REQUIRED = (
    "quantity",
    "title",
    "description",
    "price",
    "who_made",
    "when_made",
    "taxonomy_id",
)
_WHO = {"i_did", "someone_else", "collective"}
_LISTS = {"tags", "materials", "image_ids"}
_NUMBERS = {"quantity", "taxonomy_id", "shipping_profile_id", "readiness_state_id"}


def refused(status: int, message: str) -> Refusal:
    """One sentence."""
    return Refusal(json_reply(status, {"error": message}))


def invalid(path: str, kind: str, message: str) -> Refusal:
    """A validation's list."""
    return Refusal(json_reply(400, [{"path": path, "type": kind, "message": message}]))


def fields(request: Request) -> dict[str, Any]:
    """The fields of a form, or of JSON."""
    body = request.body.decode("utf-8", "replace")
    if request.content_type == "application/json":
        try:
            told = json.loads(body)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise refused(400, "The request body is not valid JSON.")
        return told
    found: dict[str, Any] = {}
    for name, value in parse_qsl(body, keep_blank_values=True):
        bare = name.removesuffix("[]")
        if bare in _LISTS:
            found.setdefault(bare, []).extend(value.split(","))
        else:
            found[bare] = value
    return found


def draft(given: Mapping[str, Any], profile: Profile) -> dict[str, Any]:
    """The fields of a new listing, once they are all as they should be."""
    for name in _REQUIRED:
        if given.get(name) in (None, ""):
            raise invalid(f"/{name}", "required", "is required")
    made = dict(given)
    for name in _NUMBERS & made.keys():
        made[name] = _number(name, made[name])
    made["price"] = _price(made["price"])
    _check_words(made, profile)
    kind = made.get("type", "physical")
    if kind in ("physical", "both"):
        if "shipping_profile_id" not in made:
            raise refused(400, "A shipping_profile_id is required for physical listings.")
        if profile.etsy_needs_readiness and "readiness_state_id" not in made:
            raise refused(400, "A readiness_state_id is required for physical listings.")
    return made


def _check_words(made: Mapping[str, Any], profile: Profile) -> None:
    if not 1 <= len(str(made["title"])) <= 140:
        raise invalid("/title", "string_too_long", "cannot be longer than 140 characters")
    if made["who_made"] not in _WHO:
        raise invalid("/who_made", "enum", f"must be one of {', '.join(sorted(_WHO))}")
    if made["when_made"] not in profile.etsy_when_made:
        raise invalid("/when_made", "enum", f"must be one of {', '.join(profile.etsy_when_made)}")
    if not 1 <= made["quantity"] <= 999:
        raise invalid("/quantity", "out_of_range", "must be between 1 and 999")
    tags = made.get("tags") or []
    if len(tags) > 13:
        raise invalid("/tags", "array_too_long", "cannot be more than 13 items")
    if any(len(str(tag)) > 20 for tag in tags):
        raise invalid("/tags", "string_too_long", "cannot be longer than 20 characters")
    if "image_ids" in made and not made["image_ids"]:
        raise invalid("/images", "array_too_short", "cannot be less than 1 items")
    if len({str(tag).lower() for tag in tags}) < len(tags):
        raise invalid("/tags", "unique", "must be unique")


def _price(value: Any) -> int:
    """In hundredths."""
    try:
        price = float(value)
    except (TypeError, ValueError):
        raise invalid("/price", "number", "must be a number") from None
    if not 0.2 <= price <= 50_000:
        raise invalid("/price", "out_of_range", "must be between 0.20 and 50000.00")
    return round(price * 100)


def _number(name: str, value: Any) -> int:
    if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
        return int(value)
    raise invalid(f"/{name}", "integer", "must be an integer")
