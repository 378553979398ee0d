"""The application on a port of its own; every request line is sent as it is spelled."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from image_assets.delivery import access
from image_assets.delivery.app import create_app
from image_assets.settings import isolated

SECRET = "8f1c0d6b7a5e4f3929d0c1b2a3f4e5d6c7b8a9f0e1d2c3b4"
OTHER = "31e7a6c5b4d3f2019e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b"
NOW = 1_800_000_000
DESIGN = "0123456789abcdef01234567"
NAME = f"thumbnail/01/{DESIGN}-89abcdef.jpg"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Site:
    """The application on a port of its own, over a data folder."""

    data: Path
    port: int

    @property
    def public(self) -> Path:
        return self.data / "public"

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        response = connection.getresponse()
        answered = {name.lower(): value for name, value in response.getheaders()}
        found = Answer(response.status, answered, response.read())
        connection.close()
        return found

    def export(self, content: bytes, name: str = NAME) -> str:
        """Put an export into the store; gives its name in addresses."""
        file = self.data / "exports" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return name


def access_lines(caplog: pytest.LogCaptureFixture, count: int) -> list[str]:
    """The access log, once it has so many lines: they are written when the answer is on its way."""
    deadline = time.monotonic() + 10
    while True:
        lines = [r.getMessage() for r in caplog.records if r.name == access.__name__]
        if len(lines) >= count or time.monotonic() > deadline:
            return lines
        time.sleep(0.01)


@contextmanager
def serving(app: FastAPI) -> Iterator[int]:
    """The port on which an application answers until the end of the block."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@contextmanager
def site(data: Path, *, now: float = NOW, rebuilder=None, **variables: object) -> Iterator[Site]:
    """The application with these settings, at a time that stands still."""
    settings = isolated({"IMAGE_ASSETS_DATA_DIR": data} | variables)
    with serving(create_app(settings, rebuilder=rebuilder, clock=lambda: now)) as port:
        yield Site(data, port)
