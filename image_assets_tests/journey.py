"""A source's whole chain in Dagster, in this process, over rehearsal services and a catalog of its own."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa

from image_assets.compose import Catalog
from image_assets.core.model import Partition
from image_assets.defs.build import build_definitions
from image_assets.defs.resources import opened
from image_assets.rehearsal import Profile, Rehearsal
from image_assets.services.catalog.schema import latest
from image_assets.settings import Settings, isolated

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
DAY, STREAM = "2025-09-01", "apm/in_gate"
KEY = f"{DAY}|{STREAM}"
IN_GATE = Partition("camera", STREAM, DAY)
LOCAL, PINATA = "uploaded_urls/local", "uploaded_urls/pinata"
STAGES = ("images", "designs", "thumbnails", LOCAL, PINATA)

TWO_A_DAY = Profile(cadence=dt.timedelta(hours=12), gap_share=0, stale_share=0)
ONE_A_DAY = replace(TWO_A_DAY, cadence=dt.timedelta(days=1))
CAMERA = "{name: camera, kind: draydog, start: 2025-09-01, "
AUTUMN = CAMERA + "end: 2025-12-01, "
"""A source whose calendar is short: Dagster goes through all of it again and again."""

ORIGINALS = (
    AUTUMN + "collections: [apm/in_gate, apm/out_gate], publishes: originals,"
    " destinations: [local, pinata], latest: {store: cloudflare_kv, destination: pinata}}"
)
"""A source that publishes what it received: a short journey, without exports."""

AT_ONCE = {
    "DOWNLOAD_RETRY_DELAY": "0.01",
    "UPLOAD_RETRY_DELAY": "0.01",
    "IMAGE_ASSETS_RETRY_SECONDS": "0",
}
"""Waits that a test has no time for."""


@dataclass(frozen=True)
class Run:
    """What came of one run, by stage and partition, as the instance remembers it."""

    run_id: str
    success: bool
    events: Sequence[dg.DagsterEvent]

    def partitions(self, stage: str) -> list[str]:
        """The partitions of a stage that were materialised."""
        return sorted(str(e.partition) for e in self._materialisations(stage))

    def metadata(self, stage: str, key: str | None = None) -> dict[str, Any]:
        """What the one materialisation of a stage (and partition) shows."""
        (event,) = [e for e in self._materialisations(stage) if key in (None, e.partition)]
        return {name: value.value for name, value in event.materialization.metadata.items()}

    def checks(self, stage: str, name: str) -> dict[str | None, bool]:
        """Whether a check of a stage passed, by partition."""
        return {e.partition: e.passed for e in self.evaluations(stage, name)}

    def check(self, stage: str, name: str, key: str | None = None) -> dict[str, Any]:
        """What the one evaluation of a check (and partition) shows, with its verdict and text."""
        (found,) = [e for e in self.evaluations(stage, name) if key in (None, e.partition)]
        shown = {label: value.value for label, value in found.metadata.items()}
        return shown | {"passed": found.passed, "description": found.description}

    def evaluations(self, stage: str, name: str) -> list[dg.AssetCheckEvaluation]:
        kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
        events = [e for e in self.events if e.event_type is kind]
        data: list[Any] = [e.event_specific_data for e in events]
        return [d for d in data if (d.asset_key, d.check_name) == (asset(stage), name)]

    def failed_steps(self) -> dict[str, str]:
        """What each failed step said."""
        return {
            str(e.step_key): e.step_failure_data.error_display_string
            for e in self.events
            if e.is_step_failure
        }

    def failure(self) -> dict[str, Any]:
        """The metadata of the one step that failed."""
        (event,) = [e for e in self.events if e.is_step_failure]
        failure = event.step_failure_data.user_failure_data
        assert failure is not None
        return {name: value.value for name, value in failure.metadata.items()}

    def tries(self, stage: str) -> int:
        """How often Dagster ran the step of a stage."""
        kinds = ("STEP_START", "STEP_RESTARTED")
        name = asset(stage).to_python_identifier()
        events = self.events
        return sum(e.event_type_value in kinds and e.step_key == name for e in events)

    def _materialisations(self, stage: str) -> list[dg.DagsterEvent]:
        events = [e for e in self.events if e.is_step_materialization]
        return [e for e in events if e.asset_key == asset(stage)]


@dataclass(frozen=True)
class Journey:
    """The rooms of a journey, and the ways to take it."""

    rehearsal: Rehearsal
    settings: Settings
    services: Mapping[str, Any]
    instance: dg.DagsterInstance
    definitions: dg.Definitions

    @property
    def catalog(self) -> Catalog:
        catalog: Catalog = self.services["catalog"]
        return catalog

    @property
    def data(self) -> Path:
        return self.settings.data_dir

    def run(self, *stages: str, key: str = KEY, **config: Any) -> Run:
        """One run over stages of one partition; `config` is what the images asset is told."""
        ops = {asset("images").to_python_identifier(): {"config": config}}
        return self._run(stages, partition_key=key, config={"ops": ops} if config else {})

    def run_range(self, *stages: str, first: str, last: str) -> Run:
        """One run over stages of a range of partitions."""
        ends = {
            "dagster/asset_partition_range_start": first,
            "dagster/asset_partition_range_end": last,
        }
        return self._run(stages, tags=ends)

    def announce(self, stream: str = STREAM) -> Run:
        return self._run(["latest"], partition_key=stream)

    def look(self, stage: str, name: str, key: str | None = None) -> Run:
        """A run of a check alone."""
        job = self.definitions.resolve_implicit_global_asset_job_def()
        alone = job.get_subset(
            asset_selection=set(), asset_check_selection={dg.AssetCheckKey(asset(stage), name)}
        )
        return self._execute(alone, tags={"dagster/partition": key} if key else {})

    def an_hour_passes(self) -> None:
        """What was announced was announced an hour ago: what the store says now, it means."""
        ago = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
        with self.catalog.engine.begin() as connection:
            then = {"created_at": ago, "published_at": ago, "written_at": ago}
            connection.execute(sa.update(latest).values(then))

    def asked(self) -> dict[str, int]:
        """Requests by method and service since the start."""
        counts: dict[str, int] = {}
        for entry in self.rehearsal.requests()["counts"]:
            name = f"{entry['method']} {entry['service']}"
            counts[name] = counts.get(name, 0) + entry["count"]
        return counts

    def _run(self, stages: Sequence[str], **of: Any) -> Run:
        job = self.definitions.resolve_implicit_global_asset_job_def()
        return self._execute(job, asset_selection=[asset(stage) for stage in stages], **of)

    def _execute(
        self, job: dg.JobDefinition, *, config: Mapping[str, Any] | None = None, **of: Any
    ) -> Run:
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        result = job.execute_in_process(
            instance=self.instance,
            run_config={**quiet, **(config or {})},
            raise_on_error=False,
            **of,
        )
        return run_of(result, self.instance)


def asked_by(
    name: str, definitions: dg.Definitions, instance: dg.DagsterInstance, given: Mapping[str, Any]
) -> list[str] | str:
    """The partitions that a sensor's tick asks for, made known to Dagster; or why for none.

    Args:
        name: the sensor's.
        definitions: where it is.
        instance: whose daemon it would be.
        given: the resources that it has.
    """
    sensor = definitions.resolve_sensor_def(name)
    with dg.SensorEvaluationContext(
        # As the daemon does it: what a test context lacks knows no partitions that are new.
        instance.get_ref(),
        last_tick_completion_time=None,
        last_run_key=None,
        cursor=None,
        repository_name=None,
        repository_def=definitions.get_repository_def(),
        instance=instance,
        resources={
            key: dg.ResourceDefinition.hardcoded_resource(given[key])
            for key in sensor.required_resource_keys
        },
    ) as context:
        found = sensor.evaluate_tick(context)
    for request in found.dynamic_partitions_requests:
        instance.add_dynamic_partitions(request.partitions_def_name, list(request.partition_keys))
    return [str(r.partition_key) for r in found.run_requests] or str(found.skip_message)


def run_chain(
    job: str, definitions: dg.Definitions, instance: dg.DagsterInstance, key: str, *stages: str
) -> Run:
    """A partition's run of a job: the whole chain, or some of its assets, `source/stage` each."""
    result = definitions.resolve_job_def(job).execute_in_process(
        instance=instance,
        run_config=_QUIET,
        partition_key=key,
        raise_on_error=False,
        asset_selection=[dg.AssetKey(stage.split("/")) for stage in stages] or None,
    )
    return run_of(result, instance)


def own_instance() -> AbstractContextManager[dg.DagsterInstance]:
    """An instance of Dagster with files of its own. It captures no output of steps: that is done by
    processes which nobody waits for.
    """
    silent = {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    }
    return dg.instance_for_test(overrides={"compute_logs": silent})


def run_of(result: dg.ExecuteInProcessResult, instance: dg.DagsterInstance) -> Run:
    """The run, from its log: what an asset logged by hand is not among the result's events."""
    log = [entry.dagster_event for entry in instance.all_logs(result.run_id)]
    return Run(result.run_id, result.success, [event for event in log if event is not None])


def asset(stage: str) -> dg.AssetKey:
    """The camera's asset of a stage."""
    return dg.AssetKey(["camera", *stage.split("/")])


@contextmanager
def journey(
    folder: Path,
    profile: Profile = ONE_A_DAY,
    *,
    instance: dg.DagsterInstance | None = None,
    source: str | None = None,
    without: Sequence[str] = (),
    **settings: str,
) -> Iterator[Journey]:
    """Rehearsal services and a catalog in `folder`; Dagster in memory unless an instance is given.

    `source` is a spec in YAML instead of the committed one; `without` names settings that are unset.
    """
    with Rehearsal(profile) as rehearsal:
        own = {**rehearsal.environment(), **AT_ONCE, "IMAGE_ASSETS_DATA_DIR": str(folder)}
        if source is not None:
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / "sources.yaml"
            file.write_text(f"sources: [{source}]")
            own["IMAGE_ASSETS_SOURCES"] = str(file)
        given = isolated({n: v for n, v in (own | settings).items() if n not in without})
        with opened(given) as services, dg.DagsterInstance.ephemeral() as memory:
            definitions = build_definitions(given, services)
            yield Journey(rehearsal, given, services, instance or memory, definitions)
