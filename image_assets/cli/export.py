"""`image-assets export`: the pictures of any folder in the sizes and formats that are asked for."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from PIL import ImageColor
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from image_assets import compose
from image_assets.cli.display import tell
from image_assets.cli.sizes import in_bytes
from image_assets.cli.surroundings import clear_errors, console, result, settings
from image_assets.core import naming, presets
from image_assets.core.colour import RGB
from image_assets.core.errors import PermanentError
from image_assets.core.model import ImageFormat
from image_assets.core.recipes import EXPORTED, LONGEST_SIDE, Blend, Composite, Fit, Recipe
from image_assets.services import durable
from image_assets.settings import Settings
from image_assets.stages import export_page
from image_assets.stages.exporting import ExportedPicture, FolderExporter
from image_assets.stages.report import Progress

_EXAMPLES = (
    "Examples: [bold]image-assets export photos --preset 16:9 --formats jpeg,webp --page[/bold] · "
    "[bold]image-assets export designs --preset square --fit pad --max-bytes 100KB[/bold] · "
    "[bold]image-assets export photos --widths 320,640,1280 --formats webp,avif[/bold]"
)
_PAGE = "exports.html"


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for: from where, in which recipes, to where."""

    origin: Path
    recipes: tuple[Recipe, ...]
    target: Path
    base: Path | None = None
    page: bool = False


def add_to(app: typer.Typer) -> None:
    """Make this command one of the application."""
    app.command(epilog=_EXAMPLES)(export)


_PRESETS = f"{', '.join(presets.PRESETS)}, or 16:9, 1:1, 9:16 …; repeat."
_Source = Annotated[Path, typer.Argument(help="The folder of pictures, with all below it.")]
_Preset = Annotated[list[str] | None, typer.Option(help=_PRESETS)]
_Formats = Annotated[str, typer.Option(help="Of png, jpeg, webp, avif, gif; with commas.")]
_Side = typer.Option(min=1, max=LONGEST_SIDE, help="Pixels, instead of the preset's.")
_Widths = Annotated[
    str | None, typer.Option(help="A set of widths from one decoding, as 320,640,1280.")
]
_Fit = Annotated[Fit | None, typer.Option(help="How a picture of another shape meets the size.")]
_Ground = Annotated[str, typer.Option(help="Colour below transparency and beside padded pictures.")]
_Bytes = Annotated[str | None, typer.Option(help="No file is larger, as 100KB: quality gives way.")]
_Animated = Annotated[
    bool, typer.Option(help="WebP and GIF keep animations; else their first picture.")
]
_Base = Annotated[Path | None, typer.Option(help="A picture that shines through every export.")]
_Share = Annotated[float, typer.Option(min=0, max=1, help="The base's share.")]
_Blend = Annotated[Blend, typer.Option(help="How the base is mixed in.")]
_Partial = Annotated[bool, typer.Option(help="Export the other formats where one fails.")]
_Out = Annotated[Path, typer.Option(help="Where the exports go.")]
_Page = Annotated[bool, typer.Option(help="Also write a page that shows them side by side.")]


def export(
    src: _Source,
    preset: _Preset = None,
    formats: _Formats = "png,jpeg,webp",
    width: Annotated[int | None, _Side] = None,
    height: Annotated[int | None, _Side] = None,
    widths: _Widths = None,
    fit: _Fit = None,
    ground: _Ground = "white",
    max_bytes: _Bytes = None,
    animated: _Animated = False,
    base: _Base = None,
    share: _Share = 0.3,
    blend: _Blend = Blend.NORMAL,
    allow_partial_set: _Partial = False,
    out: _Out = Path("exports"),
    page: _Page = False,
) -> None:
    """Export every picture below SRC in the wanted sizes and formats; nothing in SRC is changed.

    Names of exports hold what made them, so a second run writes nothing. Colours become sRGB,
    orientation upright, and no metadata leaves. A picture that cannot be exported is told at the
    end, and the exit code is 1. Qualities are settings: JPEG_QUALITY, WEBP_QUALITY and their like.
    """
    with clear_errors():
        loaded = settings()
        with _as_asked():
            how = replace(
                loaded.recipe,
                formats=_formats(formats),
                ground=_colour(ground),
                max_bytes=in_bytes(max_bytes, "--max-bytes"),
                animated=animated,
                composite=Composite(share, blend) if base else None,
                allow_partial_set=allow_partial_set,
            )
            sized = _sized(how, tuple(preset or ()), width, height, fit)
            recipes = tuple(wide for recipe in sized for wide in _widened(recipe, widths))
        raise typer.Exit(run(loaded, Order(src, recipes, out, base, page), console))


def run(settings: Settings, order: Order, console: Console) -> int:
    """Export, tell what became of it, and write the page; 1 when a picture failed."""
    folder = compose.pictures_below(order.origin, without=order.target)
    store = compose.store_at(order.target.absolute())
    pictures = folder.pictures()
    with durable.disk_errors(order.target):
        durable.make_folder(order.target.absolute())
    with compose.decoder(settings) as decoder, _bar(console) as progress:
        exporter = FolderExporter(
            order.recipes,
            folder,
            store,
            decoder,
            settings.image_assets_decode_workers,
            order.base and order.base.absolute(),
            _sha256(order.base),
        )
        report, exported = exporter.export(pictures, progress=progress)
    with suppress(OSError):  # not empty: somebody else exports to here as well
        (order.target / naming.TEMPORARY).rmdir()
    tell(report, console)
    if order.page:
        result.print(str(_write_page(order.target, exported, store)), soft_wrap=True)
    return 1 if report.failed else 0


def _write_page(
    target: Path, exported: Sequence[ExportedPicture], store: compose.LocalStore
) -> Path:
    """The page beside the exports; written only where it changed."""
    page, content = target / _PAGE, export_page.render(exported, store)
    with durable.disk_errors(page):
        if not page.exists() or page.read_bytes() != content:
            durable.write(page, [content])
    return page


@contextmanager
def _as_asked() -> Iterator[None]:
    """What no recipe can be, as an error of who asked for it."""
    try:
        yield
    except ValueError as error:
        raise PermanentError(str(error)) from error


def _sized(
    how: Recipe, names: tuple[str, ...], width: int | None, height: int | None, fit: Fit | None
) -> list[Recipe]:
    """The recipes in the sizes that were asked for: of presets, in pixels, or both."""
    if names or not (width or height):
        wanted = [presets.preset(name, how, fit or Fit.COVER) for name in names or ("16:9",)]
        return [_of_preset(recipe, width, height) for recipe in wanted]
    name = f"{width}x{height}" if width and height else f"{width}w" if width else f"{height}h"
    usual = Fit.COVER if width and height else Fit.CONTAIN
    across, down = width or LONGEST_SIDE, height or LONGEST_SIDE
    return [replace(how, name=name, fit=fit or usual, width=across, height=down)]


def _of_preset(recipe: Recipe, width: int | None, height: int | None) -> Recipe:
    """A preset in another size: with one side its shape stays."""
    if not (width or height):
        return recipe
    wide = width or max(1, round(recipe.width * (height or 1) / recipe.height))
    high = height or max(1, round(recipe.height * wide / recipe.width))
    return replace(recipe, name=f"{recipe.name}-{wide}x{high}", width=wide, height=high)


def _widened(recipe: Recipe, widths: str | None) -> tuple[Recipe, ...]:
    if widths is None:
        return (recipe,)
    if not all(width.strip().isdecimal() for width in widths.split(",")):
        raise PermanentError(f"--widths {widths}: say them as 320,640,1280")
    return presets.responsive(recipe, tuple(int(width) for width in widths.split(",")))


def _formats(text: str) -> tuple[ImageFormat, ...]:
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    names = ["jpeg" if name == "jpg" else name for name in names]
    wrong = [name for name in names if name not in EXPORTED]
    if wrong or not names:
        known = ", ".join(EXPORTED)
        raise PermanentError(f"--formats {text}: {', '.join(wrong) or 'none'}; there are {known}")
    return tuple(dict.fromkeys(ImageFormat(name) for name in names))


def _colour(text: str) -> RGB:
    try:
        red, green, blue, *_ = ImageColor.getrgb(text)
    except ValueError as error:
        raise PermanentError(f"--ground {text}: no colour; say white or #f0f0f0") from error
    return red, green, blue


def _sha256(base: Path | None) -> str | None:
    if base is None:
        return None
    with durable.disk_errors(base), base.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextmanager
def _bar(console: Console) -> Iterator[Progress]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Bars(*columns, TimeElapsedColumn(), console=console) as bars:
        task = bars.add_task("exporting", total=None)
        yield lambda report, total: bars.update(
            task, completed=report.done + report.failed, total=total
        )
