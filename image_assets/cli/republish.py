"""`image-assets republish`: what one host was given is published at another."""

import json
import os
import uuid
from contextlib import ExitStack
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from image_assets import compose, hosting
from image_assets.cli.links import now
from image_assets.cli.surroundings import clear_errors, console, result, settings
from image_assets.compose import Catalog
from image_assets.core.errors import PermanentError
from image_assets.hosting import HOSTS
from image_assets.ports import Closing
from image_assets.settings import Settings
from image_assets.stages.rebuilding import Rebuilder
from image_assets.stages.republishing import Lost, Republished, Republisher
from image_assets.stages.uploads import Publisher
from image_assets.stages.verification import Witness

_EPILOG = (
    "Examples: [bold]image-assets republish --from imgur --to pinata --dry-run[/bold] · "
    "[bold]image-assets republish --from imgur --to pinata[/bold]"
)


def add_to(app: typer.Typer) -> None:
    """Make this a command of the application."""
    app.command(epilog=_EPILOG)(republish)


def republish(
    source: Annotated[str, typer.Option("--from", help="The host that is given up.")],
    destination: Annotated[str, typer.Option("--to", help="Where its pictures go.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent, made again, or is lost.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = (
        False
    ),
) -> None:
    """Publish elsewhere all that a host was given: from the stored bytes, else exports made again.

    The old host is not asked for anything, so it may be dead. What the new one has already costs
    nothing: cut off, run it again. What only the old host had is told, with the partitions it belongs
    to. Exit code 1: something is lost, or could not be sent.
    """
    with clear_errors():
        if source == destination:
            raise PermanentError(f"--from and --to are both {source}")
        raise typer.Exit(run(settings(), source, destination, dry_run=dry_run, as_json=as_json))


def run(
    settings: Settings,
    source: str,
    destination: str,
    *,
    dry_run: bool,
    as_json: bool,
    out: Console = result,
    console: Console = console,
) -> int:
    """Publish again, or say what would be; the exit code."""
    with (
        compose.catalog(settings) as catalog,
        compose.decoder(settings) as decoder,
        ExitStack() as stack,
    ):
        _check(catalog, source, destination)
        store = compose.store(settings)
        rebuilder = Rebuilder(catalog.rebuilding, store, decoder, settings.known_recipes)
        republisher = Republisher(
            catalog.republishing,
            catalog.rebuilding,
            store,
            hosting.contents(settings),
            rebuilder,
        )
        if dry_run:
            done = republisher.look(source, destination)
        else:
            publisher = _publisher(settings, catalog, destination, stack)
            done = Republished()
            for page in republisher.republish(source, publisher):
                done += page
                console.print(Text(f"{source} to {destination}: {_line(done)}"))
    _tell(done, out, console, dry_run=dry_run, as_json=as_json)
    return 1 if done.lost_count or done.report.failed else 0


def _check(catalog: Catalog, source: str, destination: str) -> None:
    used = catalog.links.destinations()
    if source not in used:
        at = ", ".join(used) or "nowhere"
        raise PermanentError(f"{source}: nothing was published there; something was at: {at}")
    if destination not in HOSTS:
        raise PermanentError(f"{destination}: no such host; there are: {', '.join(HOSTS)}")


def _publisher(
    settings: Settings, catalog: Catalog, destination: str, stack: ExitStack
) -> Publisher:
    host = compose.host(settings, destination)
    if isinstance(host, Closing):
        stack.callback(host.close)
    return Publisher(
        destination,
        host,
        catalog.uploads,
        hosting.contents(settings),
        f"republish {os.getpid()} {uuid.uuid4().hex[:8]}",
        now,
        settings.upload_workers,
        witness=Witness(destination, catalog.fidelity, catalog.notices, now),
    )


def _line(done: Republished) -> str:
    counts = done.report.counts
    sent = counts.get("verified", 0) + counts.get("optimised", 0)
    return (
        f"{done.there:,} were there, {sent:,} published, {done.report.failed:,} failed,"
        f" {done.lost_count:,} lost"
    )


def _tell(
    done: Republished, out: Console, console: Console, *, dry_run: bool, as_json: bool
) -> None:
    for failure in done.report.failures:
        console.print("[red]failed:[/red]", Text(f"{failure.item}: {failure.reason}"))
    for lost in done.lost:
        console.print("[red]lost:[/red]", Text(_lost(lost)))
    told: dict[str, Any] = {
        "there_already": done.there,
        "from_stored_bytes": done.stored,
        "exports_made_again": done.rebuilt,
        "lost": done.lost_count,
        "published": sum(done.report.counts.get(n, 0) for n in ("verified", "optimised")),
        "failed": done.report.failed,
    }
    if as_json:
        names = [{"picture": one.name, "url": one.url, "reason": one.reason} for one in done.lost]
        out.out(json.dumps({**told, "lost_pictures": names, "dry_run": dry_run}), highlight=False)
        return
    for name, count in told.items():
        out.out(f"{name}={count}", highlight=False)


def _lost(lost: Lost) -> str:
    homes = ", ".join(str(home) for home in lost.partitions) or "no picture of the catalog"
    return f"{lost.name} ({homes}): {lost.reason}; it was at {lost.url}"
