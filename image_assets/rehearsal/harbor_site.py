"""A second camera site, with addresses, markup and a time zone of its own; it is plain HTML.

GET /archive/{terminal}/{stream}/{year}/{month}/{day}?page=2   a local day, some pictures a page
GET /full/{terminal}/{YYYYMMDD}/{stream}_{HHMMSS}.jpg          a picture by its local time
GET /small/…                                                   its thumbnail
"""

import datetime as dt
import hashlib
import re
from html import escape
from zoneinfo import ZoneInfo

from image_assets.rehearsal import pictures, scene, schedule
from image_assets.rehearsal.clock import Clock
from image_assets.rehearsal.downloads import Download
from image_assets.rehearsal.exchange import Reply, Request, Route, dispatch, text_reply
from image_assets.rehearsal.profile import Profile
from image_assets.rehearsal.schedule import Frame

BASE = "/harbor"
ON_A_PAGE = 10

_FILE = re.compile(r"(?P<stream>.+)_(?P<time>\d{6})\.jpg")


class HarborSite:
    """The site; thread-safe."""

    def __init__(self, profile: Profile, clock: Clock) -> None:
        self._profile, self._clock = profile, clock
        self._zone = ZoneInfo(profile.harbor_zone)
        self._routes = (
            Route("GET", "/archive/{terminal}/{stream}/{year}/{month}/{day}", self._archive),
            Route("GET", "/full/{terminal}/{day}/{file}", self._full),
            Route("GET", "/small/{terminal}/{day}/{file}", self._small),
        )

    def reset(self) -> None:
        """Nothing is remembered here."""

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request below the site."""
        return dispatch(self._routes, request, lambda _: _missing())

    def _archive(
        self, request: Request, terminal: str, stream: str, year: str, month: str, day: str
    ) -> Reply:
        date = _date(f"{year}{month}{day}")
        frames = None if date is None else self._frames(terminal, stream, date)
        if date is None or frames is None:
            return _missing()
        number = request.parameters().get("page", "1")
        start = (int(number) - 1) * ON_A_PAGE if number.isdigit() else 0
        shown = frames[start : start + ON_A_PAGE]
        more = f'<a class="next" href="?page={int(number) + 1}">older pictures</a>'
        page = (
            f"<!DOCTYPE html><title>Harbor archive</title><h1>{date:%A, %B} {date.day}, {date:%Y}</h1>"
            + "".join(self._figure(terminal, stream, frame) for frame in shown)
            + (more if start + len(shown) < len(frames) else "")
        )
        return text_reply(200, page, "text/html; charset=utf-8")

    def _figure(self, terminal: str, stream: str, frame: Frame) -> str:
        at = frame.captured_at.astimezone(self._zone)
        key = escape(f"{terminal}/{at:%Y%m%d}/{stream}_{at:%H%M%S}.jpg")
        up = "../" * 5
        return (
            f'<figure class="shot"><a href="{up}full/{key}"><img src="{up}small/{key}"></a>'
            f"<figcaption>{at:%b} {at.day}, {at:%Y %I:%M:%S %p %z}</figcaption></figure>"
        )

    def _full(self, request: Request, terminal: str, day: str, file: str) -> Reply:
        found = self._found(terminal, day, file)
        if found is None or found[1].lost or found[1].thumbnail_only:
            return _missing()
        return self._download(request, terminal, *found, small=False)

    def _small(self, request: Request, terminal: str, day: str, file: str) -> Reply:
        found = self._found(terminal, day, file)
        if found is None or found[1].lost:
            return _missing()
        return self._download(request, terminal, *found, small=True)

    def _download(
        self, request: Request, terminal: str, stream: str, frame: Frame, *, small: bool
    ) -> Reply:
        content = pictures.picture(terminal, stream, frame.shows, self._profile.seed)
        content = scene.thumbnail(content) if small else content
        etag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
        return Download(content, "image/jpeg", etag, frame.captured_at).reply(request)

    def _found(self, terminal: str, day: str, file: str) -> tuple[str, Frame] | None:
        date, name = _date(day), _FILE.fullmatch(file)
        frames = self._frames(terminal, name["stream"], date) if date and name else None
        if name is None or frames is None:
            return None
        for frame in frames:
            if f"{frame.captured_at.astimezone(self._zone):%H%M%S}" == name["time"]:
                return name["stream"], frame
        return None

    def _frames(self, terminal: str, stream: str, day: dt.date) -> list[Frame] | None:
        """The pictures of a local day until now, newest first; None when the site knows it not."""
        now = self._clock.now()
        known = f"{terminal}/{stream}" in self._profile.harbor_cameras
        if not known or not self._profile.first_day <= day <= now.astimezone(self._zone).date():
            return None
        nearby = (day + dt.timedelta(days=days) for days in (-1, 0, 1))
        taken = [f for d in nearby for f in schedule.frames(self._profile, terminal, stream, d)]
        mine = (f for f in taken if f.captured_at.astimezone(self._zone).date() == day)
        return [frame for frame in mine if frame.captured_at <= now][::-1]


def _date(text: str) -> dt.date | None:
    try:
        return dt.datetime.strptime(text, "%Y%m%d").replace(tzinfo=dt.UTC).date()
    except ValueError:
        return None


def _missing() -> Reply:
    page = "<!DOCTYPE html><title>Not found</title><h2>There is no such page</h2>"
    return text_reply(404, page, "text/html; charset=utf-8")
