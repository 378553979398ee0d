"""A real S3 server (ministack, in a process of its own), and a door before it that is as strict as S3.

ministack keeps objects as S3 does and lets everybody in; the door checks signatures, rights, clocks
and checksums by S3's own documents, sharing nothing with boto3, and lets requests go wrong on demand.
"""

import base64
import datetime as dt
import hashlib
import hmac
import http.client
import itertools
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

import httpx

from image_assets.rehearsal.exchange import Reply, Request
from image_assets.rehearsal.faults import Fault, Faults, Kind, Rule
from image_assets.rehearsal.switchboard import Outcome
from image_assets.rehearsal.wire import LoopbackServer
from image_assets.services.s3.door import Door
from image_assets_tests.services.nas.servers import free_port

REGION = "eu-central-1"
KEY_ID, SECRET = "AKIAREHEARSAL", "rehearsal/s3+secret"
POWERLESS = "rehearsal/s3+powerless"
_KEYS = {KEY_ID: SECRET, "AKIAPOWERLESS": POWERLESS}
_SKEW = dt.timedelta(minutes=15)
_LONGEST = 7 * 24 * 3600
_HOP = {"connection", "transfer-encoding", "content-length", "date", "server", "keep-alive"}
_buckets = itertools.count()


@contextmanager
def ministack(folder: Path) -> Iterator[str]:
    """The address of an S3 server on loopback, empty, in a process of its own."""
    port = free_port()
    own = {
        "SERVICES": "s3",
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",  # it would listen everywhere
        "SFTP_ENABLED": "0",  # and so would this
        "TMPDIR": str(folder),
        "PATH": os.environ.get("PATH", ""),
    }
    with (folder / "ministack.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            cwd=folder, env=own, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            _wait(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def _wait(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(url, trust_env=False)
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


class StrictS3:
    """The server behind a door: `url` is what clients are given, `inner` goes past the door.

    Buckets whose name begins with `public` may be read by everybody.
    """

    def __init__(self, inner: str) -> None:
        self.inner = inner
        self.ahead = dt.timedelta(0)
        self.asked: list[str] = []
        self._faults = Faults()
        self._server = LoopbackServer("127.0.0.1", 0, self._answer)
        self.url = self._server.address
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.hang_up()

    def reset(self) -> None:
        """Nothing goes wrong, and nothing was asked."""
        self._faults.clear()
        self.asked.clear()
        self.ahead = dt.timedelta(0)

    def fault(self, route: str, fault: Mapping[str, Any], *, times: int | None = None) -> None:
        """Let requests whose `METHOD /path?query` matches go wrong."""
        self._faults.add(Rule(route, Fault.of(fault), times=times))

    def count(self, route: str) -> int:
        """How many requests matched."""
        return sum(bool(re.search(route, asked)) for asked in self.asked)

    def new_bucket(self, kind: str = "private") -> "Inside":
        """A bucket that nobody used before."""
        bucket = Inside(self.inner, f"{kind}-{next(_buckets)}")
        bucket.ask("PUT", "").raise_for_status()
        return bucket

    def door(self, bucket: str, **changes: Any) -> Door:
        """How a client gets in."""
        known: dict[str, Any] = {
            "endpoint_url": self.url, "region": REGION, "key_id": KEY_ID, "secret": SECRET,
            "path_style": True, "timeout": 5.0,
        }  # fmt: skip
        return Door(bucket, **(known | changes))

    def _answer(self, request: Request) -> Outcome:
        name = f"{request.method} {request.path}" + (f"?{request.query}" if request.query else "")
        fault = self._faults.strike((name,))
        try:
            if fault is None:
                return Outcome(self._serve(request))
            if fault.kind is Kind.DELAY:
                time.sleep(fault.seconds)
            reply = self._serve(request) if fault.processed else Reply(200)
            return Outcome(None if fault.drops else fault.spoil(reply), fault)
        finally:
            self.asked.append(name)

    def _serve(self, request: Request) -> Reply:
        refusal = _refusal(request, dt.datetime.now(dt.UTC) + self.ahead)
        return refusal or self._forward(request)

    def _forward(self, request: Request) -> Reply:
        connection = http.client.HTTPConnection(self.inner.removeprefix("http://"), timeout=30)
        rest = [p for p in request.query.split("&") if p and not p.startswith("X-Amz-")]
        target = request.path + (f"?{'&'.join(rest)}" if rest else "")  # it was let in already
        headers = {n: v for n, v in request.headers.items() if n.lower() not in (*_HOP, "expect")}
        try:
            connection.request(request.method, target, request.body, headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        kept = {n: v for n, v in answer.getheaders() if n.lower() not in _HOP}
        if request.method == "HEAD":  # its length is of a body that is not sent
            body = bytes(int(answer.getheader("Content-Length") or 0))
        return Reply(answer.status, body, kept)


@dataclass(frozen=True)
class Inside:
    """A bucket as the server itself sees it, past the door."""

    inner: str
    name: str

    def ask(self, method: str, key: str, **more: Any) -> httpx.Response:
        url = f"{self.inner}/{self.name}" + (f"/{key}" if key else "")
        # Loading certificates that nobody asks for here takes longer than the request.
        return httpx.request(method, url, trust_env=False, verify=False, **more)

    def held(self) -> list[str]:
        answer = self.ask("GET", "", params={"list-type": "2", "max-keys": "1000"})
        return re.findall("<Key>(.*?)</Key>", answer.raise_for_status().text)

    def put(self, key: str, content: bytes, **headers: str) -> None:
        self.ask("PUT", key, content=content, headers=headers).raise_for_status()

    def fill(self, keys: Iterable[str]) -> None:
        """Empty objects, many of them."""
        with httpx.Client(trust_env=False, verify=False) as client:
            for key in keys:
                client.put(f"{self.inner}/{self.name}/{key}").raise_for_status()

    def read(self, key: str) -> bytes:
        return self.ask("GET", key).raise_for_status().content

    def delete(self, key: str) -> None:
        self.ask("DELETE", key).raise_for_status()


def error(status: int, code: str, message: str = "") -> dict[str, Any]:
    """A fault that is one of S3's own refusals."""
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return {
        "kind": "status",
        "status": status,
        "body": body,
        "headers": {"Content-Type": "application/xml"},
    }


def _refusal(request: Request, now: dt.datetime) -> Reply | None:
    """What S3 says no to before it looks at an object."""
    query = request.parameters()
    signed = "X-Amz-Signature" in query or "Authorization" in request.headers
    if not signed:
        everybody = request.path.startswith("/public") and request.method in ("GET", "HEAD")
        return None if everybody else _no(403, "AccessDenied")
    refusal = _linked(request, query, now) if "X-Amz-Signature" in query else _sent(request, now)
    return refusal or _damaged(request)


def _sent(request: Request, now: dt.datetime) -> Reply | None:
    """A request that is signed in its Authorization header."""
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})",
        request.headers["Authorization"],
    )
    if found is None:
        return _no(400, "AuthorizationHeaderMalformed")
    credential, names, signature = found.groups()
    if credential.split("/")[0] not in _KEYS:
        return _no(403, "InvalidAccessKeyId")
    if credential.split("/")[2] != REGION:
        return _no(400, "AuthorizationHeaderMalformed", f"the region must be {REGION}")
    stamp = request.headers["X-Amz-Date"]
    if abs(now - _time(stamp)) > _SKEW:
        return _no(403, "RequestTimeTooSkewed", "The difference is too large.")
    payload = request.headers["X-Amz-Content-SHA256"]
    if signature != _signature(request, credential, names, stamp, payload, request.query):
        return _no(403, "SignatureDoesNotMatch", f"for {request.headers['Authorization']}")
    if payload != "UNSIGNED-PAYLOAD" and payload != hashlib.sha256(request.body).hexdigest():
        return _no(400, "XAmzContentSHA256Mismatch")
    powerless = credential.startswith("AKIAPOWERLESS") and request.method not in ("GET", "HEAD")
    return _no(403, "AccessDenied") if powerless else None


def _linked(request: Request, query: Mapping[str, str], now: dt.datetime) -> Reply | None:
    """A request that is signed in its address."""
    stamp, seconds = query["X-Amz-Date"], int(query["X-Amz-Expires"])
    if not 1 <= seconds <= _LONGEST:
        return _no(400, "AuthorizationQueryParametersError")
    if now > _time(stamp) + dt.timedelta(seconds=seconds):
        return _no(403, "AccessDenied", "Request has expired")
    rest = "&".join(p for p in request.query.split("&") if not p.startswith("X-Amz-Signature="))
    credential, names = query["X-Amz-Credential"], query["X-Amz-SignedHeaders"]
    expected = _signature(request, credential, names, stamp, "UNSIGNED-PAYLOAD", rest)
    return None if query["X-Amz-Signature"] == expected else _no(403, "SignatureDoesNotMatch")


def _damaged(request: Request) -> Reply | None:
    checks = {
        "x-amz-checksum-sha256": hashlib.sha256(request.body).digest(),
        "content-md5": hashlib.md5(request.body).digest(),
    }
    for header, digest in checks.items():
        said = request.headers.get(header)
        if said is not None and said != base64.b64encode(digest).decode():
            return _no(400, "BadDigest")
    return None


def _signature(
    request: Request, credential: str, names: str, stamp: str, payload: str, query: str
) -> str:
    """Version 4, as https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html says."""
    key_id, day, region, service, end = credential.split("/")
    headers = "".join(
        f"{name}:{' '.join(request.headers[name].split())}\n" for name in names.split(";")
    )
    pairs = sorted((pair if "=" in pair else f"{pair}=") for pair in query.split("&") if pair)
    canonical = "\n".join((request.method, request.path, "&".join(pairs), headers, names, payload))
    scope = "/".join((day, region, service, end))
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, digest))
    key = f"AWS4{_KEYS.get(unquote(key_id), '')}".encode()
    for part in (day, region, service, end, text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


def _time(stamp: str) -> dt.datetime:
    return dt.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)


def _no(status: int, code: str, message: str = "") -> Reply:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Reply(status, body.encode(), {"Content-Type": "application/xml"})
