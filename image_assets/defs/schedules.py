"""What runs by the clock, all times UTC: downloads after the day has ended, then retention."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import dagster as dg

from image_assets.core.model import Partition
from image_assets.defs.jobs import download_job, links_job, retention_job
from image_assets.defs.partitions import key_of
from image_assets.sources import SourceSpec

LOOK_BACK_DAYS = 7


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
    looks = dg.ScheduleDefinition(
        name="links_daily",
        job=links_job,
        cron_schedule="0 5 * * *",
        execution_timezone="UTC",
        default_status=status,
        description="Every morning: look again at what was published, the longest not looked at first.",
    )
    return [
        nightly,
        looks,
        *(daily_download(spec, status) for spec in specs if spec.dated and not spec.drawn),
    ]


def daily_download(spec: SourceSpec, status: dg.DefaultScheduleStatus) -> dg.ScheduleDefinition:
    """Yesterday's pictures, and those of the week's other days that are not sealed yet.

    A night on which the site was down is made up for, and what was missing is looked for again; a
    sealed day is not asked for.
    """

    @dg.schedule(
        name=f"{spec.name}_daily",
        job=download_job(spec),
        cron_schedule="30 1 * * *",  # the day is closed at its source, and can be sealed
        execution_timezone="UTC",
        default_status=status,
        required_resource_keys={"catalog"},
        description=f"Every night: the pictures of {spec.name} of the last seven days, as far as"
        " they are not here yet.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
        tonight = context.scheduled_execution_time.date()
        days = [tonight - dt.timedelta(days=n) for n in range(1, LOOK_BACK_DAYS + 1)]
        partitions = [
            Partition(spec.name, collection, day.isoformat())
            for day in days
            if spec.covers(day)
            for collection in spec.collections
        ]
        wanted = [
            str(key_of(partition))
            for partition in partitions
            if not _sealed(context.resources.catalog, partition)
        ]
        return [dg.RunRequest(run_key=f"{key}@{tonight}", partition_key=key) for key in wanted]

    return schedule


def _sealed(catalog: Any, partition: Partition) -> bool:
    day = catalog.images.day(partition)
    return day is not None and day.sealed_at is not None
