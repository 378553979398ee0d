"""The two sides of `benchmarks.pipeline`, in processes of their own.

`python -m benchmarks.backfill run` executes one run as Dagster's launcher does: a fresh process that
loads the definitions first. `… plain` is a script without Dagster that calls the same stages: one
process for the whole backfill, its services opened once. Both read requests, one JSON object a line,
and answer each with the seconds that it took.
"""

import datetime as dt
import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from image_assets import compose
from image_assets.core.model import Partition, Publishes, Scope
from image_assets.settings import Settings
from image_assets.stages.designs import Admitter
from image_assets.stages.images import Collector, Terms
from image_assets.stages.latest import Announcement, Announcer
from image_assets.stages.report import Report
from image_assets.stages.thumbnails import Exporter
from image_assets.stages.uploads import Publisher

OWNER = "benchmark"
Stage = Callable[[Partition], Report]


@dataclass(frozen=True, slots=True)
class Request:
    """One run's work: a stage (`images`, `uploaded_urls/pinata`, …) and its partitions.

    These are collection and day; `latest` takes a collection as a whole, and its day says nothing.
    `tags` are how Dagster names the same.
    """

    stage: str
    partitions: list[tuple[str, str]]
    tags: dict[str, str]

    @classmethod
    def read(cls, line: str) -> "Request":
        return cls(**json.loads(line))

    def line(self) -> str:
        return json.dumps(asdict(self)) + "\n"


def run(request: Request) -> float:
    """Execute one run on the instance of `DAGSTER_HOME`; from run start to run end by its record."""
    # Here, because the plain side never hears of Dagster.
    import dagster as dg
    from dagster._core.definitions.reconstruct import ReconstructableRepository

    code = ReconstructableRepository.for_module("image_assets.definitions", "defs")
    source = Settings().sources[0].name
    with dg.DagsterInstance.get() as instance:
        result = dg.execute_job(
            code.get_reconstructable_job("__ASSET_JOB"),
            instance,
            tags=request.tags,
            asset_selection=[dg.AssetKey([source, *request.stage.split("/")])],
            raise_on_error=True,
        )
        record = instance.get_run_record_by_id(result.run_id)
    assert record is not None
    assert record.start_time is not None
    assert record.end_time is not None
    return record.end_time - record.start_time


def plain() -> None:
    """Do what is asked for; opening the services counts, with the first request."""
    settings, started = Settings(), time.perf_counter()
    with ExitStack() as stack:
        decoder = stack.enter_context(compose.decoder(settings))
        catalog = compose.catalog(settings)
        stack.callback(catalog.dispose)
        work = stages(settings, catalog, decoder)
        opening = time.perf_counter() - started
        for line in sys.stdin:
            started = time.perf_counter() - opening
            request, opening = Request.read(line), 0.0
            for collection, day in request.partitions:
                partition = Partition(settings.sources[0].name, collection, day)
                report = work[request.stage](partition)
                assert not report.failed, report.failures
            print(time.perf_counter() - started, flush=True)


def stages(
    settings: Settings, catalog: compose.Catalog, decoder: compose.DecodingPool
) -> dict[str, Stage]:
    """Each stage of the first source as a function of a partition, with the assets' own settings."""
    spec, store = settings.sources[0], compose.store(settings)
    terms = Terms(settings.image_assets_workers, settings.grace, settings.gone_after)
    workers = settings.image_assets_decode_workers
    source, scope = compose.source(settings, spec.name), Scope(spec.name, spec.policy)
    collector = Collector(source, catalog.images, store, decoder, terms)
    admitter = Admitter(scope, catalog.designs, store, decoder, workers=workers)
    exporter = Exporter([settings.recipe], catalog.thumbnails, store, decoder, workers=workers)
    return {
        "images": lambda partition: collector.collect(partition, now=_now()),
        "designs": lambda partition: admitter.admit(partition, now=_now()),
        "thumbnails": lambda partition: exporter.export(partition, now=_now()),
        **{
            f"uploaded_urls/{destination}": _publishing(settings, destination, catalog, store)
            for destination in spec.destinations
        },
        "latest": _announcing(settings, catalog),
    }


def _publishing(
    settings: Settings, destination: str, catalog: compose.Catalog, store: compose.LocalStore
) -> Stage:
    host, publishes = compose.host(settings, destination), settings.sources[0].publishes
    workers = settings.upload_workers
    publisher = Publisher(destination, host, catalog.uploads, store, OWNER, _now, workers)
    return lambda partition: publisher.publish(partition, publishes, settings.recipe)


def _announcing(settings: Settings, catalog: compose.Catalog) -> Stage:
    spec, latest = settings.sources[0], settings.sources[0].latest
    assert latest is not None
    store = compose.latest_store(settings, latest.store)
    announcer = Announcer(store, catalog.latest, OWNER, _now, settings.skew)
    recipe = None if spec.publishes is Publishes.ORIGINALS else settings.recipe.name

    def announce(partition: Partition) -> Report:
        return announcer.announce(
            Announcement(
                spec.name,
                partition.collection,
                latest.destination,
                recipe,
                latest.format,
                latest.interval,
            )
        )

    return announce


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


if __name__ == "__main__":
    if sys.argv[1] == "plain":
        plain()
    else:
        print(run(Request.read(sys.stdin.readline())))
