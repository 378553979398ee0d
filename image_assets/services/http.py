"""One HTTP client per outside service: bounded, polite, and speaking our errors.

A call is bounded in attempts and in seconds, redirects and slow bodies included. Configured origins
are trusted as given; any other address must be public, and never sees our headers. Keys travel in
headers or bodies only.
"""

import weakref
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx

from image_assets.core.errors import RejectedError, TransientError
from image_assets.services import addresses, answers, origins, validators
from image_assets.services.addresses import LookUp
from image_assets.services.answers import Answer, Explain, Redactor
from image_assets.services.arrival import Download, Part, arriving
from image_assets.services.connection import Body
from image_assets.services.connections import Connections, Reply
from image_assets.services.exchange import Line, Read, Trip
from image_assets.services.persistence import begun, persist
from image_assets.services.politeness import Clock, Deadline, Politeness, Retry
from image_assets.services.remembered import Remembered

__all__ = ["Answer", "Clock", "Download", "Explain", "Http", "Politeness", "Retry"]


T = TypeVar("T")
_MOST_ANSWER = 16 * 1024 * 1024
_MOST_ERROR = 64 * 1024
_FILES = frozenset({httpx.codes.OK, httpx.codes.PARTIAL_CONTENT})

Content = Callable[[], Mapping[str, Any]]
"""What an attempt sends beside the headers of the client: the next may ask for less."""


class Http:
    """A client of one service; threads may share it.

    Args:
        service: the name in messages and logs.
        trusted: the configured addresses; `headers` go to their origins and to nobody else.
        politeness: how much we ask at a time; two connections when not given.
        retry: bounds of one call.
        timeout: seconds one attempt may take, from connecting to the last byte.
        headers: sent with every request; the values are secrets, except User-Agent and Accept.
        credential: the setting to check when the service refuses us.
        secrets: further texts that no message may hold.
        clock: time and chance.
        look_up: how names become addresses.
    """

    def __init__(
        self,
        service: str,
        trusted: Iterable[str],
        *,
        politeness: Politeness | None = None,
        retry: Retry | None = None,
        timeout: float = 30.0,
        headers: Mapping[str, str] | None = None,
        credential: str | None = None,
        secrets: Iterable[str] = (),
        clock: Clock | None = None,
        look_up: LookUp = addresses.look_up,
    ) -> None:
        self.service = service
        self.clock = clock or Clock()
        self.retry = retry or Retry()
        self._politeness = politeness or Politeness(clock=self.clock)
        self._timeout = timeout
        self._credential = credential
        self._look_up = look_up
        self._remembered = Remembered()
        self._line = self._open_line(
            trusted, origins.own(service, credential, headers or {}), secrets
        )
        # A client that is forgotten leaves no socket open.
        self._finalize = weakref.finalize(self, self._line.connections.close)

    def close(self) -> None:
        """Close every connection."""
        self._finalize()

    def rest(self) -> None:
        """Leave the service alone for as long as politeness asks, between one day and another."""
        self._politeness.rest()

    def request(
        self,
        method: str,
        url: str,
        *,
        repeatable: bool = True,
        check: Callable[[Answer], object] | None = None,
        explain: Explain | None = None,
        limit: int = _MOST_ANSWER,
        remember: bool = False,
        **content: Any,
    ) -> Answer:
        """Ask, and give the answer when it is a success.

        Args:
            method: GET, PUT …
            url: whole, not relative.
            repeatable: sending it twice is as good as once; else it is never sent again after it
                was sent whole, unless the server says that it did not carry it out.
            check: looks at a success and raises `TransientError` when it is none.
            explain: the service's own reading of an error.
            limit: bytes the answer may have.
            remember: a GET of what seldom changes: where the server says that it has not, the
                answer of the last time is given, without another `check`.
            content: `params`, `headers`, `content`, `data`, `files` or `json`, as httpx has them.

        Raises:
            InDoubtError: not repeatable, sent whole, and nobody knows what became of it.
        """
        known = self._remembered.get(url) if remember else None
        if known is not None:
            unless = validators.for_repeat(known.headers)
            content = {**content, "headers": {**content.get("headers", {}), **unless}}

        def read(trip: Trip, reply: Reply) -> Answer:
            answer = self._answer(trip, reply, limit)
            if known is not None and answer.status == httpx.codes.NOT_MODIFIED:
                return known
            self._raise_for(answer, explain)
            if check is not None:
                check(answer)
            return answer

        answer = self._persist(method, url, read, repeatable=repeatable, content=lambda: content)
        if remember:
            self._remembered.keep(url, answer)
        return answer

    def download(
        self,
        url: str,
        into: Path,
        *,
        limit: int,
        size: int | None = None,
        check: Callable[[Download], object] | None = None,
        explain: Explain | None = None,
    ) -> Download:
        """Write a body to a new file, whole or not at all.

        An attempt that is cut leaves its part to the next one, which asks for the rest alone where
        the server's ETag or Last-Modified can tell that it is the rest of the same file.

        Args:
            url: whole, not relative.
            into: the file; it must not exist, and does not exist after a failure.
            limit: bytes the body may have.
            size: bytes it should have, believed where the server does not say.
            check: looks at what arrived and raises `TransientError` when it is not what was asked.
            explain: the service's own reading of an error.

        Raises:
            UnreadableImageError: the body is larger than `limit`.
        """
        with arriving(into, limit) as part:

            def read(trip: Trip, reply: Reply) -> Download:
                if reply.status not in _FILES:
                    raise self._no_file(trip, reply, part, explain)
                got = self._receive(trip, reply, part, size)
                try:
                    if check is not None:
                        check(got)
                except TransientError:
                    part.forget()  # it is whole, and not what was asked for
                    raise
                return got

            def content() -> dict[str, Any]:
                return {"headers": part.headers}

            return self._persist("GET", url, read, repeatable=True, content=content)

    def refusal(self, url: str) -> str | None:
        """Why an address found in data may not be contacted; None when it may, or nobody knows yet.

        Connecting checks again: this is for saying so early.
        """
        try:
            origin = origins.origin(origins.parse(self.service, url))
            if origin not in self._line.origins:
                addresses.public(origin[1], origin[2], self._look_up)
        except RejectedError as error:
            return str(error)
        except OSError:
            return None  # the name does not resolve now; that proves nothing
        return None

    def _open_line(
        self, trusted: Iterable[str], headers: Mapping[str, str], secrets: Iterable[str]
    ) -> Line:
        known = frozenset(origins.origin(origins.parse(self.service, url)) for url in trusted)
        hosts = frozenset((host, port) for _, host, port in known)
        polite = self._politeness
        connections = Connections(
            hosts, keep=polite.connections, sip=polite.sip, look_up=self._look_up
        )
        redactor = Redactor([*secrets, *origins.secrets_in(headers)])
        return Line(self.service, connections, known, headers, redactor)

    def _persist(
        self, method: str, url: str, read: Read[T], *, repeatable: bool, content: Content
    ) -> T:
        def send(attempt: int, budget: Deadline) -> T:
            with self._politeness.turn(budget, self.service):
                begun(self.clock)
                deadline = budget.part(self._timeout)
                trip = Trip(method, origins.parse(self.service, url), deadline, content())
                return self._line.exchange(trip, read, repeatable=repeatable)

        return persist(send, self.retry, self.clock)

    def _answer(self, trip: Trip, reply: Reply, limit: int) -> Answer:
        what = self._line.what(trip, reply)
        body = bytearray()
        for chunk in self._body_of(what, trip, reply):
            body += chunk
            if not reply.is_success and len(body) > _MOST_ERROR:
                break
            if len(body) > limit:
                raise TransientError(f"{what} with more than {limit} bytes")
        return Answer(
            what,
            reply.status,
            reply.headers,
            bytes(body),
            self._line.redactor.excerpt(bytes(body)),
            answers.retry_after(reply.headers.get("retry-after"), self.clock.now()),
        )

    def _raise_for(self, answer: Answer, explain: Explain | None) -> None:
        common = answers.error_of(answer, self._credential)
        if common is not None:
            raise (explain(answer) if explain is not None else None) or common

    def _no_file(self, trip: Trip, reply: Reply, part: Part, explain: Explain | None) -> Exception:
        """The error of an answer that holds no file."""
        answer = self._answer(trip, reply, _MOST_ERROR)
        if part.headers and answer.status == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.forget()
            return TransientError(f"{answer.what}: the file is shorter than its part")
        self._raise_for(answer, explain)
        return TransientError(f"{answer.what} where a whole file was asked for")

    def _receive(self, trip: Trip, reply: Reply, part: Part, size: int | None) -> Download:
        what = self._line.what(trip, reply)
        part.begin(what, reply)
        for chunk in self._body_of(what, trip, reply):
            part.add(what, chunk)
        return part.finish(what, reply, expected=size)

    def _body_of(self, what: str, trip: Trip, reply: Reply) -> Body:
        # We ask for plain bytes: decoders take a cut stream for a whole one.
        encoding = reply.headers.get("content-encoding", "identity")
        if reply.is_success and encoding != "identity":
            raise TransientError(f"{what} in an encoding that was not asked for")
        for chunk in reply.body:
            self._politeness.pay(len(chunk), trip.deadline)
            yield chunk
