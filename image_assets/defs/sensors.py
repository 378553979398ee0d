"""What runs because something happened: files dropped, newer pictures, failed runs, new parents."""

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

from image_assets.announcing import announcement
from image_assets.core.errors import ImageAssetsError
from image_assets.defs.assets.latest import announcer
from image_assets.defs.jobs import batch_job, latest_job
from image_assets.defs.notifications import note_failures, notify
from image_assets.defs.partitions import batches
from image_assets.defs.requested import take_requests
from image_assets.defs.resources import latest_key, source_key
from image_assets.defs.turns import Schedule
from image_assets.defs.visualizing import publish_new_files, tidy_local_files
from image_assets.ports import Inbox
from image_assets.settings import Settings
from image_assets.sources import SourceSpec

log = logging.getLogger("image_assets.runs")


def publish_latest(
    spec: SourceSpec, settings: Settings, status: dg.DefaultSensorStatus
) -> dg.SensorDefinition:
    """Asks for a latest run when the catalog knows something newer, or the store disagrees."""
    assert spec.latest is not None

    @dg.sensor(
        name=f"{spec.name}_publish_latest",
        job=latest_job(spec),
        minimum_interval_seconds=60,
        default_status=status,
        required_resource_keys={"catalog", latest_key(spec.latest.store)},
        description=f"Announces newer pictures of {spec.name}, and repairs keys that the store lost.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        announcing = announcer(spec, settings, context.resources)
        requests, troubles = [], []
        # The hour lets a repair that failed be tried again, but not every minute.
        hour = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H")
        for collection in spec.collections:
            try:
                due = announcing.due(announcement(spec, settings, collection))
            except ImageAssetsError as error:
                log.error("latest of %s: %s", collection, error)  # noqa: TRY400
                troubles.append(f"{collection}: {error}")
                continue
            if due:
                key = f"{collection}: {due} @{hour}"
                requests.append(dg.RunRequest(run_key=key, partition_key=collection))
        if not requests:
            return dg.SkipReason("; ".join(troubles) or "every latest key is up to date")
        return dg.SensorResult(run_requests=requests)

    return sensor


def take_batches(
    spec: SourceSpec, settings: Settings, status: dg.DefaultSensorStatus
) -> dg.SensorDefinition:
    """Makes batches of what people dropped and has settled, and asks for a run of each."""
    inbox_key = source_key(spec.name)

    @dg.sensor(
        name=f"{spec.name}_batches",
        job=batch_job(spec),
        minimum_interval_seconds=15,
        default_status=status,
        required_resource_keys={"catalog", inbox_key},
        description=f"Takes the files dropped into the shops' folders of {spec.name}, by batch.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        inbox: Inbox = getattr(context.resources, inbox_key)
        now = dt.datetime.now(dt.UTC)
        schedule = Schedule(spec, settings, inbox, context.resources.catalog, context.instance)
        try:
            inbox.take(now)
            turns = schedule.turns(now)
            troubles = "; ".join(inbox.troubles())
        except ImageAssetsError as error:
            log.error("%s: %s", spec.name, error)  # noqa: TRY400
            return dg.SkipReason(f"{spec.name}: {error}")
        if troubles:
            log.warning("%s: %s", spec.name, troubles)
        if not turns.due:
            told = "; ".join(filter(None, (troubles, turns.waits_for)))
            return dg.SkipReason(told or "nothing has been dropped, or it has not settled yet")
        cut = batches(spec)
        known = set(context.instance.get_dynamic_partitions(str(cut.name)))
        new = [key for key in turns.due if key not in known]
        return dg.SensorResult(
            # Dagster starts one run for a run key, however often it is asked for.
            run_requests=[
                dg.RunRequest(run_key=run_key, partition_key=key)
                for key, run_key in turns.due.items()
            ],
            dynamic_partitions_requests=[cut.build_add_request(new)] if new else [],
        )

    return sensor


def run_failures(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Tells of every failed run, with what it was about and why."""

    @dg.run_failure_sensor(
        name="run_failures",
        default_status=status,
        minimum_interval_seconds=30,
        description="Logs every failed run: job, partitions, step and cause.",
    )
    def sensor(context: dg.RunFailureSensorContext) -> None:
        for trouble in troubles_of(context):
            log.error("%s", trouble.message, extra=trouble.ids)

    return sensor


@dataclass(frozen=True, slots=True)
class Trouble:
    """One line about a failed run, and the ids that belong to it."""

    message: str
    ids: dict[str, str | None]


def troubles_of(context: dg.RunFailureSensorContext) -> list[Trouble]:
    """One for each failed step; one for the run where none did."""
    run = context.dagster_run
    ends = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
    range_ = "...".join(run.tags[tag] for tag in ends if tag in run.tags)
    partition = run.tags.get("dagster/partition", range_)
    causes = [
        (event.step_key, event.step_failure_data.error_display_string.strip())
        for event in context.get_step_failure_events()
    ]
    return [
        Trouble(
            f"run {run.run_id[:8]} of {run.job_name} failed at {step or 'start'}"
            f"{f' ({partition})' if partition else ''}: {cause}",
            {"run_id": run.run_id, "job": run.job_name, "partition": partition, "step": step},
        )
        for step, cause in causes or [(None, context.failure_event.message or "")]
    ]


def sensors(specs: Sequence[SourceSpec], settings: Settings) -> list[dg.SensorDefinition]:
    """Every sensor; running by default only where automation is on."""
    on = settings.image_assets_automation == "on"
    status = dg.DefaultSensorStatus.RUNNING if on else dg.DefaultSensorStatus.STOPPED
    automation = dg.AutomationConditionSensorDefinition(
        "image_assets_automation",
        target=dg.AssetSelection.all(),
        minimum_interval_seconds=30,
        default_status=status,
        description="Takes new pictures of the last seven days through designs, exports and uploads.",
    )
    announcing = [publish_latest(spec, settings, status) for spec in specs if spec.latest]
    taking = [take_batches(spec, settings, status) for spec in specs if spec.dropped]
    drawing = [take_requests(spec, status) for spec in specs if spec.generated]
    plotting = [
        build(spec, settings, status)
        for spec in specs
        if spec.drawn
        for build in (publish_new_files, tidy_local_files)
    ]
    telling = [run_failures(status), note_failures(settings, status), notify(settings, status)]
    return [automation, *telling, *announcing, *taking, *drawing, *plotting]
