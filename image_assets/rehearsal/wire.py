"""HTTP/1.1 on loopback sockets, kept in hand so far that answers can be cut, slowed or withheld."""

import http
import ipaddress
import logging
import socket
import socketserver
import struct
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from image_assets.rehearsal.exchange import Reply, Request, text_reply
from image_assets.rehearsal.faults import Fault, Kind
from image_assets.rehearsal.switchboard import Outcome

log = logging.getLogger(__name__)

MAX_BODY = 100_000_000  # bytes; more is read to its end, not kept, and answered with 413
_PIECE = 1 << 16
_PIECES_OF_A_SLOW_BODY = 20


class LoopbackServer(ThreadingHTTPServer):
    """One thread a connection; every connection ends with the server.

    Raises:
        ValueError: `host` is no loopback address. Stand-ins are for this machine only.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, host: str, port: int, answer: Callable[[Request], Outcome]) -> None:
        if not is_loopback(host):
            raise ValueError(f"{host}: a rehearsal listens on loopback only, such as 127.0.0.1")
        self.answer = answer
        self._open: set[socket.socket] = set()
        self._aborted: set[socket.socket] = set()
        self._guard = threading.Lock()
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), Connection)

    @property
    def address(self) -> str:
        """`http://host:port`, without a slash at the end."""
        host, port = self.server_address[:2]
        name = str(host)
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    def server_bind(self) -> None:
        """Bind without asking name servers who we are, as `HTTPServer` would."""
        socketserver.TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a connection's thread, and remember the connection."""
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection and forget it."""
        with self._guard:
            self._open.discard(request)
            aborted = request in self._aborted
            self._aborted.discard(request)
        if aborted:
            self.close_request(request)  # a shutdown first would send the FIN it must not have
        else:
            super().shutdown_request(request)

    def abort(self, connection: socket.socket) -> None:
        """Let the connection end in RST instead of FIN, once its handler is done."""
        linger = struct.pack("ii", 1, 0)  # for no seconds: what is unsent is thrown away
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        with self._guard:
            self._aborted.add(connection)

    def hang_up(self) -> None:
        """Close every connection that is still open, as a machine that goes away."""
        with self._guard:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                log.debug("a connection was closed already")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is its own affair; anything else is a bug of ours."""
        error = sys.exception()
        if isinstance(error, (ConnectionError, TimeoutError)):
            log.debug("%s went away: %s", client_address, error)
        else:
            log.error("the rehearsal failed", exc_info=error)


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Connection(BaseHTTPRequestHandler):
    """One client's connection: reads whole requests, writes what the outcome says."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120  # seconds an idle connection is kept
    server: LoopbackServer

    def _exchange(self) -> None:
        body = self._body()
        if body is None:
            self.close_connection = True
            self._write(text_reply(413, "Payload Too Large"))
            return
        path, _, query = self.path.partition("?")
        outcome = self.server.answer(Request(self.command, path, query, self.headers, body))
        if outcome.reply is None:
            self._drop(reset=outcome.fault is not None and outcome.fault.reset)
        elif outcome.fault is None:
            self._write(outcome.reply)
        else:
            self._write_badly(outcome.reply, outcome.fault)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _exchange  # noqa: N815  (the library's names)

    def _body(self) -> bytes | None:
        """The request's body; None when it is larger than we take.

        It is read to its end anyway: to close before that would reset the connection under the
        client's feet, and it would never see our answer.
        """
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunked_body()
        return self._read(_number(self.headers.get("Content-Length") or "0", 10))

    def _chunked_body(self) -> bytes | None:
        body: bytearray | None = bytearray()
        while size := _number(self.rfile.readline(1000).partition(b";")[0].decode("latin-1"), 16):
            chunk = self._read(size)
            if body is None or chunk is None or len(body) + len(chunk) > MAX_BODY:
                body = None
            else:
                body += chunk
            self.rfile.readline(1000)
        while self.rfile.readline(1000).strip():
            pass
        return None if body is None else bytes(body)

    def _read(self, size: int) -> bytes | None:
        if size <= MAX_BODY:
            content = self.rfile.read(size)
            if len(content) < size:
                raise ConnectionAbortedError("the client stopped in the middle of its body")
            return content
        while size > 0:
            piece = self.rfile.read(min(size, _PIECE))
            if not piece:
                raise ConnectionAbortedError("the client stopped in the middle of its body")
            size -= len(piece)
        return None

    def _write(self, reply: Reply) -> None:
        self.wfile.write(self._head(reply) + self._payload(reply))

    def _write_badly(self, reply: Reply, fault: Fault) -> None:
        head, body = self._head(reply), self._payload(reply)
        match fault.kind:
            case Kind.TRUNCATE:
                self.wfile.write(head + body[: int(len(body) * fault.share)])
                self._drop(reset=fault.reset)
            case Kind.SLOW_BODY:
                self.wfile.write(head)
                self._dribble(body, fault.seconds)
            case _:
                self.wfile.write(head + body)

    def _dribble(self, body: bytes, seconds: float) -> None:
        size = max(1, -(-len(body) // _PIECES_OF_A_SLOW_BODY))
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
        for piece in pieces:
            time.sleep(seconds / len(pieces))
            self.wfile.write(piece)

    def _payload(self, reply: Reply) -> bytes:
        bodiless = self.command == "HEAD" or reply.status in (204, 304)
        return b"" if bodiless else reply.body

    def _head(self, reply: Reply) -> bytes:
        headers = {"Date": self.date_time_string(), **reply.headers}
        if reply.status not in (204, 304):
            headers["Content-Length"] = str(len(reply.body))
        if self.close_connection:
            headers["Connection"] = "close"
        phrase = http.HTTPStatus(reply.status).phrase if reply.status in _KNOWN else "Unknown"
        lines = [f"HTTP/1.1 {reply.status} {phrase}", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")

    def _drop(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:
            self.server.abort(self.connection)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are in the journal; what is left are complaints about malformed ones."""
        log.debug(format, *args)


def _number(text: str, base: int) -> int:
    try:
        number = int(text, base)
    except ValueError as error:
        raise ConnectionAbortedError(f"{text[:20]!r} is no length of a body") from error
    if number < 0:
        raise ConnectionAbortedError("a body's length is not negative")
    return number


_KNOWN = {status.value for status in http.HTTPStatus}
