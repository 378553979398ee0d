"""The report of a run: kept beside the pictures while it goes on, linked from what it materialises."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from image_assets.core.account import Account, DayAccount
from image_assets.core.errors import ImageAssetsError
from image_assets.core.model import Partition
from image_assets.defs.assets.options import clock
from image_assets.defs.failures import Work
from image_assets.ports import FileStore
from image_assets.stages.account_files import Form
from image_assets.stages.accounts import run_account, save
from image_assets.stages.report import Report

log = logging.getLogger(__name__)

_FORMS = (Form.HTML, Form.JSON)
"""A CSV takes pandas, which takes a second or two in each run: `image-assets report` makes one."""

_COLUMNS = ("date", "stream", "requested", "downloaded", "skipped", "failed", "bytes", "cause")
_SHOWN = 50


def accounted(
    context: dg.AssetExecutionContext,
    store: FileStore,
    base_url: str,
    partition_of: Callable[[str], Partition],
    work: Callable[[str], Work],
) -> Callable[[str], Work]:
    """`work`, and after each partition the run's report so far.

    Every materialisation of the run gets the whole run's table as `run`, and as `report` the page's
    address below `base_url`. A run that found nothing to do keeps no page.
    """
    began = clock()
    reports: dict[Partition, Report | ImageAssetsError] = {}
    told: list[dict[str, Any]] = []
    attempt = context.op_execution_context.retry_number
    name = f"run-{context.run.run_id}" + (f"-{attempt + 1}" if attempt else "")

    def account() -> Account:
        title = f"{context.asset_key.to_user_string()}, run {context.run.run_id}"
        return run_account(name, title, reports, began=began, ended=clock())

    def accounted_work(key: str) -> Work:
        partition = partition_of(key)
        try:
            result = work(key)
        except ImageAssetsError as error:
            reports[partition] = error
            _keep(context, store, base_url, account())
            raise
        reports[partition] = result.report
        told.append(dict(result.metadata))
        so_far = account()
        has = _keep(context, store, base_url, so_far) | {"run": table(so_far.days)}
        for metadata in told:
            metadata |= has
        return Work(result.report, told[-1])

    return accounted_work


def table(days: Sequence[DayAccount]) -> dg.MetadataValue[Any]:
    """The run's days with their figures; the last fifty."""
    return dg.MetadataValue.table(
        [_row(day) for day in days[-_SHOWN:]],
        dg.TableSchema([dg.TableColumn(name, _kind(name)) for name in _COLUMNS]),
    )


def _kind(column: str) -> str:
    return "string" if column in ("date", "stream", "cause") else "int"


def _row(day: DayAccount) -> dg.TableRecord:
    causes = ", ".join(f"{count} {cause}" for cause, count in day.failed.items())
    figures = (day.requested, day.downloaded, day.skipped, day.failures, day.bytes)
    values = (day.partition.key, day.partition.collection, *figures, day.unlisted or causes)
    return dg.TableRecord(dict(zip(_COLUMNS, values, strict=True)))


def _keep(
    context: dg.AssetExecutionContext, store: FileStore, base_url: str, account: Account
) -> dict[str, Any]:
    """The page's address, once it is kept."""
    if account.is_idle:
        return {}
    try:
        kept = save(store, account, forms=_FORMS)
    except ImageAssetsError as error:  # the pictures are safe: their partition did not fail
        log.error("%s: its report is not kept: %s", account.name, error)  # noqa: TRY400
        return {}
    url = f"{base_url.rstrip('/')}/{kept[Form.HTML]}"
    if len(account.days) == 1:
        context.log.info("report of this run: %s", url)
    return {"report": dg.MetadataValue.url(url)}
