"""How results look in the UI: numbers that plot, failures as a table, pictures as a contact sheet."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import dagster as dg

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


def picture(jpeg: bytes, title: str) -> dg.MetadataValue[Any]:
    """A JPEG shown in the event itself."""
    encoded = base64.b64encode(jpeg).decode()
    return dg.MetadataValue.md(f"![{title}](data:image/jpeg;base64,{encoded})")


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
