"""`image-assets mockup …`: the templates there are, and what a design looks like on one."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from image_assets import compose
from image_assets.cli.surroundings import clear_errors, console, result, settings
from image_assets.core.errors import PermanentError
from image_assets.template_specs import names, template, templates

app = typer.Typer(
    help="Look at the templates of mockups, and at designs on them.",
    epilog="Example: [bold]image-assets mockup preview design.png --template mug[/bold]",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@app.command("list", epilog="Example: [bold]image-assets mockup list[/bold]")
def list_templates() -> None:
    """List the templates of MOCKUP_TEMPLATES, with the areas that each has."""
    with clear_errors():
        root = settings().mockup_templates
        table = Table("template", "areas", "shade", "picture")
        for one in templates(root):
            shade = "yes" if one.shade else ""
            table.add_row(Text(one.name), str(len(one.areas)), shade, Text(Path(one.image).name))
        if not names(root):
            console.print(
                Text(f"No templates in {root} yet; docs/mockups.md says how one is made.")
            )
            return
        result.print(table)


@app.command(
    epilog="Example: [bold]image-assets mockup preview design.png --template mug --output mug.jpg[/bold]"
)
def preview(
    design: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="The design's picture.")
    ],
    name: Annotated[str, typer.Option("--template", help="Which template.")],
    output: Annotated[
        Path | None,
        typer.Option(help="Where to; beside the design when left out.", dir_okay=False),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file that is there.")
    ] = False,
) -> None:
    """Show DESIGN on a template, as a mockup of it would be; nothing is recorded."""
    with clear_errors():
        given = settings()
        chosen = template(given.mockup_templates, name)
        recipe = given.mockup_recipe
        (format,) = recipe.formats
        file = output or design.with_name(f"{design.stem}-{name}.{format.extension}")
        if file.exists() and not force:
            raise PermanentError(f"{file} is there already; --force writes over it")
        with compose.decoder(given) as decoder:
            made = decoder.mockup(design, chosen, recipe)
        try:
            file.write_bytes(made.files[format])
        except OSError as error:
            raise PermanentError(f"{file}: cannot be written: {error.strerror}") from error
        result.print(Text(f"{file}: {made.width}x{made.height}, {len(made.files[format]):,} bytes"))
