"""One HTTP client per outside service: bounded, polite, and speaking our errors.

A call is bounded in attempts and in seconds, redirects and slow bodies included. Configured origins
are trusted as given; any other address must be public, and never sees our headers. Keys travel in
headers or bodies only.
"""

import hashlib
import logging
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from image_assets.core.errors import RejectedError, TransientError, UnreadableImageError
from image_assets.services import addresses, answers, origins
from image_assets.services.addresses import LookUp
from image_assets.services.answers import Answer, Explain, Redactor
from image_assets.services.connections import Connections
from image_assets.services.durable import disk_errors
from image_assets.services.exchange import Line, Read, Trip
from image_assets.services.politeness import Clock, Deadline, Politeness, Retry

__all__ = ["Answer", "Clock", "Download", "Explain", "Http", "Politeness", "Retry"]

log = logging.getLogger(__name__)
logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it logs whole URLs

T = TypeVar("T")
_MOST_ANSWER = 16 * 1024 * 1024
_MOST_ERROR = 64 * 1024
_HEAD = 64


@dataclass(frozen=True, slots=True)
class Download:
    """A file that arrived whole. `head` is its first bytes, at most 64; `what` is for messages."""

    what: str
    url: str
    sha256: str
    size: int
    head: bytes
    headers: Mapping[str, str]


@dataclass(slots=True)
class _Body:
    """A body on its way in."""

    size: int = 0
    head: bytes = b""
    digest: Any = field(default_factory=hashlib.sha256)

    def add(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self.head = (self.head + chunk[:_HEAD])[:_HEAD]
        self.digest.update(chunk)


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
        self._line = self._open_line(
            trusted, origins.own(service, credential, headers or {}), secrets
        )
        # A client that is forgotten leaves no socket open.
        self._finalize = weakref.finalize(self, self._line.client.close)

    def close(self) -> None:
        """Close every connection."""
        self._finalize()

    def request(
        self,
        method: str,
        url: str,
        *,
        repeatable: bool = True,
        check: Callable[[Answer], object] | None = None,
        explain: Explain | None = None,
        limit: int = _MOST_ANSWER,
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
            content: `params`, `headers`, `content`, `data`, `files` or `json`, as httpx has them.

        Raises:
            InDoubtError: not repeatable, sent whole, and nobody knows what became of it.
        """

        def read(trip: Trip, response: httpx.Response) -> Answer:
            answer = self._answer(trip, response, limit)
            self._raise_for(answer, explain)
            if check is not None:
                check(answer)
            return answer

        return self._persist(method, url, read, repeatable=repeatable, content=content)

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

        def read(trip: Trip, response: httpx.Response) -> Download:
            if response.status_code != httpx.codes.OK:
                answer = self._answer(trip, response, _MOST_ERROR)
                self._raise_for(answer, explain)
                raise TransientError(f"{answer.what} where a whole file was asked for")
            with _new_file(into) as write:
                got = self._save(trip, response, write, limit)
                _check_length(got, size)
                if check is not None:
                    check(got)
            return got

        return self._persist("GET", url, read, repeatable=True, content={})

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
        transport = Connections(hosts, keep=self._politeness.connections, look_up=self._look_up)
        client = httpx.Client(transport=transport, trust_env=False)
        client.headers = httpx.Headers({"accept-encoding": "identity"})
        redactor = Redactor([*secrets, *origins.secrets_in(headers)])
        return Line(self.service, client, known, headers, redactor)

    def _persist(
        self, method: str, url: str, read: Read[T], *, repeatable: bool, content: Mapping[str, Any]
    ) -> T:
        budget = Deadline(self.retry.seconds, self.clock)
        attempt = 1
        while True:
            try:
                with self._politeness.turn(budget, self.service):
                    deadline = Deadline(min(self._timeout, budget.left()), self.clock)
                    trip = Trip(method, origins.parse(self.service, url), deadline, content)
                    return self._line.exchange(trip, read, repeatable=repeatable)
            except TransientError as error:
                pause = self.retry.pause(attempt, self.clock, asked=error.retry_after)
                if attempt >= self.retry.attempts or pause >= budget.left():
                    raise
                most = self.retry.attempts
                log.warning("%s; attempt %d of %d, again in %.1f s", error, attempt, most, pause)
            self.clock.sleep(pause)
            attempt += 1

    def _answer(self, trip: Trip, response: httpx.Response, limit: int) -> Answer:
        what = self._line.what(trip, response)
        body = bytearray()
        for chunk in _body_of(what, response):
            body += chunk
            if not response.is_success and len(body) > _MOST_ERROR:
                break
            if len(body) > limit:
                raise TransientError(f"{what} with more than {limit} bytes")
        return Answer(
            what,
            response.status_code,
            response.headers,
            bytes(body),
            self._line.redactor.excerpt(bytes(body)),
            answers.retry_after(response.headers.get("retry-after"), self.clock.now()),
        )

    def _raise_for(self, answer: Answer, explain: Explain | None) -> None:
        common = answers.error_of(answer, self._credential)
        if common is not None:
            raise (explain(answer) if explain is not None else None) or common

    def _save(
        self, trip: Trip, response: httpx.Response, write: Callable[[bytes], object], limit: int
    ) -> Download:
        what = self._line.what(trip, response)
        body = _Body()
        for chunk in _body_of(what, response):
            body.add(chunk)
            if body.size > limit:
                message = f"{what} with more than {limit} bytes"
                raise UnreadableImageError("too_large", message)
            write(chunk)
        digest = body.digest.hexdigest()
        return Download(what, str(trip.url), digest, body.size, body.head, response.headers)


def _body_of(what: str, response: httpx.Response) -> Iterator[bytes]:
    # We ask for plain bytes: decoders take a cut stream for a whole one.
    encoding = response.headers.get("content-encoding", "identity")
    if response.is_success and encoding != "identity":
        raise TransientError(f"{what} in an encoding that was not asked for")
    return response.iter_raw()


def _check_length(got: Download, size: int | None) -> None:
    # Where the server gave a length, or sent chunks, the connection has counted already.
    counted = "content-length" in got.headers or "transfer-encoding" in got.headers
    if not counted and size is not None and got.size != size:
        raise TransientError(f"{got.what} with {got.size} bytes of {size}")


@contextmanager
def _new_file(path: Path) -> Iterator[Callable[[bytes], object]]:
    with disk_errors(path):
        file = path.open("xb")

    def write(chunk: bytes) -> None:
        with disk_errors(path):
            file.write(chunk)

    try:
        with file:
            yield write
            with disk_errors(path):
                file.flush()
    except BaseException:
        path.unlink(missing_ok=True)
        raise
