"""Cloudflare Workers KV over its REST API, with the budgets of a plan and reads that come late."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from image_assets.rehearsal.clock import Clock
from image_assets.rehearsal.exchange import Refusal, Reply, Request, Route, dispatch, json_reply
from image_assets.rehearsal.kv_rules import (
    MAX_BULK_GET,
    MAX_BULK_WRITE,
    MAX_VALUE,
    check_key,
    check_sizes,
    cursor_of,
    envelope,
    error,
    expiration,
    from_base64,
    invalid,
    json_array,
    json_body,
    key_of,
    page_size,
    refused,
    value_and_metadata,
)
from image_assets.rehearsal.kv_store import Entry, KVStore
from image_assets.rehearsal.limits import Daily, Window
from image_assets.rehearsal.profile import Profile

BASE = "/cloudflare/client/v4"

_WINDOW = 300  # seconds of the API-wide limit

Action = Callable[..., Reply]


class CloudflareKV:
    """One account with one namespace."""

    def __init__(self, profile: Profile, clock: Clock, folder: Path | None = None) -> None:
        self._profile, self._clock = profile, clock
        self._store = KVStore(clock, profile.kv_staleness, folder)
        self._requests = Window(
            clock, profile.kv_requests_per_five_minutes, _WINDOW, blocks_when_full=True
        )
        self._reads = Daily(clock, profile.kv_daily_reads)
        self._writes = Daily(clock, profile.kv_daily_writes)
        self._deletes = Daily(clock, profile.kv_daily_deletes)
        self._lists = Daily(clock, profile.kv_daily_lists)
        self._routes = self._table()

    def _table(self) -> tuple[Route, ...]:
        home = "/accounts/{account}/storage/kv/namespaces/{namespace}"
        routes: tuple[tuple[str, str, Action], ...] = (
            ("GET", "", self._describe),
            ("PUT", "/values/{key}", self._put),
            ("GET", "/values/{key}", self._get),
            ("DELETE", "/values/{key}", self._delete),
            ("GET", "/metadata/{key}", self._get_metadata),
            ("GET", "/keys", self._list),
            ("PUT", "/bulk", self._bulk_put),
            ("POST", "/bulk/get", self._bulk_get),
            ("POST", "/bulk/delete", self._bulk_delete),
        )
        inside = (Route(method, home + rest, self._inside(do)) for method, rest, do in routes)
        return (Route("GET", "/user/tokens/verify", self._verify), *inside)

    def reset(self) -> None:
        """An empty namespace, with nothing spent."""
        self._store.reset()
        for budget in (self._requests, self._reads, self._writes, self._deletes, self._lists):
            budget.reset()

    def close(self) -> None:
        """The end of the namespace; with a folder it is found there again."""
        self._store.close()

    def answer(self, request: Request) -> tuple[str, Reply]:
        """The reply to a request below the API's address."""
        route, reply = dispatch(self._routes, request, _no_route)
        left, seconds = self._requests.left()
        quota = self._profile.kv_requests_per_five_minutes or 1200
        headers = {
            "Ratelimit": f'"default";r={left};t={seconds}',
            "Ratelimit-Policy": f'"default";q={quota};w={_WINDOW}',
        }
        return route, reply.plus(headers)

    def _inside(self, action: Action) -> Action:
        """An action in the namespace, for those who may."""

        def guarded(request: Request, account: str, namespace: str, **segments: str) -> Reply:
            self._admit(request)
            if account != self._profile.cloudflare_account_id:
                raise refused(403, 10000, "Authentication error")
            if namespace != self._profile.kv_namespace_id:
                raise refused(404, 10013, "namespace not found")
            return action(request, **segments)

        return guarded

    def _admit(self, request: Request) -> None:
        if request.bearer != self._profile.cloudflare_api_token:
            raise refused(401, 10000, "Authentication error")
        wait = self._requests.take()
        if wait:
            busy = error(429, 971, "Please wait and consider throttling your request speed")
            raise Refusal(busy.plus({"Retry-After": str(int(wait) + 1)}))

    def _verify(self, request: Request) -> Reply:
        self._admit(request)
        return envelope({"id": "rehearsal", "status": "active"})

    def _describe(self, _: Request) -> Reply:
        name = self._profile.kv_namespace_id
        return envelope({"id": name, "title": "rehearsal", "supports_url_encoding": True})

    def _put(self, request: Request, key: str) -> Reply:
        check_key(key)
        asked = request.parameters()
        expires = self._expiration(asked)
        value, metadata = value_and_metadata(request)
        check_sizes(value, metadata)
        _spend(self._writes)
        if not self._write(key, value, metadata, expires):
            raise Refusal(error(429, 971, "Too many writes to one key").plus({"Retry-After": "1"}))
        return envelope({})

    def _get(self, _: Request, key: str) -> Reply:
        entry = self._read(key)
        headers = {"Content-Type": "application/octet-stream"}
        if entry.expiration is not None:
            headers["expiration"] = str(entry.expiration)
        return Reply(200, entry.value or b"", headers)

    def _get_metadata(self, _: Request, key: str) -> Reply:
        return envelope(self._read(key).metadata)

    def _read(self, key: str) -> Entry:
        check_key(key)
        _spend(self._reads)
        entry = self._store.read(key)
        if entry is None:
            raise refused(404, 10009, "get: 'key not found'")
        return entry

    def _delete(self, _: Request, key: str) -> Reply:
        check_key(key)
        _spend(self._deletes)
        self._store.delete(key)
        return envelope({})

    def _list(self, request: Request) -> Reply:
        asked = request.parameters()
        limit = page_size(asked.get("limit"))
        after = key_of(asked.get("cursor"))
        _spend(self._lists)
        found = [
            (key, entry)
            for key, entry in self._store.select(asked.get("prefix", ""))
            if after is None or key.encode() > after.encode()
        ]
        page = found[:limit]
        cursor = cursor_of(page[-1][0]) if len(found) > limit else ""
        names = [_listed(key, entry) for key, entry in page]
        return envelope(names, result_info={"count": len(page), "cursor": cursor})

    def _bulk_put(self, request: Request) -> Reply:
        pairs = json_array(request, MAX_BULK_WRITE)
        writes = [self._bulk_pair(pair) for pair in pairs]
        _spend(self._writes, len(writes))
        failed = [write[0] for write in writes if not self._write(*write)]
        return envelope(_bulk_result(len(writes) - len(failed), failed))

    def _bulk_pair(self, pair: Any) -> tuple[str, bytes, Any, int | None]:
        if not isinstance(pair, dict) or not isinstance(pair.get("key"), str):
            raise invalid("key: Required")
        if not isinstance(pair.get("value"), str):
            raise invalid("value: Required")
        check_key(pair["key"])
        value = pair["value"].encode()
        if pair.get("base64"):
            value = from_base64(pair["value"])
        metadata = pair.get("metadata")
        check_sizes(value, metadata)
        expires = self._expiration(pair)
        return pair["key"], value, metadata, expires

    def _bulk_get(self, request: Request) -> Reply:
        order = json_body(request)
        keys = order.get("keys") if isinstance(order, dict) else None
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise invalid("keys: Required")
        if len(keys) > MAX_BULK_GET:
            raise invalid(f"keys: Array must contain at most {MAX_BULK_GET} element(s)")
        for key in keys:
            check_key(key)
        _spend(self._reads, len(keys))
        entries = {key: self._store.read(key) for key in keys}
        if sum(len(entry.value or b"") for entry in entries.values() if entry) > MAX_VALUE:
            raise refused(413, 10001, f"Total size exceeds limit of {MAX_VALUE}.")
        values = {
            key: entry and _shown(entry, order.get("type", "text"), bool(order.get("withMetadata")))
            for key, entry in entries.items()
        }
        return envelope({"values": values})

    def _bulk_delete(self, request: Request) -> Reply:
        keys = json_array(request, MAX_BULK_WRITE)
        for key in keys:
            check_key(key)
        _spend(self._deletes, len(keys))
        for key in keys:
            self._store.delete(key)
        return envelope(_bulk_result(len(keys), []))

    def _expiration(self, asked: Mapping[str, Any]) -> int | None:
        now = int(self._clock.epoch())
        return expiration(asked.get("expiration_ttl"), asked.get("expiration"), now)

    def _write(self, key: str, value: bytes, metadata: Any, expiration: int | None) -> bool:
        return self._store.write(
            key,
            value,
            metadata=metadata,
            expiration=expiration,
            not_within=self._profile.kv_key_interval,
        )


def _no_route(request: Request) -> Reply:
    message = f"Could not route to {request.path}, perhaps your object identifier is invalid?"
    errors = [
        {"code": 7003, "message": message},
        {"code": 7000, "message": "No route for that URI"},
    ]
    return json_reply(404, {"result": None, "success": False, "errors": errors, "messages": []})


def _spend(budget: Daily, count: int = 1) -> None:
    if not budget.take(count):
        message = "your account has reached the free usage limit for this operation for today"
        raise refused(429, 10048, message)


def _bulk_result(count: int, failed: list[str]) -> dict[str, Any]:
    return {"successful_key_count": count, "unsuccessful_keys": failed}


def _listed(key: str, entry: Entry) -> dict[str, Any]:
    listed: dict[str, Any] = {"name": key}
    if entry.expiration is not None:
        listed["expiration"] = entry.expiration
    return listed | ({} if entry.metadata is None else {"metadata": entry.metadata})


def _shown(entry: Entry, kind: str, with_metadata: bool) -> Any:
    text = (entry.value or b"").decode("utf-8", "replace")
    try:
        value = json.loads(text) if kind == "json" else text
    except ValueError as problem:
        raise invalid(
            "At least one of the requested keys corresponds to a non-JSON value"
        ) from problem
    return {"value": value, "metadata": entry.metadata} if with_metadata else value
