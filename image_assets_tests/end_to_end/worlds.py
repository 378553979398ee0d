"""Worlds in which a journey can be killed, and what came of it: catalog, store, plots and services."""

import base64
import datetime as dt
import hashlib
import json
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from image_assets.rehearsal import Profile, Rehearsal
from image_assets.settings import isolated_environment
from image_assets_tests.journey import AT_ONCE
from image_assets_tests.plotting import draw

PROFILE = Profile(
    cadence=dt.timedelta(hours=12),
    gap_share=0,
    stale_share=0,
    miniatures=True,
    kv_key_interval=0.001,
)


class Server:
    """The processes that take journeys, one at a time."""

    def __init__(self) -> None:
        module = "image_assets_tests.end_to_end.killing"
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=isolated_environment({}),
        )

    def begin(self, order: dict[str, Any]) -> int:
        """Start a journey; the number of its process."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        number = self._said()
        assert number > 1  # others are no process, but whole groups of them
        return number

    def end(self) -> int:
        """How it ended, once it did."""
        return self._said()

    def close(self) -> None:
        self._process.communicate()

    def _said(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


@dataclass(frozen=True)
class World:
    """A catalog, a store, a folder of plots and the services, all of their own."""

    folder: Path
    rehearsal: Rehearsal
    server: Server

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def plots(self) -> Path:
        return self.data / "visualization"

    def begin(self, day: str, moment: str | None = None, *, hours_ahead: int = 0) -> int:
        """Start the journey of a day; the number of its process."""
        settings = {
            **self.rehearsal.environment(),
            **AT_ONCE,
            "IMAGE_ASSETS_DATA_DIR": str(self.data),
            "VISUALIZATION_SETTLE_SECONDS": "0",
            "UPLOAD_PAUSE": "0",
        }
        order = {"settings": settings, "day": day, "moment": moment, "hours_ahead": hours_ahead}
        return self.server.begin(order | {"reached": str(self.folder / "reached.json")})

    def take(self, day: str, moment: str | None = None, *, hours_ahead: int = 0) -> int:
        """The journey of a day, and how it ended."""
        self.begin(day, moment, hours_ahead=hours_ahead)
        return self.server.end()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.data / "catalog.db")) as connection:
            return sorted(connection.execute(query).fetchall())

    def announced(self) -> dict[str, list[tuple[str, int]]]:
        """Capture time and sequence of all that was ever written under each key of the store."""
        written: dict[str, list[tuple[str, int]]] = {}
        for event in self._told("kv.jsonl"):
            metadata = json.loads(base64.b64decode(event["value"]))["metadata"]
            told = (metadata["captured_at"], metadata["sequence"])
            written.setdefault(event["key"], []).append(told)
        return written

    def pinned(self) -> set[str]:
        """Identifiers of what Pinata holds."""
        return {event["file"]["cid"] for event in self._told("pinata.jsonl") if "file" in event}

    def sends(self) -> int:
        """How often something was sent to Pinata since the stand-ins started."""
        counts = self.rehearsal.requests()["counts"]
        sent = ("POST", "pinata/uploads")
        return sum(c["count"] for c in counts if (c["method"], c["service"]) == sent)

    def copies(self) -> Counter[str]:
        """How often imgbb holds each content."""
        shelf = self.rehearsal.shelves["imgbb"]
        return Counter(sha256_of(shelf.content(item)) for item in shelf)

    def lying(self) -> dict[str, bytes]:
        """The pictures in the producer's folder, those that were put away among them."""
        return {file.name: file.read_bytes() for file in self.plots.rglob("*.png")}

    def _told(self, name: str) -> list[dict[str, Any]]:
        lines = (self.folder / "state" / name).read_text().splitlines()
        return [json.loads(line) for line in lines]


@dataclass(frozen=True)
class Come:
    """What came of a journey: pictures, what is proven at Pinata, what is announced, which files are left."""

    pictures: list[tuple[Any, ...]]
    published: list[tuple[Any, ...]]
    latest: list[tuple[Any, ...]]
    lying: dict[str, bytes]
    stored: list[str]

    @classmethod
    def of(cls, world: World) -> "Come":
        return cls(
            world.rows("SELECT source, collection, item_key, state, sha256, stale FROM images"),
            world.rows(f"SELECT sha256, state, level {AT} = 'pinata'"),
            world.rows("SELECT key, sequence, captured_at, sha256, state FROM latest"),
            world.lying(),
            sorted(str(f.relative_to(world.data)) for f in (world.data / "images").rglob("*.*")),
        )


AT = "FROM uploads JOIN destinations d ON d.id = destination_id WHERE d.name"


def draw_plots(folder: Path, *days: int) -> dict[str, bytes]:
    """A plot of each of these days of September; their bytes."""
    for day in days:
        begin = dt.datetime(2025, 9, day, tzinfo=dt.UTC)
        end = begin + dt.timedelta(days=1)
        period = {"start": begin.isoformat(), "end": end.isoformat()}
        draw(folder, f"{day}.png", seed=day, drawn=end + dt.timedelta(hours=1), **period)
    return {file.name: file.read_bytes() for file in folder.glob("*.png")}


@contextmanager
def world_in(folder: Path, server: Server) -> Iterator[World]:
    with Rehearsal(PROFILE, state=folder / "state") as rehearsal:
        yield World(folder, rehearsal, server)


def sha256_of(content: bytes) -> str:
    """Hex SHA-256."""
    return hashlib.sha256(content).hexdigest()
