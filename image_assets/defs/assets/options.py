"""What every asset of a source has in common."""

import datetime as dt
from typing import Any

import dagster as dg

from image_assets.defs.partitions import frame_days
from image_assets.settings import Settings, SourceSpec

OWNERS = ["team:image_assets"]

# Neighbours in a chain differ, so that each stage gets runs of its own in a backfill: within one
# run, one bad partition would skip its sisters downstream.
PARTITIONS_PER_RUN = {"images": 7, "designs": 10, "thumbnails": 8, "uploaded_urls": 7}

# Plain eager looks at the newest day only: what arrives a few days late would wait for ever.
RECENT = (
    dg.AutomationCondition.eager()
    .replace(
        dg.AutomationCondition.in_latest_time_window(),
        dg.AutomationCondition.in_latest_time_window(dt.timedelta(days=7)),
    )
    .with_label("new in the last seven days")
)


def retry_policy(settings: Settings) -> dg.RetryPolicy:
    """One more try of a step whose failures are all transient (`defs.failures` rules out the rest)."""
    return dg.RetryPolicy(
        max_retries=1, delay=settings.image_assets_retry_seconds, jitter=dg.Jitter.PLUS_MINUS
    )


def of_frames(spec: SourceSpec, settings: Settings, stage: str) -> dict[str, Any]:
    """The arguments of `@dg.asset` for a stage that is partitioned by day and stream."""
    return {
        "group_name": spec.name,
        "owners": OWNERS,
        "partitions_def": frame_days(spec),
        "backfill_policy": dg.BackfillPolicy.multi_run(PARTITIONS_PER_RUN[stage]),
        "retry_policy": retry_policy(settings),
        "code_version": "1",
    }


def clock() -> dt.datetime:
    """Now; stages take it as an argument."""
    return dt.datetime.now(dt.UTC)


def owner(context: dg.AssetExecutionContext) -> str:
    """This run's name in ledgers and leases."""
    return f"run {context.run.run_id}"
