"""How one file is answered: whole, in parts, or as known already (RFC 9110, sections 13 to 15)."""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from io import BufferedReader

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from image_assets.delivery.ranges import Span, spans

_AT_ONCE = 1 << 20  # smaller answers are read in one go, on the thread that opened the file
_CHUNK = 1 << 18

Piece = bytes | Span


@dataclass(frozen=True, slots=True)
class Told:
    """What an answer says of the file: its tag, when it was written (epoch seconds), other headers."""

    etag: str
    modified: int
    headers: tuple[tuple[str, str], ...]
    type: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer ready to be sent: pieces of a file that it then closes, and the (rest of the) body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    file: BufferedReader | None = None
    pieces: tuple[Piece, ...] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        headers = [(name.encode(), value.encode("latin-1")) for name, value in self.headers]
        try:
            await send({"type": "http.response.start", "status": self.status, "headers": headers})
            for piece in self.pieces:
                await self._send_piece(piece, send)
            await send({"type": "http.response.body", "body": self.body})
        finally:
            if self.file is not None:
                self.file.close()

    async def _send_piece(self, piece: Piece, send: Send) -> None:
        if isinstance(piece, bytes):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            return
        assert self.file is not None  # spans are of a file
        for start in range(piece.start, piece.end, _CHUNK):
            wanted = min(_CHUNK, piece.end - start)
            body = await run_in_threadpool(os.pread, self.file.fileno(), wanted, start)
            await send({"type": "http.response.body", "body": body, "more_body": True})


def answered(file: BufferedReader, size: int, told: Told, asked: Headers, *, head: bool) -> Answer:
    """The answer to a request for `file`, which it takes over; small ones are read now.

    Args:
        file: opened, of `size` bytes.
        size: bytes.
        told: what is said of it.
        asked: the request's headers.
        head: whether the body is left out.
    """
    common = [
        ("etag", told.etag),
        ("last-modified", formatdate(told.modified, usegmt=True)),
        ("accept-ranges", "bytes"),
        *told.headers,
    ]
    if is_known(asked, told):
        file.close()
        return Answer(304, common)
    parts = None if head else _parts(asked, told, size)  # parts are of GET alone
    if parts == ():
        file.close()
        return Answer(416, [("content-range", f"bytes */{size}"), ("content-length", "0")])
    status, headers, pieces = _layout(parts, told.type, size)
    headers += common
    if head:
        file.close()
        return Answer(status, headers)
    if sum(piece.size for piece in pieces if isinstance(piece, Span)) > _AT_ONCE:
        return Answer(status, headers, file=file, pieces=pieces)
    with file:
        return Answer(status, headers, _read(file, pieces))


def is_known(asked: Headers, told: Told) -> bool:
    """Whether who asks has the file as it is."""
    tags = asked.get("if-none-match")
    if tags is not None:
        return tags.strip() == "*" or told.etag in [
            tag.strip().removeprefix("W/") for tag in tags.split(",")
        ]
    since = asked.get("if-modified-since")
    return since is not None and told.modified <= _epoch(since)


def _parts(asked: Headers, told: Told, size: int) -> tuple[Span, ...] | None:
    wanted, condition = asked.get("range"), asked.get("if-range")
    if wanted is None:
        return None
    # A weak tag never matches here, and a date only when it is the very one.
    if condition is not None and condition.strip() not in (
        told.etag,
        formatdate(told.modified, usegmt=True),
    ):
        return None
    return spans(wanted, size)


def _layout(
    parts: Sequence[Span] | None, type: str, size: int
) -> tuple[int, list[tuple[str, str]], tuple[Piece, ...]]:
    """Status, headers and pieces of the body."""
    if parts is None:
        return 200, [("content-type", type), ("content-length", str(size))], (Span(0, size),)
    if len(parts) == 1:
        (part,) = parts
        told = [
            ("content-type", type),
            ("content-length", str(part.size)),
            ("content-range", part.of(size)),
        ]
        return 206, told, (part,)
    boundary = secrets.token_hex(16)
    pieces: list[Piece] = []
    for part in parts:
        head = f"--{boundary}\r\nContent-Type: {type}\r\nContent-Range: {part.of(size)}\r\n\r\n"
        pieces += [head.encode("latin-1"), part, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    length = sum(len(piece) if isinstance(piece, bytes) else piece.size for piece in pieces)
    told = [
        ("content-type", f"multipart/byteranges; boundary={boundary}"),
        ("content-length", str(length)),
    ]
    return 206, told, tuple(pieces)


def _read(file: BufferedReader, pieces: Sequence[Piece]) -> bytes:
    number = file.fileno()
    return b"".join(
        piece if isinstance(piece, bytes) else os.pread(number, piece.size, piece.start)
        for piece in pieces
    )


def _epoch(date: str) -> float:
    """The date in epoch seconds; before all files where it is none."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return -1.0
