"""`image-assets calibrate` and `refingerprint`: what limits of likeness do, and what they compare."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from image_assets import compose
from image_assets.cli.display import tell
from image_assets.cli.surroundings import clear_errors, console, result, settings
from image_assets.cli.tenants import others
from image_assets.core import fingerprint, naming
from image_assets.core.errors import NotFoundError
from image_assets.core.model import DEFAULT_TENANT, Policy, Scope
from image_assets.services import durable
from image_assets.settings import Settings
from image_assets.stages.calibration import Calibrator, Findings, Terms
from image_assets.stages.calibration_page import count, render, share
from image_assets.stages.refingerprinting import Refingerprinter
from image_assets.stages.report import Report

_CALIBRATE = (
    "Examples: [bold]image-assets calibrate --source inbox --tenant acme[/bold] · "
    "[bold]image-assets calibrate --source camera --policy near --output near.html[/bold]"
)
_REFINGERPRINT = "Example: [bold]image-assets refingerprint[/bold]"
_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
)

Tenant = Annotated[str, typer.Option(help="Whose designs they are: a shop's name, or ours.")]


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for; without an output the page is kept among the reports."""

    source: str
    tenant: str = DEFAULT_TENANT
    policy: Policy | None = None
    terms: Terms = Terms()  # noqa: RUF009 - frozen
    output: Path | None = None


def add_to(app: typer.Typer) -> None:
    """Make these commands of the application."""
    app.command(epilog=_CALIBRATE)(calibrate)
    app.command(epilog=_REFINGERPRINT)(refingerprint)


def calibrate(
    source: Annotated[str, typer.Option(help="Which source of the sources file.")] = "inbox",
    tenant: Tenant = DEFAULT_TENANT,
    policy: Annotated[Policy | None, typer.Option(help="As if the source had this policy.")] = None,
    sample: Annotated[
        int, typer.Option(min=2, help="Designs that are compared with each other.")
    ] = Terms().designs,
    merged: Annotated[
        int, typer.Option(min=0, help="Merged pictures that are looked at again.")
    ] = Terms().aliases,
    output: Annotated[
        Path | None, typer.Option(help="Where the page goes; else reports/ in the data folder.")
    ] = None,
) -> None:
    """Show how near the pairs of your own library are, and what the limits make of them.

    A page with the distances of pairs, an estimate of how many were merged wrongly, the pairs at the
    border as thumbnails, and what each limit would do one lower and one higher. Changes nothing.
    """
    with clear_errors():
        order = Order(source, tenant, policy, Terms(sample, merged), output)
        run(settings(), order, console)


def refingerprint(
    tenant: Annotated[
        str | None, typer.Option(help="Only this tenant's designs; all when left out.")
    ] = None,
) -> None:
    """Look again at every design whose fingerprint is of an older version.

    Fingerprints of two versions are never compared: until this is done, what is in the library
    already is only found again by equal bytes. Ids, merges and verdicts stay. Cut off, run it again.
    """
    with clear_errors():
        raise typer.Exit(renew(settings(), tenant, console))


def run(settings: Settings, order: Order, console: Console) -> Path:
    """Make the page, tell its figures and where it is."""
    spec = settings.source(order.source)
    scope = Scope(spec.name, order.policy or spec.policy, order.tenant)
    limits = settings.limits(spec, order.tenant)
    store = compose.store(settings)
    with (
        compose.catalog(settings) as catalog,
        compose.decoder(settings) as decoder,
        Progress(*_COLUMNS, console=console) as bars,
    ):
        if not catalog.gallery.listed(order.tenant, group=spec.name, most=1):
            raise NotFoundError(f"no designs of {spec.name}{others(catalog, order.tenant)}")
        calibrator = Calibrator(
            catalog.calibration,
            store,
            decoder,
            limits,
            settings.image_assets_decode_workers,
            order.terms,
        )
        bar = bars.add_task("merged pictures", total=None)

        def told(report: Report, total: int) -> None:
            bars.update(bar, completed=report.done + report.failed, total=total)

        found = calibrator.calibrate(scope, progress=told)
    page = order.output or settings.data_dir / naming.report_path(
        f"calibration-{spec.name}-{order.tenant}", "html"
    )
    with durable.disk_errors(page):
        durable.make_folder(page.parent)
        durable.write(page, [render(found, now=dt.datetime.now(dt.UTC))])
    _tell(found, console)
    result.print(str(page), soft_wrap=True)
    return page


def renew(settings: Settings, tenant: str | None, console: Console) -> int:
    """Renew fingerprints; 1 when a design could not be."""
    with compose.catalog(settings) as catalog, compose.decoder(settings) as decoder:
        refingerprinter = Refingerprinter(
            catalog.refingerprinting,
            compose.store(settings),
            decoder,
            settings.image_assets_decode_workers,
        )
        with Progress(*_COLUMNS, console=console) as bars:
            bar = bars.add_task(f"designs to version {fingerprint.VERSION}", total=None)
            report = refingerprinter.renew(
                tenant, told=lambda report: bars.update(bar, completed=report.done + report.failed)
            )
    tell(report, console)
    return 1 if report.failed else 0


def _tell(found: Findings, console: Console) -> None:
    library = found.library
    console.print(
        Text(
            f"{library.designs:,} designs, {library.merged:,} pictures merged into one; "
            f"wrongly merged, estimated: {count(found.false_merges)}, {share(found.rate)}"
        )
    )
    table = Table("limit", "instead", "come apart", "become one")
    for change in found.changes:
        numbers = f"{change.limit:g}", f"{change.apart:,.0f}", f"{change.together:,.0f}"
        table.add_row(change.name.upper(), *numbers)
    console.print(table)
    for failure in found.report.failures:
        console.print("[red]failed:[/red]", Text(f"{failure.item}: {failure.reason}"))
