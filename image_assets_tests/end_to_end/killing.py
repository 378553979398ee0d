"""A journey that can be killed at a named moment: `python -m image_assets_tests.end_to_end.killing`.

For each line on its input, an order in JSON, it forks a process that takes the journey, and says its
number and then how it ended. What is slow to import is imported once.

A moment is a point and which of its calls: `store.put:1` before the first one, `store.put+2` after the
second. Points are methods of the rooms that stages work in, and calls of the system (`os.link`); both
are watched from here, the product knows nothing of it.
"""

import datetime as dt
import json
import logging
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from image_assets import compose
from image_assets.core.model import ImageFormat, Partition, Picture, Publishes
from image_assets.core.reading import examine
from image_assets.core.recipes import Recipe
from image_assets.settings import Settings, isolated
from image_assets.stages.images import AT_ONCE, Collector, Terms
from image_assets.stages.latest import Announcement, Announcer
from image_assets.stages.originals import Originals
from image_assets.stages.report import Report
from image_assets.stages.uploads import Publisher
from image_assets.stages.visualizations import HandOver

IN_GATE = "apm/in_gate"
PLOTS = "temperature:daily"
RECIPE = Recipe("none")  # originals are published: nothing is rendered
SYSTEM = {os: ("link", "fsync", "rename", "unlink"), socket.socket: ("send", "recv_into")}


class Fate:
    """Which points were reached how often, and at which moment the process is killed."""

    def __init__(self, moment: str | None) -> None:
        self._moment = moment
        self.reached: Counter[str] = Counter()

    def watch(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, under the name of a point."""

        def watched(*arguments: Any, **named: Any) -> Any:
            self._reach(f"{name}:")
            result = call(*arguments, **named)
            self._reach(f"{name}+")
            return result

        return watched

    def _reach(self, point: str) -> None:
        self.reached[point] += 1
        if self._moment == f"{point}{self.reached[point]}":
            os.kill(os.getpid(), signal.SIGKILL)


class Watched:
    """A room as it is, but that its methods are points."""

    def __init__(self, name: str, room: Any, fate: Fate) -> None:
        self._name, self._room, self._fate = name, room, fate

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self._room, attribute)
        watch = callable(found) and not attribute.startswith("_")
        return self._fate.watch(f"{self._name}.{attribute}", found) if watch else found


class Looks:
    """What decodes pictures, here in this process, which is killed anyway."""

    def inspect(self, file: Path) -> Picture:
        return examine(file, max_pixels=1_000_000, max_bytes=1_000_000)


class Journey:
    """Cameras and visualisations from their sources to the latest key, and what may be tidied then."""

    def __init__(self, settings: Settings, fate: Fate, stack: ExitStack, ahead: dt.timedelta):
        self._settings, self._fate, self._ahead = settings, fate, ahead
        self._catalog = stack.enter_context(compose.catalog(settings))
        self._store = self._room("store", compose.store(settings))
        self._images = self._room("images", self._catalog.images)
        self._uploads = self._room("uploads", self._catalog.uploads)
        self._latest = self._room("latest", self._catalog.latest)
        self._kv = self._room("kv", compose.latest_store(settings, "cloudflare_kv"))
        self._hosts = {
            name: self._room(name, stack.enter_context(closing(compose.host(settings, name))))  # type: ignore[type-var]
            for name in ("pinata", "imgbb")
        }

    def take(self, day: str) -> None:
        self._camera(Partition("camera", IN_GATE, day))
        self._visualizations()
        self._retention()

    def _camera(self, frames: Partition) -> None:
        source = self._room("camera", compose.source(self._settings, "camera"))
        self._collect(source, frames, Terms(workers=1))
        for destination in self._hosts:
            self._publish(frames, destination)
        self._announce("camera", IN_GATE)

    def _visualizations(self) -> None:
        plots = self._room("plots", compose.source(self._settings, "visualization"))
        waiting = plots.waiting()
        for partition in waiting:
            self._collect(plots, partition, Terms(1, *AT_ONCE))
            self._publish(partition, "pinata")
        self._announce("visualization", PLOTS)
        HandOver(
            plots,
            self._catalog.visualizations,
            self._latest,
            ["pinata"],
            lambda collection: f"{collection}:latest",
            self._clock,
            replace(self._settings.originals, undo=dt.timedelta(0)),
        ).tidy()

    def _retention(self) -> None:
        """Plots that are proven elsewhere go from the store as well: a tombstone first, then the bytes."""
        policy = replace(
            self._settings.originals,
            undo=dt.timedelta(0),
            places={"visualization": frozenset({"pinata"})},
            exporting=(),
        )
        stage = Originals(self._room("originals", self._catalog.originals), self._store, policy)
        for _ in ("tombstone", "purge"):
            stage.plan(now=self._clock())
            stage.apply(now=self._clock())

    def _collect(self, source: Any, partition: Partition, terms: Terms) -> None:
        collector = Collector(source, self._images, self._store, Looks(), terms)  # type: ignore[arg-type]
        collector.collect(partition, now=self._clock())

    def _publish(self, partition: Partition, destination: str) -> Report:
        rooms = (self._hosts[destination], self._uploads, self._store)
        publisher = Publisher(destination, *rooms, f"process {os.getpid()}", self._clock, workers=1)
        return publisher.publish(partition, Publishes.ORIGINALS, RECIPE)

    def _announce(self, source: str, collection: str) -> None:
        interval = collection.partition(":")[2] or "daily"
        what = Announcement(source, collection, "pinata", None, ImageFormat.JPEG, interval)
        owner = f"process {os.getpid()}"
        Announcer(self._kv, self._latest, owner, self._clock).announce(what)

    def _room(self, name: str, room: Any) -> Any:
        return Watched(name, room, self._fate)

    def _clock(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self._ahead


def take(order: Mapping[str, Any]) -> None:
    """Take the journey that was ordered; what it reached is written down at its end."""
    logging.disable(logging.CRITICAL)
    fate = Fate(order["moment"])
    for room, names in SYSTEM.items():
        for name in names:
            setattr(room, name, fate.watch(f"{room.__name__}.{name}", getattr(room, name)))
    ahead = dt.timedelta(hours=order["hours_ahead"])
    with ExitStack() as stack:
        Journey(isolated(order["settings"]), fate, stack, ahead).take(order["day"])
    Path(order["reached"]).write_text(json.dumps(fate.reached))


def serve() -> None:
    """Take journeys one after the other, each in a process of its own."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _take_and_go(json.loads(line))
        _say(child)
        _say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _take_and_go(order: Mapping[str, Any]) -> None:
    code = 1
    try:
        take(order)
        code = 0
    finally:
        sys.excepthook(*sys.exc_info()) if code else None  # type: ignore[arg-type]
        os._exit(code)


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve()
