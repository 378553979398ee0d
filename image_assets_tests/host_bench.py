"""A host of the rehearsal with its other side: a new host's test names its settings and routes.

The host is opened as everywhere, by `compose.host` from settings, so what is tested is wired.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, ClassVar

import pytest

from image_assets import compose
from image_assets.core.model import Content, Receipt
from image_assets.ports import ImageHost
from image_assets.rehearsal import Rehearsal
from image_assets.settings import isolated
from image_assets_tests.drawing import picture
from image_assets_tests.loopback import Loopback

QUICK = {"UPLOAD_TIMEOUT": "1", "UPLOAD_RETRY_DELAY": "0.001", "UPLOAD_PAUSE": "0"}


class RehearsedBench:
    """What `HttpBench` asks for, by the rehearsal's settings and journal.

    `destination` is opened, `credential` and `address` are the settings of its key and of where it
    takes uploads, `powerless` is the rehearsal's profile field of a key without rights. `routes` are
    regular expressions on `METHOD /path`. `own` are further settings.
    """

    destination: ClassVar[str]
    credential: ClassVar[str]
    address: ClassVar[str]
    powerless: ClassVar[str]
    routes: ClassVar[Mapping[str, str]]
    own: ClassVar[Mapping[str, str]] = {}

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.rehearsal = rehearsal
        self.opened: list[ImageHost] = []
        self.settings = {**rehearsal.environment(), **QUICK, **self.own}
        self.secret = self.settings[self.credential]
        self.host = self.with_key(self.secret)

    def open(self, **changes: str) -> ImageHost:
        """The host with other settings, by their names in the environment."""
        host = compose.host(isolated({**self.settings, **changes}), self.destination)
        self.opened.append(host)
        return host

    def close(self) -> None:
        for host in self.opened:
            with suppress(AttributeError):
                host.close()

    def with_key(self, key: str) -> ImageHost:
        return self.open(**{self.credential: key})

    def powerless_key(self) -> str:
        return str(getattr(self.rehearsal.profile, self.powerless))

    def gone(self) -> ImageHost:
        with Loopback(b"") as server:
            address = server.url
        return self.open(**{self.address: address})

    def fault(self, route: str, fault: Mapping[str, Any], *, times: int | None = None) -> None:
        self.rehearsal.inject(self.routes[route], fault, times=times)

    def asked(self, route: str) -> int:
        requests = self.rehearsal.requests()["requests"]
        wanted = self.routes[route]
        return sum(bool(re.match(wanted, f"{r['method']} {r['path']}")) for r in requests)

    def answering(self, body: str, status: int = 200) -> Mapping[str, Any]:
        """The fault that answers `body` instead of the host."""
        return {"kind": "status", "status": status, "body": body}


class ShelfBench(RehearsedBench):
    """A host whose stand-in keeps its pictures on a shelf (`rehearsal/shelf.py`)."""

    @property
    def shelf(self):
        return self.rehearsal.shelves[self.destination]

    def item(self, receipt: Receipt) -> str:
        """The id on the shelf of what a receipt tells of."""
        return (receipt.host_id or "").partition("/")[0]

    def held(self) -> int:
        return len(self.shelf)

    def lose(self, receipt: Receipt) -> None:
        assert self.shelf.remove(self.item(receipt))

    def swap(self, receipt: Receipt, body: bytes) -> None:
        self.shelf.swap(self.item(receipt), body)

    def mangle(self, content: Content, receipt: Receipt) -> None:
        self.swap(receipt, picture(4711, format=content.format.value.upper()))

    def other_picture(self) -> str:
        """The id of a picture that the host has and that nobody here sent."""
        return str(self.shelf.add(picture(4712), name="other.jpg").id)


def bench_of(kind: type[RehearsedBench]) -> Callable[..., Iterator[RehearsedBench]]:
    """The fixture `bench` for a host's contract: one rehearsal for the module, empty for each test."""

    @pytest.fixture
    def bench(self, rehearsal) -> Iterator[RehearsedBench]:
        rehearsal.reset()
        bench = kind(rehearsal)
        yield bench
        bench.close()

    return bench
