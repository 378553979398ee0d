"""Cloudinary: signed uploads under public ids, the look-up of one, its removal, and delivery."""

import datetime as dt
import hashlib
import threading
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from image_assets.rehearsal.clock import Clock
from image_assets.rehearsal.exchange import (
    Refusal,
    Reply,
    Request,
    Route,
    dispatch,
    json_reply,
    text_reply,
)
from image_assets.rehearsal.forms import NotAFormError, Part, read_form
from image_assets.rehearsal.profile import Profile
from image_assets.rehearsal.shelf import Item, NotAPictureError, Shelf

BASE = "/cloudinary"
DELIVERY = f"{BASE}/delivery"

_HOUR = 3600
_NEVER_SIGNED = ("file", "api_key", "cloud_name", "resource_type", "signature")


class Cloudinary:
    """The upload API of one cloud, and what it delivers.

    Args:
        profile: the cloud, its keys and its plan.
        address: where this is reached.
        clock: time.
        folder: where pictures are kept.
    """

    def __init__(
        self, profile: Profile, address: str, clock: Clock, folder: Path | None = None
    ) -> None:
        self.shelf = Shelf("cloudinary", clock, folder)
        self._profile, self._address, self._clock = profile, address, clock
        self._lock = threading.Lock()
        self._routes = (
            Route("POST", "/v1_1/{cloud}/image/upload", self._upload),
            Route("POST", "/v1_1/{cloud}/image/explicit", self._explicit),
            Route("POST", "/v1_1/{cloud}/image/destroy", self._destroy),
            Route("GET", "/delivery/{cloud}/image/upload/{version}/{name}", self._deliver),
        )

    def reset(self) -> None:
        """An empty cloud."""
        self.shelf.reset()

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request below the API's address, by the service's own clock."""
        route, reply = dispatch(self._routes, request, lambda _: _error(404, "unknown action"))
        now = self._clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
        return route, reply.plus({"Date": now, "X-Request-Id": uuid.uuid4().hex})

    def _upload(self, request: Request, cloud: str) -> Reply:
        form = self._admit(request, cloud)
        file = form.get("file")
        if file is None:
            raise _refused(400, "Missing required parameter - file")
        if len(file.content) > self._profile.cloudinary_max_bytes:
            raise _refused(
                400,
                f"File size too large. Got {len(file.content)}."
                f" Maximum is {self._profile.cloudinary_max_bytes}. Upgrade your plan to enjoy"
                " higher limits https://www.cloudinary.com/pricing/upgrade-plan",
            )
        public_id = form["public_id"].text if "public_id" in form else uuid.uuid4().hex[:20]
        overwrite = "overwrite" not in form or form["overwrite"].text != "false"
        with self._lock:
            held = None if overwrite else self.shelf.get(public_id)
            item = held or self._kept(public_id, file)
        return json_reply(200, self._told(item, cloud) | ({"existing": True} if held else {}))

    def _explicit(self, request: Request, cloud: str) -> Reply:
        form = self._admit(request, cloud)
        if "type" not in form:
            raise _refused(400, "Missing required parameter - type")
        public_id = _public_id(form)
        item = self.shelf.get(public_id)
        if item is None:
            raise _refused(404, f"Resource not found - {public_id}")
        return json_reply(200, self._told(item, cloud))

    def _destroy(self, request: Request, cloud: str) -> Reply:
        gone = self.shelf.remove(_public_id(self._admit(request, cloud)))
        return json_reply(200, {"result": "ok" if gone else "not found"})

    def _admit(self, request: Request, cloud: str) -> dict[str, Part]:
        """The parameters of a request that is signed with one of the cloud's secrets, and fresh."""
        if cloud != self._profile.cloudinary_cloud_name:
            raise _refused(401, f"Invalid cloud_name {cloud}")
        form = _form(request)
        told = {name: part.text for name, part in form.items() if part.filename is None}
        if "signature" not in told:
            raise _refused(400, "Upload preset must be specified when using unsigned upload")
        if told.get("api_key") != self._profile.cloudinary_api_key:
            raise _refused(401, f"Invalid api_key {told.get('api_key', '')}")
        if not told.get("timestamp", "").isdigit():
            raise _refused(400, "Missing required parameter - timestamp")
        self._see_fresh(int(told["timestamp"]))
        self._see_signed(told)
        return form

    def _see_fresh(self, timestamp: int) -> None:
        if timestamp < self._clock.epoch() - _HOUR:
            told = dt.datetime.fromtimestamp(timestamp, dt.UTC)
            raise _refused(
                401,
                f"Stale request - reported time is {told:%Y-%m-%d %H:%M:%S} +0000"
                " which is more than 1 hour ago",
            )

    def _see_signed(self, told: Mapping[str, str]) -> None:
        text = "&".join(
            sorted(
                f"{name}={value}".replace("&", "%26")
                for name, value in told.items()
                if name not in _NEVER_SIGNED and value != ""
            )
        )
        signature = told["signature"]
        if signature in _signatures(text, self._profile.cloudinary_powerless_secret):
            raise _refused(403, "This key is not allowed to do this")
        if signature not in _signatures(text, self._profile.cloudinary_api_secret):
            raise _refused(401, f"Invalid Signature {signature}. String to sign - '{text}'.")

    def _kept(self, public_id: str, file: Part) -> Item:
        try:
            return self.shelf.add(file.content, name=file.filename or "file", id=public_id)
        except NotAPictureError as problem:
            raise _refused(400, "Invalid image file") from problem

    def _deliver(self, request: Request, cloud: str, version: str, name: str) -> Reply:
        public_id = name.rpartition(".")[0]
        item = self.shelf.get(public_id)
        known = cloud == self._profile.cloudinary_cloud_name
        if item is None or not known or version != f"v{_version(item)}":
            gone = {"X-Cld-Error": f"Resource not found - {public_id}"}
            return text_reply(404, "").plus(gone)
        return self.shelf.shown(item, request)

    def _told(self, item: Item, cloud: str) -> dict[str, Any]:
        version, extension = _version(item), item.look.extension
        path = f"{cloud}/image/upload/v{version}/{item.id}.{extension}"
        signed = f"public_id={item.id}&version={version}"
        return {
            "asset_id": item.secret[:32],
            "public_id": item.id,
            "version": version,
            "version_id": item.secret[-32:],
            "signature": _signatures(signed, self._profile.cloudinary_api_secret)[0],
            "width": item.look.width,
            "height": item.look.height,
            "format": extension,
            "resource_type": "image",
            "created_at": f"{item.created_at:%Y-%m-%dT%H:%M:%SZ}",
            "tags": [],
            "bytes": len(self.shelf.content(item)),
            "type": "upload",
            "etag": item.md5,
            "placeholder": False,
            "url": f"{self._address}/delivery/{path}",
            "secure_url": f"{self._address}/delivery/{path}",
            "asset_folder": "",
            "display_name": item.id,
            "original_filename": Path(item.name).stem,
            "api_key": self._profile.cloudinary_api_key,
        }


def _version(item: Item) -> int:
    return int(item.created_at.timestamp())


def _form(request: Request) -> dict[str, Part]:
    """The parameters, however they are sent."""
    if request.content_type == "application/x-www-form-urlencoded":
        pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: Part(value.encode()) for name, value in pairs}
    try:
        return read_form(request.headers.get("Content-Type", ""), request.body)
    except NotAFormError as problem:
        raise _refused(400, f"Invalid parameters: {problem}") from problem


def _public_id(form: Mapping[str, Part]) -> str:
    if "public_id" not in form:
        raise _refused(400, "Missing required parameter - public_id")
    return form["public_id"].text


def _signatures(text: str, secret: str) -> tuple[str, str]:
    """What a secret makes of a text, in both algorithms that accounts have."""
    signed = (text + secret).encode()
    sha1 = hashlib.sha1(signed, usedforsecurity=False)  # as most accounts have it
    return sha1.hexdigest(), hashlib.sha256(signed).hexdigest()


def _error(status: int, message: str) -> Reply:
    """The service's way to say no."""
    return json_reply(status, {"error": {"message": message}})


def _refused(status: int, message: str) -> Refusal:
    return Refusal(_error(status, message))
