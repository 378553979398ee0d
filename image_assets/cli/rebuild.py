"""`image-assets rebuild`: exports that would be made otherwise now are made anew."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from image_assets import compose
from image_assets.cli.spans import check_range
from image_assets.cli.surroundings import UTC_DATE, clear_errors, console, result, settings
from image_assets.compose import Catalog
from image_assets.core.encoding import encoder_version
from image_assets.core.model import Partition
from image_assets.core.recipes import Recipe
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.generation import recipe_for
from image_assets.stages.renewing import Reason, Renewer, counted
from image_assets.stages.report import Report

_EPILOG = (
    "Examples: [bold]image-assets rebuild --source camera --dry-run[/bold] · "
    "[bold]image-assets rebuild --source camera --from 2025-09-01 --to 2025-09-30 --recipe[/bold]"
)
_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
)


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for; without reasons every reason counts."""

    source: str
    first: dt.date | None = None
    last: dt.date | None = None
    reasons: tuple[Reason, ...] = tuple(Reason)
    dry_run: bool = False
    as_json: bool = False


def add_to(app: typer.Typer) -> None:
    """Make this a command of the application."""
    app.command(epilog=_EPILOG)(rebuild)


def rebuild(
    source: Annotated[str, typer.Option(help="Which source of the sources file.")],
    first: Annotated[
        dt.datetime | None,
        typer.Option("--from", formats=UTC_DATE, help="First UTC day; from the beginning."),
    ] = None,
    last: Annotated[
        dt.datetime | None,
        typer.Option("--to", formats=UTC_DATE, help="Last UTC day; to the end."),
    ] = None,
    recipe: Annotated[
        bool, typer.Option("--recipe", help="Only what was made with other settings.")
    ] = False,
    encoder: Annotated[
        bool, typer.Option("--encoder", help="Only what was made, or failed, with other encoders.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would be rebuilt; change nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = (
        False
    ),
) -> None:
    """Make exports anew that an older recipe or older encoders made; nothing else ever does.

    What changes becomes a new file, which the next run of the uploads publishes. What was published
    keeps its name and its bytes beside it, until a clean-up may remove it. Batches and requests are
    of the day they came. Exit code 1: some could not be rebuilt; run it again.
    """
    with clear_errors():
        days = first.date() if first else None, last.date() if last else None
        order = Order(source, *days, _reasons(recipe=recipe, encoder=encoder), dry_run, as_json)
        raise typer.Exit(run(settings(), order, result, console))


def run(settings: Settings, order: Order, out: Console, console: Console) -> int:
    """Rebuild, or count; the exit code."""
    check_range(order.first, order.last)
    spec = settings.source(order.source)
    found: Counter[Reason] = Counter()
    report, files = Report(), 0
    with compose.catalog(settings) as catalog, compose.decoder(settings) as decoder:
        renewer = Renewer(
            settings.recipes(spec),
            catalog.rebuilding,
            compose.store(settings),
            decoder,
            encoder_version(),
            settings.image_assets_decode_workers,
        )
        partitions = catalog.rebuilding.partitions(
            spec.name, order.first, order.last, dated=spec.dated
        )
        for partition in _shown(partitions, console):
            renewer = replace(renewer, recipes=_recipes(settings, spec, catalog, partition))
            due = renewer.outdated(partition, order.reasons)
            found.update(counted(due))
            files += sum(len(part.formats) for design in due for part in design.parts)
            if due and not order.dry_run:
                report += renewer.renew(due, now=dt.datetime.now(dt.UTC))
    _tell(order, files, found, report, out, console)
    return 1 if report.failed else 0


def _recipes(
    settings: Settings, spec: SourceSpec, catalog: Catalog, partition: Partition
) -> tuple[Recipe, ...]:
    """What the partition's designs are exported by; a request says the shape of its own."""
    if spec.generated:
        asked = catalog.generation.asked(partition)
        return (recipe_for(settings.recipe, asked, settings.composite),)
    own = settings.recipes(spec)
    return (settings.canvas, *own) if spec.dropped else own


def _reasons(*, recipe: bool, encoder: bool) -> tuple[Reason, ...]:
    if not recipe and not encoder:
        return tuple(Reason)
    chosen = (Reason.RECIPE,) if recipe else ()
    return chosen + ((Reason.ENCODER, Reason.LACKING) if encoder else ())


def _shown(partitions: Sequence[Partition], console: Console) -> Any:
    """The partitions, one after the other, with a bar."""
    with Progress(*_COLUMNS, console=console) as bars:
        bar = bars.add_task("partitions", total=len(partitions))
        for partition in partitions:
            yield partition
            bars.advance(bar)


def _tell(
    order: Order,
    files: int,
    found: Counter[Reason],
    report: Report,
    out: Console,
    console: Console,
) -> None:
    for failure in report.failures:
        console.print("[red]failed:[/red]", Text(f"{failure.item}: {failure.reason}"))
    counts = {
        "outdated": files,
        **{f"older_{reason}": found[reason] for reason in Reason},
        "designs_rebuilt": report.counts.get("rebuilt", 0),
        "designs_the_same": report.counts.get("the_same", 0),
        "bytes": report.bytes,
        "failed": report.failed,
    }
    if order.as_json:
        out.out(json.dumps({**counts, "dry_run": order.dry_run}), highlight=False)
        return
    for name, count in counts.items():
        out.out(f"{name}={count}", highlight=False)
