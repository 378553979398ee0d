"""How results look in the UI: numbers that plot, failures as a table, pictures as a contact sheet."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import dagster as dg

from image_assets.core.completeness import Completeness
from image_assets.core.gaps import Gap, GapCause
from image_assets.core.model import ImageFormat
from image_assets.core.retention import DeletionPlan
from image_assets.stages.report import ItemFailure, Report

_SHOWN = 50
_URL = ":/?#[]@!$&'*+,;=%"
"""What stands for itself in an address; brackets that end a Markdown link, quotes and spaces do not."""


def figures(report: Report, names: Sequence[str]) -> dict[str, Any]:
    """The report's numbers under names that are the same every time, so that they plot."""
    numbers: dict[str, Any] = {name: report.counts.get(name, 0) for name in names}
    numbers |= {
        "failed": report.failed,
        "bytes": report.bytes,
        "seconds": round(report.seconds, 3),
        "bytes_per_second": round(report.bytes / report.seconds) if report.seconds else 0,
    }
    if report.failures:
        numbers["failures"] = failures_table(report.failures)
    return numbers


def failures_table(failures: Sequence[ItemFailure]) -> dg.MetadataValue[Any]:
    """Failed items with cause and reason; the first fifty."""
    return dg.MetadataValue.table(
        [
            dg.TableRecord({"item": f.item, "cause": f.cause.value, "reason": f.reason})
            for f in failures[:_SHOWN]
        ],
        dg.TableSchema([dg.TableColumn(name) for name in ("item", "cause", "reason")]),
    )


def reasons_table(reasons: Mapping[str, str]) -> dg.MetadataValue[Any]:
    """Items with why they are not here; the first fifty."""
    return dg.MetadataValue.table(
        [
            dg.TableRecord({"item": item, "reason": reason})
            for item, reason in list(reasons.items())[:_SHOWN]
        ],
        dg.TableSchema([dg.TableColumn(name) for name in ("item", "reason")]),
    )


def picture(
    content: bytes, title: str, format: ImageFormat = ImageFormat.JPEG
) -> dg.MetadataValue[Any]:
    """A picture shown in the event itself."""
    encoded = base64.b64encode(content).decode()
    return dg.MetadataValue.md(f"![{title}](data:{format.mime};base64,{encoded})")


def gap_figures(day: Completeness) -> dict[str, Any]:
    """A day's completeness as numbers that plot over partitions; what is unknown has no number."""
    numbers: dict[str, Any] = {
        "coverage": day.coverage,
        "expected": day.expected,
        "longest_gap_minutes": round(day.longest, 1),
    }
    numbers |= {f"gaps_{cause}": day.causes.get(cause, 0) for cause in GapCause}
    return {name: number for name, number in numbers.items() if number is not None}


def gaps_table(gaps: Sequence[Gap]) -> dg.MetadataValue[Any]:
    """Gaps with their cause, the longest fifty of them in the order of time."""
    longest = sorted(gaps, key=lambda gap: gap.minutes, reverse=True)[:_SHOWN]
    return dg.MetadataValue.table(
        [_gap_row(gap) for gap in sorted(longest, key=lambda gap: (gap.start, gap.end))],
        dg.TableSchema([dg.TableColumn(name, kind) for name, kind in _GAP_COLUMNS.items()]),
    )


_GAP_COLUMNS = {
    "from": "string",
    "to": "string",
    "minutes": "float",
    "cause": "string",
    "pictures": "int",
    "reason": "string",
}


def _gap_row(gap: Gap) -> dg.TableRecord:
    end = f"{gap.end:%H:%M:%S}" if gap.end.date() == gap.start.date() else "24:00:00"
    return dg.TableRecord(
        {
            "from": f"{gap.start:%H:%M:%S}",
            "to": end,
            "minutes": round(gap.minutes, 1),
            "cause": gap.cause.value,
            "pictures": gap.pictures,
            "reason": gap.reason or "",
        }
    )


def links(urls: Mapping[str, str]) -> dg.MetadataValue[Any]:
    """Names with their public addresses, the first fifty."""
    shown = list(urls.items())[:_SHOWN]
    return dg.MetadataValue.md("\n".join(f"- {_link(_inert(name), url)}" for name, url in shown))


def plan_table(plan: DeletionPlan) -> dg.MetadataValue[Any]:
    """What goes and what stays, each with its reason."""
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "goes": v.goes,
                    "kind": v.kind.value,
                    "path": v.path,
                    "bytes": v.size,
                    "reason": v.reason,
                }
            )
            for v in plan.verdicts[: 4 * _SHOWN]
        ]
        or [
            dg.TableRecord(
                {"goes": False, "kind": "", "path": "", "bytes": 0, "reason": "nothing to decide"}
            )
        ]
    )


def _link(name: str, url: str) -> str:
    """A name to click where its address is a web address, else the name alone."""
    return f"[{name}]({quote(url, safe=_URL)})" if url.startswith(("http://", "https://")) else name


def _inert(name: str) -> str:
    """A name that no Markdown reads as anything else."""
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in name)
