"""The latest key of each of a source's streams."""

import json
from typing import Any

import dagster as dg

from image_assets.announcing import announcement
from image_assets.defs.assets.options import OWNERS, clock
from image_assets.defs.failures import failures_for_dagster
from image_assets.defs.partitions import STREAM, collections
from image_assets.defs.resources import latest_key
from image_assets.settings import Settings
from image_assets.sources import LatestSpec, SourceSpec
from image_assets.stages.latest import Announcer


def announcer(
    spec: SourceSpec, settings: Settings, resources: Any, owner: str = "sensor"
) -> Announcer:
    """The announcer of a source over the run's resources."""
    store = getattr(resources, latest_key(_latest(spec).store))
    return Announcer(store, resources.catalog.latest, owner, clock, settings.skew)


def latest_asset(spec: SourceSpec, settings: Settings) -> dg.AssetsDefinition:
    """The last asset of a source's chain."""
    chosen = _latest(spec)
    by_stream = dg.MultiToSingleDimensionPartitionMapping(STREAM)
    uploads = dg.AssetKey([spec.name, "uploaded_urls", chosen.destination])

    @dg.asset(
        key=[spec.name, "latest"],
        deps=[dg.AssetDep(uploads, partition_mapping=by_stream)],
        group_name=spec.name,
        owners=OWNERS,
        kinds={"python", chosen.store},
        partitions_def=collections(spec),
        backfill_policy=dg.BackfillPolicy.multi_run(1),
        required_resource_keys={"catalog", latest_key(chosen.store)},
        pool=f"{chosen.store}_latest",
        code_version="1",
    )
    def latest(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """The key `{stream}:{interval}:latest` points at the newest verified picture.

        It only moves forward in capture time; what the catalog says, the store is brought to.
        """
        what = announcement(spec, settings, context.partition_key)
        owner = f"run {context.run.run_id}"
        with failures_for_dagster(context, retry_after=settings.image_assets_retry_seconds):
            report = announcer(spec, settings, context.resources, owner).announce(what)
            current = context.resources.catalog.latest.current(what.tenant, what.key)
        (note,) = report.counts
        return dg.MaterializeResult(metadata={"outcome": note} | shown(current))

    return latest


def shown(current: Any) -> dict[str, Any]:
    """A latest entry in the UI."""
    if current is None:
        return {}
    return {
        "key": current.key,
        "sequence": current.sequence,
        "captured_at": current.captured_at.isoformat(),
        "state": current.state.value,
        "held": current.hold,
        "value": dg.MetadataValue.json(json.loads(current.value)),
    }


def _latest(spec: SourceSpec) -> LatestSpec:
    assert spec.latest is not None  # only sources that announce get here
    return spec.latest
