"""The two sides of `benchmarks.pipeline`, each a process of its own.

`python -m benchmarks.backfill run REQUEST` is one run of a backfill as Dagster's launcher starts it: a
fresh process that loads the definitions, then executes. `… plain DAYS` calls the same stages over the
same partitions in the same order, as a script without Dagster would. Both print a `Taken` as JSON.
"""

import datetime as dt
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from image_assets import compose
from image_assets.core.model import Partition, Publishes, Scope
from image_assets.settings import Settings, SourceSpec
from image_assets.stages.designs import Admitter
from image_assets.stages.images import Collector, Terms
from image_assets.stages.latest import Announcement, Announcer
from image_assets.stages.report import Report
from image_assets.stages.thumbnails import Exporter
from image_assets.stages.uploads import Publisher

FIRST_DAY = dt.date(2025, 9, 1)
OWNER = "benchmark"
JOB = "__ASSET_JOB"


@dataclass(frozen=True, slots=True)
class Request:
    """A run to make: the asset's path, and the tags that name its partitions."""

    asset: list[str]
    tags: dict[str, str]
    partitions: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What a side took from start to end: seconds on the wall, and of CPU with its workers'."""

    seconds: float
    cpu: float


def partitions(spec: SourceSpec, days: int) -> list[Partition]:
    """Days x streams, stream by stream: the order in which a backfill's runs take them."""
    return [
        Partition(spec.name, collection, (FIRST_DAY + dt.timedelta(days=n)).isoformat())
        for collection in spec.collections
        for n in range(days)
    ]


def run(request: Request) -> Taken:
    """Execute one run on the instance of `DAGSTER_HOME`; from run start to run end by its record."""
    # Here, because the plain side is a script that never hears of Dagster.
    import dagster as dg
    from dagster._core.definitions.reconstruct import ReconstructableRepository

    code = ReconstructableRepository.for_module("image_assets.definitions", "defs")
    with dg.DagsterInstance.get() as instance:
        begun = _cpu()
        result = dg.execute_job(
            code.get_reconstructable_job(JOB),
            instance,
            tags=request.tags,
            asset_selection=[dg.AssetKey(request.asset)],
            raise_on_error=True,
        )
        record = instance.get_run_record_by_id(result.run_id)
    assert record is not None and record.start_time and record.end_time
    return Taken(record.end_time - record.start_time, _cpu() - begun)


def plain(days: int) -> Taken:
    """Every stage in turn, each over all partitions."""
    settings = Settings()
    spec, started, begun = settings.sources[0], time.perf_counter(), _cpu()
    with compose.decoder(settings) as decoder:
        catalog = compose.catalog(settings)
        _stages(settings, spec, partitions(spec, days), catalog, decoder)
        catalog.dispose()
    return Taken(time.perf_counter() - started, _cpu() - begun)


def _stages(
    settings: Settings,
    spec: SourceSpec,
    todo: Sequence[Partition],
    catalog: compose.Catalog,
    decoder: compose.DecodingPool,
) -> None:
    store, workers = compose.store(settings), settings.image_assets_decode_workers
    terms = Terms(settings.image_assets_workers, settings.grace, settings.gone_after)
    source = compose.source(settings, spec.name)
    collector = Collector(source, catalog.images, store, decoder, terms)
    scope = Scope(spec.name, spec.policy)
    admitter = Admitter(scope, catalog.designs, store, decoder, workers=workers)
    exporter = Exporter(settings.recipe, catalog.thumbnails, store, decoder, workers=workers)
    for work in (collector.collect, admitter.admit, exporter.export):
        for partition in todo:
            _whole(work(partition, now=_now()))
    for destination in spec.destinations:
        host, ledger = compose.host(settings, destination), catalog.uploads
        publisher = Publisher(
            destination, host, ledger, store, OWNER, _now, settings.upload_workers
        )
        for partition in todo:
            _whole(publisher.publish(partition, spec.publishes, settings.recipe))
    _announce(settings, spec, catalog)


def _announce(settings: Settings, spec: SourceSpec, catalog: compose.Catalog) -> None:
    latest = spec.latest
    assert latest is not None
    store = compose.latest_store(settings, latest.store)
    announcer = Announcer(store, catalog.latest, OWNER, _now, settings.skew)
    recipe = None if spec.publishes is Publishes.ORIGINALS else settings.recipe.name
    for collection in spec.collections:
        what = Announcement(
            spec.name, collection, latest.destination, recipe, latest.format, latest.interval
        )
        _whole(announcer.announce(what))


def _whole(report: Report) -> None:
    assert not report.failed, report.failures


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _cpu() -> float:
    """CPU seconds of this process and of the decoding workers that it has ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main(side: str, of: str) -> None:
    taken = plain(int(of)) if side == "plain" else run(Request(**json.loads(of)))
    print(json.dumps(asdict(taken)))


def totals(settings: Settings) -> dict[str, Any]:
    """What a side made of it, to see that both did the same."""
    catalog = compose.catalog(settings)
    found = catalog.totals.totals("default")
    catalog.dispose()
    return {
        "frames": sum(found.images.states.values()),
        "designs": found.designs,
        "exports": found.exports,
        "verified": found.verified,
        "latest": found.latest,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
