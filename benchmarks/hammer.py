"""A client that costs little: some connections that are kept, each with one request under way."""

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_BUFFER = memoryview(bytearray(1 << 18))
_END = b"\r\n\r\n"


@dataclass(slots=True)
class _Line:
    """One connection: the head so far, bytes of the body to come, when its request was sent."""

    socket: socket.socket
    head: bytes = b""
    left: int | None = None
    sent: float = field(default=0.0)


def get(port: int, path: str) -> bytes:
    """A request as it goes over the line."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()


def hammer(port: int, requests: Sequence[bytes], *, connections: int) -> list[float]:
    """Send every request once and take every answer in whole; seconds each of them took."""
    waiting, took = iter(requests), []
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            line = _Line(socket.create_connection(("127.0.0.1", port), 10))
            line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(line.socket, selectors.EVENT_READ, line)
            _send(line, waiting)
        while len(took) < len(requests):
            for key, _ in selector.select(10):
                line = key.data
                if _take(line):
                    took.append(time.perf_counter() - line.sent)
                    _send(line, waiting)
        for key in list(selector.get_map().values()):
            key.data.socket.close()
    return took


def _send(line: _Line, waiting: Iterator[bytes]) -> None:
    request = next(waiting, None)
    if request is not None:
        line.head, line.left, line.sent = b"", None, time.perf_counter()
        line.socket.sendall(request)


def _take(line: _Line) -> bool:
    """Whether the answer is whole now."""
    size = line.socket.recv_into(_BUFFER)
    assert size > 0, "the server ended a connection"
    if line.left is None:
        line.head += _BUFFER[:size]
        head, end, body = line.head.partition(_END)
        if not end:
            return False
        assert head.startswith(b"HTTP/1.1 200"), head
        line.left = _length(head) - len(body)
    else:
        line.left -= size
    return line.left == 0


def _length(head: bytes) -> int:
    for header in head.lower().split(b"\r\n"):
        if header.startswith(b"content-length:"):
            return int(header.partition(b":")[2])
    raise AssertionError(f"an answer without its length: {head!r}")
