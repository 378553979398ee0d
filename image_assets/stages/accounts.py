"""Accounts of runs and ranges: made from reports or from the catalog, and kept as files."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from image_assets.core import naming
from image_assets.core.account import Account, DayAccount, Lost
from image_assets.core.errors import ImageAssetsError
from image_assets.core.model import Partition
from image_assets.core.spans import Span
from image_assets.ports import ArchiveCatalog, FileStore
from image_assets.stages.account_files import Form, render
from image_assets.stages.report import Report

SHOWN_LOST = 200
"""Failures told one by one; the counts go on."""

_CAME = frozenset({"stored", "stale", "thumbnail"})
_LOST = {"rejected": "rejected", "missing": "absent", "gone": "gone"}
_NOT_ASKED_FOR = frozenset({"misfit", "beyond_limit"})


def run_account(
    name: str,
    title: str,
    reports: Mapping[Partition, Report | ImageAssetsError],
    *,
    began: dt.datetime,
    ended: dt.datetime,
) -> Account:
    """What a run did, from what the images stage reported of each partition, or raised.

    What was beyond a limit, or named by the listing and no entry, was not requested.
    """
    lost = [
        Lost(failure.item, failure.cause.value, failure.reason)
        for report in reports.values()
        if isinstance(report, Report)
        for failure in report.failures
    ]
    days = [
        _day(partition, report)
        for partition, report in sorted(reports.items(), key=lambda item: _place(item[0]))
    ]
    return Account(
        name, title, ended, tuple(days), (ended - began).total_seconds(), tuple(lost[:SHOWN_LOST])
    )


def range_account(catalog: ArchiveCatalog, span: Span, *, now: dt.datetime) -> Account:
    """What the archive holds of a range of days, and what it lacks."""
    days = f"{span.first} to {span.last}" if span.first < span.last else str(span.first)
    streams = ", ".join(span.collections)
    return Account(
        f"{span.source}-{span.first}_{span.last}",
        f"{span.source} ({streams}), {days}",
        now,
        tuple(_every_day(span, catalog.accounts(span))),
        lost=tuple(catalog.lost(span, SHOWN_LOST)),
    )


def _every_day(span: Span, known: Sequence[DayAccount]) -> Sequence[DayAccount]:
    """The known days among all: one that nobody ever asked for is seen as well."""
    found = {day.partition: day for day in known}
    return [
        found.get(partition, DayAccount(partition=partition, unlisted="never asked for"))
        for partition in sorted(span.partitions(), key=_place)
    ]


def save(store: FileStore, account: Account, *, forms: Iterable[Form] = Form) -> Mapping[Form, str]:
    """Keep the account in these forms, durably; gives their keys in the store."""
    kept = {}
    for form in forms:
        kept[form] = naming.report_path(account.name, form.value)
        store.put_bytes(render(account, form), kept[form])
    return kept


def run_name(began: dt.datetime, source: str) -> str:
    """The name of the account of a download that is no run of Dagster's."""
    return f"download-{began.astimezone(dt.UTC):%Y%m%dT%H%M%S.%fZ}-{source}"


def _day(partition: Partition, report: Report | ImageAssetsError) -> DayAccount:
    if isinstance(report, ImageAssetsError):
        return DayAccount(partition=partition, unlisted=str(report))
    if _is_unlisted(partition, report):
        return DayAccount(
            partition=partition, seconds=report.seconds, unlisted=report.failures[0].reason
        )
    asked = {note: n for note, n in report.counts.items() if note not in _NOT_ASKED_FOR}
    failed = Counter({cause.value: n for cause, n in report.causes.items() if n})
    failed.update({_LOST[note]: n for note, n in asked.items() if note in _LOST and n})
    came = sum(n for note, n in asked.items() if note in _CAME)
    requested = sum(asked.values()) + report.failed
    return DayAccount(
        partition=partition,
        requested=requested,
        downloaded=came,
        skipped=requested - came - failed.total(),
        failed=dict(sorted(failed.items())),
        bytes=report.bytes,
        seconds=report.seconds,
    )


def _is_unlisted(partition: Partition, report: Report) -> bool:
    """Whether the failure is the day's own: no picture of it was asked for."""
    return not report.counts and [f.item for f in report.failures] == [str(partition)]


def _place(partition: Partition) -> tuple[str, str]:
    return partition.key, partition.collection
