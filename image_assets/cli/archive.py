"""The commands on the archive and their arguments: what we hold, and whether it is as it should be."""

import datetime as dt
from typing import Annotated

import typer

from image_assets.cli import holdings as holding
from image_assets.cli import verify as verifying
from image_assets.cli.spans import Asked
from image_assets.cli.surroundings import UTC_DATE, clear_errors, console, result, settings
from image_assets.stages.mend import MOST

_HOLDINGS = (
    "Examples: [bold]image-assets holdings[/bold] · "
    "[bold]image-assets holdings --from 2025-09-01 --to 2025-09-30 --verify[/bold]"
)
_VERIFY = (
    "Examples: [bold]image-assets verify --from 2025-09-01 --to 2025-09-30[/bold] · "
    "[bold]image-assets verify --from 2025-09-03 --to 2025-09-03 --repair[/bold] · "
    "[bold]image-assets verify --source inbox[/bold]"
)

From = Annotated[
    dt.datetime | None,
    typer.Option("--from", formats=UTC_DATE, help="First UTC day; the source's first."),
]
To = Annotated[
    dt.datetime | None,
    typer.Option("--to", formats=UTC_DATE, help="Last UTC day; the last one that is closed."),
]
Streams = Annotated[
    list[str] | None, typer.Option(help="in_gate or apm/in_gate; repeat; all when left out.")
]
Source = Annotated[
    str | None, typer.Option(help="Which source of the sources file; all when left out.")
]
Batches = Annotated[
    list[str] | None, typer.Option("--batch", metavar="KEY", help="Only this batch; repeat.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def holdings(
    first: From = None,
    last: To = None,
    stream: Streams = None,
    source: Source = None,
    batch: Batches = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Hash every file of those days and batches as well.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Say which days and batches we hold, and what is lacking in them with its cause.

    A day is held when it is closed and everything its listing named is settled, a batch when all of its
    files are. Exit code 1 when one is not held that could be. Reads the catalog alone, unless --verify
    is given. A batch is of the day it was taken on, and its shop is its stream.
    """
    with clear_errors():
        asked = _asked(first, last, stream, source, batch)
        code = holding.run(settings(), asked, verify=verify, as_json=json, out=result)
        raise typer.Exit(code)


def verify(
    first: From = None,
    last: To = None,
    stream: Streams = None,
    source: Source = None,
    batch: Batches = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair/--no-repair",
            help="Set changed files aside, and fetch them and the missing ones again.",
        ),
    ] = False,
    recheck_gone: Annotated[
        bool, typer.Option("--recheck-gone", help="Ask again for what was gone at its source.")
    ] = False,
    most: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Repair no more than this share of the files: is the disk mounted?"
        ),
    ] = MOST,
    json: AsJson = False,
) -> None:
    """Hash what is on disk, of days and of batches; show what is missing, changed or in no record.

    Without --repair and --recheck-gone nothing is changed. Nothing is ever deleted: a changed file
    moves to quarantine. What was dropped is fetched from its batch's folder while that is there. Exit
    code 1 when something is not as it should be at the end.
    """
    with clear_errors():
        asked = _asked(first, last, stream, source, batch)
        remedy = verifying.Remedy(repair, recheck_gone, most)
        code = verifying.run(settings(), asked, remedy, as_json=json, out=result, console=console)
        raise typer.Exit(code)


def add_to(app: typer.Typer) -> None:
    """Make these commands of the application."""
    app.command(epilog=_HOLDINGS)(holdings)
    app.command(epilog=_VERIFY)(verify)


def _asked(
    first: dt.datetime | None,
    last: dt.datetime | None,
    streams: list[str] | None,
    source: str | None,
    batches: list[str] | None,
) -> Asked:
    days = first.date() if first else None, last.date() if last else None
    return Asked(*days, streams or (), source, batches or ())
