"""The bridge to Dagster, on small assets of its own: exact partitions, and no useless retry."""

import dagster as dg
import pytest

from image_assets.core.errors import ImageAssetsError, RejectedError, TransientError
from image_assets.defs.failures import (
    RETRY_ASSETS_TAG,
    Evaluation,
    Work,
    each_partition,
    failures_for_dagster,
)
from image_assets.stages.report import Cause, ItemFailure, Report
from image_assets_tests.journey import own_instance

KEYS = [f"p{n}" for n in range(6)]
PARTITIONS = dg.StaticPartitionsDefinition(KEYS)
RANGE = {
    "dagster/asset_partition_range_start": KEYS[0],
    "dagster/asset_partition_range_end": KEYS[-1],
}
ITEM_REFUSED = Report(
    {}, {Cause.PERMANENT: 1}, 0, 0.0, (ItemFailure("a.jpg", Cause.PERMANENT, "no"),)
)


class Journal:
    """An asset over six partitions that fail as they are told, and what came of it."""

    def __init__(
        self, failing: dict[str, ImageAssetsError | Report], unchecked: tuple[str, ...] = ()
    ) -> None:
        self.tries: list[str] = []
        self.unchecked = unchecked
        self.asset = self._asset(failing)

    def _asset(self, failing: dict[str, ImageAssetsError | Report]) -> dg.AssetsDefinition:
        @dg.asset(
            partitions_def=PARTITIONS,
            backfill_policy=dg.BackfillPolicy.single_run(),
        )
        def asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
            def work(key: str) -> Work:
                self.tries.append(key)
                problem = failing.get(key, Report({"done": 1}))
                if isinstance(problem, Report):
                    return Work(problem, {"n": 1})
                raise problem

            def checks(key: str) -> list[Evaluation]:
                if key in self.unchecked:
                    raise TransientError("the catalog is away")
                return [Evaluation("well", key not in failing)]

            return each_partition(context, work, checks, retry_after=0)

        return asset

    def run(self, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
        @dg.asset_check(asset=self.asset, partitions_def=PARTITIONS, name="well")
        def well() -> dg.AssetCheckResult:
            return dg.AssetCheckResult(passed=True)

        definitions = dg.Definitions(assets=[self.asset], asset_checks=[well])
        job = definitions.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(instance=instance, tags=RANGE, raise_on_error=False)


@pytest.fixture
def instance():
    with own_instance() as instance:
        yield instance


def materialised(instance: dg.DagsterInstance, journal: Journal) -> set[str]:
    return set(instance.get_materialized_partitions(journal.asset.key))


def test_whole_success_is_one_materialisation_a_partition(instance):
    journal = Journal({})

    result = journal.run(instance)

    assert result.success
    events = [e for e in result.all_events if e.event_type_value == "ASSET_MATERIALIZATION"]
    assert sorted(e.partition for e in events) == KEYS


def test_only_the_partition_that_failed_is_missing(instance):
    journal = Journal({"p2": RejectedError("no")})

    result = journal.run(instance)

    assert not result.success
    assert materialised(instance, journal) == {*KEYS} - {"p2"}


def test_failed_items_fail_their_partition_alone(instance):
    journal = Journal({"p4": ITEM_REFUSED})

    journal.run(instance)

    assert materialised(instance, journal) == {*KEYS} - {"p4"}


def test_the_failure_names_the_partition_the_item_and_the_cause(instance):
    result = Journal({"p4": ITEM_REFUSED}).run(instance)

    (failure,) = [e for e in result.all_events if e.is_step_failure]
    assert "p4" in failure.step_failure_data.error_display_string
    assert failure.step_failure_data.user_failure_data.metadata["failed_partitions"].data == {
        "p4": "1 items failed (1 permanent); first: no"
    }


def test_checks_of_every_partition_are_evaluated_although_the_step_failed(instance):
    result = Journal({"p2": RejectedError("no")}).run(instance)

    log = [e.dagster_event for e in instance.all_logs(result.run_id) if e.dagster_event]
    found = [e for e in log if e.event_type_value == "ASSET_CHECK_EVALUATION"]
    evaluations = [e.event_specific_data for e in found]
    assert {e.partition: e.passed for e in evaluations} == {key: key != "p2" for key in KEYS}


def test_checks_that_cannot_be_evaluated_hide_neither_the_failure_nor_the_other_checks(instance):
    result = Journal({"p2": RejectedError("no")}, unchecked=("p1",)).run(instance)

    (failure,) = [e for e in result.all_events if e.is_step_failure]
    assert "p2: no" in failure.step_failure_data.error_display_string
    log = [e.dagster_event for e in instance.all_logs(result.run_id) if e.dagster_event]
    evaluations = [e for e in log if e.event_type_value == "ASSET_CHECK_EVALUATION"]
    assert {e.event_specific_data.partition for e in evaluations} == {*KEYS} - {"p1"}


def test_a_permanent_failure_is_tried_once_and_forbids_run_retries(instance):
    journal = Journal({"p0": RejectedError("no"), "p1": TransientError("busy")})

    result = journal.run(instance)

    assert journal.tries.count("p0") == 1
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    assert run.tags[RETRY_ASSETS_TAG] == "false"


def test_transient_failures_alone_are_tried_once_more(instance):
    journal = Journal({"p1": TransientError("busy")})

    result = journal.run(instance)

    assert journal.tries.count("p1") == 2
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    assert RETRY_ASSETS_TAG not in run.tags


def test_a_bug_is_tried_once(instance):
    journal = Journal({"p0": ZeroDivisionError()})  # type: ignore[dict-item]

    journal.run(instance)

    assert journal.tries == ["p0"]


def test_what_a_person_cancels_is_not_tried_again(instance):
    journal = Journal({"p1": dg.DagsterExecutionInterruptedError()})  # type: ignore[dict-item]

    journal.run(instance)

    assert journal.tries == ["p0", "p1"]
    assert materialised(instance, journal) == {"p0"}


def test_a_bug_escapes_and_what_was_done_is_recorded(instance):
    journal = Journal({"p3": ZeroDivisionError()})  # type: ignore[dict-item]

    result = journal.run(instance)

    assert not result.success
    assert materialised(instance, journal) == {"p0", "p1", "p2"}


@pytest.mark.parametrize(
    ("error", "tries"), [(TransientError("busy"), 2), (RejectedError("no"), 1)]
)
def test_an_asset_without_partitions_is_retried_only_where_waiting_may_help(instance, error, tries):
    tried = []

    @dg.asset
    def asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        tried.append(1)
        with failures_for_dagster(context, retry_after=0):
            raise error

    dg.materialize([asset], instance=instance, raise_on_error=False)

    assert len(tried) == tries
