"""What runs by the clock, all times UTC: downloads after the day has ended, then retention."""

import datetime as dt
from collections.abc import Sequence

import dagster as dg

from image_assets.core.model import Partition
from image_assets.defs.jobs import download_job, retention_job
from image_assets.defs.partitions import key_of
from image_assets.settings import SourceSpec


def schedules(specs: Sequence[SourceSpec], *, on: bool) -> list[dg.ScheduleDefinition]:
    """Every schedule; running by default only where automation is on."""
    status = dg.DefaultScheduleStatus.RUNNING if on else dg.DefaultScheduleStatus.STOPPED
    nightly = dg.ScheduleDefinition(
        name="retention_daily",
        job=retention_job,
        cron_schedule="0 3 * * *",
        execution_timezone="UTC",
        default_status=status,
        description="Every night: plan which derived files may go, then remove them.",
    )
    return [nightly, *(daily_download(spec, status) for spec in specs)]


def daily_download(spec: SourceSpec, status: dg.DefaultScheduleStatus) -> dg.ScheduleDefinition:
    """Yesterday's pictures, when the day is closed at its source and can be sealed."""

    @dg.schedule(
        name=f"{spec.name}_daily",
        job=download_job(spec),
        cron_schedule="30 1 * * *",
        execution_timezone="UTC",
        default_status=status,
        description=f"Every night: yesterday's pictures of every stream of {spec.name}.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
        day = context.scheduled_execution_time.date() - dt.timedelta(days=1)
        streams = spec.collections if spec.covers(day) else ()
        partitions = [Partition(spec.name, name, day.isoformat()) for name in streams]
        return [
            dg.RunRequest(run_key=key, partition_key=key)
            for key in map(str, map(key_of, partitions))
        ]

    return schedule
