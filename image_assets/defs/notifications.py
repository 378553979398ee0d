"""Failed runs into the outbox, and the outbox to its channels: two sensors, none of them in a run's way."""

import datetime as dt
import logging
import os
import random
import socket
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import dagster as dg

from image_assets.core.errors import ImageAssetsError
from image_assets.core.notices import Happening, NoticeKind
from image_assets.defs.failures import CAUSES
from image_assets.settings import Settings
from image_assets.stages.notifying import Teller
from image_assets.stages.report import Cause

log = logging.getLogger("image_assets.runs")


def note_failures(settings: Settings, status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Writes every failed run into the outbox; while there is no catalog, Dagster asks again."""

    @dg.run_failure_sensor(
        name="note_failures",
        default_status=status,
        minimum_interval_seconds=30,
        description="Puts every failed run into the outbox of notifications.",
    )
    def sensor(context: dg.RunFailureSensorContext, catalog: dg.ResourceParam[Any]) -> None:
        from image_assets import notifying

        clean = notifying.redactor(settings).clean
        told = [replace(one, text=clean(one.text)) for one in happenings_of(context)]
        catalog.notices.tell(told, now=dt.datetime.now(dt.UTC))

    return sensor


def notify(settings: Settings, status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Tells the channels what is new in the ledger, the batches and the outbox."""

    @dg.sensor(
        name="notify",
        minimum_interval_seconds=30,
        default_status=status,
        required_resource_keys={"catalog"},
        description="Tells Slack and the webhook what happened (docs/notifications.md).",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        from image_assets import notifying

        try:
            told = notifying.channels(settings)
            try:
                teller = Teller(
                    context.resources.catalog.notices,
                    told,
                    notifying.pace(settings),
                    f"sensor {socket.gethostname()} {os.getpid()}",
                    lambda: dt.datetime.now(dt.UTC),
                    random.random,
                    notifying.redactor(settings).clean,
                )
                outcomes = teller.tell()
            finally:
                for one in told:
                    one.channel.close()
        except ImageAssetsError as error:
            log.error("notifications: %s", error)  # noqa: TRY400
            return dg.SkipReason(f"notifications: {error}")
        said = "; ".join(f"{channel}: {outcome}" for channel, outcome in outcomes.items())
        return dg.SkipReason(said or "no channel is set up: SLACK_WEBHOOK_URL, NOTIFY_WEBHOOK_URL")

    return sensor


def happenings_of(context: dg.RunFailureSensorContext) -> Sequence[Happening]:
    """A failed run as news: the same step that fails for the same reason is the same news."""
    run = context.dagster_run
    partition = run.tags.get("dagster/partition", "")
    found = []
    for event in context.get_step_failure_events():
        failure = event.step_failure_data
        spent = Cause.QUOTA in _causes(failure.user_failure_data)
        kind = NoticeKind.QUOTA_EXHAUSTED if spent else NoticeKind.RUN_FAILED
        cause = failure.error_display_string.strip()
        where = f" ({partition})" if partition else ""
        subject = f"{event.step_key} of {run.job_name}"
        found.append(Happening(kind, subject, f"run {run.run_id[:8]}{where}: {cause}"))
    if found:
        return found
    message = context.failure_event.message or "it did not start"
    text = f"run {run.run_id[:8]}: {message}"
    return [Happening(NoticeKind.RUN_FAILED, run.job_name, text)]


def _causes(told: Any) -> Sequence[str]:
    """Why a step failed, where our own bridge said so."""
    known = told.metadata.get(CAUSES) if told is not None else None
    causes = known.value if isinstance(known, dg.JsonMetadataValue) else None
    return list(causes) if isinstance(causes, list) else ()
