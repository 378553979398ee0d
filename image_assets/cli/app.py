"""The commands and their arguments; what they do is in the modules beside."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from image_assets.cli import (
    archive,
    batches,
    calibrate,
    cleanup,
    export,
    keeping,
    rebuild,
    republish,
    urls,
    visualizations,
)
from image_assets.cli import designs as designing
from image_assets.cli import doctor as health
from image_assets.cli import download as downloading
from image_assets.cli import etsy as listing
from image_assets.cli import latest as announcing
from image_assets.cli import links as linking
from image_assets.cli import mockup as mocking
from image_assets.cli import notify as notifying
from image_assets.cli import organize as organizing
from image_assets.cli import report as reporting
from image_assets.cli import sign as signing
from image_assets.cli import upload as uploads
from image_assets.cli.download import Shown
from image_assets.cli.surroundings import UTC_DATE, console, result
from image_assets.cli.surroundings import clear_errors as _clear_errors
from image_assets.cli.surroundings import settings as _settings
from image_assets.core import naming
from image_assets.core.errors import PermanentError
from image_assets.core.model import DEFAULT_TENANT
from image_assets.stages.account_files import Form

DEMO_FOLDER = Path("data/demo")

app = typer.Typer(
    help="Keep, deduplicate, export, publish and clean up pictures.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,  # they hold credentials
)


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


archive.add_to(app)
batches.add_to(app)
calibrate.add_to(app)
cleanup.add_to(app)
keeping.add_to(app)
export.add_to(app)
rebuild.add_to(app)
uploads.add_to(app)
urls.add_to(app)
republish.add_to(app)
visualizations.add_to(app)
app.add_typer(designing.app, name="designs")
app.add_typer(listing.app, name="etsy")
app.add_typer(linking.app, name="links")
app.add_typer(announcing.app, name="latest")
app.add_typer(mocking.app, name="mockup")
app.add_typer(notifying.app, name="notify")


@app.command(epilog="Example: [bold]image-assets doctor[/bold]")
def doctor() -> None:
    """Check settings, folders, catalog and every service the sources use; say what to do."""
    with _clear_errors():
        raise typer.Exit(health.run(_settings(), console))


@app.command(
    epilog=(
        "Examples: [bold]image-assets organize old_downloads data --dry-run[/bold] · "
        "[bold]image-assets organize old_downloads data[/bold]"
    )
)
def organize(
    src: Annotated[Path, typer.Argument(metavar="SRC", help="The folder of old downloads.")],
    dst: Annotated[
        Path,
        typer.Argument(metavar="DST", help="The folder that holds images/; best the data folder."),
    ],
    copy: Annotated[
        bool, typer.Option("--copy", help="Leave the old files where they are.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show every move and conflict; change nothing.")
    ] = False,
    source: Annotated[str, typer.Option(help="Whose pictures they are.")] = naming.DEFAULT_SOURCE,
    terminal: Annotated[
        str, typer.Option(help="The terminal of their streams.")
    ] = naming.DEFAULT_TERMINAL,
    record: Annotated[
        bool, typer.Option(help="Add what lands in the data folder to the catalog.")
    ] = True,
) -> None:
    """Move old downloads to DST/images/{date}/{stream}/{YYYYMMDDHHMMSS}_{stream}.{ext}.

    SRC is looked through with its sidecars; every picture is decoded in full, and goes where its
    name says, under the extension of its content. Nothing is overwritten: the same bytes are there
    already, other bytes are kept beside. What cannot be placed stays in SRC and is told. Cut off at
    any moment, run it again. DST is the folder that holds images/: with the data folder
    (IMAGE_ASSETS_DATA_DIR, data) the pictures are in the archive afterwards, as if downloaded.
    """
    with _clear_errors():
        order = organizing.Order(src, dst, source, terminal, copy, dry_run, record)
        raise typer.Exit(organizing.run(_settings(), order, console))


@app.command(
    epilog=(
        "Examples: [bold]image-assets report 2025-09-01 2025-09-07[/bold] · "
        "[bold]image-assets report 2025-09-01 --stream in_gate --format json[/bold]"
    )
)
def report(
    first: Annotated[
        dt.datetime, typer.Argument(formats=UTC_DATE, metavar="FIRST", help="First UTC day.")
    ],
    last: Annotated[
        dt.datetime | None,
        typer.Argument(formats=UTC_DATE, metavar="LAST", help="Last UTC day; the first alone."),
    ] = None,
    stream: Annotated[
        list[str] | None, typer.Option(help="in_gate or apm/in_gate; repeat; all when left out.")
    ] = None,
    form: Annotated[
        Form | None, typer.Option("--format", help="On standard output, or of the file.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write this file; its extension says the form.")
    ] = None,
    source: Annotated[
        str, typer.Option(help="Which source of the sources file.")
    ] = naming.DEFAULT_SOURCE,
) -> None:
    """Tell what the archive holds of UTC days, what it lacks and why: numbers, a page, JSON, CSV.

    FIRST and LAST are days as 2025-09-01; without LAST it is one day. Without --format and --output
    the report is kept below reports/ in the data folder, and image-assets serve shows it.
    """
    with _clear_errors():
        days = first.date(), (last or first).date()
        order = reporting.Order(*days, source, stream or [], form, output)
        raise typer.Exit(reporting.run(_settings(), order, console))


@app.command(epilog="Example: [bold]image-assets serve --port 8000 --workers 2[/bold]")
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that answer; one on each core is enough.")
    ] = 1,
) -> None:
    """Serve exports by open or signed addresses, what is published at `local`, and reports.

    A page at / shows what was published last. Ctrl-C or SIGTERM ends it: answers under way are
    finished within DELIVERY_GRACE_SECONDS.
    """
    from image_assets.cli import serve as serving  # it takes FastAPI with it

    with _clear_errors():
        serving.run(_settings(), host, port, workers)


@app.command(
    epilog="Example: [bold]image-assets sign thumbnail/3f/3f…-0a1b2c3d.jpg --expires-in 600[/bold]"
)
def sign(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="An export's name, or its store key.")
    ],
    expires_in: Annotated[
        int | None,
        typer.Option(min=1, help="Seconds it lives.", show_default="URL_SIGNATURE_EXPIRY"),
    ] = None,
    tenant: Annotated[str, typer.Option(help="Whose export it is.")] = DEFAULT_TENANT,
) -> None:
    """Print a signed address of the export NAME; whoever has it may read the file until it expires."""
    with _clear_errors():
        settings = _settings()
        raise typer.Exit(signing.run(settings, name, expires_in, tenant, tell=console, say=result))


def _days(first: dt.datetime | None, last: dt.datetime | None) -> list[dt.date]:
    return [] if first is None else downloading.days(first.date(), (last or first).date())
