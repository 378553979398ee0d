"""The camera site: its daily index files, and the pictures under their addresses.

Its pages are in `camera_pages`.
"""

import datetime as dt
import hashlib
import re
import uuid
from html import escape
from urllib.parse import unquote

from image_assets.rehearsal import pictures, scene, schedule
from image_assets.rehearsal.clock import Clock
from image_assets.rehearsal.downloads import Download
from image_assets.rehearsal.exchange import (
    Reply,
    Request,
    Route,
    dispatch,
    json_reply,
    text_reply,
)
from image_assets.rehearsal.profile import Profile
from image_assets.rehearsal.schedule import Frame

INDEX = "/draydog/index"
CDN = "/draydog/cdn"
APP = "/draydog/app"

_STAMP = "%Y-%m-%dT%H:%M:%S"
_IMAGE = re.compile(
    r"(?P<stamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)-(?P<stream>.+?)(?P<thumbnail>-thumbnail)?\.jpeg"
)


class CameraSite:
    """What the site knows, whichever of its three faces is asked; thread-safe."""

    def __init__(self, profile: Profile, clock: Clock) -> None:
        self._profile, self._clock = profile, clock

    def frames(self, terminal: str, stream: str, day: dt.date) -> tuple[Frame, ...] | None:
        """The pictures taken until now; None for a collection or day the site does not know."""
        now = self._clock.now()
        known = f"{terminal}/{stream}" in self._profile.collections
        if not known or not self._profile.first_day <= day <= now.date():
            return None
        frames = schedule.frames(self._profile, terminal, stream, day)
        return tuple(frame for frame in frames if frame.captured_at <= now)

    def first_day(self) -> dt.date:
        """The first day there is."""
        return self._profile.first_day

    def is_over(self, day: dt.date) -> bool:
        """Whether nothing can be added to the day any more."""
        return day < self._clock.now().date()

    def picture(self, terminal: str, stream: str, frame: Frame) -> bytes:
        """The JPEG of a frame."""
        return pictures.picture(
            terminal, stream, frame.shows, self._profile.seed, small=self._profile.miniatures
        )

    def collections(self) -> tuple[str, ...]:
        """What the site knows, as terminal/stream."""
        return self._profile.collections

    def missing(self, key: str) -> Reply:
        """What object storage says of a key that is not there."""
        if self._profile.missing_status == 403:
            return _storage_error(403, "AccessDenied", "Access Denied", "")
        key = f"<Key>{escape(key)}</Key>"
        return _storage_error(404, "NoSuchKey", "The specified key does not exist.", key)

    def now(self) -> dt.datetime:
        """The rehearsal's time."""
        return self._clock.now()


class Index:
    """`GET /{terminal}/{stream}/{date}.json`: what was taken on a UTC day."""

    def __init__(self, site: CameraSite, cdn: str) -> None:
        self._site, self._cdn = site, cdn
        self._routes = (Route("GET", "/{terminal}/{stream}/{day}.json", self._day),)

    def reset(self) -> None:
        """Nothing is remembered here."""

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request below the index."""
        return dispatch(self._routes, request, lambda asked: self._site.missing(asked.path[1:]))

    def _day(self, request: Request, terminal: str, stream: str, day: str) -> Reply:
        date = _date(day)
        frames = self._site.frames(terminal, stream, date) if date else None
        if date is None or frames is None:
            return self._site.missing(request.path[1:])
        images = [self._entry(terminal, stream, frame) for frame in frames]
        listing = json_reply(
            200,
            {
                "terminal": terminal,
                "stream": stream,
                "date": day,
                "complete": self._site.is_over(date),
                "images": images,
            },
        )
        changed = frames[-1].captured_at if frames else dt.datetime.combine(date, dt.time(), dt.UTC)
        etag = f'"{hashlib.md5(listing.body, usedforsecurity=False).hexdigest()}"'
        return Download(listing.body, "application/json", etag, changed).reply(request)

    def _entry(self, terminal: str, stream: str, frame: Frame) -> dict[str, object]:
        return {
            "timestamp": frame.captured_at.strftime(_STAMP),
            "url": f"{self._cdn}/{image_key(terminal, stream, frame.captured_at)}",
            "bytes": len(self._site.picture(terminal, stream, frame)),
        }


class Cdn:
    """`GET /{terminal}/{date}/{hour}/{timestamp}-{stream}.jpeg`, and its `-thumbnail`."""

    def __init__(self, site: CameraSite) -> None:
        self._site = site
        self._routes = (Route("GET", "/{terminal}/{day}/{hour}/{image}", self._image),)

    def reset(self) -> None:
        """Nothing is remembered here."""

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request below the CDN."""
        if request.method not in ("GET", "HEAD"):
            message = "The specified method is not allowed against this resource."
            return "*", _storage_error(405, "MethodNotAllowed", message, "")
        return dispatch(self._routes, request, lambda asked: self._site.missing(asked.path[1:]))

    def _image(self, request: Request, terminal: str, day: str, hour: str, image: str) -> Reply:
        key = unquote(request.path[1:])
        found = _IMAGE.fullmatch(image)
        captured_at = found and _time(found["stamp"])
        # The hour is not padded: whatever spells another key than ours is another object.
        if (
            not found
            or not captured_at
            or key
            != image_key(terminal, found["stream"], captured_at, thumbnail=bool(found["thumbnail"]))
        ):
            return self._site.missing(key)
        frame = self._frame(terminal, found["stream"], captured_at)
        if frame is None or frame.lost or (frame.thumbnail_only and not found["thumbnail"]):
            return self._site.missing(key)
        content = self._site.picture(terminal, found["stream"], frame)
        if found["thumbnail"]:
            content = scene.thumbnail(content)
        etag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
        return Download(content, "image/jpeg", etag, frame.captured_at).reply(request)

    def _frame(self, terminal: str, stream: str, captured_at: dt.datetime) -> Frame | None:
        frames = self._site.frames(terminal, stream, captured_at.date()) or ()
        return next((frame for frame in frames if frame.captured_at == captured_at), None)


def image_key(
    terminal: str, stream: str, captured_at: dt.datetime, *, thumbnail: bool = False
) -> str:
    """A picture's key in the site's storage; the hour has no leading zero."""
    suffix = "-thumbnail" if thumbnail else ""
    stamp = captured_at.strftime(_STAMP)
    return f"{terminal}/{stamp[:10]}/{captured_at.hour}/{stamp}-{stream}{suffix}.jpeg"


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def _time(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.strptime(text, _STAMP).replace(tzinfo=dt.UTC)
    except ValueError:
        return None


def _storage_error(status: int, code: str, message: str, more: str) -> Reply:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message>{more}"
        f"<RequestId>{uuid.uuid4().hex[:16].upper()}</RequestId></Error>"
    )
    return text_reply(status, body, "application/xml")
