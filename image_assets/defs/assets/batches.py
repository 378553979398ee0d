"""What an inbox's assets have more than a camera's: progress of the batch, and its metrics."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dagster as dg

from image_assets.core.batches import BatchProgress, Step, StepProgress
from image_assets.core.model import Partition
from image_assets.core.recipes import Recipe
from image_assets.defs.assets.options import clock
from image_assets.defs.progress import logged
from image_assets.ports import BatchesCatalog, DesignCounts, Inbox
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.batches import LEGS, Tracker, opening
from image_assets.stages.report import Progress, Report

_COLUMNS = {
    "step": "string",
    "state": "string",
    "percent": "float",
    "designs": "int",
    "of": "int",
    "message": "string",
}

_WITHOUT_MOCKUPS = "mockups are not configured: designs are kept without them"
_WITHOUT_ETSY = "Etsy is not configured: nothing is listed"
_WITHOUT_SHOP = "{} has no shop at Etsy (`etsy: shops:` in the sources file): nothing is listed"


def recipes(spec: SourceSpec, settings: Settings) -> tuple[Recipe, ...]:
    """What is made of each design of a source; what people drop is brought to its canvas too."""
    own = settings.recipes(spec)
    return (settings.canvas, *own) if spec.dropped else own


def lacking(spec: SourceSpec, shop: str) -> dict[Step, str]:
    """The steps whose services a shop has not, and why."""
    without = {} if spec.mockups else {Step.MOCKUPS: _WITHOUT_MOCKUPS}
    if spec.etsy is None:
        return without | {Step.LISTING: _WITHOUT_ETSY}
    if shop not in spec.etsy.numbers:
        return without | {Step.LISTING: _WITHOUT_SHOP.format(shop)}
    return without


def without_nas(spec: SourceSpec, settings: Settings) -> str | None:
    """What to know where designs go to no NAS; None where they do, or where a step of its own tells."""
    if spec.nas:
        return None
    kept = "designs are kept in the store alone"
    if settings.nas_configured:
        return (
            f"a NAS is configured, but {spec.name} has no `nas: true` in the sources file: {kept}"
        )
    return f"NAS not configured (QNAP_HOST, NAS_BASE_PATH): {kept}"


def open_batch(
    catalog: BatchesCatalog, inbox: Inbox, spec: SourceSpec, partition: Partition
) -> None:
    """Remember a batch that was taken, before anything is done with it."""
    items, size = inbox.measure(partition)
    catalog.open(partition, opening(items, size, lacking(spec, partition.collection)), now=clock())


@dataclass(frozen=True, slots=True)
class Follower:
    """What a stage tells of a partition while it works, and what its event shows at the end."""

    progress: Progress
    workers: int
    tracker: Tracker | None = None
    warnings: Sequence[str] = ()

    def ended(self, report: Report) -> dict[str, Any]:
        """The batch's progress and the use of the workers; nothing for what comes by day."""
        if self.tracker is None:
            return {}
        self.tracker.ended(report)
        batch = self.tracker.catalog.progress(self.tracker.partition)
        shown: dict[str, Any] = {"worker_use": round(report.worker_use(self.workers), 3)}
        shown |= progress_shown(batch) if batch is not None else {}
        return shown | ({"warnings": "; ".join(self.warnings)} if self.warnings else {})


@contextmanager
def following(
    context: dg.AssetExecutionContext,
    spec: SourceSpec,
    settings: Settings,
    partition: Partition,
    stage: str,
) -> Iterator[Follower]:
    """Follow one stage of one partition: in the run's log and, of a batch, in the catalog too."""
    key = f"{partition.collection}:{partition.key}"
    in_log = logged(context, key)
    if not spec.dropped:
        yield Follower(in_log, settings.image_assets_decode_workers)
        return
    batches = context.resources.catalog.batches
    nas = without_nas(spec, settings)
    warnings = [text for text in (nas, *lacking(spec, partition.collection).values()) if text]
    if stage == "images":
        context.log.warning("%s: %s", key, "; ".join(warnings))
    leg = LEGS[stage]
    tracker = Tracker(
        batches,
        partition,
        leg,
        recipes(spec, settings),
        clock,
        lambda step: context.log.info("%s: %s", key, sentence(step)),
        nas if leg.step is Step.PROCESSING else None,
        spec.mockups,
    )

    def told(report: Report, total: int) -> None:
        in_log(report, total)
        tracker.progress(report, total)

    with tracker.following():
        yield Follower(told, threads(batches, settings, partition), tracker, warnings)


def threads(batches: BatchesCatalog, settings: Settings, partition: Partition) -> int:
    """How many pictures of a batch are done at the same time."""
    batch = batches.progress(partition)
    return settings.threads(batch.steps[0].items_total if batch is not None else 0)


def sentence(step: StepProgress) -> str:
    """How far a step is, in words."""
    figures = f"{step.bytes_done / 1e6:.1f} of {step.bytes_total / 1e6:.1f} MB"
    more = f", {step.message}" if step.message else ""
    return f"{step.step}: {step.state}, {100 * step.share:.0f} % ({figures}{more})"


def progress_shown(batch: BatchProgress) -> dict[str, Any]:
    """A batch's four steps as a table, and how far it is in percent."""
    records = [dg.TableRecord(_row(step)) for step in batch.steps]
    schema = dg.TableSchema([dg.TableColumn(name, kind) for name, kind in _COLUMNS.items()])
    return {
        "progress": dg.MetadataValue.table(records, schema),
        "progress_percent": round(100 * batch.share, 1),
    }


def _row(step: StepProgress) -> Mapping[str, Any]:
    figures = (round(100 * step.share, 1), step.items_done, step.items_total, step.message or "")
    return dict(zip(_COLUMNS, (step.step.value, step.state.value, *figures), strict=True))


def rates(catalog: Any, partition: Partition, counts: DesignCounts) -> dict[str, Any]:
    """Which share of a batch's pictures showed a known design, and which share has one on record."""
    stored = catalog.batches.reached(partition, ()).stored
    return {
        "duplicate_rate": round(counts.aliases / counts.images, 4) if counts.images else 0.0,
        "database_success_rate": round(counts.images / stored, 4) if stored else 1.0,
    }


def batch_seconds(context: dg.AssetExecutionContext) -> dict[str, float]:
    """Seconds since the batch's run began: of the last stage, what the whole batch took."""
    record = context.instance.get_run_record_by_id(context.run.run_id)
    if record is None or record.start_time is None:
        return {}
    return {"batch_seconds": round(clock().timestamp() - record.start_time, 3)}
