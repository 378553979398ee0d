"""`image-assets holdings`: which days and batches we hold, which not, and what is lacking in them."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from image_assets import compose
from image_assets.cli import batch_holdings
from image_assets.cli.batch_holdings import BatchHolding
from image_assets.cli.spans import Asked, wanted
from image_assets.core.completeness import Condition
from image_assets.core.gaps import Gap
from image_assets.core.model import Partition
from image_assets.settings import Settings
from image_assets.stages.completeness import Assessed, Assessor
from image_assets.stages.verify import Verifier

_SHOWN_GAPS = 3


@dataclass(frozen=True, slots=True)
class Holding:
    """A stream's day. `damaged` files were found missing or changed, or could not be read."""

    day: Assessed
    damaged: int = 0

    @property
    def state(self) -> str:
        """held: settled for good; open: not over yet; lacking: there may be more to be had."""
        if self.damaged:
            return "damaged"
        if self.day.held:
            return "held"
        return "open" if self.day.completeness.condition is Condition.OPEN else "lacking"

    @property
    def has_gaps(self) -> bool:
        """Whether it was listed, and lacks something."""
        return self.day.listing is not None and bool(self.day.completeness.gaps)


def run(settings: Settings, asked: Asked, *, verify: bool, as_json: bool, out: Console) -> int:
    """Show every day and batch that was asked for; 1 when one is not held that could be."""
    now = dt.datetime.now(dt.UTC)
    with compose.catalog(settings) as catalog:
        # Nobody expects a plot of every day.
        here = wanted(settings, asked, catalog, now=now, drawn=False)
        days = [
            day
            for spec, span in here.spans
            for day in Assessor(catalog.completeness, spec.service, settings.grace).span(
                span, now=now
            )
        ]
        verifier = _verifier(settings, catalog) if verify else None
        found = [Holding(day, _damaged(verifier, day.partition)) for day in days]
        dropped = [
            BatchHolding(batch, _damaged(verifier, batch.partition)) for batch in here.batches
        ]
    if as_json:
        told = _document(found, verified=verify)
        told["batches"] = [batch_holdings.document(holding) for holding in dropped]
        out.out(json.dumps(told), highlight=False)
    else:
        _show(found, verify, out)
        batch_holdings.show(dropped, verify, out)
    states = {day.state for day in found} | {batch.state for batch in dropped}
    return 1 if states & {"lacking", "damaged"} else 0


def _verifier(settings: Settings, catalog: compose.Catalog) -> Verifier:
    workers = settings.image_assets_workers
    store, inventory = compose.store(settings), compose.inventory(settings)
    return Verifier(catalog.verify, store, inventory, workers)


def _damaged(verifier: Verifier | None, partition: Partition) -> int:
    if verifier is None:
        return 0
    found = verifier.verify([partition])
    return len(found.mendable) + found.report.failed


def _show(found: Sequence[Holding], verified: bool, out: Console) -> None:
    if not found:
        return
    table = Table()
    for name in ("stream", "days", "state", "pictures", "coverage"):
        table.add_column(name, no_wrap=True)
    table.add_column("gaps", overflow="fold")
    for _, alike in groupby(found, key=_alike):
        table.add_row(*_row(list(alike)))
    out.print(table)
    streams = [(name, list(group)) for name, group in groupby(found, key=_stream)]
    for name, days in streams if len(streams) > 1 else ():
        out.print(Text(f"{name}: {_sentence(days, verified)}"))
    out.print(Text(_sentence(found, verified)))


def _alike(holding: Holding) -> tuple[str, str, str, str]:
    """What days that follow one another have in common to share a row; gaps have rows of their own."""
    partition = holding.day.partition
    own = partition.key if holding.has_gaps or holding.damaged else ""
    return partition.source, partition.collection, holding.state, own


def _row(alike: Sequence[Holding]) -> tuple[str, str, str, str, str, Text]:
    first, last = alike[0].day, alike[-1].day
    got = sum(holding.day.completeness.got for holding in alike)
    shares = [h.day.completeness.coverage for h in alike]
    known = [share for share in shares if share is not None]
    days = first.partition.key + (f" … {last.partition.key}" if last is not first else "")
    state = alike[0].state + (f" ({len(alike)} days)" if last is not first else "")
    return (
        first.partition.collection,
        days,
        state,
        str(got),
        percent(sum(known) / len(known)) if known else "",
        Text(_gaps(alike[0])),
    )


def percent(share: float) -> str:
    """A percentage that says 100 of the whole alone."""
    return "100.0 %" if share == 1 else f"{min(100 * share, 99.9):.1f} %"


def _gaps(holding: Holding) -> str:
    if holding.damaged:
        return f"{holding.damaged} files missing, changed or unreadable: image-assets verify"
    if holding.day.listing is None:
        return "never listed"
    gaps = holding.day.completeness.gaps
    if not gaps:
        return ""
    told = [f"{gap.cause} {gap.start:%H:%M}-{_end(gap)} ({gap.pictures})" for gap in gaps]
    more = f", {len(told) - _SHOWN_GAPS} more" if len(told) > _SHOWN_GAPS else ""
    return ", ".join(told[:_SHOWN_GAPS]) + more


def _sentence(found: Sequence[Holding], verified: bool) -> str:
    """`30 of 30 days held, 1 with gaps`: of the days that are closed."""
    still_open = sum(holding.state == "open" for holding in found)
    held = [holding for holding in found if holding.state == "held"]
    gaps = sum(holding.has_gaps for holding in held)
    parts = [
        f"{len(held)} of {len(found) - still_open} days held" + (", verified" if verified else "")
    ]
    parts += [f"{gaps} with gaps"] if gaps else []
    parts += [f"{still_open} still open"] if still_open else []
    return ", ".join(parts)


def _document(found: Sequence[Holding], *, verified: bool) -> dict[str, Any]:
    states = [holding.state for holding in found]
    return {
        "days": len(found) - states.count("open"),
        "held": states.count("held"),
        "open": states.count("open"),
        "with_gaps": sum(h.state == "held" and h.has_gaps for h in found),
        "verified": verified,
        "rows": [_member(holding) for holding in found],
    }


def _member(holding: Holding) -> dict[str, Any]:
    partition, day = holding.day.partition, holding.day.completeness
    return {
        "source": partition.source,
        "stream": partition.collection,
        "date": partition.key,
        "state": holding.state,
        "condition": day.condition.value,
        "pictures": day.got,
        "listed": day.listed,
        "expected": day.expected,
        "coverage": day.coverage,
        "damaged": holding.damaged,
        "gaps": [
            {
                "from": gap.start.isoformat(),
                "to": gap.end.isoformat(),
                "cause": gap.cause.value,
                "pictures": gap.pictures,
                "reason": gap.reason,
            }
            for gap in day.gaps
        ],
    }


def _stream(holding: Holding) -> str:
    partition = holding.day.partition
    return f"{partition.source} {partition.collection}"


def _end(gap: Gap) -> str:
    return f"{gap.end:%H:%M}" if gap.end.date() == gap.start.date() else "24:00"
