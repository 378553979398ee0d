"""Latest values in Cloudflare Workers KV, over its REST API.

Eventually consistent: a read elsewhere may be a minute old, and nothing compares and sets. The
official SDK refuses texts as values, so the two calls are made here.
"""

import datetime as dt
import threading
from collections import defaultdict
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
from image_assets.services.http import Answer, Clock, Http, Politeness, Retry

_NO_KEY = 10009
_NO_RIGHT = 10000
_NO_NAMESPACE = 10013
_DAY_SPENT = 10048

_MOST_KEY = 512  # bytes
_MOST_VALUE = 25 * 1024 * 1024
_BETWEEN_WRITES = 1.0  # seconds between two writes of one key


class CloudflareKV:
    """One namespace.

    Args:
        api_token: with the right Workers KV Storage Edit.
        account_id: the account.
        namespace_id: the namespace.
        api_url: root of the API.
        retry: bounds of one call.
        timeout: seconds one attempt may take.
        clock: time and chance.
    """

    name = "cloudflare_kv"
    staleness = dt.timedelta(seconds=60)

    def __init__(
        self,
        *,
        api_token: str,
        account_id: str,
        namespace_id: str,
        api_url: str = "https://api.cloudflare.com/client/v4",
        retry: Retry | None = None,
        timeout: float = 30.0,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or Clock()
        account, namespace = quote(account_id, safe=""), quote(namespace_id, safe="")
        self._values = (
            f"{api_url.rstrip('/')}/accounts/{account}/storage/kv/namespaces/{namespace}/values"
        )
        self._http = Http(
            self.name,
            (api_url,),
            # The whole account may ask 1,200 times in five minutes, then it is shut out for five.
            politeness=Politeness(4, requests=1000, per=300.0, clock=self._clock),
            # A write that is repeated at once would break the rule of one a second.
            retry=replace(retry or Retry(), floor=_BETWEEN_WRITES),
            timeout=timeout,
            headers={"Authorization": f"Bearer {api_token}"},
            credential="CLOUDFLARE_API_TOKEN",
            clock=self._clock,
        )
        self._lock = threading.Lock()
        self._keys: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._written: dict[str, float] = {}

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def get(self, key: str) -> str | None:
        """The value of `key`, perhaps a minute old; None when Cloudflare says there is none."""
        try:
            answer = self._http.request("GET", self._url(key), explain=_explain, check=_check_value)
        except _AbsentError:
            return None
        try:
            return answer.body.decode()
        except UnicodeDecodeError as error:
            raise PermanentError(f"{self.name}: {key}: the value is no text; not ours") from error

    def put(self, key: str, value: str) -> None:
        """Set `key`, at most once a second."""
        body = value.encode()
        if len(body) > _MOST_VALUE:
            raise RejectedError(f"{self.name}: {key}: {len(body):,} bytes; at most {_MOST_VALUE:,}")
        url = self._url(key)
        with self._lock:
            of_key = self._keys[key]
        with of_key:
            self._wait_for(key)
            try:
                self._http.request(
                    "PUT",
                    url,
                    content=body,
                    headers={"content-type": "application/octet-stream"},
                    explain=_explain,
                    check=_check_envelope,
                )
            finally:
                # Whether it succeeded or not, it may have been written.
                self._written[key] = self._clock.monotonic()

    def _wait_for(self, key: str) -> None:
        last = self._written.get(key)
        wait = 0.0 if last is None else last + _BETWEEN_WRITES - self._clock.monotonic()
        if wait > 0:
            self._clock.sleep(wait)

    def _url(self, key: str) -> str:
        try:
            size = len(key.encode())
        except UnicodeEncodeError as error:
            raise RejectedError(f"{self.name}: {key!r} is no key: it is not text") from error
        if key in ("", ".", "..") or size > _MOST_KEY:
            raise RejectedError(
                f"{self.name}: {key[:100]!r} is no key: 1 to {_MOST_KEY} bytes, not . or .."
            )
        return f"{self._values}/{quote(key, safe='')}"


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
