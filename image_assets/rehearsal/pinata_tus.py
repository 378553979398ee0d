"""Pinata's uploads in pieces, by TUS 1.0: begun with a POST, continued with PATCHes, asked about with HEAD."""

import base64
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from image_assets.rehearsal.exchange import Refusal, Reply, Request, text_reply

MOST_PIECE = 50_000_000
VERSION = "1.0.0"

Finish = Callable[[bytes, Mapping[str, str]], str]
"""Stores a whole file by what was told of it, and gives its CID."""


@dataclass(slots=True)
class Session:
    """An upload under way."""

    size: int
    told: dict[str, str]
    content: bytearray = field(default_factory=bytearray)
    cid: str | None = None


class Sessions:
    """The uploads under way; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def reset(self) -> None:
        """None is."""
        with self._lock:
            self._sessions.clear()

    def begin(self, request: Request, base: str) -> Reply:
        """201 with the place that the pieces go to."""
        _versioned(request)
        size = _number(request, "Upload-Length")
        told = _metadata(request.headers.get("Upload-Metadata", ""))
        version = request.parameters().get("X-Upload-Option-Cid-Version")
        name = uuid.uuid4().hex
        with self._lock:
            self._sessions[name] = Session(
                size, told | ({"cid_version": version} if version else {})
            )
        return _reply(201, {"Location": f"{base}/{name}"})

    def arrived(self, request: Request, name: str) -> Reply:
        """How much of it is there."""
        _versioned(request)
        with self._lock:
            session = self._session(name)
            told = {"Upload-Offset": str(len(session.content)), "Upload-Length": str(session.size)}
            return _reply(200, told | {"Cache-Control": "no-store"})

    def add(self, request: Request, name: str, finish: Finish) -> Reply:
        """204 with the new offset; after the last piece with the CID as well."""
        _versioned(request)
        if request.content_type != "application/offset+octet-stream":
            raise Refusal(text_reply(415, "unsupported media type"))
        if len(request.body) > MOST_PIECE:
            raise Refusal(text_reply(413, "piece too large"))
        offset = _number(request, "Upload-Offset")
        with self._lock:
            session = self._session(name)
            if offset != len(session.content):
                raise Refusal(text_reply(409, "mismatched offset"))
            if offset + len(request.body) > session.size:
                raise Refusal(text_reply(413, "more than was announced"))
            session.content += request.body
            reached = {"Upload-Offset": str(len(session.content))}
            if len(session.content) == session.size:
                session.cid = finish(bytes(session.content), session.told)
                reached["upload-cid"] = session.cid
            return _reply(204, reached)

    def cut(self, keep: int) -> None:
        """Forget all but the first bytes of every upload: what a break in the middle of a piece does."""
        with self._lock:
            for session in self._sessions.values():
                del session.content[keep:]

    def _session(self, name: str) -> Session:
        session = self._sessions.get(name)
        if session is None:
            raise Refusal(text_reply(404, "upload not found"))
        return session


def _reply(status: int, headers: Mapping[str, str]) -> Reply:
    return Reply(status, b"", {"Tus-Resumable": VERSION, **headers})


def _versioned(request: Request) -> None:
    if request.headers.get("Tus-Resumable", VERSION) != VERSION:
        raise Refusal(text_reply(412, "unsupported version").plus({"Tus-Version": VERSION}))


def _number(request: Request, name: str) -> int:
    text = request.headers.get(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise Refusal(text_reply(400, f"missing or invalid {name}"))
    return int(text)


def _metadata(text: str) -> dict[str, str]:
    """What a client told of the file: names, each with a value in base64."""
    told = {}
    for pair in filter(None, text.split(",")):
        name, _, value = pair.strip().partition(" ")
        try:
            told[name] = base64.b64decode(value, validate=True).decode()
        except ValueError as problem:
            raise Refusal(text_reply(400, "invalid Upload-Metadata")) from problem
    return told
