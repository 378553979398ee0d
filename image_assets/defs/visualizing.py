"""What runs because something was drawn: new visualisations are published, then their folder is tidied."""

import datetime as dt
import hashlib
import logging
from collections.abc import Sequence
from itertools import islice

import dagster as dg

from image_assets.core.errors import ImageAssetsError, NotFoundError
from image_assets.defs.assets.visualizations import hand_over
from image_assets.defs.jobs import local_files_job, visualizations_job
from image_assets.defs.partitions import key_of
from image_assets.defs.requested import is_under_way
from image_assets.defs.resources import source_key
from image_assets.settings import Settings
from image_assets.sources import SourceSpec

log = logging.getLogger(__name__)

_AT_ONCE = 50
"""Runs asked for at a time, of the newest dates: a daemon has more to do."""


def publish_new_files(
    spec: SourceSpec, settings: Settings, status: dg.DefaultSensorStatus
) -> dg.SensorDefinition:
    """Asks for a run of each partition of which something lies in the folder and is not published."""

    @dg.sensor(
        name=f"{spec.name}_new_files",
        job=visualizations_job(spec),
        minimum_interval_seconds=15,
        default_status=status,
        required_resource_keys={"catalog", source_key(spec.name)},
        description=f"Publishes what was drawn for {spec.name}; off without credentials.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        now = dt.datetime.now(dt.UTC)
        try:
            waiting = hand_over(spec, settings, context.resources).unpublished()
            troubles = "; ".join(getattr(context.resources, source_key(spec.name)).troubles())
            # Only now: whoever draws nothing need not hear of credentials.
            if waiting and (off := settings.off(spec)) is not None:
                return dg.SkipReason(off)
        except NotFoundError as error:
            return dg.SkipReason(f"{spec.name}: nothing was drawn yet: {error}")
        except ImageAssetsError as error:
            log.error("%s: %s", spec.name, error)  # noqa: TRY400
            return dg.SkipReason(f"{spec.name}: {error}")
        if troubles:
            log.warning("%s: %s", spec.name, troubles)
        newest = sorted(waiting, key=lambda partition: partition.key, reverse=True)
        keys = {str(key_of(one)): waiting[one] for one in newest if spec.covers(one.day)}
        due = {
            key: run_key(key, [entry.item_key for entry in entries], now)
            for key, entries in keys.items()
        }
        # What failed this hour must not keep older dates from their turn.
        fresh = (key for key in due if _has_its_turn(context.instance, key, due[key]))
        asked = list(islice(fresh, _AT_ONCE))
        if not asked:
            return dg.SkipReason(troubles or "all that was drawn is published")
        requests = [dg.RunRequest(run_key=due[key], partition_key=key) for key in asked]
        return dg.SensorResult(run_requests=requests)

    return sensor


def _has_its_turn(instance: dg.DagsterInstance, key: str, run_key: str) -> bool:
    """Whether a partition has no run under way, and none under this run key."""
    of_key = dg.RunsFilter(tags={"dagster/run_key": run_key})
    return not is_under_way(instance, key) and not instance.get_runs(of_key, limit=1)


def run_key(key: str, files: Sequence[str], now: dt.datetime) -> str:
    """Under which a run is asked for: once for the same files, and once more each hour they wait."""
    same = hashlib.sha256("\0".join(files).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{key} {same[:16]} in {now:%Y-%m-%dT%H}"


def tidy_local_files(
    spec: SourceSpec, settings: Settings, status: dg.DefaultSensorStatus
) -> dg.SensorDefinition:
    """Asks for a run when something in the folder may be put away, or purged."""

    @dg.sensor(
        name=f"{spec.name}_local_files",
        job=local_files_job(spec),
        minimum_interval_seconds=60,
        default_status=status,
        required_resource_keys={"catalog", source_key(spec.name)},
        description=f"Puts away what {spec.name} published, when that is proven (DELETE_LOCAL_FILES).",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        now = dt.datetime.now(dt.UTC)
        try:
            due = hand_over(spec, settings, context.resources).due()
        except NotFoundError as error:
            return dg.SkipReason(f"{spec.name}: nothing was drawn yet: {error}")
        except ImageAssetsError as error:
            log.error("%s: %s", spec.name, error)  # noqa: TRY400
            return dg.SkipReason(f"{spec.name}: {error}")
        if not due:
            return dg.SkipReason("nothing is to be put away or purged")
        key = run_key("local files", due, now)
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=key)])

    return sensor
