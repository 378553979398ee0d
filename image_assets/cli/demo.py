"""`image-assets demo`: the whole journey on three days of two cameras, against rehearsal services."""

import datetime as dt
import json
import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
from rich.console import Console
from rich.table import Table

from image_assets import compose, logs
from image_assets.cli.rehearsing import rehearsing
from image_assets.cli.watching import watching
from image_assets.core.model import DEFAULT_TENANT, ImageState, Partition, UploadState
from image_assets.defs.build import build_definitions
from image_assets.defs.partitions import key_of
from image_assets.defs.resources import opened
from image_assets.ports import Totals
from image_assets.settings import Settings, isolated
from image_assets.sources import DEFAULT_SOURCES, SourceSpec

INSTANCE_FILE = Path(__file__).parents[2] / "dagster_home" / "dagster.yaml"
RANGE = "dagster/asset_partition_range"
_SHEET_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """How much the demo takes on: UTC days from the first, of each stream, a picture every `cadence`."""

    first: dt.date = dt.date(2025, 9, 1)
    days: int = 3
    streams: tuple[str, ...] = ("apm/in_gate", "apm/out_gate")
    cadence: dt.timedelta = dt.timedelta(hours=1)

    def partitions(self, spec: SourceSpec) -> list[Partition]:
        """Days x streams."""
        return [
            Partition(spec.name, stream, (self.first + dt.timedelta(days=n)).isoformat())
            for n in range(self.days)
            for stream in self.streams
        ]


DEMO = Plan()


@dataclass(frozen=True, slots=True)
class Places:
    """Where the demo keeps what."""

    folder: Path

    @property
    def home(self) -> Path:
        """The Dagster instance."""
        return self.folder / "dagster_home"

    @property
    def rehearsal(self) -> Path:
        """What the stand-ins hold."""
        return self.folder / "rehearsal"

    @property
    def summary(self) -> Path:
        """The figures of the demo."""
        return self.folder / "summary.json"

    @property
    def sheet(self) -> Path:
        """The contact sheet."""
        return self.folder / "contact_sheet.jpg"

    def environment(self, rehearsal: Mapping[str, str]) -> dict[str, str]:
        """The demo's own settings: nothing of the user's is among them."""
        return {
            **rehearsal,
            "IMAGE_ASSETS_DATA_DIR": str(self.folder),
            "IMAGE_ASSETS_SOURCES": str(DEFAULT_SOURCES),
            "IMAGE_ASSETS_RETRY_SECONDS": "2",
            "LOG_LEVEL": "ERROR",
        }


def run(folder: Path, console: Console, plan: Plan = DEMO) -> int:
    """Take the journey, or say that it was taken; 0 when nothing failed."""
    places = Places(folder)
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        if _finished(places, plan):
            return _nothing_to_do(places, console)
        console.print("Starting the rehearsal services (camera site, Pinata, Cloudflare KV) …")
        environment = places.environment(
            stack.enter_context(rehearsing(places.rehearsal, plan.cadence))
        )
        settings = isolated(environment)
        logs.configure(settings.log_level, settings.log_format, settings.secrets)
        services = stack.enter_context(opened(settings))
        with watching(services["catalog"], plan.partitions(settings.sources[0]), console):
            runs_failed = journey(settings, services, places.home, plan)
        totals = services["catalog"].totals.totals(DEFAULT_TENANT)
        _write_sheet(places, plan.partitions(settings.sources[0]), services)
    summary = summarise(totals, seconds=time.monotonic() - started)
    places.summary.write_text(json.dumps(summary, indent=2) + "\n")
    _tell(summary, places, console)
    return 1 if summary["failed"] or runs_failed else 0


def journey(settings: Settings, services: Mapping[str, Any], home: Path, plan: Plan) -> int:
    """Materialise the chain in Dagster, so that the UI shows it; how many runs failed."""
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(INSTANCE_FILE, home / "dagster.yaml")
    job = build_definitions(settings, services).resolve_implicit_global_asset_job_def()
    spec = settings.sources[0]
    keys = sorted(str(key_of(partition)) for partition in plan.partitions(spec))
    days = {f"{RANGE}_start": keys[0], f"{RANGE}_end": keys[-1]}
    stages = ["images", "designs", "thumbnails"]
    stages += [f"uploaded_urls/{destination}" for destination in spec.destinations]
    with dg.DagsterInstance.from_config(str(home)) as instance:
        # As in a backfill, each stage has a run of its own: one failure skips no sister.
        runs = [
            _run(job, instance, [[spec.name, *stage.split("/")]], tags=days) for stage in stages
        ]
        runs += [
            _run(job, instance, [[spec.name, "latest"]], partition_key=collection)
            for collection in plan.streams
        ]
        runs.append(_run(job, instance, [["retention_plan"], ["retention"]]))
    return runs.count(False)


def _run(
    job: dg.JobDefinition, instance: dg.DagsterInstance, assets: list[list[str]], **of: Any
) -> bool:
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    result = job.execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(path) for path in assets],
        run_config=quiet,
        raise_on_error=False,
        **of,
    )
    if any(map(_was_interrupted, result.all_events)):
        raise KeyboardInterrupt  # Dagster makes a failed run of it, and would go on with the next
    return result.success


def _was_interrupted(event: dg.DagsterEvent) -> bool:
    if not event.is_step_failure:
        return False
    error = event.step_failure_data.error
    return error is not None and error.cls_name == dg.DagsterExecutionInterruptedError.__name__


def summarise(totals: Totals, *, seconds: float) -> dict[str, int | float]:
    """The figures of `summary.json`."""
    images, uploads = totals.images.states, totals.uploads
    lost = sum(n for state, n in images.items() if state is not ImageState.STORED)
    unsent = sum(uploads.get(s, 0) for s in UploadState if s not in _SENT)
    return {
        "frames": images.get(ImageState.STORED, 0),
        "designs": totals.designs,
        "exports": totals.exports,
        "uploads": totals.received,
        "verified": totals.verified,
        "latest": totals.latest,
        "failed": lost + unsent,
        "seconds": round(seconds, 1),
    }


_SENT = {UploadState.RECEIPT, UploadState.VERIFIED, UploadState.REMOVED}


def _finished(places: Places, plan: Plan) -> bool:
    if not (places.summary.exists() and (places.folder / "catalog.db").exists()):
        return False
    settings = isolated(places.environment({}))
    spec = settings.sources[0]
    with compose.catalog(settings) as catalog:
        days = [catalog.images.day(partition) for partition in plan.partitions(spec)]
        totals = catalog.totals.totals(DEFAULT_TENANT)
    return (
        all(day is not None and day.sealed_at is not None for day in days)
        and totals.exports == totals.designs * len(settings.recipe.formats)
        and totals.verified == totals.exports * len(spec.destinations)
        and totals.latest == len(plan.streams)
    )


def _nothing_to_do(places: Places, console: Console) -> int:
    console.print(
        "Nothing to do: every day is sealed, every design exported, every upload verified."
        " No request was made."
    )
    _tell(json.loads(places.summary.read_text()), places, console)
    return 0


def _write_sheet(
    places: Places, partitions: Sequence[Partition], services: Mapping[str, Any]
) -> None:
    paths = [
        path for partition in partitions for path in services["catalog"].images.paths(partition)
    ]
    with ExitStack() as stack:
        files = [stack.enter_context(services["store"].local(path)) for path in paths[::2]]
        sheet = services["decoder"].contact_sheet(files, columns=8, width=1600, limit=_SHEET_BYTES)
    places.sheet.write_bytes(sheet)


def _tell(summary: Mapping[str, int | float], places: Places, console: Console) -> None:
    table = Table(title="What happened")
    for name in summary:
        table.add_column(name, justify="right")
    table.add_row(*(str(value) for value in summary.values()))
    console.print(table)
    console.print("Look at:")
    for place, what in (
        (places.sheet, "contact sheet of the frames"),
        (places.folder / "images", "the frames, by UTC date and stream"),
        (places.folder / "exports", "PNG, JPEG and WebP of every design"),
        (places.summary, "the figures above"),
    ):
        console.print(f"  {place}  ({what})", soft_wrap=True, highlight=False)
    console.print("Next: [bold]make dev[/bold] opens the Dagster UI on the same data.")
