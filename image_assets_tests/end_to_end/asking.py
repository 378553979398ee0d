"""Asking for pictures over HTTP, and Dagster drawing them in this process against the rehearsal.

python -m image_assets_tests.end_to_end.asking VARIABLES REQUEST     draws one request, and can be killed
"""

import datetime as dt
import json
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import httpx

from image_assets.compose import Catalog
from image_assets.core.model import Partition
from image_assets.defs.build import build_definitions
from image_assets.defs.resources import opened
from image_assets.delivery.app import create_app
from image_assets.delivery.generation import router
from image_assets.rehearsal import Profile, Rehearsal
from image_assets.settings import Settings, isolated
from image_assets.stages.generation import Studio
from image_assets_tests.delivery.site import serving
from image_assets_tests.journey import Run, asked_by, own_instance, run_chain

SOURCE = "sources: [{name: generated, kind: generated, policy: exact, destinations: [local]}]"
QUICK = {
    "PNG_COMPRESSION": "1",
    "GEMINI_RETRY_DELAY": "0.01",
    "IMAGE_ASSETS_RETRY_SECONDS": "0",
    "API_WAIT_SECONDS": "0",
    "API_REQUESTS_PER_MINUTE": "100000",
}


@dataclass(frozen=True)
class Agency:
    """Who asks, who writes it down, who draws."""

    rehearsal: Rehearsal
    settings: Settings
    services: Mapping[str, Any]
    instance: dg.DagsterInstance
    definitions: dg.Definitions
    client: httpx.Client
    variables: Mapping[str, Any]

    @property
    def catalog(self) -> Catalog:
        catalog: Catalog = self.services["catalog"]
        return catalog

    def ask(self, script: str = "a red kite over the sea", **more: Any) -> httpx.Response:
        """`POST /api/thumbnails` as JSON; `wait` and headers apart."""
        asked = {name: more.pop(name) for name in ("wait",) if name in more}
        headers = more.pop("headers", {})
        body = {"script": script, **more}
        return self.client.post("/api/thumbnails", json=body, params=asked, headers=headers)

    def status(self, key: str) -> dict[str, Any]:
        answer = self.client.get(f"/api/thumbnails/{key}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def tick(self) -> list[str] | str:
        """The requests that the sensor asks for, made partitions; or why for none."""
        return asked_by("generated_requests", self.definitions, self.instance, self.services)

    def run(self, key: str, *stages: str) -> Run:
        """The request's run: the whole chain, or some stages of it."""
        some = [f"generated/{stage}" for stage in stages]
        return run_chain("generated_request", self.definitions, self.instance, key, *some)

    def work(self) -> list[Run]:
        """One tick, and the runs that it asks for."""
        asked = self.tick()
        return [self.run(key) for key in asked] if isinstance(asked, list) else []

    @contextmanager
    def working(self) -> Iterator[None]:
        """Ticks and runs go on beside the block, as the daemon's do."""
        over = threading.Event()

        def go_on() -> None:
            while not over.is_set():
                self.work()
                over.wait(0.05)

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()  # a run that outlives its folder would fail another test

    def asked(self) -> int:
        """Calls that reached the generator."""
        counts = self.rehearsal.requests()["counts"]
        return sum(c["count"] for c in counts if c["service"] == "gemini")


@contextmanager
def agency(
    folder: Path, profile: Profile | None = None, *, without: tuple[str, ...] = (), **settings: Any
) -> Iterator[Agency]:
    """All of it below `folder`; Dagster is its own, the API listens on loopback."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = folder / "sources.yaml"
    sources.write_text(SOURCE)
    with Rehearsal(profile) as rehearsal:
        own = {
            **rehearsal.environment(),
            **QUICK,
            "IMAGE_ASSETS_DATA_DIR": str(folder),
            "IMAGE_ASSETS_SOURCES": str(sources),
        }
        variables = {n: v for n, v in (own | settings).items() if n not in without}
        given = isolated(variables)
        app = create_app(given, routers=[router(given)])
        with (
            opened(given) as services,
            own_instance() as instance,
            serving(app) as port,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=240, verify=False) as client,
        ):
            definitions = build_definitions(given, services)
            yield Agency(rehearsal, given, services, instance, definitions, client, variables)


def generate(variables: str, key: str) -> None:
    """Draw what a request asks for, one variation after the other, in a process that can be killed."""
    settings = isolated(json.loads(variables))
    with opened(settings) as services:
        catalog = services["catalog"]
        rooms = (services["generator"], catalog.generation, catalog.images, services["store"])
        now = dt.datetime.now
        studio = Studio(*rooms, services["decoder"], "a child", lambda: now(dt.UTC), workers=1)
        studio.generate(Partition("generated", "default", key))


if __name__ == "__main__":
    generate(*sys.argv[1:])
