"""A server of raw answers on loopback: what a broken peer sends is spelled byte by byte in a test."""

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

Answer = bytes | Callable[[socket.socket], None]
"""Bytes to send, or what to do with the connection, which ends after that."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def reply(status: int, body: bytes = b"", *, length: int | None = None, **headers: str) -> bytes:
    """A whole answer; `length` may lie; header names are spelled with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named["Content-Length"] = str(len(body) if length is None else length)
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in named.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Loopback:
    """Gives each request the next of its answers, and the last one for ever.

    With `pages` it gives what they hold under the request's path, and 404 for the rest.

    An answer that promises more than it holds, and an empty one, end the connection.
    """

    def __init__(self, *answers: Answer, pages: dict[str, bytes] | None = None) -> None:
        self.asked: list[Asked] = []
        self.pages = pages
        self.connections = 0
        self._answers = list(answers)
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Loopback":
        self._run(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for connection in [self._listener, *self._open]:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _run(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            self._run(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as incoming:
            try:
                while (asked := _read(incoming)) is not None:
                    self._answer(connection, asked)
            except (OSError, _EndError):
                return

    def _answer(self, connection: socket.socket, asked: Asked) -> None:
        with self._lock:
            self.asked.append(asked)
            answer = self._next(asked)
        if callable(answer):
            answer(connection)
            raise _EndError
        connection.sendall(answer)
        head, _, body = answer.partition(b"\r\n\r\n")
        if f"Content-Length: {len(body)}".encode() not in head:
            raise _EndError

    def _next(self, asked: Asked) -> Answer:
        if self.pages is not None:
            page = self.pages.get(asked.path)
            return reply(404) if page is None else reply(200, page)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class _EndError(Exception):
    """The connection is closed now."""


def _read(incoming) -> Asked | None:
    line = incoming.readline().decode("latin-1").split()
    if len(line) < 2:
        return None
    headers = {}
    while (header := incoming.readline().decode("latin-1").strip()) != "":
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    body = incoming.read(int(headers.get("content-length", 0)))
    return Asked(line[0], line[1], headers, body)
