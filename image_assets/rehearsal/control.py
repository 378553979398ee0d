"""The director's door, `/_control`: faults, the journal, the clock, and a fresh start.

POST   /_control/faults    {"route": "<regex on METHOD /path>", "fault": {"kind": …}, "times": n, "probability": p, "seed": s}
DELETE /_control/faults    nothing goes wrong any more
GET    /_control/requests  what was asked (see `journal`)
GET    /_control/held      how many pictures each host of pictures holds
POST   /_control/clock     {"now": "2025-09-03T12:00:00Z", "frozen": true} or {"advance": seconds}
GET    /_control/clock     {"now": …}
POST   /_control/reset     as at the start: state, faults, journal, clock
"""

import datetime as dt
import json
import re
from collections.abc import Callable
from typing import Any

from image_assets.rehearsal.clock import Clock
from image_assets.rehearsal.exchange import Refusal, Reply, Request, Route, dispatch, json_reply
from image_assets.rehearsal.faults import Fault, Faults, Rule
from image_assets.rehearsal.journal import Journal

BASE = "/_control"


class Control:
    """Answers under `/_control`; itself never faulty, never counted."""

    def __init__(
        self,
        faults: Faults,
        journal: Journal,
        clock: Clock,
        reset: Callable[[], None],
        held: Callable[[], dict[str, int]],
    ) -> None:
        self._faults, self._journal, self._clock, self._reset = faults, journal, clock, reset
        self._routes = (
            Route("POST", "/faults", self._add_fault),
            Route("DELETE", "/faults", self._clear_faults),
            Route("GET", "/requests", lambda _: json_reply(200, journal.report())),
            Route("GET", "/held", lambda _: json_reply(200, held())),
            Route("POST", "/clock", self._set_clock),
            Route("GET", "/clock", lambda _: self._time()),
            Route("POST", "/reset", self._start_again),
        )

    def answer(self, request: Request) -> Reply:
        """The reply to a request below `/_control`."""
        unknown = json_reply(404, {"error": f"no {request.method} {BASE}{request.path}"})
        return dispatch(self._routes, request, lambda _: unknown)[1]

    def _add_fault(self, request: Request) -> Reply:
        order = _json_object(request)
        try:
            rule = Rule(
                order.pop("route"),
                Fault.of(order.pop("fault")),
                **{name: value for name, value in order.items() if value is not None},
            )
        except (KeyError, TypeError, ValueError, re.error) as error:
            raise _refused(error) from error
        self._faults.add(rule)
        return json_reply(201, {"ok": True})

    def _clear_faults(self, _: Request) -> Reply:
        self._faults.clear()
        return json_reply(200, {"ok": True})

    def _set_clock(self, request: Request) -> Reply:
        order = _json_object(request)
        try:
            if "advance" in order:
                self._clock.advance(float(order["advance"]))
            else:
                now = dt.datetime.fromisoformat(order["now"])
                if now.utcoffset() is None:
                    now = now.replace(tzinfo=dt.UTC)
                self._clock.set(now, frozen=bool(order.get("frozen", False)))
        except (KeyError, TypeError, ValueError) as error:
            raise _refused(error) from error
        return self._time()

    def _time(self) -> Reply:
        return json_reply(200, {"now": self._clock.now().isoformat()})

    def _start_again(self, _: Request) -> Reply:
        self._reset()
        return json_reply(200, {"ok": True})


def _json_object(request: Request) -> dict[str, Any]:
    try:
        value = json.loads(request.body or b"{}")
    except ValueError as error:
        raise _refused(error) from error
    if not isinstance(value, dict):
        raise Refusal(json_reply(400, {"error": "a JSON object is needed"}))
    return value


def _refused(error: Exception) -> Refusal:
    return Refusal(json_reply(400, {"error": f"{type(error).__name__}: {error}"}))
