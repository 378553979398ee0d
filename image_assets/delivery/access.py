"""The access log. It holds no query: the signature of a link is a credential."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

_QUIET = "/healthz"
_MOST = 500


class AccessLog:
    """Tells of every answer of `app`: who asked for what, status, bytes, milliseconds."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        # The server's own lines show queries. Its option to leave them out is undone by whoever
        # configures logging later; a filter stays.
        logging.getLogger("uvicorn.access").addFilter(_nothing)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and tell of it when it is over."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, sent, began = 500, 0, time.perf_counter()

        async def counted(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, counted)
        finally:
            level = logging.DEBUG if scope["path"] == _QUIET else logging.INFO
            took = 1000 * (time.perf_counter() - began)
            log.log(
                level, "%s %s %s %d %d bytes %.1f ms",
                _who(scope), scope["method"], _path(scope), status, sent, took,
            )  # fmt: skip


def _nothing(record: logging.LogRecord) -> bool:
    return False


def _who(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else "-"


def _path(scope: Scope) -> str:
    """As it was sent, without its query; nothing in it can break or forge a line."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    text = raw.partition(b"?")[0][:_MOST].decode("ascii", "backslashreplace")
    return text if text.isprintable() else ascii(text)[1:-1]
