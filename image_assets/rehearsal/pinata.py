"""Pinata: uploads with true CIDs, the files' API, and the gateway that serves what is public."""

import base64
import datetime as dt
import json
import uuid
from collections.abc import Mapping
from typing import Any

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
from image_assets.rehearsal.profile import Profile

UPLOADS = "/pinata/uploads"
API = "/pinata/api"
GATEWAY = "/pinata/gateway"

MAX_PAIRS = 10  # keyvalues of one file
MAX_PAGE = 1000
_NETWORKS = ("public", "private")


class Account:
    """The keys and the plan that uploads and API share; thread-safe."""

    def __init__(self, profile: Profile, clock: Clock) -> None:
        self.profile, self.clock = profile, clock
        self.files = PinataFiles(clock)
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
    """`POST /v3/files`."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._routes = (Route("POST", "/v3/files", self._upload),)

    def reset(self) -> None:
        """Nothing is remembered here."""

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request below the uploads' address."""
        return _answer(self._routes, request)

    def _upload(self, request: Request) -> Reply:
        self._account.admit(request)
        form = _form(request)
        file = form.get("file")
        if file is None or file.filename is None:
            raise refused(400, "file is required")
        fields = {name: part.text for name, part in form.items() if part.filename is None}
        network = _network(fields.get("network") or "private")
        group_id = fields.get("group_id") or None
        if group_id:
            self._account.group_of(network, group_id)
        stored, duplicate = self._account.files.add(
            file.content,
            _profile(fields.get("cid_version") or "v1"),
            name=fields.get("name") or file.filename,
            network=network,
            keyvalues=_keyvalues(fields.get("keyvalues") or "{}"),
            group_id=group_id,
            expires_at=_expiry(fields.get("expires_at"), self._account.clock),
        )
        more = {"user_id": USER, "network": network} | ({"is_duplicate": True} if duplicate else {})
        return json_reply(200, {"data": stored.as_json() | more})


class Api:
    """Files, groups and the test of a key."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._routes = (
            Route("GET", "/data/testAuthentication", self._test),
            Route("POST", "/pinning/pinFileToIPFS", self._legacy),
            Route("GET", "/v3/files/{network}", self._list),
            Route("GET", "/v3/files/{network}/{file_id}", self._get),
            Route("PUT", "/v3/files/{network}/{file_id}", self._change),
            Route("DELETE", "/v3/files/{network}/{file_id}", self._delete),
            Route("POST", "/v3/groups/{network}", self._add_group),
            Route("GET", "/v3/groups/{network}", self._list_groups),
            Route("GET", "/v3/groups/{network}/{group_id}", self._get_group),
            Route("PUT", "/v3/groups/{network}/{group_id}", self._change_group),
            Route("DELETE", "/v3/groups/{network}/{group_id}", self._delete_group),
            Route("PUT", "/v3/groups/{network}/{group_id}/ids/{file_id}", self._join),
            Route("DELETE", "/v3/groups/{network}/{group_id}/ids/{file_id}", self._leave),
        )

    def reset(self) -> None:
        """An empty account."""
        self._account.reset()

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request below the API's address."""
        return _answer(self._routes, request)

    def _test(self, request: Request) -> Reply:
        # Any key passes, one without rights too: this says nothing about uploads.
        self._account.admit(request, data=True, powerless=True)
        message = "Congratulations! You are communicating with the Pinata API!"
        return json_reply(200, {"message": message})

    def _legacy(self, request: Request) -> Reply:
        self._account.admit(request, powerless=True)
        reason = {"reason": "NO_SCOPES_FOUND", "details": "This key does not have the required scopes"}
        return json_reply(403, {"error": reason})

    def _list(self, request: Request, network: str) -> Reply:
        self._account.admit(request)
        asked = request.parameters()
        limit = _whole(asked.get("limit") or "10", "limit")
        if not 1 <= limit <= MAX_PAGE:
            raise refused(400, f"limit must be between 1 and {MAX_PAGE}")
        order = asked.get("order") or "DESC"
        if order not in ("ASC", "DESC"):
            raise refused(400, "order must be ASC or DESC")
        found = self._account.files.list(_network(network), lambda file: _wanted(file, asked))
        files = sorted(found, key=lambda file: file.number, reverse=order == "DESC")
        if token := asked.get("pageToken"):
            last = _page(token)
            files = [f for f in files if (f.number < last if order == "DESC" else f.number > last)]
        page = files[:limit]
        next_token = _page_token(page[-1]) if len(files) > limit else ""
        listing = {"files": [file.as_json() for file in page], "next_page_token": next_token}
        return json_reply(200, {"data": listing})

    def _get(self, request: Request, network: str, file_id: str) -> Reply:
        return json_reply(200, {"data": self._file(request, network, file_id).as_json()})

    def _change(self, request: Request, network: str, file_id: str) -> Reply:
        file = self._file(request, network, file_id)
        order = _json_object(request)
        changes: dict[str, Any] = {}
        if order.get("name"):
            changes["name"] = str(order["name"])
        if "keyvalues" in order:
            changes["keyvalues"] = _keyvalues(json.dumps(order["keyvalues"]))
        if "expires_at" in order:
            changes["expires_at"] = _expiry(str(order["expires_at"]), self._account.clock)
        changed = self._account.files.change(file, **changes)
        return json_reply(200, {"data": changed.as_json()})

    def _delete(self, request: Request, network: str, file_id: str) -> Reply:
        self._account.files.remove(self._file(request, network, file_id))
        return json_reply(200, {"data": None})

    def _add_group(self, request: Request, network: str) -> Reply:
        self._account.admit(request)
        order = _json_object(request)
        if not isinstance(order.get("name"), str) or not order["name"]:
            raise refused(400, "name is required")
        public = bool(order.get("is_public", False))
        group = self._account.files.add_group(_network(network), order["name"], is_public=public)
        return json_reply(200, {"data": group.as_json()})

    def _list_groups(self, request: Request, network: str) -> Reply:
        self._account.admit(request)
        groups = [group.as_json() for group in self._account.files.groups(_network(network))]
        return json_reply(200, {"data": {"groups": groups, "next_page_token": ""}})

    def _get_group(self, request: Request, network: str, group_id: str) -> Reply:
        return json_reply(200, {"data": self._group(request, network, group_id).as_json()})

    def _change_group(self, request: Request, network: str, group_id: str) -> Reply:
        group = self._group(request, network, group_id)
        order = _json_object(request)
        changes = {name: order[name] for name in ("name", "is_public") if name in order}
        return json_reply(200, {"data": self._account.files.change_group(group, **changes).as_json()})

    def _delete_group(self, request: Request, network: str, group_id: str) -> Reply:
        self._account.files.remove_group(self._group(request, network, group_id))
        return json_reply(200, {"data": None})

    def _join(self, request: Request, network: str, group_id: str, file_id: str) -> Reply:
        group = self._group(request, network, group_id)
        return self._move(network, file_id, group.id)

    def _leave(self, request: Request, network: str, group_id: str, file_id: str) -> Reply:
        self._group(request, network, group_id)
        return self._move(network, file_id, None)

    def _move(self, network: str, file_id: str, group_id: str | None) -> Reply:
        file = self._account.files.get(network, file_id)
        if file is None:
            raise refused(404, "file not found")
        self._account.files.change(file, group_id=group_id)
        return json_reply(200, {"data": None})

    def _file(self, request: Request, network: str, file_id: str) -> File:
        self._account.admit(request)
        file = self._account.files.get(_network(network), file_id)
        if file is None:
            raise refused(404, "file not found")
        return file

    def _group(self, request: Request, network: str, group_id: str) -> Group:
        self._account.admit(request)
        return self._account.group_of(_network(network), group_id)


class Gateway:
    """`GET /ipfs/{cid}`: what is public, to anybody."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._routes = (Route("GET", "/ipfs/{identifier}", self._serve),)

    def reset(self) -> None:
        """Nothing is remembered here."""

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request below the gateway."""
        return dispatch(self._routes, request, lambda _: text_reply(404, "404 page not found"))

    def _serve(self, request: Request, identifier: str) -> Reply:
        found = self._account.files.find("public", identifier)
        if found is None:
            return text_reply(404, "The content could not be found on this gateway")
        file, content = found
        age = (self._account.clock.now() - file.created_at).total_seconds()
        if age < self._account.profile.pinata_gateway_delay:
            return text_reply(504, "Gateway Time-out")
        if file.mime_type == "text/html":
            return text_reply(403, "HTML content cannot be served through the default gateway")
        download = Download(content, file.mime_type, f'"{identifier}"', _EPOCH)
        more = {
            "Cache-Control": "public, max-age=29030400, immutable",
            "X-Ipfs-Path": f"/ipfs/{identifier}",
        }
        return download.reply(request).plus(more)


_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)  # content of an address never changes


def error(status: int, message: str) -> Reply:
    """The service's way to say no."""
    return json_reply(status, {"error": {"code": status, "message": message}})


def refused(status: int, message: str) -> Refusal:
    """The same, for a handler to raise."""
    return Refusal(error(status, message))


def _answer(routes: tuple[Route, ...], request: Request) -> tuple[str, Reply]:
    route, reply = dispatch(routes, request, lambda _: error(404, "not found"))
    return route, reply.plus({"X-Request-Id": str(uuid.uuid4())})


def _form(request: Request) -> dict[str, Part]:
    try:
        return read_form(request.headers.get("Content-Type", ""), request.body)
    except NotAFormError as problem:
        raise refused(400, f"could not parse the form: {problem}") from problem


def _json_object(request: Request) -> dict[str, Any]:
    try:
        order = json.loads(request.body)
    except ValueError as problem:
        raise refused(400, "could not parse the body") from problem
    if not isinstance(order, dict):
        raise refused(400, "could not parse the body")
    return order


def _network(name: str) -> str:
    if name not in _NETWORKS:
        raise refused(400, "network must be public or private")
    return name


def _profile(version: str) -> cid.Profile:
    try:
        return cid.Profile(version)
    except ValueError as problem:
        raise refused(400, "cid_version must be v0, v1 or unixfs-v1-2025") from problem


def _keyvalues(text: str) -> dict[str, str]:
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


def _expiry(text: str | None, clock: Clock) -> float | None:
    if not text:
        return None
    moment = _whole(text, "expires_at")
    if moment <= clock.epoch():
        raise refused(400, "expires_at must be in the future")
    return float(moment)


def _whole(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise refused(400, f"{name} must be a whole number")
    return int(text)


def _wanted(file: File, asked: Mapping[str, str]) -> bool:
    """Whether the listing's filters let a file through; parameters it does not know it ignores.

    The group's is called `group` here, although an upload calls it `group_id`.
    """
    pairs = {
        name.partition("[")[2].removesuffix("]"): value
        for name, value in asked.items()
        if name.startswith(("keyvalues[", "metadata["))
    }
    return (
        asked.get("cid", file.cid) == file.cid
        and asked.get("name", "") in file.name
        and asked.get("mimeType", file.mime_type) == file.mime_type
        and ("group" not in asked or asked["group"] == file.group_id)
        and asked.get("cidPending") != "true"
        and all(file.keyvalues.get(name) == value for name, value in pairs.items())
    )


def _page_token(file: File) -> str:
    return base64.urlsafe_b64encode(f"after:{file.number}".encode()).decode()


def _page(token: str) -> int:
    try:
        marker, _, number = base64.urlsafe_b64decode(token).decode("ascii").partition(":")
        if marker == "after":
            return int(number)
    except ValueError:
        pass
    raise refused(400, "pageToken is invalid")
