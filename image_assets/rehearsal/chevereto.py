"""Sites that run Chevereto, version 1 of its API: `freeimage.host` as it is, and a stock one.

Every refusal is HTTP 400; what it means, the code in its body says, and sometimes only its words.
The stock site refuses what it has; freeimage.host gives it its first address, and encodes JPEGs anew.
"""

import base64
import binascii
import hashlib
import io
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

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
from image_assets.rehearsal.forms import NotAFormError, Part, read_any_form
from image_assets.rehearsal.limits import Window
from image_assets.rehearsal.shelf import Item, NotAPictureError, Shelf

FREEIMAGE = "/freeimage"
STOCK = "/chevereto"

_DUPLICATE_SECONDS = 24 * 3600
_TOO_LARGE = 313


@dataclass(frozen=True, slots=True)
class Site:
    """What sets one site apart: keys, limits, and what it does with what it has, or with JPEGs."""

    name: str
    key: str
    denied_key: str  # one that the site knows and refuses
    most_bytes: int
    per_minute: int | None = None
    same_address: bool = False
    encodes_jpegs: bool = False
    tells_removal: bool = False


class Chevereto:
    """One site: `POST /api/1/upload`, and its pictures at `/images/{file}`."""

    def __init__(self, site: Site, address: str, clock: Clock, folder: Path | None = None) -> None:
        self._site, self._address, self._clock = site, address, clock
        self.shelf = Shelf(site.name, clock, folder)
        self._flood = Window(clock, site.per_minute, 60)
        self._taking = threading.Lock()
        self._routes = (
            Route("POST", "/api/1/upload", self._upload),
            Route("GET", "/api/1/upload", self._upload),
            Route("GET", "/images/{file}", self._show),
        )

    def reset(self) -> None:
        """An empty site that nobody asked."""
        self.shelf.reset()
        self._flood.reset()

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request below the site's root."""
        return dispatch(self._routes, request, lambda _: text_reply(404, _PAGE, "text/html"))

    def _upload(self, request: Request) -> Reply:
        form = _form(request)
        self._admit(form, request)
        source = form.get("source")
        if source is None or not source.content:
            raise refused(130, "Empty upload source.")
        content = _bytes(source)
        if self._flood.take():
            raise refused(
                130,
                f"Flooding detected. You can only upload {self._site.per_minute} images per minute",
                context="UploadException",
            )
        if len(content) > self._site.most_bytes:
            most = self._site.most_bytes // 1_000_000
            raise refused(_TOO_LARGE, f"File too big - max {most} MB")
        with self._taking:
            item = self._keep(content, source.filename or "image")
        return _in_format(form, item, self._told(item))

    def _admit(self, form: Mapping[str, Part], request: Request) -> None:
        key = request.headers.get("X-API-Key") or (form["key"].text if "key" in form else "")
        if not key:
            raise refused(100, "No key provided")
        if key == self._site.denied_key:
            raise refused(401, "Request denied")
        if key != self._site.key:
            raise refused(100, "Invalid API v1 key.")
        if "action" in form and form["action"].text != "upload":
            raise refused(120, "Invalid API action.")

    def _keep(self, content: bytes, name: str) -> Item:
        known = self.shelf.by_sent_md5(hashlib.md5(content, usedforsecurity=False).hexdigest())
        if known is not None and self._site.same_address:
            return known
        if known is not None:
            age = (self._clock.now() - known.created_at).total_seconds()
            if age < _DUPLICATE_SECONDS:
                raise refused(101, "Duplicated upload", context="UploadException")
        try:
            shown = _encoded_anew(content) if self._site.encodes_jpegs else content
            return self.shelf.add(shown, name=name, sent=content)
        except NotAPictureError as problem:
            raise refused(311, "Invalid image") from problem

    def _show(self, request: Request, file: str) -> Reply:
        item = self.shelf.get(file.partition(".")[0])
        if item is None:
            return text_reply(404, _PAGE, "text/html; charset=utf-8")
        return self.shelf.shown(item, request)

    def _told(self, item: Item) -> dict[str, Any]:
        """The answer's `image`; numbers are texts or numbers as the site happens to send them."""
        look, size = item.look, item.extent.size
        url = f"{self._address}/images/{item.id}.{look.extension}"
        file = {
            "filename": f"{item.id}.{look.extension}",
            "name": item.id,
            "mime": look.mime,
            "extension": look.extension,
            "url": url,
            "size": size,
        }
        viewer = f"{self._address}/i/{item.id}"
        told = {
            "name": Path(item.name).stem,
            "extension": look.extension,
            "width": str(look.width),
            "height": str(look.height),
            "size": size,
            "time": str(int(item.created_at.timestamp())),
            "expiration": "0",
            "adult": "0",
            "status": "0",
            "original_filename": item.name,
            "is_animated": int(look.frames > 1),
            "nsfw": 0,
            "id_encoded": item.id,
            "ratio": look.width / look.height,
            "size_formatted": f"{size / 1000:.1f} KB",
            "filename": f"{item.id}.{look.extension}",
            "url": url,
            "url_viewer": viewer,
            "image": file,
            "thumb": file | {"filename": f"{item.id}.th.{look.extension}"},
            "medium": {"filename": None, "url": None},
            "display_url": url,
        }
        if self._site.tells_removal:
            told |= {"md5": item.md5, "source_md5": item.sent_md5}
            told |= {"delete_url": f"{viewer}/delete/{item.secret}"}
        return told


def refused(code: int, message: str, *, context: str = "Exception") -> Refusal:
    """The site's way to say no: HTTP 400 whatever it is."""
    error = {"message": message, "code": code, "context": context}
    return Refusal(
        json_reply(400, {"status_code": 400, "error": error, "status_txt": "Bad Request"})
    )


def _form(request: Request) -> dict[str, Part]:
    if request.method != "POST":
        return {name: Part(value.encode()) for name, value in request.parameters().items()}
    try:
        return read_any_form(request.headers.get("Content-Type", ""), request.body)
    except NotAFormError as problem:
        raise refused(100, "No key provided") from problem


def _bytes(source: Part) -> bytes:
    """The picture: a file's bytes, or base64 in a plain field."""
    if source.filename is not None:
        return source.content
    try:
        return base64.b64decode(source.content, validate=True)
    except binascii.Error as problem:
        raise refused(120, "Invalid base64 string.") from problem


def _encoded_anew(content: bytes) -> bytes:
    """JPEGs as freeimage.host shows them: the same picture in more bytes; others as they came."""
    if not content.startswith(b"\xff\xd8\xff"):
        return content
    try:
        with Image.open(io.BytesIO(content)) as image:
            out = io.BytesIO()
            image.save(out, "JPEG", quality=92)
            return out.getvalue()
    except OSError as problem:
        raise NotAPictureError(str(problem)) from problem


def _in_format(form: Mapping[str, Part], item: Item, told: dict[str, Any]) -> Reply:
    wanted = form["format"].text if "format" in form else "json"
    if wanted == "txt":
        return text_reply(200, str(told["url"]))
    if wanted == "redirect":
        return Reply(301, b"", {"Location": str(told["url_viewer"])})
    success = {"message": "image uploaded", "code": 200}
    return json_reply(
        200, {"status_code": 200, "success": success, "image": told, "status_txt": "OK"}
    )


_PAGE = "<!DOCTYPE html><html><head><title>That page doesn't exist</title></head></html>"
