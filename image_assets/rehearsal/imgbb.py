"""imgbb: `POST /1/upload` with a key and a picture; it says no in Chevereto's words, with HTTP 400.

A rate limit and a bad key have one code. Equal bytes are two pictures.
"""

import base64
import binascii
from pathlib import Path
from typing import Any

from image_assets.rehearsal.chevereto import refused
from image_assets.rehearsal.clock import Clock
from image_assets.rehearsal.exchange import Reply, Request, Route, dispatch, json_reply, text_reply
from image_assets.rehearsal.forms import NotAFormError, Part, read_any_form
from image_assets.rehearsal.limits import Window
from image_assets.rehearsal.profile import Profile
from image_assets.rehearsal.shelf import Item, NotAPictureError, Shelf

BASE = "/imgbb"

_MOST_BYTES = 32_000_000
_LEAST_SECONDS, _MOST_SECONDS = 60, 15_552_000


class Imgbb:
    """One account."""

    def __init__(
        self, profile: Profile, address: str, clock: Clock, folder: Path | None = None
    ) -> None:
        self._profile, self._address, self._clock = profile, address, clock
        self.shelf = Shelf("imgbb", clock, folder)
        self._expire: dict[str, float] = {}
        self._requests = Window(clock, profile.imgbb_requests_per_minute, 60)
        self._routes = (
            Route("POST", "/1/upload", self._upload),
            Route("GET", "/images/{id}/{file}", self._show),
        )

    def reset(self) -> None:
        """An empty account that asked nothing."""
        self.shelf.reset()
        self._expire.clear()
        self._requests.reset()

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request below the service's root."""
        return dispatch(self._routes, request, lambda _: text_reply(404, "404 Not Found"))

    def _upload(self, request: Request) -> Reply:
        form = _form(request)
        self._admit(form.get("key"), request)
        image = form.get("image")
        if image is None or not image.content:
            raise refused(130, "Empty upload source.")
        if self._requests.take():
            raise refused(100, "Rate limit reached.")
        content = _bytes(image)
        if len(content) > _MOST_BYTES:
            raise refused(313, "File too big - max 32 MB")
        seconds = _expiration(form.get("expiration"))
        name = form["name"].text if "name" in form else image.filename or "image"
        try:
            item = self.shelf.add(content, name=name)
        except NotAPictureError as problem:
            raise refused(311, "Invalid image") from problem
        if seconds:
            self._expire[item.id] = self._clock.epoch() + seconds
        return json_reply(200, {"data": self._told(item, seconds), "success": True, "status": 200})

    def _admit(self, key: Part | None, request: Request) -> None:
        given = key.text if key is not None else request.parameters().get("key", "")
        if given == self._profile.imgbb_denied_key and given:
            raise refused(401, "Request denied")
        if given != self._profile.imgbb_api_key:
            raise refused(100, "Invalid API v1 key.")

    def _show(self, request: Request, id: str, file: str) -> Reply:
        item = self.shelf.get(id)
        ends = self._expire.get(id)
        if item is None or (ends is not None and ends <= self._clock.epoch()):
            return text_reply(404, "404 Not Found")
        return self.shelf.shown(item, request)

    def _told(self, item: Item, seconds: int) -> dict[str, Any]:
        look, size = item.look, item.extent.size
        stem = Path(item.name).stem
        file = {
            "filename": f"{stem}.{look.extension}",
            "name": stem,
            "mime": look.mime,
            "extension": look.extension,
            "url": f"{self._address}/images/{item.id}/{item.id}.{look.extension}",
        }
        viewer = f"{self._address}/{item.id}"
        return {
            "id": item.id,
            "title": stem,
            "url_viewer": viewer,
            "url": file["url"],
            "display_url": file["url"],
            "width": str(look.width),
            "height": str(look.height),
            "size": str(size),
            "time": str(int(item.created_at.timestamp())),
            "expiration": str(seconds),
            "image": file,
            "thumb": file,
            "delete_url": f"{viewer}/{item.secret}",
        }


def _form(request: Request) -> dict[str, Part]:
    try:
        return read_any_form(request.headers.get("Content-Type", ""), request.body)
    except NotAFormError as problem:
        raise refused(130, "Empty upload source.") from problem


def _bytes(image: Part) -> bytes:
    if image.filename is not None:
        return image.content
    try:
        return base64.b64decode(image.content, validate=True)
    except binascii.Error as problem:
        raise refused(120, "Invalid base64 string.") from problem


def _expiration(field: Part | None) -> int:
    if field is None or not field.text:
        return 0
    seconds = int(field.text) if field.text.isdigit() else 0
    if not _LEAST_SECONDS <= seconds <= _MOST_SECONDS:
        raise refused(120, "Invalid expiration.")
    return seconds
