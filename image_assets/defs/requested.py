"""Requests for pictures become partitions, and runs, as they come in."""

import datetime as dt
import logging

import dagster as dg

from image_assets.core.errors import ImageAssetsError
from image_assets.defs.jobs import request_job
from image_assets.defs.partitions import requests
from image_assets.sources import SourceSpec

log = logging.getLogger("image_assets.runs")

_AT_ONCE = 20
"""Requests that one look asks for: it has a minute."""

_STATUS = dg.DagsterRunStatus
_UNDER_WAY = [
    *(_STATUS.NOT_STARTED, _STATUS.QUEUED, _STATUS.STARTING, _STATUS.STARTED, _STATUS.CANCELING),
]


def take_requests(spec: SourceSpec, status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Makes a partition of each new request, and asks for a run of whatever is due."""

    @dg.sensor(
        name=f"{spec.name}_requests",
        job=request_job(spec),
        minimum_interval_seconds=5,
        default_status=status,
        required_resource_keys={"catalog"},
        description=f"Takes the requests that the API wrote down for {spec.name}, and those to be tried again.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        now = dt.datetime.now(dt.UTC)
        try:
            waiting = context.resources.catalog.generation.due(now=now, limit=_AT_ONCE)
        except ImageAssetsError as error:
            log.error("%s: %s", spec.name, error)  # noqa: TRY400
            return dg.SkipReason(f"{spec.name}: {error}")
        due = {f"{tenant}:{key}": due_at for tenant, key, due_at in waiting}
        due = {key: at for key, at in due.items() if not is_under_way(context.instance, key)}
        if not due:
            return dg.SkipReason("no request is due")
        cut = requests(spec)
        known = set(context.instance.get_dynamic_partitions(str(cut.name)))
        new = [key for key in due if key not in known]
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(run_key=run_key(key, at, now), partition_key=key)
                for key, at in due.items()
            ],
            dynamic_partitions_requests=[cut.build_add_request(new)] if new else [],
        )

    return sensor


def run_key(key: str, due_at: dt.datetime, now: dt.datetime) -> str:
    """Under which a run is asked for: Dagster starts one for a key, however often it is asked.

    A run that ended before it could say when it should be tried again is by the hour.
    """
    return f"{key} @{due_at:%Y-%m-%dT%H:%M:%S} in {now:%Y-%m-%dT%H}"


def is_under_way(instance: dg.DagsterInstance, key: str) -> bool:
    """Whether a run of this partition is queued or at work."""
    of_request = dg.RunsFilter(tags={"dagster/partition": key}, statuses=_UNDER_WAY)
    return bool(instance.get_runs(of_request, limit=1))
