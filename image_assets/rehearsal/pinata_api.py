"""Pinata's API: files by id, listings, groups, and the test of a key."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from image_assets.rehearsal.exchange import Reply, Request, Route, json_reply
from image_assets.rehearsal.pinata import (
    Account,
    answered,
    expiry,
    known_network,
    read_keyvalues,
    refused,
    whole,
)
from image_assets.rehearsal.pinata_files import File, Group

API = "/pinata/api"

MAX_PAGE = 1000


class Api:
    """Files, groups and the test of a key."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._routes = (
            Route("GET", "/data/testAuthentication", self._test),
            Route("POST", "/pinning/pinFileToIPFS", self._legacy),
            Route("GET", "/v3/files/{network}", self._list),
            Route("POST", "/v3/files/private/download_link", self._link),
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
        return answered(self._routes, request)

    def _test(self, request: Request) -> Reply:
        # Any key passes, one without rights too: this says nothing about uploads.
        self._account.admit(request, data=True, powerless=True)
        message = "Congratulations! You are communicating with the Pinata API!"
        return json_reply(200, {"message": message})

    def _legacy(self, request: Request) -> Reply:
        self._account.admit(request, powerless=True)
        reason = {
            "reason": "NO_SCOPES_FOUND",
            "details": "This key does not have the required scopes",
        }
        return json_reply(403, {"error": reason})

    def _list(self, request: Request, network: str) -> Reply:
        self._account.admit(request)
        asked = request.parameters()
        limit = whole(asked.get("limit") or "10", "limit")
        if not 1 <= limit <= MAX_PAGE:
            raise refused(400, f"limit must be between 1 and {MAX_PAGE}")
        order = asked.get("order") or "DESC"
        if order not in ("ASC", "DESC"):
            raise refused(400, "order must be ASC or DESC")
        found = self._account.files.select(
            known_network(network), lambda file: _wanted(file, asked)
        )
        files = sorted(found, key=lambda file: file.number, reverse=order == "DESC")
        if token := asked.get("pageToken"):
            last = _page(token)
            files = [f for f in files if (f.number < last if order == "DESC" else f.number > last)]
        page = files[:limit]
        next_token = _page_token(page[-1]) if len(files) > limit else ""
        listing = {"files": [file.as_json() for file in page], "next_page_token": next_token}
        return json_reply(200, {"data": listing})

    def _link(self, request: Request) -> Reply:
        self._account.admit(request)
        order = _json_object(request)
        url, method = order.get("url"), order.get("method")
        date, expires = order.get("date"), order.get("expires")
        if not isinstance(url, str) or "/files/" not in url:
            raise refused(400, "url must be that of a file on your gateway")
        if not isinstance(date, int) or not isinstance(expires, int) or method != "GET":
            raise refused(400, "date, expires and method are required")
        # It signs for whatever file: one that is not there is found to be lacking by who reads.
        return json_reply(
            200,
            {"data": self._account.links.signed(url, date=date, expires=expires, method=method)},
        )

    def _get(self, request: Request, network: str, file_id: str) -> Reply:
        return json_reply(200, {"data": self._file(request, network, file_id).as_json()})

    def _change(self, request: Request, network: str, file_id: str) -> Reply:
        file = self._file(request, network, file_id)
        order = _json_object(request)
        changes: dict[str, Any] = {}
        if order.get("name"):
            changes["name"] = str(order["name"])
        if "keyvalues" in order:
            changes["keyvalues"] = read_keyvalues(json.dumps(order["keyvalues"]))
        if "expires_at" in order:
            changes["expires_at"] = expiry(str(order["expires_at"]), self._account.clock)
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
        group = self._account.files.add_group(
            known_network(network), order["name"], is_public=public
        )
        return json_reply(200, {"data": group.as_json()})

    def _list_groups(self, request: Request, network: str) -> Reply:
        self._account.admit(request)
        groups = [group.as_json() for group in self._account.files.groups(known_network(network))]
        return json_reply(200, {"data": {"groups": groups, "next_page_token": ""}})

    def _get_group(self, request: Request, network: str, group_id: str) -> Reply:
        return json_reply(200, {"data": self._group(request, network, group_id).as_json()})

    def _change_group(self, request: Request, network: str, group_id: str) -> Reply:
        group = self._group(request, network, group_id)
        order = _json_object(request)
        changes = {name: order[name] for name in ("name", "is_public") if name in order}
        return json_reply(
            200, {"data": self._account.files.change_group(group, **changes).as_json()}
        )

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
        file = self._account.files.get(known_network(network), file_id)
        if file is None:
            raise refused(404, "file not found")
        return file

    def _group(self, request: Request, network: str, group_id: str) -> Group:
        self._account.admit(request)
        return self._account.group_of(known_network(network), group_id)


def _json_object(request: Request) -> dict[str, Any]:
    try:
        order = json.loads(request.body)
    except ValueError as problem:
        raise refused(400, "could not parse the body") from problem
    if not isinstance(order, dict):
        raise refused(400, "could not parse the body")
    return order


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
        marker, _, number = (
            base64.b64decode(token, altchars=b"-_", validate=True).decode("ascii").partition(":")
        )
        if marker == "after":
            return int(number)
    except ValueError:
        pass
    raise refused(400, "pageToken is invalid")
