"""`image-assets verify`: hash what is on disk, show what differs from the catalog, mend it if told."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from image_assets import compose, library
from image_assets.cli.spans import Asked, Wanted, wanted
from image_assets.core import naming
from image_assets.core.model import Partition
from image_assets.core.spans import Span
from image_assets.ports import Reopened
from image_assets.settings import Settings
from image_assets.stages.due import EVERYTHING
from image_assets.stages.mend import MOST, Mender, collect_again
from image_assets.stages.report import Report
from image_assets.stages.verify import Flaw, Verification, Verifier

_SHOWN = 50
_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
)


@dataclass(frozen=True, slots=True)
class Remedy:
    """What is done about what was found.

    `repair` fetches missing and changed files again, at most the share `most` of all; `recheck_gone`
    asks once more for what the source no longer had.
    """

    repair: bool = False
    recheck_gone: bool = False
    most: float = MOST


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that a command found and did: pictures opened again, and what came of collecting them.

    `lost` are pictures of batches that were here and are nowhere now.
    """

    found: Verification
    opened: tuple[Reopened, ...] = ()
    lost: tuple[Reopened, ...] = ()
    mended: Report = Report()  # noqa: RUF009 - frozen
    fetched: Report = Report()  # noqa: RUF009 - frozen

    @property
    def brought(self) -> int:
        """Pictures that came again."""
        return sum(self.fetched.counts.get(note, 0) for note in ("stored", "stale", "thumbnail"))

    @property
    def well(self) -> bool:
        """Whether everything is, now, what the catalog says."""
        lacking = len(self.opened) - self.brought
        failed = self.found.report.failed + self.mended.failed + self.fetched.failed
        whole = self.found.intact or bool(self.mended.done)
        return whole and not (failed or lacking or self.lost)


def run(
    settings: Settings,
    asked: Asked,
    remedy: Remedy,
    *,
    as_json: bool,
    out: Console,
    console: Console,
) -> int:
    """Verify what was asked for, and mend it if told; 1 when something is not as it should be at the end."""
    now = dt.datetime.now(dt.UTC)
    with compose.catalog(settings) as catalog:
        here = wanted(settings, asked, catalog, now=now)
        batches = [account.partition for account in here.batches]
        rooms = catalog.verify, compose.store(settings), compose.inventory(settings)
        verifier = Verifier(*rooms, settings.image_assets_workers)
        found = _verify(verifier, asked, here, now, console)
        opened: list[Reopened] = []
        mended = Report()
        if remedy.repair:
            mending = Mender(*rooms).mend(found, now=now, most=remedy.most)
            # What got lost before may be in its batch's folder again.
            opened = sorted({*mending.pictures, *_lost(catalog, batches)})
            mended = mending.report
        if remedy.recheck_gone:
            opened += [picture for _, span in here.spans for picture in catalog.verify.recall(span)]
        fetched = _fetch(settings, opened, console)
        lost = _lost(catalog, batches)
    outcome = Outcome(found, tuple(opened), tuple(lost), mended, fetched)
    if as_json:
        out.out(json.dumps(_document(outcome)), highlight=False)
    else:
        _show(outcome, out)
    return 0 if outcome.well else 1


def _verify(
    verifier: Verifier, asked: Asked, here: Wanted, now: dt.datetime, console: Console
) -> Verification:
    spans = [span for _, span in here.spans]
    batches = [account.partition for account in here.batches]
    partitions = [partition for span in spans for partition in span.partitions()]
    with Progress(*_COLUMNS, console=console) as bars:
        bar = bars.add_task("days and batches", total=len(partitions) + len(batches))
        found = verifier.verify([*partitions, *batches], told=lambda _: bars.advance(bar))
    # Without a stream or source named, folders that no source knows are looked through as well.
    if asked.narrowed or not spans:
        for span in spans:
            folders = [naming.image_folder(partition) for partition in span.partitions()]
            found += verifier.untracked(folders, span, now=now)
        folders = [naming.image_folder(batch) for batch in batches]
        return found + verifier.untracked(folders, None, now=now)
    first, last = min(span.first for span in spans), max(span.last for span in spans)
    everything = Span("every source", (), first, last)
    return found + verifier.untracked([naming.IMAGES], everything, now=now)


def _lost(catalog: compose.Catalog, batches: Sequence[Partition]) -> list[Reopened]:
    return [picture for batch in batches for picture in catalog.verify.lost(batch)]


def _fetch(settings: Settings, opened: Sequence[Reopened], console: Console) -> Report:
    """Collect what was opened, source by source."""
    total = Report()
    pictures = sorted(opened)
    for source, group in groupby(pictures, key=lambda picture: picture.partition.source):
        ours = list(group)
        with library.collecting(settings, source, EVERYTHING) as collector:
            for partition, report in collect_again(collector, ours):
                console.print(Text(f"{partition}: {_words(report.counts) or 'nothing'}"))
                total += report
    return total


def _show(outcome: Outcome, out: Console) -> None:
    found = outcome.found
    say = partial(out.print, soft_wrap=True)
    for finding in found.findings[:_SHOWN]:
        say(Text(f"{finding.flaw}: {finding.path}"))
    if (more := len(found.findings) - _SHOWN) > 0:
        say(Text(f"and {more} more; --json names all"))
    for picture in outcome.lost[:_SHOWN]:
        say(
            Text(
                f"lost: {picture.item_key}: neither in the store nor in its batch's folder in .done"
            )
        )
    for report in (found.report, outcome.mended, outcome.fetched):
        for failure in report.failures:
            say("[red]failed:[/red]", Text(f"{failure.item}: {failure.reason}"))
    say(Text(_summary(outcome)))


def _summary(outcome: Outcome) -> str:
    """`288 files looked at, 41.2 MB: 286 intact, 1 missing, 1 changed; 2 pictures opened …`."""
    counts = outcome.found.report.counts
    looked = sum(n for note, n in counts.items() if note != Flaw.UNTRACKED)
    flaws = ", ".join(f"{counts.get(note, 0)} {note}" for note in ("intact", *Flaw))
    said = f"{looked} files looked at, {outcome.found.report.bytes / 1e6:.1f} MB: {flaws}"
    if failed := outcome.found.report.failed:
        said += f", {failed} could not be looked at"
    if outcome.opened:
        said += f"; {len(outcome.opened)} pictures asked for again, {outcome.brought} came"
    if outcome.lost:
        said += f"; {len(outcome.lost)} are lost: put their files back into .done, then --repair"
    return said


def _document(outcome: Outcome) -> dict[str, Any]:
    found, counts = outcome.found, outcome.found.report.counts
    paths: dict[str, list[str]] = {flaw.value: [] for flaw in Flaw}
    for finding in found.findings:
        paths[finding.flaw.value].append(finding.path)
    failures = [f for r in (found.report, outcome.mended, outcome.fetched) for f in r.failures]
    return {
        "well": outcome.well,
        "intact": counts.get("intact", 0),
        "bytes": found.report.bytes,
        "seconds": round(found.report.seconds, 3),
        **paths,
        "failures": [
            {"item": f.item, "cause": f.cause.value, "reason": f.reason} for f in failures
        ],
        "asked_again": [
            {"partition": str(picture.partition), "item": picture.item_key}
            for picture in outcome.opened
        ],
        "came": outcome.brought,
        "lost": [
            {"partition": str(picture.partition), "item": picture.item_key}
            for picture in outcome.lost
        ],
        "outcomes": dict(Counter(outcome.fetched.counts)),
    }


def _words(counts: Any) -> str:
    return ", ".join(f"{count} {note}" for note, count in sorted(counts.items()))
