"""`image-assets batches`: how far the batches of an inbox are, once or for as long as they run."""

import datetime as dt
import json
import time
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from image_assets import compose
from image_assets.cli.surroundings import clear_errors, console, result, settings
from image_assets.core import naming
from image_assets.core.batches import BatchProgress, StepProgress, StepState
from image_assets.core.errors import PermanentError
from image_assets.core.model import Partition
from image_assets.settings import Settings

_EPILOG = (
    "Examples: [bold]image-assets batches[/bold] · [bold]image-assets batches --watch[/bold] · "
    "[bold]image-assets batches --again acme:20261121-175822-001[/bold]"
)
_FAILED = (
    "What waiting may cure is tried again by itself, later each time; anything else, once it is mended:"
    " image-assets batches --again KEY"
)
_EVERY_SECONDS = 1.0
_OVER = (StepState.DONE, StepState.FAILED)
_STYLES = {StepState.DONE: "green", StepState.FAILED: "red", StepState.RUNNING: "yellow"}


def batches(
    limit: Annotated[int, typer.Option(min=1, help="The last so many batches.")] = 20,
    watch: Annotated[
        bool, typer.Option("--watch", help="Renew the table until every batch is over.")
    ] = False,
    again: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY", help="Ask for a batch once more, whatever became of it; repeat."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output.")
    ] = False,
) -> None:
    """Show how far the batches of dropped designs are: four steps each, weighted by bytes.

    Steps whose service is not configured say so and weigh nothing. Exit code 1 when a batch failed.
    With --again, the next look of the sensor takes those batches through their steps once more.
    """
    with clear_errors():
        if again:
            ask_again(settings(), again)
            return
        raise typer.Exit(run(settings(), limit, watch=watch, as_json=as_json))


def add_to(app: typer.Typer) -> None:
    """Make this a command of the application."""
    app.command(epilog=_EPILOG)(batches)


def run(settings: Settings, limit: int, *, watch: bool, as_json: bool) -> int:
    """Show the batches; 1 when one failed."""
    with compose.catalog(settings) as catalog:
        found = catalog.batches.latest(limit=limit)
        if watch and not as_json:
            found = _watched(catalog, limit)
    if as_json:
        result.out(json.dumps([_document(batch) for batch in found]), highlight=False)
    elif not watch:
        _show(found, result)
    return 1 if any(batch.state is StepState.FAILED for batch in found) else 0


def ask_again(settings: Settings, keys: Sequence[str]) -> None:
    """Let the sensor take batches once more.

    Raises:
        PermanentError: there is no such batch; those before it are asked for.
    """
    inboxes = [spec for spec in settings.sources if not spec.dated]
    now = dt.datetime.now(dt.UTC)
    with compose.catalog(settings) as catalog:
        for key in keys:
            named = (partition_named(spec.name, key) for spec in inboxes)
            if not any([catalog.batches.ask_again(batch, now=now) for batch in named]):
                raise PermanentError(f"no batch {key}; image-assets batches shows them")
            console.print(Text(f"{key}: the sensor takes it once more, if it is on"))


def partition_named(source: str, key: str) -> Partition:
    """The batch that goes by a key.

    Raises:
        PermanentError: no batch can.
    """
    try:
        return naming.batch_of(source, key)
    except ValueError as error:
        raise PermanentError(str(error)) from error


def _watched(catalog: compose.Catalog, limit: int) -> Sequence[BatchProgress]:
    found = catalog.batches.latest(limit=limit)
    with Live(_table(found), console=console) as live:
        while any(batch.state not in _OVER for batch in found):
            time.sleep(_EVERY_SECONDS)
            found = catalog.batches.latest(limit=limit)
            live.update(_table(found))
    return found


def _show(found: Sequence[BatchProgress], out: Console) -> None:
    if not found:
        out.print("No batch yet: drop files into data/inbox/{shop}/ and turn the sensor on.")
        return
    out.print(_table(found))
    notes = {
        f"{step.step}: {step.message}"
        for batch in found
        for step in batch.steps
        if step.message and step.state is not StepState.DONE
    }
    for note in sorted(notes):
        out.print(Text(note))
    if any(batch.state is StepState.FAILED for batch in found):
        out.print(Text(_FAILED))


def _table(found: Sequence[BatchProgress]) -> Table:
    table = Table()
    for name in ("batch", "state", "%"):
        table.add_column(name, no_wrap=True)
    for name in _names(found):
        table.add_column(name)
    for batch in found:
        state = Text(batch.state, style=_STYLES.get(batch.state, ""))
        steps = [Text(_cell(step)) for step in batch.steps]
        table.add_row(Text(batch.key), state, f"{100 * batch.share:.0f}", *steps)
    return table


def _names(found: Sequence[BatchProgress]) -> list[str]:
    return [step.step.value for step in found[0].steps] if found else []


def _cell(step: StepProgress) -> str:
    if step.state is StepState.NOT_CONFIGURED:
        return "not configured"
    if step.state is StepState.RUNNING:
        return f"{100 * step.share:.0f} % ({step.items_done} of {step.items_total})"
    return step.state.value


def _document(batch: BatchProgress) -> dict[str, Any]:
    return {
        "source": batch.source,
        "batch": batch.key,
        "state": batch.state.value,
        "percent": round(100 * batch.share, 1),
        "updated_at": batch.updated_at.isoformat(),
        "steps": [
            {
                "step": step.step.value,
                "state": step.state.value,
                "percent": round(100 * step.share, 1),
                "items_done": step.items_done,
                "items_total": step.items_total,
                "bytes_done": step.bytes_done,
                "bytes_total": step.bytes_total,
                "message": step.message,
            }
            for step in batch.steps
        ],
    }
