"""What runs by the clock, all times UTC: downloads after the day has ended, then retention."""

from collections.abc import Sequence

import dagster as dg

from image_assets.defs.jobs import download_job, retention_job
from image_assets.settings import SourceSpec


def schedules(specs: Sequence[SourceSpec], *, on: bool) -> list[dg.ScheduleDefinition]:
    """Every schedule; running by default only where automation is on."""
    status = dg.DefaultScheduleStatus.RUNNING if on else dg.DefaultScheduleStatus.STOPPED
    daily: list[dg.ScheduleDefinition] = [
        dg.ScheduleDefinition(
            name="retention_daily",
            job=retention_job,
            cron_schedule="0 3 * * *",
            execution_timezone="UTC",
            default_status=status,
            description="Every night: plan which derived files may go, then remove them.",
        )
    ]
    for spec in specs:
        # An hour and a half after midnight the day is closed at its source and can be sealed.
        built = dg.build_schedule_from_partitioned_job(
            download_job(spec),
            name=f"{spec.name}_daily",
            hour_of_day=1,
            minute_of_hour=30,
            default_status=status,
            description=f"Every night: yesterday's pictures of every stream of {spec.name}.",
        )
        assert isinstance(built, dg.ScheduleDefinition) or built is not None
        daily.append(built)  # type: ignore[arg-type]
    return daily
