"""HTTP connections under one deadline for a whole exchange, and only to addresses that are allowed.

httpx bounds each read and each write; a peer that sends a byte a minute never meets such a bound.
Here every socket call asks a `Deadline` what is left.
"""

import functools
import select
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from image_assets.services import addresses
from image_assets.services.addresses import LookUp
from image_assets.services.politeness import Deadline

Host = tuple[str, int]


def extensions(deadline: Deadline) -> dict[str, Any]:
    """What a request carries so that its whole exchange ends by the deadline."""
    by = dict.fromkeys(("connect", "read", "write"), deadline)
    return {"timeout": {**by, "pool": deadline.left()}}


@functools.cache
def _tls() -> ssl.SSLContext:
    """One for all: reading the authorities takes longer than most requests."""
    return httpx.create_ssl_context()


class Connections(httpx.BaseTransport):
    """A transport with connection reuse; hosts that are not `trusted` must be public."""

    def __init__(self, trusted: frozenset[Host], *, keep: int, look_up: LookUp) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls(),
            max_connections=None,  # politeness counts them
            max_keepalive_connections=keep,
            keepalive_expiry=5.0,
            network_backend=_Network(trusted, look_up),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; errors are httpcore's."""
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _Network(httpcore.NetworkBackend):
    def __init__(self, trusted: frozenset[Host], look_up: LookUp) -> None:
        self._trusted = trusted
        self._look_up = look_up

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | Deadline | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        with _errors(httpcore.ConnectTimeout, httpcore.ConnectError):
            connection = self._connect(host, port, timeout)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _Stream(connection)

    def _connect(self, host: str, port: int, timeout: float | Deadline | None) -> socket.socket:
        trusted = (host, port) in self._trusted
        found = (
            self._look_up(host, port) if trusted else addresses.public(host, port, self._look_up)
        )
        failure = OSError(f"{host} has no address")
        # What was checked is what is connected to: a name cannot change its mind in between.
        for address in found:
            try:
                return socket.create_connection((address, port), _left(timeout))
            except OSError as error:
                failure = error
        raise failure


class _Stream(httpcore.NetworkStream):
    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def read(self, max_bytes: int, timeout: float | Deadline | None = None) -> bytes:
        with _errors(httpcore.ReadTimeout, httpcore.ReadError):
            self._socket.settimeout(_left(timeout))
            return self._socket.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | Deadline | None = None) -> None:
        rest = memoryview(buffer)
        with _errors(httpcore.WriteTimeout, httpcore.WriteError):
            while rest:
                self._socket.settimeout(_left(timeout))
                rest = rest[self._socket.send(rest) :]

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | Deadline | None = None,
    ) -> httpcore.NetworkStream:
        try:
            with _errors(httpcore.ConnectTimeout, httpcore.ConnectError):
                self._socket.settimeout(_left(timeout))
                secured = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except BaseException:
            self.close()
            raise
        return _Stream(secured)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            readable = select.poll()
            readable.register(self._socket, select.POLLIN)
            return bool(readable.poll(0))
        if info == "ssl_object" and isinstance(self._socket, ssl.SSLSocket):
            return self._socket
        return None


def _left(timeout: float | Deadline | None) -> float | None:
    left = timeout.left() if isinstance(timeout, Deadline) else timeout
    if left is not None and left <= 0:
        raise TimeoutError("the time for the whole exchange is used up")
    return left


@contextmanager
def _errors(timeout: type[Exception], failure: type[Exception]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise timeout(str(error)) from error
    except OSError as error:
        raise failure(error.strerror or str(error)) from error
