"""Requests, replies and the routes between them, free of sockets."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.message import Message
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked. `path` is as it was sent (escapes kept), below the service's base."""

    method: str
    path: str
    query: str = ""
    headers: Message = field(default_factory=Message, repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def bearer(self) -> str | None:
        """The bearer token of the Authorization header; None when there is no such header."""
        header = self.headers.get("Authorization")
        if header is None:
            return None
        scheme, _, token = header.partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    @property
    def content_type(self) -> str:
        """The media type of the body in lower case, parameters cut off; empty when not given."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def parameters(self) -> dict[str, str]:
        """The query's parameters; the last value of each."""
        return {k: v[-1] for k, v in parse_qs(self.query, keep_blank_values=True).items()}

    def below(self, base: str) -> "Request":
        """The same request with `base` taken off its path."""
        return replace(self, path=self.path.removeprefix(base) or "/")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the service answers; `Content-Length` is added where the reply is written."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    def plus(self, headers: Mapping[str, str]) -> "Reply":
        """The same reply with more headers."""
        return replace(self, headers={**self.headers, **headers})


def json_reply(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """A reply that holds `value` as JSON."""
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return Reply(status, body, {"Content-Type": "application/json", **(headers or {})})


def text_reply(status: int, text: str, media_type: str = "text/plain; charset=utf-8") -> Reply:
    """A reply that holds plain text, or markup under another `media_type`."""
    return Reply(status, text.encode(), {"Content-Type": media_type})


class Refusal(Exception):  # noqa: N818  (an answer that cuts a handler short, not a fault of ours)
    """The answer is no: `reply` says why, in the words of the service."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


Answer = Callable[..., Reply]


class Route:
    """One method and path template, such as `GET /files/{network}`, and who answers it.

    A `{name}` stands for one path segment; its value is given decoded, as a keyword.
    """

    def __init__(self, method: str, template: str, answer: Answer) -> None:
        self.methods = ("GET", "HEAD") if method == "GET" else (method,)
        self.template = template
        self.answer = answer
        parts = re.split(r"\{(\w+)\}", template)
        escaped = (f"(?P<{p}>[^/]+)" if i % 2 else re.escape(p) for i, p in enumerate(parts))
        self._pattern = re.compile("".join(escaped))

    def match(self, path: str) -> dict[str, str] | None:
        """The decoded segments of `path`; None when it is another route's."""
        found = self._pattern.fullmatch(path)
        return found and {name: unquote(value) for name, value in found.groupdict().items()}


class Service(Protocol):
    """A stand-in, by what the switchboard needs of it."""

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The template of the route, and the reply."""
        ...

    def reset(self) -> None:
        """Forget everything that was stored or counted."""
        ...


def dispatch(
    routes: Sequence[Route],
    request: Request,
    unknown: Callable[[Request], Reply],
) -> tuple[str, Reply]:
    """The reply of the route that fits, or of `unknown` under the template `*`."""
    for route in routes:
        segments = route.match(request.path)
        if segments is None or request.method not in route.methods:
            continue
        try:
            return route.template, route.answer(request, **segments)
        except Refusal as refusal:
            return route.template, refusal.reply
    return "*", unknown(request)
