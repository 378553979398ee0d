"""Faults: what goes wrong on the way, and on which requests.

A fault is JSON such as `{"kind": "status", "status": 503, "headers": {"Retry-After": "1"}}`. The
kinds `status`, `html`, `non_json` and `drop_before` answer instead of the service; with the others
the service has done its work first. `"processed"` turns that round.
"""

import random
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from image_assets.rehearsal.exchange import Reply, text_reply


class Kind(StrEnum):
    """What a fault does to an exchange."""

    STATUS = "status"  # `status`, with `body` and `headers`
    HTML = "html"  # 200 with a page where something else was asked for
    NON_JSON = "non_json"  # 200 that says JSON and is none
    DROP_BEFORE = "drop_before"  # the connection closes, nothing was done
    DROP_AFTER = "drop_after"  # the work is done, then the connection closes: in doubt
    DELAY = "delay"  # `seconds` later
    TRUNCATE = "truncate"  # the length is promised, `share` of the body comes
    WRONG_TYPE = "wrong_type"  # the body under another `content_type`
    SLOW_BODY = "slow_body"  # the body dribbles in over `seconds`
    EMPTY = "empty"  # the status without the body


_INSTEAD = {Kind.STATUS, Kind.HTML, Kind.NON_JSON, Kind.DROP_BEFORE}

_PAGE = """<!DOCTYPE html>
<html><head><title>Just a moment...</title></head>
<body><h1>Checking your browser</h1><p>This page could not be shown.</p></body></html>
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; `reset` makes a dropped or cut connection end in RST instead of a polite FIN."""

    kind: Kind
    processed: bool
    status: int = 503
    body: str = "upstream connect error or disconnect/reset before headers"
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 1.0
    share: float = 0.5
    content_type: str = "text/html; charset=utf-8"
    reset: bool = False

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> "Fault":
        """The fault that `description` spells.

        Raises:
            ValueError: it spells none; says what is wrong.
        """
        given = dict(description)
        try:
            kind = Kind(given.pop("kind", ""))
            fault = cls(kind=kind, processed=given.pop("processed", kind not in _INSTEAD), **given)
        except (TypeError, ValueError) as error:
            raise ValueError(f"not a fault: {error}; kinds are {', '.join(Kind)}") from error
        if not 0 <= fault.share < 1 or fault.seconds < 0:
            raise ValueError("not a fault: 0 <= share < 1 and seconds >= 0")
        return fault

    @property
    def drops(self) -> bool:
        """Whether the connection closes without a word."""
        return self.kind in (Kind.DROP_BEFORE, Kind.DROP_AFTER)

    def spoil(self, reply: Reply) -> Reply:
        """What becomes of the service's reply, where it is more than bytes on a wire."""
        match self.kind:
            case Kind.STATUS:
                kind = {"Content-Type": "text/plain; charset=utf-8"}
                return Reply(self.status, self.body.encode(), {**kind, **self.headers})
            case Kind.HTML:
                return text_reply(200, _PAGE, "text/html; charset=utf-8")
            case Kind.NON_JSON:
                return text_reply(200, self.body, "application/json")
            case Kind.WRONG_TYPE:
                return reply.plus({"Content-Type": self.content_type})
            case Kind.EMPTY:
                return Reply(reply.status, b"", reply.headers)
            case _:
                return reply


class Rule:
    """A fault for the requests whose `METHOD /path` the route matches; as often as `times` says."""

    def __init__(
        self,
        route: str,
        fault: Fault,
        *,
        times: int | None = None,
        probability: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.route = re.compile(route)
        self.fault = fault
        self.times = times
        self.probability = probability
        self._random = random.Random(seed)

    def strikes(self, names: tuple[str, ...]) -> bool:
        """Whether it strikes this request, which goes by any of these names."""
        if self.times == 0 or not any(self.route.search(name) for name in names):
            return False
        if self._random.random() >= self.probability:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Faults:
    """The rules in force, the oldest first; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def add(self, rule: Rule) -> None:
        """Put a rule in force."""
        with self._lock:
            self._rules.append(rule)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._rules.clear()

    def strike(self, names: tuple[str, ...]) -> Fault | None:
        """The fault of the first rule that strikes a request of these names."""
        with self._lock:
            return next((rule.fault for rule in self._rules if rule.strikes(names)), None)
