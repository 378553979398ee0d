"""`image-assets designs …`: looking at designs, and deciding what is the same and what is not."""

import datetime as dt
import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from image_assets import compose
from image_assets.cli.surroundings import clear_errors, console, result, settings
from image_assets.cli.tenants import of_tenant, others
from image_assets.core.errors import NotFoundError, PermanentError
from image_assets.core.model import DEFAULT_TENANT, Scope
from image_assets.ports import By, Decided, DesignView
from image_assets.stages.curation import Curator
from image_assets.stages.designs import doubles as doubles_of

app = typer.Typer(
    help="Look at designs, and decide what is the same and what is not; every decision can be undone.",
    epilog="Example: [bold]image-assets designs show 3fa91c[/bold]",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

_PAGE = 500

One = Annotated[str, typer.Argument(help="A design's id or its beginning, or image:17.")]
Several = Annotated[list[str], typer.Argument(help="Ids, beginnings of ids, or image:17.")]
Tenant = Annotated[str, typer.Option(help="Whose designs they are: a shop's name, or ours.")]
Person = Annotated[
    str | None, typer.Option("--by", help="Who decides; the user of this machine when left out.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


@app.command(
    "list", epilog="Example: [bold]image-assets designs list --source inbox --tenant acme[/bold]"
)
def list_designs(
    source: Annotated[
        str | None, typer.Option(help="Only this source's; all when left out.")
    ] = None,
    after: Annotated[str, typer.Option(help="Begin after this id.")] = "",
    most: Annotated[int, typer.Option(min=1, help="How many.")] = 50,
    tenant: Tenant = DEFAULT_TENANT,
    as_json: AsJson = False,
) -> None:
    """List designs, with how many pictures each has and how many of those differ."""
    with clear_errors(), compose.catalog(settings()) as catalog:
        found = catalog.gallery.listed(tenant, group=source, after=after, most=most)
        if not (found or after):
            whose = f" of source {source}" if source else ""
            console.print(Text(f"No designs{whose} yet{others(catalog, tenant)}"))
    table = Table("design", "source", "pictures", "distinct", "shown by")
    for design in found:
        counts = str(design.pictures), str(design.distinct)
        table.add_row(design.id, design.scope, *counts, Text(design.display_path or ""))
    _print(table, [asdict(design) for design in found] if as_json else None)


@app.command(epilog="Example: [bold]image-assets designs show 3fa91c[/bold]")
def show(design: One, tenant: Tenant = DEFAULT_TENANT, as_json: AsJson = False) -> None:
    """Show a design with every picture of it, each with what is known of that one alone."""
    with _curator(tenant) as curator:
        named = curator.gallery.named(tenant, design)
        view = curator.gallery.shown(tenant, named.design)
    _show(view, as_json=as_json)


@app.command(epilog="Example: [bold]image-assets designs same 3fa91c 77b0e2[/bold]")
def same(first: One, other: One, by: Person = None, tenant: Tenant = DEFAULT_TENANT) -> None:
    """Say that two are the same, for ever: the first id stays, the other one leads to it."""
    with _curator(tenant) as curator:
        _told(curator.same(first, [other], _by(by)))


@app.command(epilog="Example: [bold]image-assets designs different 3fa91c image:17[/bold]")
def different(first: One, other: One, by: Person = None, tenant: Tenant = DEFAULT_TENANT) -> None:
    """Say that two are not the same, for ever; what had been one design comes apart."""
    with _curator(tenant) as curator:
        _told(curator.different(first, other, _by(by)))


@app.command(epilog="Example: [bold]image-assets designs merge 3fa91c 77b0e2 90ac11[/bold]")
def merge(into: One, others: Several, by: Person = None, tenant: Tenant = DEFAULT_TENANT) -> None:
    """Merge designs into the first one. Their ids, exports and URLs stay valid."""
    with _curator(tenant) as curator:
        _told(curator.same(into, others, _by(by)))


@app.command(epilog="Example: [bold]image-assets designs split image:17 image:18[/bold]")
def split(pictures: Several, by: Person = None, tenant: Tenant = DEFAULT_TENANT) -> None:
    """Take pictures out of their design: together they become one of their own."""
    with _curator(tenant) as curator:
        _told(curator.split(pictures, _by(by)))


@app.command(epilog="Example: [bold]image-assets designs display image:17[/bold]")
def display(picture: One, by: Person = None, tenant: Tenant = DEFAULT_TENANT) -> None:
    """Let this picture show its design. What is exported already stays as it is."""
    with _curator(tenant) as curator:
        _told(curator.show(picture, _by(by)))


@app.command(epilog="Example: [bold]image-assets designs best --source inbox[/bold]")
def best(
    source: Annotated[
        str | None, typer.Option(help="Only this source's; all when left out.")
    ] = None,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Let every design show its best picture by the rule; what people chose stays."""
    chosen = failed = 0
    with _curator(tenant) as curator:
        for page in _pages(curator, tenant, source):
            report = curator.keep_best(page, workers=settings().image_assets_decode_workers)
            chosen, failed = chosen + report.counts.get("chosen", 0), failed + report.failed
    result.print(f"{chosen} designs show another picture or know why they show theirs")
    if failed:
        raise typer.Exit(1)


@app.command(epilog="Example: [bold]image-assets designs decisions --undone[/bold]")
def decisions(
    undone: Annotated[
        bool, typer.Option("--undone", help="Those that were undone as well.")
    ] = False,
    most: Annotated[int, typer.Option(min=1, help="How many.")] = 50,
    tenant: Tenant = DEFAULT_TENANT,
    as_json: AsJson = False,
) -> None:
    """List what people decided, the newest first."""
    with _curator(tenant) as curator:
        found = curator.gallery.decisions(tenant, most=most, undone=undone)
    table = Table("no.", "when", "who", "decision", "undone")
    for one in found:
        when = f"{one.decided_at:%Y-%m-%d %H:%M}"
        table.add_row(str(one.id), when, Text(one.person), Text(one.said), one.undone_by or "")
    _print(table, [asdict(decision) for decision in found] if as_json else None)


@app.command(epilog="Example: [bold]image-assets designs undo 12[/bold]")
def undo(
    decision: Annotated[
        int, typer.Argument(help="Its number, from image-assets designs decisions.")
    ],
    by: Person = None,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Take a decision back: everything it changed is as it was."""
    with _curator(tenant) as curator:
        _told(curator.undo(decision, _by(by)))


@app.command(epilog="Example: [bold]image-assets designs doubles inbox --tenant acme[/bold]")
def doubles(
    source: Annotated[str, typer.Argument(help="The source whose designs are compared.")],
    tenant: Tenant = DEFAULT_TENANT,
    as_json: AsJson = False,
) -> None:
    """List pairs of designs that the source's policy takes for one, as a change of limits leaves them."""
    with clear_errors():
        known = settings()
        spec = known.source(source)
        scope = Scope(spec.name, spec.policy, tenant)
        with compose.catalog(known) as catalog:
            if not catalog.gallery.listed(tenant, group=spec.name, most=1):
                raise NotFoundError(f"no designs of {source}{others(catalog, tenant)}")
            found = list(doubles_of(catalog.designs, scope, known.limits(spec, tenant)))
    table = Table("design", "the same as")
    for pair in found:
        table.add_row(*pair)
    _print(table, [list(pair) for pair in found] if as_json else None)


@contextmanager
def _curator(tenant: str) -> Iterator[Curator]:
    with clear_errors():
        known = settings()
        with compose.catalog(known) as catalog, compose.decoder(known) as decoder:
            store = compose.store(known)
            with of_tenant(catalog, tenant):
                yield Curator(catalog.gallery, catalog.verdicts, store, decoder, tenant)


def _by(person: str | None) -> By:
    return By(person or _user(), dt.datetime.now(dt.UTC))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:  # a container's user may have no name
        raise PermanentError("this user has no name: say who decides (--by)") from error


def _told(decided: Decided) -> None:
    if decided.decision_id is None:
        result.print("It was so already; nothing changed.")
        return
    result.print(f"Decision {decided.decision_id}: {', '.join(decided.designs)}")


def _pages(curator: Curator, tenant: str, source: str | None) -> Iterator[list[str]]:
    after = ""
    while page := curator.gallery.listed(tenant, group=source, after=after, most=_PAGE):
        yield [design.id for design in page]
        after = page[-1].id


def _show(view: DesignView, *, as_json: bool) -> None:
    title = f"{view.id} of {view.scope}, since {view.created_at:%Y-%m-%d %H:%M}"
    if view.merged:
        title += f", also {', '.join(view.merged)}"
    shown = f"shown: {view.display_reason}" if view.display_reason else None
    table = Table(
        "picture", "of", "item", "file", "pixels", "bytes", "", title=title, caption=shown
    )
    for one in view.pictures:
        size = f"{one.width}x{one.height} {one.format}" if one.format else one.state
        roles = [
            word for word, is_so in (("anchor", one.anchor), ("shown", one.displayed)) if is_so
        ]
        table.add_row(
            f"image:{one.image_id}",
            Text(f"{one.source} {one.collection}"),
            Text(one.item_key),
            Text(one.original_name),
            size,
            str(one.size or ""),
            ", ".join(roles),
        )
    _print(table, asdict(view) if as_json else None)


def _print(table: Table, document: Any) -> None:
    """The table, or the document where one was asked for."""
    if document is None:
        result.print(table)
    else:
        result.out(json.dumps(document, default=str), highlight=False)
