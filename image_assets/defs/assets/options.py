"""What every asset of a source has in common."""

import datetime as dt
from collections.abc import Callable, Collection, Sequence

import dagster as dg

from image_assets.defs.partitions import partitions
from image_assets.sources import SourceSpec

Compute = Callable[..., dg.MaterializeResult[None]]  # of the context, and of a `dg.Config`

OWNERS = ["team:image_assets"]

# Neighbours in a chain differ, so that each stage gets runs of its own in a backfill: within one
# run, one bad partition would skip its sisters downstream. Where no site and no host sets the pace,
# runs are long: each costs a second or two before and after its work (benchmarks.pipeline).
PARTITIONS_PER_RUN = {"images": 7, "designs": 30, "thumbnails": 15, "uploaded_urls": 7, "nas": 15}

# Plain eager looks at the newest day only: what arrives a few days late would wait for ever.
RECENT = (
    dg.AutomationCondition.eager()
    .replace(
        dg.AutomationCondition.in_latest_time_window(),
        dg.AutomationCondition.in_latest_time_window(dt.timedelta(days=7)),
    )
    .with_label("new in the last seven days")
)


def frames_asset(
    spec: SourceSpec,
    stage: str,
    *,
    needs: Collection[str],
    kinds: Collection[str],
    deps: Sequence[str] = (),
    pool: str | None = None,
) -> Callable[[Compute], dg.AssetsDefinition]:
    """`@dg.asset` for a stage of a source, partitioned by UTC day and stream, or by batch.

    `stage` and `deps` are keys below the source (`images`, `uploaded_urls/pinata`), `needs` resources.
    What has a parent is started by automation when the parent has something new; a batch goes through
    the whole chain in the one run that its sensor asks for.
    """
    return dg.asset(
        key=[spec.name, *stage.split("/")],
        deps=[dg.AssetKey([spec.name, *dep.split("/")]) for dep in deps],
        group_name=spec.name,
        owners=OWNERS,
        kinds=set(kinds),
        partitions_def=partitions(spec),
        backfill_policy=dg.BackfillPolicy.multi_run(runs_of(spec, stage)),
        automation_condition=RECENT if deps and spec.dated else None,
        required_resource_keys=set(needs),
        pool=pool,
        code_version="1",
    )


def runs_of(spec: SourceSpec, stage: str) -> int:
    """How many partitions of a stage one run takes.

    Batches are large, and go through whole; what somebody drew goes through in one run as well, and a
    bad partition must skip nothing of its sisters.
    """
    return PARTITIONS_PER_RUN[stage.split("/")[0]] if spec.dated and not spec.drawn else 1


def clock() -> dt.datetime:
    """Now; stages take it as an argument."""
    return dt.datetime.now(dt.UTC)


def owner(context: dg.AssetExecutionContext) -> str:
    """This run's name in ledgers and leases."""
    return f"run {context.run.run_id}"
