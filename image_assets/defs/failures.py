"""The bridge between our errors and Dagster's: exact partitions, and no retry that cannot help."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import dagster as dg

from image_assets.core.errors import ImageAssetsError, TransientError
from image_assets.defs.metadata import failures_table
from image_assets.stages.report import Cause, Report

log = logging.getLogger(__name__)

Metadata = Mapping[str, Any]

RETRIES = 1
"""More tries of a step, after the first; `services.http` has made its own by then."""

RETRY_ASSETS_TAG = "dagster/retry_on_asset_or_op_failure"

CAUSES = "causes"
"""Where a failure's metadata names its causes, for those who tell people."""


@dataclass(frozen=True, slots=True)
class Work:
    """What was done for one partition: the stage's report and how it looks in the UI."""

    report: Report
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of one check of one partition."""

    check: str
    passed: bool
    metadata: Metadata = field(default_factory=dict)
    description: str | None = None
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR
    """How bad it is that it did not pass."""


Checks = Callable[[str], Sequence[Evaluation]]


def each_partition(
    context: dg.AssetExecutionContext,
    work: Callable[[str], Work],
    checks: Checks,
    *,
    retry_after: float,
) -> dg.MaterializeResult[None]:
    """Do `work` for every partition of the run; fail exactly those that failed.

    Only our own errors are caught. What succeeded is recorded whatever else happens, a cancelled run
    included. When some failed, the rest is materialised by hand and every partition's checks are
    evaluated here, because Dagster then skips the check's own step.
    """
    done: dict[str, Work] = {}
    failed: dict[str, ImageAssetsError | Report] = {}
    try:
        for key in map(str, context.partition_keys):
            _do(key, work, done, failed)
    finally:
        whole = not failed and len(done) == len(context.partition_keys)
        for key, result in done.items():
            _record(context, key, result, by_hand=not whole)
    if failed:
        for key in (*done, *failed):
            _record_checks(context, key, checks)
        transient = all(map(_transient, failed.values()))
        _fail(context, _failure(context, failed), transient=transient, retry_after=retry_after)
    return dg.MaterializeResult()


def _do(
    key: str,
    work: Callable[[str], Work],
    done: dict[str, Work],
    failed: dict[str, ImageAssetsError | Report],
) -> None:
    try:
        result = work(key)
    except ImageAssetsError as error:
        log.error("%s: %s", key, error, extra={"partition": key})  # noqa: TRY400
        failed[key] = error
    else:
        if result.report.failed:
            failed[key] = result.report
        else:
            done[key] = result


def _record(context: dg.AssetExecutionContext, key: str, result: Work, *, by_hand: bool) -> None:
    if by_hand:
        event = dg.AssetMaterialization(context.asset_key, partition=key, metadata=result.metadata)
        context.log_event(event)
    else:
        context.add_asset_metadata(result.metadata, partition_key=key)


def _record_checks(context: dg.AssetExecutionContext, key: str, checks: Checks) -> None:
    try:
        evaluations = checks(key)
    except ImageAssetsError as error:  # the failure that names the partitions is still to be told
        log.error("%s: not checked: %s", key, error, extra={"partition": key})  # noqa: TRY400
        return
    for evaluation in evaluations:
        context.log_event(as_event(context.asset_key, key, evaluation))


def as_event(asset: dg.AssetKey, key: str, evaluation: Evaluation) -> dg.AssetCheckEvaluation:
    """An evaluation as Dagster keeps it."""
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=evaluation.check,
        passed=evaluation.passed,
        metadata=evaluation.metadata,
        description=evaluation.description,
        severity=evaluation.severity,
        partition=key,
    )


def _fail(
    context: dg.AssetExecutionContext, failure: dg.Failure, *, transient: bool, retry_after: float
) -> NoReturn:
    """End the step: tried once more after `retry_after` seconds if waiting may cure every failure.

    No `RetryPolicy` does it: one would also try again what was a bug, and what a person cancelled.
    """
    if transient and context.op_execution_context.retry_number < RETRIES:
        raise dg.RetryRequested(RETRIES, seconds_to_wait=retry_after) from failure
    if not transient:
        forbid_run_retries(context)
    raise failure


def _failure(
    context: dg.AssetExecutionContext, failed: Mapping[str, ImageAssetsError | Report]
) -> dg.Failure:
    reasons = {key: _reason(problem) for key, problem in failed.items()}
    first = next(iter(reasons.items()))
    items = [
        f for problem in failed.values() if isinstance(problem, Report) for f in problem.failures
    ]
    return dg.Failure(
        f"{len(failed)} of {len(context.partition_keys)} partitions failed; {first[0]}: {first[1]}",
        metadata={
            "failed_partitions": dg.MetadataValue.json(reasons),
            "failures": failures_table(items),
            CAUSES: dg.MetadataValue.json(sorted(_causes(failed.values()))),
        },
        allow_retries=False,
    )


def _transient(problem: ImageAssetsError | Report) -> bool:
    return (
        problem.transient_only
        if isinstance(problem, Report)
        else isinstance(problem, TransientError)
    )


def _causes(problems: Iterable[ImageAssetsError | Report]) -> set[str]:
    """Why things failed, by what the reader can do."""
    found: set[str] = set()
    for problem in problems:
        found |= set(problem.causes) if isinstance(problem, Report) else {Cause.of(problem)}
    return found


def _reason(problem: ImageAssetsError | Report) -> str:
    if not isinstance(problem, Report):
        return str(problem)
    causes = ", ".join(f"{count} {cause}" for cause, count in problem.causes.items())
    return f"{problem.failed} items failed ({causes}); first: {problem.failures[0].reason}"


def raise_failed(context: dg.AssetExecutionContext, report: Report, *, retry_after: float) -> None:
    """Fail the step of an asset without partitions when items failed."""
    if not report.failed:
        return
    metadata = {
        "failures": failures_table(report.failures),
        CAUSES: dg.MetadataValue.json(sorted(_causes([report]))),
    }
    failure = dg.Failure(_reason(report), metadata=metadata, allow_retries=False)
    _fail(context, failure, transient=report.transient_only, retry_after=retry_after)


@contextmanager
def failures_for_dagster(
    context: dg.AssetExecutionContext, *, retry_after: float
) -> Iterator[None]:
    """For assets without partitions: our errors as a failure that is retried only where it can help."""
    try:
        yield
    except ImageAssetsError as error:
        causes = {CAUSES: dg.MetadataValue.json(sorted(_causes([error])))}
        failure = dg.Failure(str(error), metadata=causes, allow_retries=False)
        failure.__cause__ = error
        transient = isinstance(error, TransientError)
        _fail(context, failure, transient=transient, retry_after=retry_after)


def forbid_run_retries(context: dg.AssetExecutionContext) -> None:
    """Tell the run-retry daemon, which does not hear `allow_retries`, to leave this run alone."""
    context.instance.add_run_tags(context.run.run_id, {RETRY_ASSETS_TAG: "false"})
