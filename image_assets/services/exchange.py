"""One request and its answer, redirects included, with every network error spoken in ours."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from image_assets.core.errors import (
    InDoubtError,
    NotDoneError,
    PermanentError,
    RejectedError,
    TransientError,
)
from image_assets.services import answers, origins
from image_assets.services.answers import Redactor
from image_assets.services.connections import Connections, Reply
from image_assets.services.origins import Origin, shown
from image_assets.services.politeness import Deadline
from image_assets.services.stream import BrokenError

T = TypeVar("T")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_ALWAYS = {
    "accept": "*/*",
    "accept-encoding": "identity",
    "user-agent": f"python-httpx/{httpx.__version__}",
}
"""Unless somebody says otherwise."""


@dataclass(slots=True)
class Trip:
    """One attempt at one exchange, and how far it got."""

    method: str
    url: httpx.URL
    deadline: Deadline
    content: Mapping[str, Any]
    sent: bool = False
    status: int | None = None

    def mark_sent(self) -> None:
        """The request left whole: only now can it have been carried out."""
        self.sent = True

    @property
    def undecided(self) -> bool:
        """Nobody knows whether the server carried the request out."""
        return self.sent and self.status not in answers.REFUSED_UNTRIED


Read = Callable[[Trip, Reply], T]


@dataclass(frozen=True, slots=True)
class Line:
    """How one service is reached. The headers hold keys: they never show.

    There is no `httpx.Client` between: its cookies, proxies, redirects and keys in addresses are
    not wanted, and it copies a body again and again.
    """

    service: str
    connections: Connections
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
            if repeatable or not trip.undecided or isinstance(error, NotDoneError):
                raise
            raise InDoubtError(f"{error}; it was sent and may have been carried out") from None

    def name(self, trip: Trip) -> str:
        """The exchange for messages."""
        return f"{self.service}: {trip.method} {self._shown(trip.url)}"

    def what(self, trip: Trip, reply: Reply) -> str:
        """The exchange and its status for messages."""
        return f"{self.name(trip)} answered {answers.phrase(reply.status)}"

    def _shown(self, url: httpx.URL) -> str:
        # Redacted before it is cut: half a secret is one too.
        return shown(self.redactor.clean(str(url)))

    def _follow(self, trip: Trip, read: Read[T]) -> T:
        for _ in range(_MOST_REDIRECTS + 1):
            with self._open(trip) as reply:
                trip.status = reply.status
                if reply.status not in _REDIRECTS or "location" not in reply.headers:
                    return read(trip, reply)
                target = self._redirect(trip, reply)
            trip.url = target
        raise PermanentError(
            f"{self.name(trip)}: more than {_MOST_REDIRECTS} redirects; check the address"
        )

    @contextmanager
    def _open(self, trip: Trip) -> Iterator[Reply]:
        request = self._request(trip)
        try:
            with self.connections.exchange(request, trip.deadline, trip.mark_sent) as reply:
                yield reply
        except BrokenError as error:
            # The cause is told, never chained: its text repeats what a server said.
            cause = self.redactor.clean(str(error))[:200]
            raise TransientError(f"{self.name(trip)}: {cause}") from None

    def _request(self, trip: Trip) -> httpx.Request:
        known = origins.origin(trip.url) in self.origins
        ours = self.headers if known else origins.for_strangers(self.headers)
        headers = {**_ALWAYS, **ours, **trip.content.get("headers", {})}
        return httpx.Request(trip.method, trip.url, **{**trip.content, "headers": headers})

    def _redirect(self, trip: Trip, reply: Reply) -> httpx.URL:
        """Where a redirect leads, when it stays with the origin that gave it."""
        try:
            target = trip.url.join(reply.headers["location"])
        except httpx.InvalidURL:
            raise TransientError(f"{self.what(trip, reply)}: leads to no address") from None
        if trip.method not in ("GET", "HEAD") or origins.origin(target) != origins.origin(trip.url):
            raise RejectedError(
                f"{self.what(trip, reply)}: leads to {self._shown(target)}, which is not followed;"
                " check the configured address"
            )
        return target
