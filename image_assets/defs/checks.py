"""What should be true of each partition, and of each asset as a whole; no check blocks anything."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from image_assets.core.errors import ImageAssetsError
from image_assets.core.model import ImageState, Partition, UploadState
from image_assets.defs.assets.latest import announcement, announcer
from image_assets.defs.failures import Checks, Evaluation, as_event
from image_assets.defs.partitions import collections, frame_days, key_of, partition_of
from image_assets.defs.resources import host_key, latest_key
from image_assets.ports import ImageHost
from image_assets.settings import Settings, SourceSpec

SAMPLED_URLS = 3
"""Published pictures that are looked at again for each partition: a host's limits are finite."""


@dataclass(frozen=True, slots=True)
class PartitionCheck:
    """A check of one partition: what it is called, what it says, what it needs."""

    name: str
    description: str
    needs: frozenset[str]
    evaluate: Callable[[Any, Partition], Evaluation]


def complete(resources: Any, partition: Partition) -> Evaluation:
    """Every listed picture is stored; a quiet camera (an empty listing) is no gap."""
    counts = resources.catalog.images.counts(partition)
    day = resources.catalog.images.day(partition)
    stored = counts.states.get(ImageState.STORED, 0)
    listed = day.listed if day is not None else 0
    gaps = {f"gap_{state}": n for state, n in counts.states.items() if state != ImageState.STORED}
    return Evaluation(
        "complete",
        day is not None and stored >= listed and not gaps,
        {"listed": listed, "stored": stored, "sealed": bool(day and day.sealed_at), **gaps},
        "never listed" if day is None else f"{stored} of {listed} listed pictures are stored",
    )


def decodable(resources: Any, partition: Partition) -> Evaluation:
    """Every stored picture is there and decodes."""
    broken = {}
    paths = resources.catalog.images.paths(partition)
    for path in paths:
        try:
            with resources.store.local(path) as file:
                resources.decoder.inspect(file)
        except ImageAssetsError as error:
            broken[path] = str(error)
    return Evaluation(
        "decodable",
        not broken,
        {"looked_at": len(paths), "broken": dg.MetadataValue.json(broken)},
        f"{len(broken)} of {len(paths)} stored files are broken" if broken else None,
    )


def one_design_each(resources: Any, partition: Partition) -> Evaluation:
    """Every stored picture has exactly one design, and no two designs share their pixels."""
    flaws = resources.catalog.designs.flaws(partition)
    found = {
        "undesigned": len(flaws.undesigned),
        "unanchored": len(flaws.unanchored),
        "twins": len(flaws.twins),
    }
    return Evaluation("one_design_each", not any(found.values()), found)


def _all_formats(settings: Settings) -> Callable[[Any, Partition], Evaluation]:
    def evaluate(resources: Any, partition: Partition) -> Evaluation:
        count = resources.catalog.thumbnails.exports_count(partition, settings.recipe)
        return Evaluation(
            "all_formats",
            count.whole == count.designs,
            {"designs": count.designs, "whole": count.whole},
            f"{count.whole} of {count.designs} designs have every format",
        )

    return evaluate


def _published(destination: str) -> Callable[[Any, Partition], Evaluation]:
    def evaluate(resources: Any, partition: Partition) -> Evaluation:
        states = resources.catalog.uploads.counts(partition, destination)
        settled = states.get(UploadState.VERIFIED, 0) + states.get(UploadState.REMOVED, 0)
        total = sum(states.values())
        return Evaluation(
            "published",
            settled == total,
            {str(state): n for state, n in states.items()},
            f"{settled} of {total} contents are settled at {destination}",
        )

    return evaluate


def _urls_alive(destination: str) -> Callable[[Any, Partition], Evaluation]:
    def evaluate(resources: Any, partition: Partition) -> Evaluation:
        uploads = resources.catalog.uploads.published(partition, destination)
        sample = uploads[:: max(1, len(uploads) // SAMPLED_URLS)][:SAMPLED_URLS]
        host: ImageHost = getattr(resources, host_key(destination))
        dead = {}
        for shown in sample:
            try:
                with resources.store.local(shown.upload.content.path) as file:
                    host.verify(shown.upload.content, file, shown.upload.receipt)
            except ImageAssetsError as error:
                dead[shown.upload.receipt.url] = str(error)
        return Evaluation(
            "urls_alive",
            not dead,
            {"looked_at": len(sample), "dead": dg.MetadataValue.json(dead)},
        )

    return evaluate


def partition_checks(spec: SourceSpec, settings: Settings) -> dict[str, list[PartitionCheck]]:
    """The checks of each stage of a source; uploads by destination."""
    store = frozenset({"catalog", "store"})
    checks = {
        "images": [
            PartitionCheck(
                "complete", "Every listed picture is stored.", frozenset({"catalog"}), complete
            ),
            PartitionCheck(
                "decodable", "Every stored picture decodes.", store | {"decoder"}, decodable
            ),
        ],
        "designs": [
            PartitionCheck(
                "one_design_each",
                "Every stored picture has exactly one design; no two designs share their pixels.",
                frozenset({"catalog"}),
                one_design_each,
            )
        ],
        "thumbnails": [
            PartitionCheck(
                "all_formats",
                "Every design has every format of the recipe.",
                frozenset({"catalog"}),
                _all_formats(settings),
            )
        ],
    }
    for destination in spec.destinations:
        checks[f"uploaded_urls/{destination}"] = [
            PartitionCheck(
                "published",
                f"Everything that should be at {destination} is there and verified.",
                frozenset({"catalog"}),
                _published(destination),
            ),
            PartitionCheck(
                "urls_alive",
                f"A sample of what was published at {destination} is still there.",
                store | {host_key(destination)},
                _urls_alive(destination),
            ),
        ]
    return checks


def checks_of(spec: SourceSpec, settings: Settings, stage: str, resources: Any) -> Checks:
    """The checks of a stage as one function of a partition's key."""
    checks = partition_checks(spec, settings)[stage]

    def evaluate(key: str) -> list[Evaluation]:
        partition = partition_of(spec, key)
        return [check.evaluate(resources, partition) for check in checks]

    return evaluate


def asset_checks(specs: Sequence[SourceSpec], settings: Settings) -> list[dg.AssetChecksDefinition]:
    """Every check as Dagster runs it."""
    built = []
    for spec in specs:
        for stage, checks in partition_checks(spec, settings).items():
            built += [_partitioned(spec, stage, check) for check in checks]
        built += [_none_failed(spec, stage) for stage in partition_checks(spec, settings)]
        built.append(_yesterday(spec))
        if spec.latest is not None:
            built.append(_latest_matches(spec, settings))
    return built


def _partitioned(spec: SourceSpec, stage: str, check: PartitionCheck) -> dg.AssetChecksDefinition:
    asset = dg.AssetKey([spec.name, *stage.split("/")])

    # The decorator is typed for one result; in a range run there is one for each partition as well.
    @dg.asset_check(  # type: ignore[arg-type]
        asset=asset,
        name=check.name,
        description=check.description,
        partitions_def=frame_days(spec),
        blocking=False,
        required_resource_keys=set(check.needs),
    )
    def evaluate(context: dg.AssetCheckExecutionContext) -> Iterator[Any]:
        keys = [str(key) for key in context.op_execution_context.partition_keys]
        found = [check.evaluate(context.resources, partition_of(spec, key)) for key in keys]
        if len(keys) > 1:
            yield from (as_event(asset, key, one) for key, one in zip(keys, found, strict=True))
        failed = [key for key, one in zip(keys, found, strict=True) if not one.passed]
        yield dg.AssetCheckResult(
            passed=not failed,
            metadata=found[0].metadata
            if len(keys) == 1
            else {"partitions": len(keys), "failed": dg.MetadataValue.json(failed)},
            description=found[0].description if len(keys) == 1 else None,
        )

    return evaluate


def _latest_matches(spec: SourceSpec, settings: Settings) -> dg.AssetChecksDefinition:
    assert spec.latest is not None
    store = latest_key(spec.latest.store)

    @dg.asset_check(
        asset=dg.AssetKey([spec.name, "latest"]),
        name="latest_matches",
        description="The store of latest keys says what the catalog says, and nothing newer waits.",
        partitions_def=collections(spec),
        blocking=False,
        required_resource_keys={"catalog", store},
    )
    def evaluate(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        collection = context.op_execution_context.partition_key
        what = announcement(spec, settings, collection)
        due = announcer(spec, settings, context.resources).due(what)
        return dg.AssetCheckResult(passed=due is None, description=due, metadata={"key": what.key})

    return evaluate


def _none_failed(spec: SourceSpec, stage: str) -> dg.AssetChecksDefinition:
    """Retries are bounded, so what is broken grows quiet: this stays loud."""
    asset = dg.AssetKey([spec.name, *stage.split("/")])

    @dg.asset_check(
        asset=asset,
        name="no_partition_failed",
        description="No partition's last run failed.",
        blocking=False,
    )
    def evaluate(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        instance, partitions = context.instance, frame_days(spec)
        statuses = instance.get_status_by_partition(
            asset, partitions.get_partition_keys(), partitions
        )
        failed = sorted(
            str(key)
            for key, status in (statuses or {}).items()
            if status and status.value == "FAILED"
        )
        return dg.AssetCheckResult(
            passed=not failed,
            metadata={"failed": len(failed), "partitions": dg.MetadataValue.json(failed[:100])},
            description=f"{len(failed)} partitions stand failed" if failed else None,
        )

    return evaluate


def _yesterday(spec: SourceSpec) -> dg.AssetChecksDefinition:
    """Dagster's own freshness takes a backfill of last year for news; this asks for yesterday."""
    asset = dg.AssetKey([spec.name, "images"])

    @dg.asset_check(
        asset=asset,
        name="yesterday_is_here",
        description="Every stream of the last closed UTC day was listed after the day's end.",
        blocking=False,
        required_resource_keys={"catalog"},
    )
    def evaluate(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        day = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
        midnight = dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(days=1)
        late = []
        for collection in spec.collections:
            partition = Partition(spec.name, collection, day.isoformat())
            known = context.resources.catalog.images.day(partition)
            if known is None or known.listed_at < midnight:
                late.append(key_of(partition))
        return dg.AssetCheckResult(
            passed=not late,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"late": dg.MetadataValue.json([str(key) for key in late])},
        )

    return evaluate
