"""One request and its answer, redirects included, with every network error spoken in ours."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpcore
import httpx

from image_assets.core.errors import InDoubtError, PermanentError, RejectedError, TransientError
from image_assets.services import answers, origins
from image_assets.services.answers import Redactor
from image_assets.services.connections import extensions
from image_assets.services.origins import Origin, shown
from image_assets.services.politeness import Deadline

T = TypeVar("T")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5


@dataclass(slots=True)
class Trip:
    """One attempt at one exchange, and how far it got."""

    method: str
    url: httpx.URL
    deadline: Deadline
    content: Mapping[str, Any]
    sent: bool = False
    status: int | None = None

    def watch(self, event: str, _: Mapping[str, Any]) -> None:
        """Called by httpcore at each step: only what was sent whole can have been carried out."""
        self.sent = self.sent or event.endswith("send_request_body.complete")

    @property
    def undecided(self) -> bool:
        """Nobody knows whether the server carried the request out."""
        return self.sent and self.status not in answers.REFUSED_UNTRIED


Read = Callable[[Trip, httpx.Response], T]


@dataclass(frozen=True, slots=True)
class Line:
    """How one service is reached. The headers hold keys: they never show."""

    service: str
    client: httpx.Client
    origins: frozenset[Origin]
    headers: Mapping[str, str] = field(repr=False)
    redactor: Redactor

    def exchange(self, trip: Trip, read: Read[T], *, repeatable: bool) -> T:
        """Ask once and give what `read` makes of the answer.

        Raises:
            InDoubtError: not repeatable, sent whole, and nobody knows what became of it.
        """
        try:
            return self._follow(trip, read)
        except TransientError as error:
            if repeatable or not trip.undecided:
                raise
            raise InDoubtError(f"{error}; it was sent and may have been carried out") from None

    def name(self, trip: Trip) -> str:
        """The exchange for messages."""
        return f"{self.service}: {trip.method} {self.redactor.clean(shown(str(trip.url)))}"

    def what(self, trip: Trip, response: httpx.Response) -> str:
        """The exchange and its status for messages."""
        return f"{self.name(trip)} answered {answers.phrase(response.status_code)}"

    def _follow(self, trip: Trip, read: Read[T]) -> T:
        for _ in range(_MOST_REDIRECTS + 1):
            with self._open(trip) as response:
                trip.status = response.status_code
                if response.status_code not in _REDIRECTS or "location" not in response.headers:
                    return read(trip, response)
                target = self._redirect(trip, response)
            trip.url = target
        raise PermanentError(
            f"{self.name(trip)}: more than {_MOST_REDIRECTS} redirects; check the address"
        )

    @contextmanager
    def _open(self, trip: Trip) -> Iterator[httpx.Response]:
        # The causes are told, never chained: their texts repeat what a server said.
        try:
            response = self.client.send(self._request(trip), stream=True)
            try:
                yield response
            finally:
                response.close()
        except (httpcore.TimeoutException, httpcore.NetworkError) as error:
            raise TransientError(f"{self.name(trip)}: {_cause(error)}") from None
        except httpcore.RemoteProtocolError as error:
            cause = self.redactor.clean(str(error))[:200]
            raise TransientError(f"{self.name(trip)}: broken or cut answer ({cause})") from None

    def _request(self, trip: Trip) -> httpx.Request:
        known = origins.origin(trip.url) in self.origins
        ours = self.headers if known else origins.for_strangers(self.headers)
        content = {**trip.content, "headers": {**ours, **trip.content.get("headers", {})}}
        steps = {**extensions(trip.deadline), "trace": trip.watch}
        return self.client.build_request(trip.method, trip.url, extensions=steps, **content)

    def _redirect(self, trip: Trip, response: httpx.Response) -> httpx.URL:
        """Where a redirect leads, when it stays with the origin that gave it."""
        try:
            target = trip.url.join(response.headers["location"])
        except httpx.InvalidURL:
            raise TransientError(f"{self.what(trip, response)}: leads to no address") from None
        if trip.method not in ("GET", "HEAD") or origins.origin(target) != origins.origin(trip.url):
            where = self.redactor.clean(shown(str(target)))
            raise RejectedError(
                f"{self.what(trip, response)}: leads to {where}, which is not followed;"
                " check the configured address"
            )
        return target


def _cause(error: Exception) -> str:
    """What happened, in words: httpcore's time-outs have none of their own."""
    kinds = {
        httpcore.ConnectTimeout: "connecting took too long",
        httpcore.ConnectError: "no connection",
        httpcore.ReadTimeout: "the answer took too long",
        httpcore.WriteTimeout: "sending took too long",
    }
    kind = kinds.get(type(error), "the connection broke")
    plain = isinstance(error, httpcore.TimeoutException) or not str(error)
    return kind if plain else f"{kind} ({error})"
