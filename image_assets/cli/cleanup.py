"""`image-assets cleanup`: scratch files, old exports and originals proven elsewhere go; made for cron."""

import datetime as dt
import json
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from image_assets import compose
from image_assets.cli.surroundings import clear_errors, console, result, settings
from image_assets.compose import Catalog
from image_assets.core.errors import ImageAssetsError, PermanentError
from image_assets.core.model import DeletionKind
from image_assets.core.retention import Outlook, RetentionPolicy
from image_assets.ports import Closing
from image_assets.settings import Settings
from image_assets.stages.originals import Originals
from image_assets.stages.report import Report
from image_assets.stages.retention import Retention

AT_WORK = 75
"""Exit code when another clean-up is under way: sysexits' "try again later"."""

_SHOWN = 20
_EPILOG = (
    "Examples: [bold]image-assets cleanup --dry-run[/bold] · "
    "[bold]image-assets cleanup --temp-days 1 --output-days 14 --json[/bold] · "
    "in a crontab: [bold]0 3 * * * cd /path/to/project && image-assets cleanup[/bold]"
)


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for; ages in days, the settings' where none is given."""

    temp_days: float | None = None
    output_days: float | None = None
    dry_run: bool = False
    as_json: bool = False
    approve_originals: bool = False
    prove: bool = False


def add_to(app: typer.Typer) -> None:
    """Make this a command of the application."""
    app.command(epilog=_EPILOG)(cleanup)


def cleanup(
    temp_days: Annotated[
        float | None,
        typer.Option(
            help="Scratch files older than this go.", show_default="1, or RETENTION_TEMPORARY_DAYS"
        ),
    ] = None,
    output_days: Annotated[
        float | None,
        typer.Option(
            help="Exports older than this go.", show_default="7, or RETENTION_EXPORT_DAYS"
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and why the rest stays.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = (
        False
    ),
    approve_originals: Annotated[
        bool,
        typer.Option(
            "--approve-originals",
            help="Let more originals go at once than RETENTION_BREAKER_SHARE allows; look first.",
        ),
    ] = False,
    prove: Annotated[
        bool,
        typer.Option("--prove", help="First have hosts prove again what they proved too long ago."),
    ] = False,
) -> None:
    """Remove scratch files and exports that are old, and can be made again when they are asked for.

    Originals go only where their own bytes are proven elsewhere (DELETE_LOCAL_FILES), and come back
    for a while (image-assets restore). What a latest key points at stays, and what is still to be
    published or could not be rebuilt. Safe for cron: two at once do no harm, the second says so and ends with
    exit code 75. Exit code 1: a file could not be removed, the next clean-up tries again.
    """
    with clear_errors():
        order = Order(temp_days, output_days, dry_run, as_json, approve_originals, prove)
        raise typer.Exit(run(settings(), order, result, console))


def run(settings: Settings, order: Order, out: Console, console: Console) -> int:
    """Clean up, or say what would go; the exit code."""
    policy = _policy(settings, order)
    with compose.catalog(settings) as catalog:
        store = compose.store(settings)
        originals = Originals(
            catalog.originals, store, settings.originals, approved=order.approve_originals
        )
        stage = Retention(
            catalog.retention,
            store,
            policy,
            {recipe.name for recipe in settings.known_recipes},
            settings.places,
            {settings.canvas.name},
            originals,
        )
        if order.dry_run:
            _tell_plan(stage.look(now=stage.clock()), order, out)
            return 0
        with stage.turn() as mine:
            if not mine:
                console.print("another clean-up is under way; this one does nothing")
                return AT_WORK
            now = stage.clock()
            if order.prove:
                _prove(originals, catalog, settings, now, console)
            plan = stage.plan(now=now)
            report = stage.apply(now=now)
    _tell(report, order, out, console)
    if (refused := originals.refused(plan)) is not None:
        console.print("[yellow]originals stay:[/yellow]", Text(refused))
    return 1 if report.failed else 0


def _prove(
    originals: Originals, catalog: Catalog, settings: Settings, now: dt.datetime, console: Console
) -> None:
    """Ask every destination of originals anew; one that cannot be asked proves nothing."""
    names = set[str]().union(*originals.policy.places.values()) - set(
        originals.policy.never_counted
    )
    with ExitStack() as opened:
        hosts = {}
        for name in sorted(names):
            try:
                hosts[name] = host = compose.host(settings, name)
            except ImageAssetsError as error:
                console.print("[yellow]not asked:[/yellow]", Text(f"{name}: {error}"))
                continue
            if isinstance(host, Closing):
                opened.callback(host.close)
        report = originals.prove(hosts, catalog.uploads, now=now, workers=settings.upload_workers)
    for failure in report.failures:
        console.print("[yellow]not proven:[/yellow]", Text(f"{failure.item}: {failure.reason}"))


def _policy(settings: Settings, order: Order) -> RetentionPolicy:
    temporary, exports = settings.retention_temporary_days, settings.retention_export_days
    try:
        return RetentionPolicy.of_days(
            temporary if order.temp_days is None else order.temp_days,
            exports if order.output_days is None else order.output_days,
        )
    except ValueError as error:
        raise PermanentError(f"{error}; see --temp-days and --output-days") from error


def _tell(report: Report, order: Order, out: Console, console: Console) -> None:
    done = {
        "temp_files_deleted": report.counts.get(f"{DeletionKind.TEMPORARY}_deleted", 0),
        "output_files_deleted": report.counts.get(f"{DeletionKind.EXPORT}_deleted", 0),
    }
    done |= _originals(report)
    for failure in report.failures:
        console.print("[red]failed:[/red]", Text(f"{failure.item}: {failure.reason}"))
    if order.as_json:
        failures = [{"file": f.item, "reason": f.reason} for f in report.failures]
        _print_json(out, {**done, "bytes": report.bytes, "failures": failures, "dry_run": False})
        return
    _print_lines(out, done)


def _originals(report: Report) -> dict[str, int]:
    """What became of originals; nothing is said where nothing did."""
    told = {
        "originals_removed": report.counts.get("original_tombstoned", 0),
        "originals_purged": report.counts.get("original_deleted", 0),
    }
    return {name: count for name, count in told.items() if count}


def _tell_plan(plan: Outlook, order: Order, out: Console) -> None:
    would = {
        "temp_files_deleted": plan.going[DeletionKind.TEMPORARY],
        "output_files_deleted": plan.going[DeletionKind.EXPORT],
    }
    if originals := plan.going[DeletionKind.ORIGINAL]:
        would["originals_removed"] = originals
    if order.as_json:
        going = [{"file": v.path, "bytes": v.size, "reason": v.reason} for v in plan.shown_going]
        told = {"bytes": plan.going_bytes, "going": going, "kept": dict(plan.kept)}
        _print_json(out, {**would, **told, "dry_run": True})
        return
    table = Table(title="would go" if plan.going else "nothing would go", show_lines=False)
    for name in ("file", "bytes", "reason"):
        table.add_column(name, justify="right" if name == "bytes" else "left")
    for verdict in plan.shown_going[:_SHOWN]:
        table.add_row(Text(verdict.path), f"{verdict.size:,}", Text(verdict.reason))
    out.print(table)
    for reason, count in plan.kept.most_common():
        out.print(Text(f"{count:,} stay: {reason}"))
    _print_lines(out, would)


def _print_json(out: Console, document: dict[str, Any]) -> None:
    out.out(json.dumps(document), highlight=False)


def _print_lines(out: Console, counts: dict[str, int]) -> None:
    """As the first exporter named them, for whoever greps a cron's mail."""
    for name, count in counts.items():
        out.out(f"{name}={count}", highlight=False)
