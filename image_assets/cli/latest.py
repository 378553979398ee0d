"""`image-assets latest …`: what latest keys say, and a person's word on them."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from image_assets import announcing, compose
from image_assets.cli.surroundings import clear_errors, console, result, settings
from image_assets.compose import Catalog
from image_assets.core.errors import NotFoundError
from image_assets.ports import Closing, LatestEntry, LatestStore
from image_assets.settings import Settings
from image_assets.stages.latest import Announcement, Announcer
from image_assets.stages.latest_by_hand import Hand
from image_assets.stages.ranges import now
from image_assets.stages.report import Report

app = typer.Typer(
    help="What latest keys say, what they said, and a person's word on them (docs/latest.md).",
    epilog="Example: [bold]image-assets latest get apm/in_gate:daily:latest[/bold]",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Key = Annotated[str, typer.Argument(help="A latest key; image-assets latest list shows them.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


@dataclass(frozen=True, slots=True)
class Desk:
    """The catalog, a key's store, and what is announced there."""

    catalog: Catalog
    store: LatestStore
    what: Announcement
    announcer: Announcer

    @property
    def hand(self) -> Hand:
        """What sets keys."""
        return Hand(self.announcer)

    @property
    def current(self) -> LatestEntry | None:
        """The catalog's word."""
        return self.catalog.latest.current(self.what.tenant, self.what.key)


@app.command("list", epilog="Example: [bold]image-assets latest list[/bold]")
def list_keys(as_json: AsJson = False) -> None:
    """List every key that the sources announce, with the catalog's word; no store is asked."""
    with clear_errors():
        known = settings()
        table = Table("key", "store", "sequence", "captured", "state", "")
        rows = []
        with compose.catalog(known) as catalog:
            for key, (store, what) in announcing.announcements(known).items():
                current = catalog.latest.current(what.tenant, key)
                rows.append({"key": key, "store": store} | _shown(current))
                table.add_row(Text(key), store, *_cells(current))
        _print(table, rows if as_json else None)


@app.command(epilog="Example: [bold]image-assets latest get apm/in_gate:daily:latest[/bold]")
def get(key: Key) -> None:
    """Print the value that the store gives now.

    Exit code 1: it gives none. On standard error: whether it is what the catalog says; a store may
    be a minute behind.
    """
    with clear_errors(), _desk(settings(), key) as desk:
        value, current = desk.store.get(key), desk.current
        if value is None:
            announced = "" if current is None else f"; the catalog announced {_named(current)}"
            raise NotFoundError(f"{key}: {desk.store.name} has no value{announced}")
        result.out(value, highlight=False)
        if current is None or value != current.value:
            says = "nothing" if current is None else _named(current)
            console.print(Text(f"differs from the catalog, which says {says}"), style="yellow")


@app.command(
    "set",
    epilog="Example: [bold]image-assets latest set apm/in_gate:daily:latest 20250901100734[/bold]",
)
def set_key(
    key: Key,
    target: Annotated[
        str, typer.Argument(help="A verified picture: item key, SHA-256, URL or ipfs://….")
    ],
) -> None:
    """Point a key at a certain picture of its collection, and hold it there.

    The sensor keeps it there, too, until `image-assets latest release KEY`.
    """
    with clear_errors(), _desk(settings(), key) as desk:
        _told(desk, desk.hand.set(desk.what, target))


@app.command(
    epilog="Example: [bold]image-assets latest history apm/in_gate:daily:latest --most 5[/bold]"
)
def history(
    key: Key,
    most: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List what a key announced, the newest first."""
    with clear_errors(), _desk(settings(), key) as desk:
        found = desk.catalog.latest.history(desk.what.tenant, key, most=most)
        if not found:
            raise NotFoundError(f"{key}: nothing was ever announced")
    table = Table("sequence", "captured", "state", "", "announced", "leads to")
    for entry in found:
        cells = _cells(entry)
        announced = f"{entry.created_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(*cells, announced, Text(_where(entry), overflow="fold"))
    _print(table, [_shown(entry) for entry in found] if as_json else None)


@app.command(epilog="Example: [bold]image-assets latest rollback apm/in_gate:daily:latest[/bold]")
def rollback(
    key: Key,
    to: Annotated[
        int | None, typer.Option(help="A sequence of its history; the newest older capture.")
    ] = None,
) -> None:
    """Let a key say again what it said before, and hold it there.

    That is a new sequence. Neither newer pictures nor the repairing sensor move it until
    `image-assets latest release KEY`. Its picture must still be verified where it was published.
    """
    with clear_errors(), _desk(settings(), key) as desk:
        _told(desk, desk.hand.roll_back(desk.what, to))


@app.command(epilog="Example: [bold]image-assets latest release apm/in_gate:daily:latest[/bold]")
def release(key: Key) -> None:
    """Let a held key go forward again, at once where something newer is verified."""
    with clear_errors(), _desk(settings(), key) as desk:
        if not desk.hand.let_go(desk.what):
            result.print(Text(f"{key}: nobody held it"))
        _told(desk, desk.announcer.announce(desk.what))


@app.command(epilog="Example: [bold]image-assets latest republish[/bold]")
def republish(
    keys: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY]…", help="All when left out.")
    ] = None,
) -> None:
    """Give the stores every value of the catalog that they lack, together: for a store that was lost.

    Exit code 1: a store did not take all of them. What it says already is not written.
    """
    with clear_errors():
        known = settings()
        failed = False
        for store, whats in _by_store(known, keys or []).items():
            with compose.catalog(known) as catalog, _opened(known, store) as opened:
                report = Hand(_announcer(known, catalog, opened)).republish(whats)
            told = ", ".join(f"{count} {note}" for note, count in report.counts.items())
            result.print(Text(f"{store}: {told or 'nothing was written'}"))
            for failure in report.failures:
                console.print("[red]failed:[/red]", Text(f"{failure.item}: {failure.reason}"))
            failed = failed or bool(report.failed)
        raise typer.Exit(1 if failed else 0)


def _by_store(known: Settings, keys: list[str]) -> dict[str, list[Announcement]]:
    chosen = keys or list(announcing.announcements(known))
    found: dict[str, list[Announcement]] = {}
    for store, what in (announcing.of_key(known, key) for key in chosen):
        found.setdefault(store, []).append(what)
    return found


@contextmanager
def _desk(known: Settings, key: str) -> Iterator[Desk]:
    name, what = announcing.of_key(known, key)
    with compose.catalog(known) as catalog, _opened(known, name) as store:
        yield Desk(catalog, store, what, _announcer(known, catalog, store))


@contextmanager
def _opened(known: Settings, name: str) -> Iterator[LatestStore]:
    store = compose.latest_store(known, name)
    try:
        yield store
    finally:
        if isinstance(store, Closing):
            store.close()


def _announcer(known: Settings, catalog: Catalog, store: LatestStore) -> Announcer:
    owner = f"command {socket.gethostname()} {os.getpid()}"
    return Announcer(store, catalog.latest, owner, now, known.skew)


def _told(desk: Desk, report: Report) -> None:
    (note,) = report.counts
    current = desk.current
    says = "" if current is None else f": {_named(current)} -> {_where(current)}"
    result.print(Text(f"{desk.what.key}: {note}{says}"))


def _named(entry: LatestEntry) -> str:
    held = ", held" if entry.hold else ""
    return f"sequence {entry.sequence} of {entry.captured_at:%Y-%m-%d %H:%M:%S} UTC{held}"


def _where(entry: LatestEntry) -> str:
    value = json.loads(entry.value)
    return str(value.get("ipfs_url") or value.get("url") or "")


def _cells(entry: LatestEntry | None) -> tuple[str, str, str, str]:
    if entry is None:
        return "", "", "nothing yet", ""
    captured = f"{entry.captured_at:%Y-%m-%d %H:%M:%S}"
    return str(entry.sequence), captured, entry.state.value, "held" if entry.hold else ""


def _shown(entry: LatestEntry | None) -> dict[str, Any]:
    if entry is None:
        return {"sequence": None}
    return {
        "sequence": entry.sequence,
        "captured_at": entry.captured_at.isoformat(),
        "state": entry.state.value,
        "hold": entry.hold,
        "created_at": entry.created_at.isoformat(),
        "published_at": entry.published_at.isoformat() if entry.published_at else None,
        "value": json.loads(entry.value),
    }


def _print(table: Table, document: Any) -> None:
    """The table, or the document where one was asked for."""
    if document is None:
        result.print(table)
    else:
        result.out(json.dumps(document), highlight=False)
