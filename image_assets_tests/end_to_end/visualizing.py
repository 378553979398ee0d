"""Visualisations in Dagster, in this process, over rehearsal services: drawn, published, put away."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from image_assets.compose import Catalog
from image_assets.core.model import Partition
from image_assets.defs.build import build_definitions
from image_assets.defs.resources import opened
from image_assets.rehearsal import Profile, Rehearsal
from image_assets.services.visualization import PUBLISHED
from image_assets.settings import Settings, isolated
from image_assets_tests.journey import AT_ONCE, Run, asked_by, own_instance, run_chain

SOURCE = (
    "{name: visualization, kind: visualization, start: 2025-01-01, end: 2025-03-01,"
    " collections: [temperature:hourly, temperature:daily], publishes: originals,"
    " destinations: [pinata], latest: {store: cloudflare_kv, destination: pinata}}"
)
DAILY = "temperature:daily"


@dataclass(frozen=True)
class Studio:
    """A folder in which somebody draws, and Dagster that looks after it."""

    rehearsal: Rehearsal
    settings: Settings
    services: Mapping[str, Any]
    instance: dg.DagsterInstance
    definitions: dg.Definitions

    @property
    def catalog(self) -> Catalog:
        catalog: Catalog = self.services["catalog"]
        return catalog

    @property
    def folder(self) -> Path:
        return self.settings.data_dir / "visualization"

    def tick(self, sensor: str = "new_files") -> list[str] | str:
        """The partitions that a sensor asks for, or why for none."""
        name = f"visualization_{sensor}"
        return asked_by(name, self.definitions, self.instance, self.services)

    def run(self, key: str, *stages: str) -> Run:
        some = [f"visualization/{stage}" for stage in stages]
        return run_chain("visualization_publish", self.definitions, self.instance, key, *some)

    def publish(self) -> list[Run]:
        """What a tick asks for."""
        asked = self.tick()
        return [self.run(key) for key in asked] if isinstance(asked, list) else []

    def announce(self, collection: str = DAILY) -> Run:
        return run_chain("visualization_latest", self.definitions, self.instance, collection)

    def tidy(self) -> dict[str, Any]:
        """What a run over the folder shows."""
        job = self.definitions.resolve_job_def("visualization_local_files")
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        result = job.execute_in_process(
            instance=self.instance, run_config=quiet, raise_on_error=False
        )
        events = [e for e in result.all_events if e.is_step_materialization]
        shown = events[0].materialization.metadata if events else {}
        return {name: value.value for name, value in shown.items()}

    def announced(self, key: str = "temperature:daily:latest") -> dict[str, Any] | None:
        """What the store says."""
        value = self.services["cloudflare_kv_latest"].get(key)
        return None if value is None else dict(json.loads(value))

    def published(self, day: str) -> int:
        """How many plots of a day are verified at Pinata."""
        partition = Partition("visualization", DAILY, day)
        return len(self.catalog.uploads.published(partition, "pinata"))

    def lying(self) -> list[str]:
        """The files in the folder, and those that were put away."""
        found = self.folder.rglob("*.*")
        return sorted(
            f"{PUBLISHED}/{f.name}" if PUBLISHED in f.parts else f.name
            for f in found
            if f.is_file()
        )


@contextmanager
def studio(
    folder: Path, profile: Profile | None = None, **settings: str | None
) -> Iterator[Studio]:
    """A studio below `folder`; a setting of None is unset."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "visualization").mkdir(exist_ok=True)
    sources = folder / "sources.yaml"
    sources.write_text(f"sources: [{SOURCE}]")
    with Rehearsal(profile or Profile()) as rehearsal:
        own = {
            **rehearsal.environment(),
            **AT_ONCE,
            "IMAGE_ASSETS_DATA_DIR": str(folder),
            "IMAGE_ASSETS_SOURCES": str(sources),
            "VISUALIZATION_SETTLE_SECONDS": "0",
        } | settings
        given = isolated({name: value for name, value in own.items() if value is not None})
        with opened(given) as services, own_instance() as instance:
            definitions = build_definitions(given, services)
            yield Studio(rehearsal, given, services, instance, definitions)
