"""`image-assets links` and `republish`: what was published is looked at again, or published elsewhere."""

import datetime as dt
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from image_assets import compose, hosting
from image_assets.cli.surroundings import clear_errors, console, result, settings
from image_assets.compose import Catalog
from image_assets.core import fidelity
from image_assets.core.errors import MissingSettingError, PermanentError
from image_assets.core.looks import Finding
from image_assets.hosting import HOSTS
from image_assets.ports import Closing, Suspect
from image_assets.settings import Settings
from image_assets.stages.links import Checked, LinkChecker
from image_assets.stages.report import SHOWN_FAILURES, Report
from image_assets.stages.verification import Witness

app = typer.Typer(
    help="Look again at what was published, and see how hosts treat pictures.",
    epilog="Example: [bold]image-assets links check imgur[/bold]",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Hosts = Annotated[
    list[str] | None,
    typer.Argument(metavar="[HOST]...", help="Destinations; all where something was published."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]

_COLUMNS = (
    TextColumn("{task.description}: looks"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
)


@dataclass(frozen=True, slots=True)
class Order:
    """How a check was asked for; the settings' bounds where none are given."""

    most: int | None = None
    everything: bool = False
    believe: bool = False
    as_json: bool = False


@app.command(
    epilog="Examples: [bold]image-assets links check[/bold] · "
    "[bold]image-assets links check freeimage --most 1000 --json[/bold]"
)
def check(
    hosts: Hosts = None,
    most: Annotated[
        int | None,
        typer.Option(min=1, help="Most pictures of one host.", show_default="LINK_CHECK_MOST"),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what was looked at within LINK_CHECK_DAYS.")
    ] = False,
    believe: Annotated[
        bool, typer.Option("--believe", help="Give up what is gone even where it is most of it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look at published pictures that are due, where everybody reads them, the oldest look first.

    Gone or changed is what two looks, LINK_CHECK_CONFIRM_HOURS apart, agree on: the next run of the
    uploads publishes it again. A host that does not answer proves nothing. Every look is recorded at
    once: cut off, run it again. Exit code 1: something is not well.
    """
    with clear_errors():
        order = Order(most, everything, believe, as_json)
        raise typer.Exit(run_check(settings(), hosts or [], order, result, console))


@app.command("list", epilog="Example: [bold]image-assets links list freeimage[/bold]")
def suspects(
    hosts: Hosts = None,
    most: Annotated[int, typer.Option(min=1, help="Most lines.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List published pictures that were not well when they were last looked at."""
    with clear_errors(), compose.catalog(settings()) as catalog:
        found: list[tuple[str, Suspect]] = []
        for host in _hosts(catalog, hosts or []):
            found += [(host, suspect) for suspect in catalog.links.suspects(host, most=most)]
        _tell_suspects(found[:most], as_json=as_json)


@app.command("fidelity", epilog="Example: [bold]image-assets links fidelity[/bold]")
def profiles(hosts: Hosts = None, as_json: AsJson = False) -> None:
    """Show how each host treats what it is sent: learned from what it showed."""
    with clear_errors(), compose.catalog(settings()) as catalog:
        _tell_profiles(catalog, _hosts(catalog, hosts or []), as_json=as_json)


@app.command(epilog="Example: [bold]image-assets links accept freeimage[/bold]")
def accept(host: Annotated[str, typer.Argument(metavar="HOST", help="The destination.")]) -> None:
    """Take note of what HOST does otherwise than before: the alarm about it ends."""
    with clear_errors(), compose.catalog(settings()) as catalog:
        [known] = _hosts(catalog, [host])
        noted = catalog.fidelity.accept(known, now=now())
        console.print(f"{known}: {noted} changes noted")


def now() -> dt.datetime:
    """Now, aware UTC."""
    return dt.datetime.now(dt.UTC)


def run_check(
    settings: Settings, hosts: list[str], order: Order, out: Console, console: Console
) -> int:
    """Check, and tell; the exit code."""
    checked: dict[str, Checked] = {}
    with compose.catalog(settings) as catalog, ExitStack() as stack:
        for host in _hosts(catalog, hosts):
            try:
                checker = _checker(settings, catalog, host, order, stack)
            except MissingSettingError as error:  # the other hosts are looked at all the same
                checked[host] = Checked(Report(), stopped=str(error))
                continue
            with Progress(*_COLUMNS, console=console, transient=True) as bars:
                checked[host] = checker.check(progress=_shown(bars, host))
    if not checked:
        console.print("nothing was published anywhere yet")
    if order.as_json:
        out.out(json.dumps({host: _told(one) for host, one in checked.items()}), highlight=False)
    else:
        for host, one in checked.items():
            _tell_check(host, one, out, console)
    return 0 if all(_is_well(one) for one in checked.values()) else 1


def _shown(bars: Progress, host: str) -> Callable[[Report, int], None]:
    """What moves the bar of one host."""
    task = bars.add_task(host, total=None)

    def move(report: Report, total: int) -> None:
        bars.update(task, completed=report.done + report.failed, total=total)

    return move


def _checker(
    settings: Settings, catalog: Catalog, name: str, order: Order, stack: ExitStack
) -> LinkChecker:
    host = compose.host(settings, name)
    if isinstance(host, Closing):
        stack.callback(host.close)
    return LinkChecker(
        name,
        host,
        catalog.links,
        catalog.uploads,
        Witness(name, catalog.fidelity, catalog.notices, now),
        catalog.notices,
        hosting.contents(settings),
        now,
        settings.look_terms.within(order.most, everything=order.everything),
        order.believe,
    )


def _hosts(catalog: Catalog, wanted: list[str]) -> list[str]:
    """The destinations asked for; all that were ever used where none is.

    Raises:
        PermanentError: there is no such destination, or nothing was ever published there.
    """
    used = list(catalog.links.destinations())
    if not wanted:
        return used
    for host in wanted:
        if host not in used:
            known = "no destination" if host not in HOSTS else "nothing was published there yet"
            at = ", ".join(used) or "nowhere"
            raise PermanentError(f"{host}: {known}; something was published at: {at}")
    return wanted


def _is_well(checked: Checked) -> bool:
    return not (checked.found or checked.changes or checked.stopped or checked.report.failed)


def _told(checked: Checked) -> dict[str, Any]:
    return {
        **{str(finding): checked.report.counts.get(finding, 0) for finding in Finding},
        "given_up": checked.lost,
        "stopped": checked.stopped,
        "changes": [habit.said for habit in checked.changes],
        "failures": [{"item": f.item, "reason": f.reason} for f in checked.report.failures],
        "not_well": [
            {
                "picture": found.name,
                "url": found.url,
                "found": found.finding.value,
                "settled": found.settled,
                "reason": found.reason,
            }
            for found in checked.found
        ],
    }


def _tell_check(host: str, checked: Checked, out: Console, console: Console) -> None:
    counts = ", ".join(f"{checked.report.counts.get(f, 0):,} {f}" for f in Finding)
    out.print(Text(f"{host}: {counts}"))
    for found in checked.found[:SHOWN_FAILURES]:
        sure = "for good" if found.settled else "until a second look"
        told = found.finding if found.finding is Finding.UNREACHABLE else f"{found.finding} {sure}"
        out.print(Text(f"  {told}: {found.name}: {found.reason}"))
    for failure in checked.report.failures:
        console.print("[red]failed:[/red]", Text(f"{failure.item}: {failure.reason}"))
    for habit in checked.changes:
        console.print("[yellow]changed:[/yellow]", Text(f"{host} {habit.said}"))
    if checked.lost:
        out.print(Text(f"  {checked.lost:,} are published again by the next run of their uploads"))
    if checked.stopped:
        console.print("[yellow]stopped:[/yellow]", Text(checked.stopped))


def _tell_suspects(found: list[tuple[str, Suspect]], *, as_json: bool) -> None:
    rows = [
        {
            "host": host,
            "picture": suspect.upload.content.name,
            "found": suspect.finding.value,
            "since": suspect.since.isoformat() if suspect.since else None,
            "settled": suspect.settled,
            "belongs_to": [str(partition) for partition in suspect.partitions],
            "url": suspect.upload.receipt.url if suspect.upload.receipt else None,
            "reason": suspect.reason,
        }
        for host, suspect in found
    ]
    if as_json:
        result.out(json.dumps(rows), highlight=False)
        return
    table = Table(title="not well" if rows else "all was well when it was last looked at")
    shown = ("host", "picture", "found", "settled", "belongs_to", "reason")
    for name in shown:
        table.add_column(name.replace("_", " "))
    for row in rows:
        belongs = ", ".join(row["belongs_to"])  # type: ignore[arg-type]
        cells = row | {"belongs_to": belongs, "settled": "yes" if row["settled"] else "no"}
        table.add_row(*(Text(str(cells[name] or "")) for name in shown))
    result.print(table)


def _tell_profiles(catalog: Catalog, hosts: list[str], *, as_json: bool) -> None:
    habits = {host: catalog.fidelity.habits(host) for host in hosts}
    if as_json:
        told = {
            host: {
                "treats": fidelity.profile(found),
                "changes": [habit.said for habit in found if habit.alarms],
            }
            for host, found in habits.items()
        }
        result.out(json.dumps(told), highlight=False)
        return
    for host, found in habits.items():
        for format, words in fidelity.profile(found).items() or [("", "nothing known yet")]:
            result.print(Text(f"{host}: {format.upper()}: {words}".replace(": : ", ": ")))
        for habit in found:
            if habit.alarms:
                console.print("[yellow]changed:[/yellow]", Text(f"{host} {habit.said}"))
