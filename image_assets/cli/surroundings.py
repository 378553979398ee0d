"""What every command stands on: the settings of this folder, two consoles, errors as one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from image_assets import logs
from image_assets.core.errors import ImageAssetsError
from image_assets.settings import Settings, load

UTC_DATE = ["%Y-%m-%d"]

console = Console(stderr=True)
result = Console()
"""For what a command was asked for; how it gets on is told on standard error."""


def settings() -> Settings:
    """The environment, and for what it leaves open a `.env` in this folder."""
    loaded = load(Path(".env"))
    logs.configure(loaded.log_level, loaded.log_format, loaded.secrets)
    return loaded


@contextmanager
def clear_errors() -> Iterator[None]:
    """Our errors as one line and exit code 1; a bug keeps its traceback."""
    try:
        yield
    except ImageAssetsError as error:
        console.print("[red]error:[/red]", Text(str(error)))
        raise typer.Exit(1) from error
