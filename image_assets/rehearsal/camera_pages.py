"""The camera site's pages: a plain one of links, and one that its script fills by calls for JSON.

The second is what a browser is needed for: a date picker in Element UI's markup, live pictures, and
the history of a day, hours descending, loaded further while somebody scrolls.
"""

import datetime as dt
from html import escape
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

from image_assets.rehearsal.camera_site import CameraSite, image_key
from image_assets.rehearsal.exchange import (
    Refusal,
    Reply,
    Request,
    Route,
    dispatch,
    json_reply,
    text_reply,
)

AT_ONCE = 12
"""Pictures that one call for the history gives."""

_LIVE = 4
_HERE = Path(__file__).parent


class App:
    """The site's front page, and the page of a terminal with what its script asks for."""

    def __init__(self, site: CameraSite, zone: str, index: str, cdn: str) -> None:
        self._site, self._zone, self._index, self._cdn = site, ZoneInfo(zone), index, cdn
        self._routes = (
            Route("GET", "/", self._front),
            Route("GET", "/terminal_cameras/{terminal}", self._page),
            Route("GET", "/assets/terminal_cameras.js", self._script),
            Route("GET", "/api/terminals/{terminal}", self._terminal),
            Route("GET", "/api/terminals/{terminal}/{stream}/live", self._live),
            Route("GET", "/api/terminals/{terminal}/{stream}/history", self._history),
        )

    def reset(self) -> None:
        """Nothing is remembered here."""

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request below the application."""
        return dispatch(self._routes, request, lambda _: text_reply(404, "Not found"))

    def _front(self, _: Request) -> Reply:
        today = self._site.now().date()
        days = [(today - dt.timedelta(days=back)).isoformat() for back in range(3)]
        items = "".join(
            f"<h2>{escape(name)}</h2><ul>"
            + "".join(
                f'<li><a href="{escape(f"{self._index}/{name}/{day}.json")}">{day}</a></li>'
                for day in days
            )
            + "</ul>"
            for name in self._site.collections()
        )
        page = f"<!DOCTYPE html><title>Terminal cameras</title><h1>Terminal cameras</h1>{items}"
        return text_reply(200, page, "text/html; charset=utf-8")

    def _page(self, _: Request, terminal: str) -> Reply:
        self._streams(terminal)
        return _file("terminal_cameras.html", "text/html; charset=utf-8")

    def _script(self, _: Request) -> Reply:
        return _file("terminal_cameras.js", "text/javascript; charset=utf-8")

    def _terminal(self, _: Request, terminal: str) -> Reply:
        first, last = self._site.first_day(), self._today()
        about = {"streams": self._streams(terminal), "first": f"{first}", "last": f"{last}"}
        return json_reply(200, about)

    def _live(self, _: Request, terminal: str, stream: str) -> Reply:
        taken = self._taken(terminal, stream, self._today())[-_LIVE:]
        return json_reply(200, {"images": [self._image(terminal, stream, at) for at in taken]})

    def _history(self, request: Request, terminal: str, stream: str) -> Reply:
        asked = request.parameters()
        try:
            day, offset = dt.date.fromisoformat(asked.get("date", "")), int(asked.get("offset", 0))
        except ValueError:
            raise Refusal(json_reply(400, {"error": "a date and an offset are needed"})) from None
        taken = _hours_descending(self._taken(terminal, stream, day), self._zone)
        shown = taken[offset : offset + AT_ONCE]
        images = [self._image(terminal, stream, at) for at in shown]
        return json_reply(200, {"images": images, "more": offset + len(shown) < len(taken)})

    def _streams(self, terminal: str) -> list[str]:
        names = [name.partition("/") for name in self._site.collections()]
        streams = [stream for home, _, stream in names if home == terminal]
        if not streams:
            raise Refusal(text_reply(404, "Not found"))
        return streams

    def _today(self) -> dt.date:
        return self._site.now().astimezone(self._zone).date()

    def _taken(self, terminal: str, stream: str, day: dt.date) -> list[dt.datetime]:
        """Capture times of one day of the page's zone, in order."""
        if stream not in self._streams(terminal):
            raise Refusal(json_reply(404, {"error": "no such stream"}))
        nearby = (day + dt.timedelta(days=days) for days in (-1, 0, 1))
        frames = [f for near in nearby for f in self._site.frames(terminal, stream, near) or ()]
        times = (frame.captured_at for frame in frames)
        return [at for at in times if at.astimezone(self._zone).date() == day]

    def _image(self, terminal: str, stream: str, at: dt.datetime) -> dict[str, str]:
        key = image_key(terminal, stream, at, thumbnail=True)
        return {"src": f"{self._cdn}/{key}", "hour": f"{at.astimezone(self._zone):%H}:00"}


def _hours_descending(taken: list[dt.datetime], zone: ZoneInfo) -> list[dt.datetime]:
    """The latest hour first, and within each hour in order, as the site shows them."""
    hours = [list(hour) for _, hour in groupby(taken, lambda at: at.astimezone(zone).hour)]
    return [at for hour in reversed(hours) for at in hour]


def _file(name: str, media_type: str) -> Reply:
    return text_reply(200, (_HERE / name).read_text("utf-8"), media_type)
