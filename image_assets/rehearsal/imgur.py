"""Imgur: uploads of a registered client without an account, their removal, its credits, and the pictures."""

import io
import secrets
from pathlib import Path
from typing import Any

from PIL import Image

from image_assets.rehearsal.clock import Clock
from image_assets.rehearsal.exchange import Refusal, Reply, Request, Route, dispatch, json_reply
from image_assets.rehearsal.forms import NotAFormError, Part, read_form
from image_assets.rehearsal.limits import Daily, Window
from image_assets.rehearsal.profile import Profile
from image_assets.rehearsal.shelf import Item, Look, NotAPictureError, Shelf

BASE = "/imgur"
IMAGES = f"{BASE}/images"

_LARGEST = 10_000_000
_LARGEST_PNG = 5_000_000  # a larger one becomes a JPEG
_LONG_GIF = 2_000_000
_CREDITS = 10  # of an upload
_KEPT = ("JPEG", "PNG", "GIF")  # every other format becomes a JPEG
_DELETEHASH = 15  # letters of it


class Imgur:
    """`/3/image` and `/3/credits` for one client, and the pictures below `/images`.

    A picture that is gone still has an address: it leads to a placeholder.

    Args:
        profile: the client's id and its budgets.
        address: where this is reached.
        clock: time.
        folder: where pictures are kept.
    """

    def __init__(
        self, profile: Profile, address: str, clock: Clock, folder: Path | None = None
    ) -> None:
        self.shelf = Shelf("imgur", clock, folder)
        self._profile, self._address = profile, address
        self._day = Daily(clock, profile.imgur_daily_uploads)
        self._hour = Window(clock, profile.imgur_hourly_uploads, 3600)
        self._routes = (
            Route("POST", "/3/image", self._upload),
            Route("POST", "/3/upload", self._upload),
            Route("GET", "/3/image/{identifier}", self._tell),
            Route("DELETE", "/3/image/{deletehash}", self._remove),
            Route("GET", "/3/credits", self._tell_credits),
            Route("GET", "/images/{name}", self._show),
        )

    def reset(self) -> None:
        """No pictures, nothing spent."""
        self.shelf.reset()
        self._day.reset()
        self._hour.reset()

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request, with what is left of the client's budgets."""
        route, reply = dispatch(self._routes, request, _unknown)
        return route, reply.plus(self._left(request))

    def _upload(self, request: Request) -> Reply:
        self._admit(request, writes=True)
        sent = _image(request)
        if self._hour.take() or not self._day.take():
            raise Refusal(_too_many())
        try:
            content = _converted(sent.content, Look.of(sent.content))
        except NotAPictureError as problem:
            raise _refused(request, 400, "File type invalid (1)") from problem
        item = self.shelf.add(content, name=sent.filename or "", sent=sent.content)
        return _success(self._told(item) | {"deletehash": item.secret[:_DELETEHASH]})

    def _tell(self, request: Request, identifier: str) -> Reply:
        # The hash that deletes is told once, to whoever uploaded.
        self._admit(request)
        item = self.shelf.get(identifier)
        if item is None:
            raise _refused(request, 404, "Unable to find an image with the id")
        return _success(self._told(item))

    def _remove(self, request: Request, deletehash: str) -> Reply:
        self._admit(request, writes=True)
        for item in self.shelf:
            if item.secret[:_DELETEHASH] == deletehash:
                self.shelf.remove(item.id)
                return _success(True)
        raise _refused(request, 404, "Unable to find an image with the id")

    def _show(self, request: Request, name: str) -> Reply:
        if name == "removed.png":
            return Reply(200, _PLACEHOLDER, {"Content-Type": "image/png"})
        item = self.shelf.get(name.partition(".")[0])
        if item is None:
            return Reply(302, b"", {"Location": f"{IMAGES}/removed.png"})
        return self.shelf.shown(item, request)

    def _tell_credits(self, request: Request) -> Reply:
        self._admit(request)
        left, most = self._credits()
        return _success({"UserLimit": 500, "UserRemaining": 500, "UserReset": 3600,
                         "ClientLimit": most, "ClientRemaining": left})  # fmt: skip

    def _admit(self, request: Request, *, writes: bool = False) -> None:
        scheme, _, client = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "client-id":
            raise _refused(request, 401, "Authentication required")
        blocked = client == self._profile.imgur_blocked_client_id
        if client != self._profile.imgur_client_id and (writes or not blocked):
            raise _refused(request, 403, "Invalid client_id")

    def _told(self, item: Item) -> dict[str, Any]:
        size = len(self.shelf.content(item))
        # A long GIF's link is that of its first picture.
        short = "h" if item.look.format == "GIF" and size > _LONG_GIF else ""
        return {
            "id": item.id,
            "title": None,
            "description": None,
            "datetime": int(item.created_at.timestamp()),
            "type": item.look.mime,
            "animated": item.look.frames > 1,
            "width": item.look.width,
            "height": item.look.height,
            "size": size,
            "views": 0,
            "bandwidth": 0,
            "account_url": None,
            "account_id": 0,
            "in_gallery": False,
            "name": "",
            "link": f"{self._address}/images/{item.id}{short}.{item.look.extension}",
        }

    def _credits(self) -> tuple[int, int]:
        most = (self._profile.imgur_daily_uploads or 1250) * _CREDITS
        return max(0, most - self._day.used * _CREDITS), most

    def _left(self, request: Request) -> dict[str, str]:
        left, most = self._credits()
        told = {
            "X-RateLimit-UserLimit": "500",
            "X-RateLimit-UserRemaining": "500",
            "X-RateLimit-UserReset": "3600",  # seconds, although the documentation says a time
            "X-RateLimit-ClientLimit": str(most),
            "X-RateLimit-ClientRemaining": str(left),
        }
        if request.method == "POST":
            posts, reset = self._hour.left()
            told |= {
                "X-Post-Rate-Limit-Limit": "1250",
                "X-Post-Rate-Limit-Remaining": str(posts),
                "X-Post-Rate-Limit-Reset": str(reset),
            }
        return told


def _converted(content: bytes, look: Look) -> bytes:
    """What is kept of a picture."""
    large = look.format == "PNG" and len(content) > _LARGEST_PNG
    if look.format in _KEPT and not large:
        return content
    with Image.open(io.BytesIO(content)) as image:
        out = io.BytesIO()
        image.convert("RGB").save(out, "JPEG", quality=85)
    return out.getvalue()


def _image(request: Request) -> Part:
    """The picture that a form holds."""
    try:
        form = read_form(request.headers.get("Content-Type", ""), request.body)
    except NotAFormError as problem:
        raise _refused(request, 400, "Bad Request") from problem
    image = form.get("image")
    if image is None or image.filename is None or not image.content:
        raise _refused(request, 400, "No image data was sent to the upload api")
    if len(image.content) > _LARGEST:
        raise _refused(request, 400, "File is over the size limit")
    return image


def _success(data: Any) -> Reply:
    return json_reply(200, {"data": data, "success": True, "status": 200})


def _unknown(request: Request) -> Reply:
    return Reply(404, b"<html><body>404</body></html>", {"Content-Type": "text/html"})


def _too_many() -> Reply:
    told = {"id": f"legacy-api-{secrets.token_hex(4)}", "code": "429",
            "status": "Too Many Requests", "detail": "Too Many Requests"}  # fmt: skip
    return json_reply(429, {"errors": [told]})


def _refused(request: Request, status: int, message: str) -> Refusal:
    data = {"error": message, "request": request.path, "method": request.method}
    return Refusal(json_reply(status, {"data": data, "success": False, "status": status}))


def _placeholder() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (161, 81), "gray").save(out, "PNG")
    return out.getvalue()


_PLACEHOLDER = _placeholder()
