"""Waiting on loopback for the browser that comes back from a login, for one whose state is ours."""

import hmac
import http.server
import time
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from image_assets.core.errors import AuthenticationError, PermanentError, TransientError

_LOOPBACK = frozenset({"127.0.0.1", "localhost"})
_PAGE = "<!DOCTYPE html><meta charset=utf-8><title>image_assets</title><p>{}</p>\n"
_POLL = 0.5  # seconds


def code_in(address: str, state: str) -> str:
    """The code that an address holds to which a login led.

    Raises:
        AuthenticationError: the shop's owner said no.
        PermanentError: it is no such address, or another login's.
    """
    given = parse_qs(urlsplit(address.strip()).query)
    if not hmac.compare_digest(given.get("state", [""])[-1].encode(), state.encode()):
        raise PermanentError("that address is not this login's (its state is another); begin again")
    if "error" in given:
        raise AuthenticationError("the shop's owner did not agree; nothing was changed")
    code = given.get("code", [""])[-1]
    if not code:
        raise PermanentError("that address holds no code; begin again")
    return code


def listens(address: str) -> bool:
    """Whether a browser on this machine that is sent to an address comes to us."""
    parts = urlsplit(address)
    return parts.scheme == "http" and parts.hostname in _LOOPBACK and parts.port is not None


class Redirect:
    """Listens where a login leads back to, from construction to `close`; a context manager.

    Raises:
        PermanentError: the address is not this machine's, or its port is taken.
    """

    def __init__(self, address: str) -> None:
        if not listens(address):
            raise PermanentError(
                f"ETSY_REDIRECT_URL {address} is not on this machine with a port: use --code"
            )
        parts = urlsplit(address)
        self._path = parts.path or "/"
        try:
            self._server = _Server(("127.0.0.1", parts.port or 0), _Visit)
        except OSError as error:
            raise PermanentError(
                f"port {parts.port} of ETSY_REDIRECT_URL cannot be listened at ({error.strerror});"
                " use --code"
            ) from error
        self._server.timeout = _POLL

    def code(self, state: str, seconds: float) -> str:
        """The code of the visit whose state is ours; others are sent away.

        Raises:
            AuthenticationError: the shop's owner said no.
            TransientError: nobody came.
        """
        self._server.state, self._server.path = state, self._path
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._server.handle_request()
            found = self._server.found
            if isinstance(found, AuthenticationError):
                raise found
            if found is not None:
                return found
        raise TransientError(f"nobody came back from Etsy within {seconds:g} s; begin again")

    def __enter__(self) -> "Redirect":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.server_close()


class _Server(http.server.HTTPServer):
    state = ""
    path = "/"
    found: str | AuthenticationError | None = None


class _Visit(http.server.BaseHTTPRequestHandler):
    server: _Server
    timeout = 5  # seconds: whoever only connects keeps nobody out

    def do_GET(self) -> None:
        """One visit."""
        if urlsplit(self.path).path != self.server.path:
            self._say(HTTPStatus.NOT_FOUND, "There is nothing here.")
            return
        try:
            self.server.found = code_in(self.path, self.server.state)
        except AuthenticationError as error:
            self.server.found = error
            self._say(HTTPStatus.OK, "Etsy was not allowed. This page can be closed.")
        except PermanentError:
            self._say(HTTPStatus.BAD_REQUEST, "This is another login's address.")
        else:
            self._say(HTTPStatus.OK, "Logged in: go back to the terminal. This page can be closed.")

    def log_message(self, *_: object) -> None:
        """Nothing: the address holds the code."""

    def _say(self, status: HTTPStatus, text: str) -> None:
        body = _PAGE.format(text).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
