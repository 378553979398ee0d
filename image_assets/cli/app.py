"""The commands and their arguments; what they do is in the modules beside."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from image_assets import logs
from image_assets.cli import doctor as health
from image_assets.cli import download as downloading
from image_assets.cli import serve as serving
from image_assets.cli.download import Shown
from image_assets.core.errors import ImageAssetsError, PermanentError
from image_assets.settings import Settings, load

DEMO_FOLDER = Path("data/demo")
UTC_DATE = ["%Y-%m-%d"]

console = Console(stderr=True)
app = typer.Typer(
    help="Keep, deduplicate, export, publish and clean up pictures.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,  # they hold credentials
)


def _settings() -> Settings:
    """The environment, and for what it leaves open a `.env` in this folder."""
    settings = load(Path(".env"))
    logs.configure(settings.log_level, settings.log_format, settings.secrets)
    return settings


@app.command(
    epilog="Example: [bold]image-assets demo[/bold], then [bold]image-assets dev[/bold] to look at it in Dagster."
)
def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo keeps everything.")] = DEMO_FOLDER,
) -> None:
    """Take three days of two cameras through the whole journey, against rehearsal services.

    Needs no key and no network; a .env and your own keys are not read. Run again, it does no work.
    """
    from image_assets.cli import demo as demonstration  # it takes Dagster with it

    with _clear_errors():
        raise typer.Exit(demonstration.run(folder.absolute(), console))


@app.command(epilog="Example: [bold]image-assets dev --port 3001[/bold]")
def dev(
    folder: Annotated[Path, typer.Option(help="The demo's folder.")] = DEMO_FOLDER,
    port: Annotated[int, typer.Option(help="Port of the Dagster UI.")] = 3000,
) -> None:
    """Open the Dagster UI on the demo's data, with rehearsal services behind it."""
    from image_assets.cli import dev as development  # it takes Dagster with it

    with _clear_errors():
        raise typer.Exit(development.run(folder.absolute(), port, console))


@app.command(
    epilog=(
        "Examples: [bold]image-assets download 2025-09-01 2025-09-07 --stream in_gate --limit 100[/bold] · "
        "[bold]image-assets download --date 2025-09-01 --date 2025-09-15 --watch[/bold]"
    )
)
def download(
    first: Annotated[
        dt.datetime | None,
        typer.Argument(formats=UTC_DATE, metavar="FIRST", help="First UTC day."),
    ] = None,
    last: Annotated[
        dt.datetime | None,
        typer.Argument(formats=UTC_DATE, metavar="LAST", help="Last UTC day; the first alone."),
    ] = None,
    stream: Annotated[
        list[str] | None, typer.Option(help="in_gate or apm/in_gate; repeat; all when left out.")
    ] = None,
    date: Annotated[
        list[dt.datetime] | None,
        typer.Option(formats=UTC_DATE, help="A single UTC day; repeat, beside a range or alone."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Most pictures of one stream and date.")
    ] = None,
    newest_first: Annotated[
        bool | None,
        typer.Option(
            "--newest-first/--oldest-first",
            help="From which end pictures are fetched, and counted towards the limit.",
            show_default="oldest first, or DOWNLOAD_NEWEST_FIRST",
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="A live table of every stream and date.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line on standard output.")
    ] = False,
    source: Annotated[str, typer.Option(help="Which source of the sources file.")] = "camera",
) -> None:
    """Collect pictures of UTC days: listed, fetched, verified, stored once.

    FIRST and LAST are days as 2025-09-01; without LAST it is one day. A day that is settled costs
    no request when it is asked for again; one taken with a limit stays open.
    """
    with _clear_errors():
        if first is None and not date:
            raise typer.BadParameter("name a day: FIRST and perhaps LAST, or --date")
        if watch and json:
            raise PermanentError("--watch and --json are two ways to show one thing: choose one")
        days = _days(first, last) + [day.date() for day in date or ()]
        order = downloading.Order(days, source, stream or [], limit, newest_first)
        shown = Shown.JSON if json else Shown.WATCH if watch else Shown.BARS
        raise typer.Exit(downloading.run(_settings(), order, shown, console))


@app.command(epilog="Example: [bold]image-assets doctor[/bold]")
def doctor() -> None:
    """Check settings, folders, catalog and every service the sources use; say what to do."""
    with _clear_errors():
        raise typer.Exit(health.run(_settings(), console))


@app.command(epilog="Example: [bold]image-assets serve --port 8000[/bold]")
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
) -> None:
    """Serve the files published at the destination `local`, and a page that shows them."""
    with _clear_errors():
        serving.run(_settings(), host, port)


def _days(first: dt.datetime | None, last: dt.datetime | None) -> list[dt.date]:
    return [] if first is None else downloading.days(first.date(), (last or first).date())


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Our errors as one line and exit code 1; a bug keeps its traceback."""
    try:
        yield
    except ImageAssetsError as error:
        console.print("[red]error:[/red]", Text(str(error)))
        raise typer.Exit(1) from error
