"""`image-assets restore` and `pin`: originals that retention removed come back, and others never go."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from image_assets import compose
from image_assets.cli.surroundings import clear_errors, console, result, settings
from image_assets.core.errors import PermanentError
from image_assets.settings import Settings
from image_assets.stages.originals import Originals
from image_assets.stages.ranges import now

_PIN_EPILOG = (
    "Example: [bold]image-assets pin images/2025-09-01/in_gate/20250901100000_in_gate.jpg[/bold]"
)
_EPILOG = (
    "Examples: [bold]image-assets restore[/bold] · [bold]image-assets restore --all[/bold] · "
    "[bold]image-assets restore images/2025-09-01/in_gate/20250901100000_in_gate.jpg[/bold]"
)


def add_to(app: typer.Typer) -> None:
    """Make this a command of the application."""
    app.command(epilog=_EPILOG)(restore)
    app.command(epilog=_PIN_EPILOG)(pin)


def pin(
    key: Annotated[
        list[str], typer.Argument(metavar="KEY", help="Store keys of originals, as images/….")
    ],
    off: Annotated[bool, typer.Option("--off", help="Let them go again.")] = False,
) -> None:
    """Keep the originals of these KEYs in the store for good, however well they are proven elsewhere."""
    with clear_errors(), compose.catalog(settings()) as catalog:
        unknown = catalog.originals.pin(key, pinned=not off)
        if unknown:
            raise PermanentError(f"{', '.join(unknown)}: no original that is here has this key")
        result.out(f"{'unpinned' if off else 'pinned'}={len(key)}", highlight=False)


def restore(
    key: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY", help="Store keys of originals, as the list shows them."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every original that can come back.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = (
        False
    ),
) -> None:
    """Bring originals back that were removed because they are proven elsewhere.

    That is possible for RETENTION_UNDO_DAYS after they went. Without a KEY and --all the command shows
    which they are. What came back is pinned: it stays until image-assets pin --off lets it go again.
    """
    with clear_errors():
        if key and every:
            raise PermanentError("name originals, or --all of them: not both")
        raise typer.Exit(run(settings(), key, every, as_json, result, console))


def run(
    settings: Settings,
    paths: list[str] | None,
    every: bool,
    as_json: bool,
    out: Console,
    console: Console,
) -> int:
    """Bring back, or show what could be; the exit code."""
    with compose.catalog(settings) as catalog:
        stage = Originals(catalog.originals, compose.store(settings), settings.originals)
        if not paths and not every:
            return _show(stage, as_json, out)
        _check(stage, paths)
        report = stage.restore(None if every else set(paths or ()), now=now())
    for failure in report.failures:
        console.print("[red]failed:[/red]", Text(f"{failure.item}: {failure.reason}"))
    restored = report.counts.get("restored", 0)
    told = json.dumps({"restored": restored, "failed": report.failed})
    out.out(told if as_json else f"restored={restored}", highlight=False)
    return 1 if report.failed else 0


def _check(stage: Originals, paths: list[str] | None) -> None:
    known = {one.path for one in stage.removed()} if paths else set()
    if unknown := [path for path in paths or () if path not in known]:
        raise PermanentError(
            f"{unknown[0]} is no original that can come back: it is there, was purged or never was"
        )


def _show(stage: Originals, as_json: bool, out: Console) -> int:
    removed = list(stage.removed())
    if as_json:
        keys = [{"file": one.path, "bytes": one.size, "reason": one.reason} for one in removed]
        out.out(json.dumps({"removed": keys}), highlight=False)
        return 0
    for one in removed:
        out.print(Text(f"{one.path}  {one.size:,} bytes  {one.reason}"), soft_wrap=True)
    out.out(f"removed={len(removed)}", highlight=False)
    return 0
