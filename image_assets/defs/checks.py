"""The checks as Dagster runs them, of partitions and of each asset as a whole; none blocks anything."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from image_assets.announcing import announcement
from image_assets.core.errors import ImageAssetsError
from image_assets.core.model import Partition
from image_assets.defs.assets.latest import announcer
from image_assets.defs.expectations import PartitionCheck, partition_checks
from image_assets.defs.failures import as_event
from image_assets.defs.partitions import collections, key_of, partition_of, partitions
from image_assets.defs.resources import latest_key
from image_assets.settings import Settings
from image_assets.sources import SourceSpec

ERROR = dg.AssetCheckSeverity.ERROR


def asset_checks(specs: Sequence[SourceSpec], settings: Settings) -> list[dg.AssetChecksDefinition]:
    """Every check as Dagster runs it."""
    built = []
    for spec in specs:
        for stage, checks in partition_checks(spec, settings).items():
            built += [_partitioned(spec, stage, check) for check in checks]
        built += [_none_failed(spec, stage) for stage in partition_checks(spec, settings)]
        if spec.dated and not spec.drawn:
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
        partitions_def=partitions(spec),
        pool=check.pool,
        blocking=False,
        required_resource_keys=set(check.needs),
    )
    def evaluate(context: dg.AssetCheckExecutionContext) -> Iterator[Any]:
        keys = [str(key) for key in context.op_execution_context.partition_keys]
        found = [check.evaluate(context.resources, partition_of(spec, key)) for key in keys]
        if len(keys) > 1:
            yield from (as_event(asset, key, one) for key, one in zip(keys, found, strict=True))
        failed = [key for key, one in zip(keys, found, strict=True) if not one.passed]
        bad = any(not one.passed and one.severity is ERROR for one in found)
        yield dg.AssetCheckResult(
            passed=not failed,
            severity=ERROR if bad or not failed else dg.AssetCheckSeverity.WARN,
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
        try:
            due = announcer(spec, settings, context.resources).due(what)
        except ImageAssetsError as error:  # a store that cannot be read matches nothing
            due = str(error)
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
        instance, cut = context.instance, partitions(spec)
        keys = cut.get_partition_keys(dynamic_partitions_store=instance)
        statuses = instance.get_status_by_partition(asset, keys, cut)
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
        streams = spec.collections if spec.covers(day) else ()
        late = []
        for collection in streams:
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
