"""Latest values in Cloudflare Workers KV, over its REST API.

Eventually consistent: a read elsewhere may be a minute old, and nothing compares and sets. The
official SDK refuses texts as values, so the four calls are made here.
"""

import datetime as dt
import json
import math
import threading
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    PermanentError,
    QuotaExhaustedError,
    RejectedError,
    TransientError,
)
from image_assets.ports.latest import Statement
from image_assets.services.http import Answer, Clock, Http, Politeness, Retry

_NO_KEY = 10009
_NO_RIGHT = 10000
_NO_NAMESPACE = 10013
_DAY_SPENT = 10048

_MOST_KEY = 512  # bytes
_MOST_VALUE = 25 * 1024 * 1024
_MOST_ABOUT = 1024  # bytes of JSON
_MOST_READ, _MOST_WRITTEN = 100, 10_000  # keys of one request
LEAST_LIFETIME = 60  # seconds
_BETWEEN_WRITES = 1.0  # seconds between two writes of one key


class CloudflareKV:
    """One namespace.

    Args:
        api_token: with the right Workers KV Storage Edit.
        account_id: the account.
        namespace_id: the namespace.
        api_url: root of the API.
        lifetime: seconds after which a value goes that is not written again; it stays when not given.
        retry: bounds of one call.
        timeout: seconds one attempt may take.
        clock: time and chance.
    """

    name = "cloudflare_kv"
    staleness = dt.timedelta(seconds=60)
    rest = dt.timedelta(seconds=_BETWEEN_WRITES)

    def __init__(
        self,
        *,
        api_token: str,
        account_id: str,
        namespace_id: str,
        api_url: str = "https://api.cloudflare.com/client/v4",
        lifetime: int | None = None,
        retry: Retry | None = None,
        timeout: float = 30.0,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or Clock()
        retry = retry or Retry()
        account, namespace = quote(account_id, safe=""), quote(namespace_id, safe="")
        self._root = f"{api_url.rstrip('/')}/accounts/{account}/storage/kv/namespaces/{namespace}"
        # The whole account may ask 1,200 times in five minutes, then it is shut out for five.
        politeness = Politeness(4, requests=1000, per=300.0, clock=self._clock)

        def client(retry: Retry) -> Http:
            return Http(
                self.name,
                (api_url,),
                politeness=politeness,
                retry=retry,
                timeout=timeout,
                headers={"Authorization": f"Bearer {api_token}"},
                credential="CLOUDFLARE_API_TOKEN",
                clock=self._clock,
            )

        self._reading = client(retry)
        # A write that is repeated at once would break the rule of one a second.
        self._writing = client(replace(retry, floor=max(retry.floor, _BETWEEN_WRITES)))
        self.lifetime = None if lifetime is None else dt.timedelta(seconds=lifetime)
        self.deadline = dt.timedelta(seconds=retry.seconds + 2 * _BETWEEN_WRITES)
        self._lock = threading.Lock()
        self._keys: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._written: dict[str, float] = {}

    def close(self) -> None:
        """Close every connection."""
        self._reading.close()
        self._writing.close()

    def get(self, key: str) -> str | None:
        """The value of `key`, perhaps a minute old; None when Cloudflare says there is none."""
        try:
            answer = self._reading.request(
                "GET", self._url(key), explain=_explain, check=_check_value
            )
        except _AbsentError:
            return None
        try:
            return answer.body.decode()
        except UnicodeDecodeError as error:
            raise PermanentError(f"{self.name}: {key}: the value is no text; not ours") from error

    def get_many(self, keys: Collection[str]) -> Mapping[str, str]:
        """The values of those of these keys that have one, a hundred a request."""
        for key in keys:
            _check_key(key)
        found: dict[str, str] = {}
        for some in _runs(list(dict.fromkeys(keys)), _MOST_READ):
            answer = self._reading.request(
                "POST",
                f"{self._root}/bulk/get",
                json={"keys": some, "type": "text"},
                explain=_explain,
                check=_check_envelope,
            )
            found |= {k: v for k, v in _values(answer).items() if k in some}
        return found

    def put(self, key: str, value: str, about: Mapping[str, str | int] | None = None) -> None:
        """Set `key`, at most once a second; `about` are the metadata that listings show."""
        url, body = self._url(key), _checked(key, Statement(value, about or {}))
        life = {} if self.lifetime is None else {"expiration_ttl": self._seconds}
        with self._turn([key]):
            self._writing.request(
                "PUT",
                url,
                params=life,
                **_content(body, about),
                explain=_explain,
                check=_check_envelope,
            )

    def put_many(self, values: Mapping[str, Statement]) -> frozenset[str]:
        """Set many, ten thousand a request; the keys that Cloudflare did not take."""
        refused: set[str] = set()
        for some in _runs(list(values), _MOST_WRITTEN):
            pairs = [self._pair(key, values[key]) for key in some]
            with self._turn(some):
                answer = self._writing.request(
                    "PUT",
                    f"{self._root}/bulk",
                    json=pairs,
                    explain=_explain,
                    check=_check_envelope,
                )
            refused |= _unsuccessful(answer) & set(some)
        return frozenset(refused)

    def _pair(self, key: str, statement: Statement) -> dict[str, Any]:
        _check_key(key)
        pair: dict[str, Any] = {"key": key, "value": _checked(key, statement).decode()}
        if statement.about:
            pair["metadata"] = dict(statement.about)
        return pair | ({} if self.lifetime is None else {"expiration_ttl": self._seconds})

    @property
    def _seconds(self) -> int:
        return int(self.lifetime.total_seconds()) if self.lifetime is not None else 0

    @contextmanager
    def _turn(self, keys: Collection[str]) -> Iterator[None]:
        """Alone with these keys, a second after they were written last."""
        with ExitStack() as stack:
            for key in sorted(keys):  # one order for all, so that nobody waits in a circle
                with self._lock:
                    of_key = self._keys[key]
                stack.enter_context(of_key)
            last = max((self._written.get(key, -math.inf) for key in keys), default=-math.inf)
            wait = last + _BETWEEN_WRITES - self._clock.monotonic()
            if wait > 0:
                self._clock.sleep(wait)
            try:
                yield
            finally:
                # Whether it succeeded or not, it may have been written.
                now = self._clock.monotonic()
                self._written.update(dict.fromkeys(keys, now))

    def _url(self, key: str) -> str:
        _check_key(key)
        return f"{self._root}/values/{quote(key, safe='')}"


def _runs(items: list[str], size: int) -> Iterator[list[str]]:
    """Runs of at most so many."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _check_key(key: str) -> None:
    try:
        size = len(key.encode())
    except UnicodeEncodeError as error:
        raise RejectedError(f"{CloudflareKV.name}: {key!r} is no key: it is not text") from error
    if key in ("", ".", "..") or size > _MOST_KEY:
        raise RejectedError(
            f"{CloudflareKV.name}: {key[:100]!r} is no key: 1 to {_MOST_KEY} bytes, not . or .."
        )


def _checked(key: str, statement: Statement) -> bytes:
    """The value's bytes, when Cloudflare takes them and what is said beside."""
    body = statement.value.encode()
    if len(body) > _MOST_VALUE:
        raise RejectedError(
            f"{CloudflareKV.name}: {key}: {len(body):,} bytes; at most {_MOST_VALUE:,}"
        )
    if len(_json(statement.about)) > _MOST_ABOUT:
        raise RejectedError(f"{CloudflareKV.name}: {key}: metadata beyond {_MOST_ABOUT:,} bytes")
    return body


def _content(body: bytes, about: Mapping[str, str | int] | None) -> dict[str, Any]:
    """The value as it stands, or a form with its metadata; JSON would be stored with its wrapping."""
    if not about:
        return {"content": body, "headers": {"content-type": "application/octet-stream"}}
    metadata = (None, _json(about), "application/json")
    return {"files": {"value": (None, body, "application/octet-stream"), "metadata": metadata}}


def _json(about: Mapping[str, str | int]) -> bytes:
    return json.dumps(dict(about), separators=(",", ":"), ensure_ascii=False).encode()


def _values(answer: Answer) -> Mapping[str, str]:
    result = answer.json().get("result")
    values = result.get("values") if isinstance(result, dict) else None
    if not isinstance(values, dict):
        raise TransientError(f"{answer.what} without values: {answer.excerpt}")
    return {key: value for key, value in values.items() if isinstance(value, str)}


def _unsuccessful(answer: Answer) -> set[str]:
    result = answer.json().get("result")
    failed = result.get("unsuccessful_keys") if isinstance(result, dict) else None
    return {key for key in failed or () if isinstance(key, str)}


class _AbsentError(ImageAssetsError):
    """Cloudflare says that the key has no value."""


def _explain(answer: Answer) -> ImageAssetsError | None:
    """The error by Cloudflare's code: one status says several things, and a 404 two of them."""
    codes = _codes(answer)
    told = f"{answer.what}: {answer.excerpt}"
    if _DAY_SPENT in codes:
        return QuotaExhaustedError(f"{told}; the plan's budget of today is spent")
    if _NO_RIGHT in codes:
        return AuthenticationError(
            f"{told}; check CLOUDFLARE_API_TOKEN (Workers KV Storage Edit) and CLOUDFLARE_ACCOUNT_ID"
        )
    if _NO_KEY in codes and answer.status == 404:
        return _AbsentError(told)
    if answer.status == 404:
        what = "KV_NAMESPACE_ID" if _NO_NAMESPACE in codes else "CLOUDFLARE_API_URL"
        return PermanentError(f"{told}; check {what} and CLOUDFLARE_ACCOUNT_ID")
    return None


def _codes(answer: Answer) -> set[int]:
    try:
        envelope = answer.json()
    except TransientError:
        return set()  # a proxy's page: the status must do
    errors = envelope.get("errors") if isinstance(envelope, dict) else None
    found = [error.get("code") for error in errors or () if isinstance(error, dict)]
    return {code for code in found if isinstance(code, int)}


def _check_envelope(answer: Answer) -> None:
    envelope: Any = answer.json()
    if not isinstance(envelope, dict) or envelope.get("success") is not True:
        raise TransientError(f"{answer.what} without success: {answer.excerpt}")


def _check_value(answer: Answer) -> None:
    # Values are raw bytes; a page in between would be taken for one.
    if answer.headers.get("content-type", "").startswith("text/html"):
        raise TransientError(f"{answer.what} with a page instead of a value: {answer.excerpt}")
