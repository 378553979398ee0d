"""`image-assets etsy …`: log a shop in, see how it stands, and see a batch's listings before they are made."""

import datetime as dt
import json
import secrets
import uuid
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from image_assets import compose, etsy_shops
from image_assets.cli.surroundings import clear_errors, console, result, settings
from image_assets.compose import Catalog
from image_assets.core import naming
from image_assets.core.errors import ImageAssetsError, PermanentError
from image_assets.core.model import Partition
from image_assets.core.pkce import Pkce
from image_assets.etsy_specs import EtsySpec
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.listings import Lister, Planned

app = typer.Typer(
    help="Log shops in to Etsy, and look at drafts of listings before they are made.",
    epilog="Example: [bold]image-assets etsy login --shop acme[/bold]",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Key = Annotated[str, typer.Argument(metavar="BATCH", help="acme:20261121-175822-001")]


@app.command(epilog="Example: [bold]image-assets etsy login --shop acme[/bold]")
def login(
    shop: Annotated[
        str | None, typer.Option(help="The shop's folder; may be left out where there is one.")
    ] = None,
    code: Annotated[
        bool,
        typer.Option("--code", help="Without a browser here: paste the address it ended at."),
    ] = False,
) -> None:
    """Let the owner of a shop allow this app to make drafts there.

    Prints the address to open, and waits for the browser to come back to ETSY_REDIRECT_URL. The tokens are
    kept in the catalog, and renewed by themselves for as long as they are used.
    """
    with clear_errors():
        given = settings()
        name, shop_id = _shop(given, shop)
        logins, pkce = etsy_shops.logins(given), Pkce.of(secrets.token_bytes(32))
        state = secrets.token_urlsafe(24)
        address = logins.address(pkce, state)
        answered = _pasted(address, state) if code else _waited(given, address, state)
        grant = logins.exchange(answered, pkce)
        now = dt.datetime.now(dt.UTC)
        with compose.catalog(given) as catalog:
            catalog.tokens.keep(name, str(shop_id), grant, now=now)
        with etsy_shops.etsy(given) as site:
            drafts = site.probe(name, shop_id)
        result.print(Text(f"{name} is logged in to shop {shop_id}, which has {drafts} drafts."))


def _waited(given: Settings, address: str, state: str) -> str:
    with etsy_shops.redirect(given) as back:
        _print_address(address)
        return back.code(state, given.etsy_login_seconds)


def _pasted(address: str, state: str) -> str:
    _print_address(address)
    ended = typer.prompt("The address at which the browser ended", hide_input=True)
    return etsy_shops.code_in(ended, state)


def _print_address(address: str) -> None:
    """Whole and unwrapped: it is to be copied."""
    typer.echo(f"Open this address as the shop's owner:\n\n{address}\n")


@app.command(epilog="Example: [bold]image-assets etsy status[/bold]")
def status() -> None:
    """Show every shop with its login, and what Etsy says to it; exit code 1 when one cannot be used."""
    with clear_errors():
        given, well = settings(), True
        table = Table("source", "shop", "number", "login", "Etsy")
        with compose.catalog(given) as catalog, etsy_shops.etsy(given) as site:
            for spec, etsy in _listing(given):
                for name, shop_id in etsy.numbers.items():
                    try:
                        says = f"{site.probe(name, shop_id)} drafts"
                    except ImageAssetsError as error:
                        says, well = str(error), False
                    login = _login(catalog, name, shop_id)
                    row = (spec.name, name, str(shop_id), login, says)
                    table.add_row(*map(Text, row))
            used = site.budget.used
        result.print(table)
        result.print(Text(f"{used} of {given.etsy_requests_per_day} requests of 24 hours used"))
        raise typer.Exit(0 if well else 1)


def _login(catalog: Catalog, shop: str, shop_id: int) -> str:
    token = catalog.tokens.token(shop, str(shop_id))
    if token is None:
        return "nobody"
    cut = ", a renewal is under way or was cut off" if token.tried else ""
    return (
        f"renewed {token.version - 1} times, until {token.grant.expires_at:%Y-%m-%d %H:%M} UTC{cut}"
    )


@app.command(epilog="Example: [bold]image-assets etsy preview acme:20261121-175822-001[/bold]")
def preview(
    key: Key,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output.")
    ] = False,
) -> None:
    """Show the exact listing that each design of a batch would get; nothing is sent or recorded."""
    with clear_errors():
        given = settings()
        _show(_lister_and(given, key, lambda lister, batch: lister.plan(batch)), as_json=as_json)


@app.command(
    "list",
    epilog="Example: [bold]image-assets etsy list acme:20261121-175822-001 --dry-run[/bold]",
)
def list_batch(
    key: Key,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the exact listings; send nothing.")
    ] = False,
) -> None:
    """Make the drafts that a batch's designs lack, as its asset does; exit code 1 when one failed."""
    if dry_run:
        preview(key, as_json=False)
        return
    with clear_errors():
        report = _lister_and(settings(), key, lambda lister, batch: lister.list_all(batch))
        counts = ", ".join(f"{count} {note}" for note, count in report.counts.items())
        result.print(Text(counts or "every design has its draft"))
        for failure in report.failures:
            console.print(Text(f"{failure.item}: {failure.reason}"))
        raise typer.Exit(1 if report.failed else 0)


def _lister_and(given: Settings, key: str, do: Callable[[Lister, Partition], Any]) -> Any:
    spec, etsy, partition, shop_id = _batch(given, key)
    with compose.catalog(given) as catalog, etsy_shops.etsy(given) as site:
        lister = Lister(
            shop_id,
            given.listing_template(etsy),
            catalog.listings,
            site,
            compose.store(given),
            f"command {uuid.uuid4().hex}",
            lambda: dt.datetime.now(dt.UTC),
            spec.mockups,
            given.recipes(spec)[0].name,
            given.etsy_settle,
            given.etsy_workers,
        )
        return do(lister, partition)


def _batch(given: Settings, key: str) -> tuple[SourceSpec, EtsySpec, Partition, int]:
    """The inbox whose shop the batch is of.

    Raises:
        PermanentError: the key is no batch's, or its shop is not at Etsy.
    """
    for spec, etsy in _listing(given):
        try:
            partition = naming.batch_of(spec.name, key)
        except ValueError as error:
            raise PermanentError(str(error)) from error
        if (shop_id := etsy.numbers.get(partition.collection)) is not None:
            return spec, etsy, partition, shop_id
    raise PermanentError(
        f"{key}: its shop has no number at Etsy (`etsy: shops:` in the sources file)"
    )


def _shop(given: Settings, name: str | None) -> tuple[str, int]:
    shops = {n: number for _, etsy in _listing(given) for n, number in etsy.numbers.items()}
    if name is None and len(shops) == 1:
        return next(iter(shops.items()))
    if name not in shops:
        known = ", ".join(shops)
        raise PermanentError(f"say which shop, with --shop: {known}" if name is None else
                             f"no shop {name!r} at Etsy in the sources file; there are {known}")  # fmt: skip
    return name, shops[name]


def _listing(given: Settings) -> list[tuple[SourceSpec, EtsySpec]]:
    """The sources that list, with how.

    Raises:
        PermanentError: none does.
    """
    found = [(spec, spec.etsy) for spec in given.sources if spec.etsy is not None]
    if not found:
        raise PermanentError("no source has an `etsy:` entry in the sources file; see docs/etsy.md")
    return found


def _show(planned: tuple[Planned, ...], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([_told(one) for one in planned], indent=2, ensure_ascii=False))
        return
    for one in planned:
        table = Table("field", "value", title=Text(one.design.name), title_justify="left")
        for name, value in _told(one).items():
            shown = "\n".join(map(str, value)) if isinstance(value, list) else str(value)
            table.add_row(name, Text(shown))
        result.print(table)
    console.print(Text(f"{len(planned)} drafts would be made; nothing was sent"))


def _told(one: Planned) -> dict[str, Any]:
    text = one.text
    told: dict[str, Any] = {name: getattr(text, name) for name in text.__slots__}
    told |= {"price": str(text.price), "tags": list(text.tags), "materials": list(text.materials)}
    images = [f"{rank}: {image.path}" for rank, image in enumerate(one.images, 1)]
    return {**told, "state": "draft", "images": images, "trouble": one.trouble or ""}
