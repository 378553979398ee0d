"""HTTP connections that are kept for the next request, and go only to addresses that are allowed."""

import functools
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from image_assets.services import addresses, origins
from image_assets.services.addresses import LookUp
from image_assets.services.connection import Body, Connection
from image_assets.services.origins import Origin
from image_assets.services.politeness import Deadline
from image_assets.services.stream import BrokenError, Stream

Host = tuple[str, int]
_IDLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Reply:
    """The head of an answer, and its body on the way."""

    request: httpx.Request
    status: int
    headers: Mapping[str, str]
    body: Body

    @property
    def is_success(self) -> bool:
        """Whether the status says so."""
        return 200 <= self.status < 300


@functools.cache
def _tls() -> ssl.SSLContext:
    """One for all: reading the authorities takes longer than most requests."""
    return httpx.create_ssl_context()


class Connections:
    """Opens connections and keeps them a while; hosts that are not `trusted` must be public.

    Args:
        trusted: hosts that may have any address.
        keep: idle connections that stay open.
        sip: bytes to take from a connection at a time.
        look_up: how names become addresses.
    """

    def __init__(self, trusted: frozenset[Host], *, keep: int, sip: int, look_up: LookUp) -> None:
        self._trusted = trusted
        self._most = keep
        self._sip = sip
        self._look_up = look_up
        self._lock = threading.Lock()
        self._idle: list[tuple[Origin, Connection, float]] = []
        self._closed = False

    @contextmanager
    def exchange(
        self, request: httpx.Request, deadline: Deadline, sent: Callable[[], None]
    ) -> Iterator[Reply]:
        """Send a request and give its answer, until the end of the block.

        Args:
            request: what to send.
            deadline: the moment by which the whole exchange has ended, its body included.
            sent: called when all of it was sent.

        Raises:
            BrokenError: there was no whole answer.
            RejectedError: the address may not be contacted.
        """
        origin = origins.origin(request.url)
        connection = self._kept(origin) or self._open(origin, deadline)
        try:
            head = connection.ask(request, deadline, sent)
            headers = httpx.Headers(head.headers.raw_items())
            yield Reply(
                request, head.status_code, headers, connection.body(request, head, deadline)
            )
        finally:
            self._keep(origin, connection)

    def close(self) -> None:
        """Close every connection that is idle, and those in use when they are done."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for _, connection, _ in idle:
            connection.close()

    def _kept(self, origin: Origin) -> Connection | None:
        """The connection to `origin` that was used last, if its peer is still there."""
        while True:
            with self._lock:
                found = next((kept for kept in reversed(self._idle) if kept[0] == origin), None)
                if found is None:
                    return None
                self._idle.remove(found)
            _, connection, since = found
            if connection.is_quiet and time.monotonic() - since < _IDLE_SECONDS:
                return connection
            connection.close()

    def _keep(self, origin: Origin, connection: Connection) -> None:
        with self._lock:
            keep = connection.reusable and not self._closed
            if keep:
                self._idle.append((origin, connection, time.monotonic()))
            oldest = self._idle.pop(0)[1] if len(self._idle) > self._most else None
        for gone in (oldest, None if keep else connection):
            if gone is not None:
                gone.close()

    def _open(self, origin: Origin, deadline: Deadline) -> Connection:
        scheme, host, port = origin
        try:
            connection = self._connect(host, port, deadline)
            if scheme == "https":
                connection = _secured(connection, host, deadline)
        except TimeoutError as error:
            raise BrokenError("connecting took too long") from error
        except OSError as error:
            raise BrokenError(f"no connection ({error.strerror or error})") from error
        return Connection(Stream(connection), self._sip)

    def _connect(self, host: str, port: int, deadline: Deadline) -> socket.socket:
        trusted = (host, port) in self._trusted
        found = (
            self._look_up(host, port) if trusted else addresses.public(host, port, self._look_up)
        )
        failure = OSError(f"{host} has no address")
        # What was checked is what is connected to: a name cannot change its mind in between.
        for address in found:
            try:
                connection = socket.create_connection((address, port), _left(deadline))
            except OSError as error:
                failure = error
            else:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return connection
        raise failure


def _secured(connection: socket.socket, host: str, deadline: Deadline) -> socket.socket:
    try:
        connection.settimeout(_left(deadline))
        return _tls().wrap_socket(connection, server_hostname=host)
    except BaseException:
        connection.close()
        raise


def _left(deadline: Deadline) -> float:
    left = deadline.left()
    if left <= 0:
        raise TimeoutError("the time for the whole exchange is used up")
    return left
