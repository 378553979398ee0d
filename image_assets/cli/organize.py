"""`image-assets organize`: old downloads to their places, planned before anything moves."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.text import Text

from image_assets import compose
from image_assets.compose import Catalog
from image_assets.core import naming
from image_assets.core.model import Partition
from image_assets.core.organizing import Fate, Planner, Step, shown
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.organize import Organizer
from image_assets.stages.report import Progress, Report

_TOLD = {Fate.PLACE: "->", Fate.THERE: "==", Fate.BESIDE: "~>"}


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for: from where, to where (the folder that holds `images/`), and how."""

    origin: Path
    target: Path
    source: str = naming.DEFAULT_SOURCE
    terminal: str = naming.DEFAULT_TERMINAL
    copy: bool = False
    dry_run: bool = False
    record: bool = True


Places = Callable[[str], str | None]
"""The SHA-256 of what lies at a place of the store; None of an empty one."""


def run(settings: Settings, order: Order, console: Console) -> int:
    """Plan, and unless it is a dry run do it; 1 when something failed."""
    own = order.target.resolve() == settings.data_dir.resolve()
    recorded = own and order.record
    now = dt.datetime.now(dt.UTC)
    with _organizer(settings, order, own=own, recorded=recorded) as organizer:
        with _bar("looking", console) as progress:
            empty = not (order.target.exists() or (own and settings.image_assets_store == "s3"))
            places: Places = (lambda key: None) if empty else organizer.store.sha256
            planner = _planner(settings.source(order.source), order, places, recorded, now)
            steps = organizer.plan(planner, progress=progress)
        _tell_plan(steps, everything=order.dry_run)
        if order.dry_run:
            _tell_sum(steps, "nothing was changed", console)
            return 0
        with _bar("organizing", console) as progress:
            report = organizer.apply(steps, copy=order.copy, now=now, progress=progress)
    _tell_report(report, console)
    _tell_next(steps, order, recorded=recorded, own=own, console=console)
    return 1 if report.failed else 0


@contextmanager
def _organizer(
    settings: Settings, order: Order, *, own: bool, recorded: bool
) -> Iterator[Organizer]:
    """The organizer with all it needs, closed with the block."""
    # A dry run makes nothing, a catalog neither; without one, nothing is known.
    new = settings.image_assets_database_url is None and not settings.catalog_file.exists()
    needed = (recorded or _overlaps(order.origin, settings)) and not (order.dry_run and new)
    with _catalog(settings, needed=needed) as catalog, compose.decoder(settings) as decoder:
        yield Organizer(
            compose.old_downloads(
                order.origin, without=order.target, is_ours=_ours(settings, catalog)
            ),
            compose.store(settings) if own else compose.store_at(order.target.absolute()),
            decoder,
            catalog.images if catalog is not None and recorded else None,
            settings.image_assets_workers,
        )


def _planner(
    spec: SourceSpec,
    order: Order,
    places: Places,
    recorded: bool,
    now: dt.datetime,
) -> Planner:
    return Planner(
        order.source,
        order.terminal,
        places,
        (lambda partition: _refusal(spec, partition)) if recorded else lambda partition: None,
        now,
    )


@contextmanager
def _catalog(settings: Settings, *, needed: bool) -> Iterator[Catalog | None]:
    if not needed:
        yield None
        return
    with compose.catalog(settings) as catalog:
        yield catalog


def _overlaps(origin: Path, settings: Settings) -> bool:
    """Whether files that the catalog knows may be below the folder."""
    theirs, ours = origin.resolve(), settings.data_dir.resolve()
    return theirs.is_relative_to(ours) or ours.is_relative_to(theirs)


def _ours(settings: Settings, catalog: Catalog | None) -> Callable[[Path], bool]:
    """Whether a file is one that the catalog knows: it is in its place, whatever its name."""
    if catalog is None or settings.image_assets_store != "local":
        return lambda path: False  # what the catalog knows lies elsewhere
    root = settings.data_dir.resolve()
    known = catalog.archive.paths()

    def is_ours(path: Path) -> bool:
        place = path.parent.resolve() / path.name
        return place.is_relative_to(root) and place.relative_to(root).as_posix() in known

    return is_ours


def _refusal(spec: SourceSpec, partition: Partition) -> str | None:
    """Why the source cannot have the partition: then its pictures could never be recorded."""
    if partition.collection not in spec.collections:
        return f"source {spec.name} has no {partition.collection}; add it to its collections"
    if not spec.covers(partition.day):
        return f"source {spec.name} does not cover {partition.key}; change its start or end"
    return None


@contextmanager
def _bar(what: str, console: Console) -> Iterator[Progress]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=console) as bars:
        task = bars.add_task(what, total=None)
        yield lambda report, total: bars.update(
            task, completed=report.done + report.failed, total=total
        )


def _tell_plan(steps: Sequence[Step], *, everything: bool) -> None:
    """A line for each file: always for those that are not simply placed."""
    for step in steps:
        if step.arrival is None:
            typer.echo(f"left       {shown(step.file)}: {step.reason}")
        elif everything or step.fate is Fate.BESIDE:
            why = f" ({step.reason})" if step.reason else ""
            place = step.arrival.blob.path
            typer.echo(f"{step.fate:<10} {shown(step.file)} {_TOLD[step.fate]} {place}{why}")


def _tell_sum(steps: Sequence[Step], end: str, console: Console) -> None:
    fates = Counter(step.fate for step in steps)
    counts = ", ".join(f"{fates[fate]} {fate}" for fate in Fate if fates[fate])
    console.print(Text(f"{counts or 'no files'}; {end}"))


def _tell_report(report: Report, console: Console) -> None:
    counts = ", ".join(f"{report.counts[fate]} {fate}" for fate in Fate if fate in report.counts)
    console.print(
        Text(f"{counts or 'nothing'}; {report.bytes / 1e6:.1f} MB; {report.failed} failed")
    )
    for failure in report.failures:
        console.print("[red]failed:[/red]", Text(f"{failure.item}: {failure.reason}"))


def _tell_next(
    steps: Sequence[Step], order: Order, *, recorded: bool, own: bool, console: Console
) -> None:
    """How the pictures go on from here."""
    partitions = sorted({step.arrival.partition for step in steps if step.arrival is not None})
    if not partitions:
        return
    days = sorted({partition.key for partition in partitions})
    streams = sorted({partition.collection for partition in partitions})
    if recorded:
        console.print(
            Text(
                f"Recorded as {order.source} {', '.join(streams)}, {days[0]} to {days[-1]}: materialise"
                f" {order.source}/designs for these days to carry them on."
            )
        )
        return
    if own:
        console.print(
            Text("Not recorded: run again without --no-record to add them to the catalog.")
        )
        return
    console.print(Text("To collect them from there, add to the sources file:"))
    typer.echo(_source_of(order, streams, days[0]))


def _source_of(order: Order, streams: Sequence[str], start: str) -> str:
    """The folder source that reads the organized files."""
    root = order.target.absolute() / naming.IMAGES
    # The folders of the first terminal do not name it.
    home = (order.source, order.terminal) == (naming.DEFAULT_SOURCE, naming.DEFAULT_TERMINAL)
    names = ", ".join(stream.rpartition("/")[2] if home else stream for stream in streams)
    return (
        "  - name: old_downloads\n    kind: folder\n"
        f'    root: "{root}"\n    collections: [{names}]\n    start: {start}'
    )
