"""Pinata: uploads with true CIDs, and the gateway that serves what is public to everybody, what is
private by a signed link. The API is `pinata_api`, uploads in pieces are `pinata_tus`.
"""

import datetime as dt
import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path

from image_assets.core import cid
from image_assets.rehearsal.clock import Clock
from image_assets.rehearsal.downloads import Download
from image_assets.rehearsal.exchange import (
    Refusal,
    Reply,
    Request,
    Route,
    dispatch,
    json_reply,
    text_reply,
)
from image_assets.rehearsal.forms import NotAFormError, Part, read_form
from image_assets.rehearsal.limits import Window
from image_assets.rehearsal.pinata_files import USER, File, Group, PinataFiles
from image_assets.rehearsal.pinata_links import Links
from image_assets.rehearsal.pinata_tus import Sessions
from image_assets.rehearsal.profile import Profile

UPLOADS = "/pinata/uploads"
GATEWAY = "/pinata/gateway"

MAX_PAIRS = 10  # keyvalues of one file
MAX_WHOLE = 100_000_000  # bytes of a form; what is larger comes in pieces
_NETWORKS = ("public", "private")


class Account:
    """The keys and the plan that uploads and API share; thread-safe."""

    def __init__(self, profile: Profile, clock: Clock, folder: Path | None = None) -> None:
        self.profile, self.clock = profile, clock
        self.files = PinataFiles(clock, folder)
        self.links = Links(clock, os.urandom(16))
        self._requests = Window(clock, profile.pinata_requests_per_minute, 60)
        self._data_requests = Window(clock, profile.pinata_data_requests_per_minute, 60)

    def reset(self) -> None:
        """An empty account with nothing spent."""
        self.files.reset()
        self._requests.reset()
        self._data_requests.reset()

    def admit(self, request: Request, *, data: bool = False, powerless: bool = False) -> None:
        """Let a request in, by its key and the plan.

        Raises:
            Refusal: 401 without a good key, 403 for one without rights, 429 beyond the plan.
        """
        token = request.bearer
        if token is None:
            raise refused(401, "no Authorization header found")
        if token not in (self.profile.pinata_jwt, self.profile.pinata_powerless_jwt):
            raise refused(401, "not authenticated")
        wait = (self._data_requests if data else self._requests).take()
        if wait:
            said = {"Retry-After": str(int(wait) + 1)} if self.profile.pinata_retry_after else {}
            raise Refusal(error(429, "rate limit exceeded").plus(said))
        if token == self.profile.pinata_powerless_jwt and not powerless:
            raise refused(403, "key does not have the scopes this needs")

    def group_of(self, network: str, group_id: str) -> Group:
        """A group that exists.

        Raises:
            Refusal: 404.
        """
        group = self.files.group(network, group_id)
        if group is None:
            raise refused(404, "group not found")
        return group


class Uploads:
    """`POST /v3/files`, and the pieces of what is large below it."""

    def __init__(self, account: Account, address: str) -> None:
        self._account, self._base = account, f"{address}{UPLOADS}/v3/files"
        self.sessions = Sessions()
        self._routes = (
            Route("POST", "/v3/files", self._post),
            Route("GET", "/v3/files/{session}", self._arrived),
            Route("PATCH", "/v3/files/{session}", self._add),
        )

    def reset(self) -> None:
        """No upload is under way."""
        self.sessions.reset()

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request below the uploads' address."""
        return answered(self._routes, request)

    def _post(self, request: Request) -> Reply:
        self._account.admit(request)
        if "Upload-Length" in request.headers:
            return self.sessions.begin(request, self._base)
        return self._upload(request)

    def _arrived(self, request: Request, session: str) -> Reply:
        self._account.admit(request)
        if request.method != "HEAD":
            raise refused(405, "method not allowed")
        return self.sessions.arrived(request, session)

    def _add(self, request: Request, session: str) -> Reply:
        self._account.admit(request)
        return self.sessions.add(request, session, self._finish)

    def _finish(self, content: bytes, told: Mapping[str, str]) -> str:
        stored, _ = self._store(content, told, told.get("filename") or "file")
        return stored.cid

    def _upload(self, request: Request) -> Reply:
        form = _form(request)
        file = form.get("file")
        if file is None or file.filename is None:
            raise refused(400, "file is required")
        if len(file.content) > MAX_WHOLE:
            raise refused(413, "file is too large for one request")
        fields = {name: part.text for name, part in form.items() if part.filename is None}
        stored, duplicate = self._store(file.content, fields, fields.get("name") or file.filename)
        more = {"user_id": USER, "network": stored.network}
        again = {"is_duplicate": True} if duplicate else {}
        return json_reply(200, {"data": stored.as_json() | more | again})

    def _store(self, content: bytes, fields: Mapping[str, str], name: str) -> tuple[File, bool]:
        onto = known_network(fields.get("network") or "private")
        group_id = fields.get("group_id") or None
        if group_id:
            self._account.group_of(onto, group_id)
        return self._account.files.add(
            content,
            _cid_profile(fields.get("cid_version") or "v1"),
            name=name,
            network=onto,
            keyvalues=read_keyvalues(fields.get("keyvalues") or "{}"),
            group_id=group_id,
            expires_at=expiry(fields.get("expires_at"), self._account.clock),
        )


class Gateway:
    """`GET /ipfs/{cid}`: what is public, to anybody; `GET /files/{cid}`: what is private, by a link."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._routes = (
            Route("GET", "/ipfs/{identifier}", self._public),
            Route("GET", "/files/{identifier}", self._private),
        )

    def reset(self) -> None:
        """Nothing is remembered here."""

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request below the gateway."""
        return dispatch(self._routes, request, lambda _: text_reply(404, "404 page not found"))

    def _public(self, request: Request, identifier: str) -> Reply:
        reply = self._serve(request, "public", identifier)
        more = {
            "Cache-Control": "public, max-age=29030400, immutable",
            "X-Ipfs-Path": f"/ipfs/{identifier}",
        }
        return reply.plus(more) if reply.status < 300 else reply

    def _private(self, request: Request, identifier: str) -> Reply:
        if not self._account.links.opens(request, f"{GATEWAY}/files/{identifier}"):
            return text_reply(401, "Unauthorized")
        return self._serve(request, "private", identifier)

    def _serve(self, request: Request, network: str, identifier: str) -> Reply:
        found = self._account.files.find(network, identifier)
        if found is None:
            return text_reply(404, "The content could not be found on this gateway")
        file, content = found
        age = (self._account.clock.now() - file.created_at).total_seconds()
        if age < self._account.profile.pinata_gateway_delay:
            return text_reply(504, "Gateway Time-out")
        if file.mime_type == "text/html":
            return text_reply(403, "HTML content cannot be served through the default gateway")
        return Download(content, file.mime_type, f'"{identifier}"', _EPOCH).reply(request)


_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)  # content of an address never changes


def error(status: int, message: str) -> Reply:
    """The service's way to say no."""
    return json_reply(status, {"error": {"code": status, "message": message}})


def refused(status: int, message: str) -> Refusal:
    """The same, for a handler to raise."""
    return Refusal(error(status, message))


def answered(routes: tuple[Route, ...], request: Request) -> tuple[str, Reply]:
    """The reply, under a request id as every reply of the service."""
    route, reply = dispatch(routes, request, lambda _: error(404, "not found"))
    return route, reply.plus({"X-Request-Id": str(uuid.uuid4())})


def _form(request: Request) -> dict[str, Part]:
    try:
        return read_form(request.headers.get("Content-Type", ""), request.body)
    except NotAFormError as problem:
        raise refused(400, f"could not parse the form: {problem}") from problem


def known_network(name: str) -> str:
    """A network by its name; refused when there is no such network."""
    if name not in _NETWORKS:
        raise refused(400, "network must be public or private")
    return name


def _cid_profile(version: str) -> cid.Profile:
    try:
        return cid.Profile(version)
    except ValueError as problem:
        raise refused(400, "cid_version must be v0, v1 or unixfs-v1-2025") from problem


def read_keyvalues(text: str) -> dict[str, str]:
    """The pairs that a JSON text holds; refused beyond what the service takes."""
    try:
        pairs = json.loads(text)
    except ValueError as problem:
        raise refused(400, "keyvalues must be JSON") from problem
    strings = isinstance(pairs, dict) and all(isinstance(value, str) for value in pairs.values())
    if not strings:
        raise refused(400, "keyvalues must be an object of strings")
    if len(pairs) > MAX_PAIRS:
        raise refused(400, f"keyvalues may hold {MAX_PAIRS} pairs at most")
    return dict(pairs)


def expiry(text: str | None, clock: Clock) -> float | None:
    """Seconds since 1970 in the future; None when not asked for."""
    if not text:
        return None
    moment = whole(text, "expires_at")
    if moment <= clock.epoch():
        raise refused(400, "expires_at must be in the future")
    return float(moment)


def whole(text: str, name: str) -> int:
    """A whole number; refused when the text is none."""
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise refused(400, f"{name} must be a whole number")
    return int(text)
