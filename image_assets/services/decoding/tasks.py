"""What a worker is asked to do with pictures, one function a task."""

import errno
from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image

from image_assets.core import fingerprint, fitting, mockups, render
from image_assets.core.animation import Animation, fitted_animation
from image_assets.core.colour import upright
from image_assets.core.contact_sheet import contact_sheet
from image_assets.core.errors import UnreadableImageError
from image_assets.core.model import Rendered
from image_assets.core.reading import Enough, examine, frame_count, open_image
from image_assets.core.recipes import MOVING, Fit, Recipe
from image_assets.core.render import Base
from image_assets.core.shrinking import shrunk
from image_assets.services.decoding.wire import (
    Bounds,
    Header,
    area_from_header,
    picture_to_header,
    recipe_from_header,
    rendered_to_header,
)

Answer = tuple[Header, list[bytes]]
Task = Callable[[list[Path], Header, Bounds], Answer]


def inspect(files: list[Path], request: Header, bounds: Bounds) -> Answer:
    """What a picture is, every pixel decoded."""
    found = examine(files[0], max_pixels=bounds.max_pixels, max_bytes=bounds.max_bytes)
    return {"picture": picture_to_header(found)}, []


def fingerprints(files: list[Path], request: Header, bounds: Bounds) -> Answer:
    """The fingerprint of a picture."""
    return {}, [fingerprint.of(upright(_open(files[0], bounds))).to_bytes()]


def rendered(files: list[Path], request: Header, bounds: Bounds) -> Answer:
    """A picture in every format of every recipe, decoded once for those that are decoded alike."""
    recipes = [recipe_from_header(header) for header in request["recipes"]]
    sets = _sets(files, recipes, bounds)
    contents = [content for made in sets for content in made.files.values()]
    return {"sets": [rendered_to_header(made) for made in sets]}, contents


def sheet(files: list[Path], request: Header, bounds: Bounds) -> Answer:
    """A contact sheet."""
    columns, width, limit = (int(request[name]) for name in ("columns", "width", "limit"))
    tile = Recipe("tile", max(1, width // columns), max(1, width // columns), Fit.CONTAIN)
    images = (upright(_open(file, bounds, fitting.enough(tile))) for file in files)
    return {}, [contact_sheet(images, columns=columns, width=width, limit=limit)]


def mockup(files: list[Path], request: Header, bounds: Bounds) -> Answer:
    """A design on a template, in every format of the recipe; the third file, if any, is the shade."""
    recipe = recipe_from_header(request["recipe"])
    areas = [area_from_header(header) for header in request["areas"]]
    design, scene, *shade = (upright(_open(file, bounds)) for file in files)
    made = mockups.mockup(design, scene, areas, shade=next(iter(shade), None), ground=recipe.ground)
    done = render.render(made, recipe)
    return {"set": rendered_to_header(done)}, list(done.files.values())


TASKS: Mapping[str, Task] = {
    "inspect": inspect,
    "fingerprint": fingerprints,
    "render": rendered,
    "contact_sheet": sheet,
    "mockup": mockup,
}
"""By the names that requests have."""


def _sets(files: list[Path], recipes: list[Recipe], bounds: Bounds) -> list[Rendered]:
    """The sets in the order of their recipes; one picture is in memory at a time."""
    base = _base(files[1:], recipes, bounds)
    made: dict[Recipe, Rendered] = {}
    for decoding in dict.fromkeys(recipe.decoding for recipe in recipes):
        alike = [recipe for recipe in recipes if recipe.decoding == decoding]
        image, moves = _picture(files[0], alike, bounds)
        for recipe in alike:
            moving = _moving(files[0], recipe, bounds) if moves else None
            made[recipe] = render.render(image, recipe, base=base, moving=moving)
    return [made[recipe] for recipe in recipes]


def _picture(file: Path, recipes: list[Recipe], bounds: Bounds) -> tuple[Image.Image, bool]:
    """The picture, shrunk already where that can be, and whether it is the first of several."""
    limits = {"max_pixels": bounds.max_pixels, "max_bytes": bounds.max_bytes}
    if len(recipes) == 1 and (small := shrunk(file, recipes[0], **limits)) is not None:
        return small, False
    image = _open(file, bounds, fitting.enough(recipes[0]))
    moves = frame_count(image) > 1
    return upright(image), moves


def _moving(file: Path, recipe: Recipe, bounds: Bounds) -> Animation | None:
    if not recipe.animated or MOVING.isdisjoint(recipe.formats):
        return None
    return fitted_animation(file, recipe, max_pixels=bounds.max_pixels, max_bytes=bounds.max_bytes)


def _base(files: list[Path], recipes: list[Recipe], bounds: Bounds) -> Base:
    """The base, or why there is none: the picture is not to blame for that."""
    composites = [recipe for recipe in recipes if recipe.composite is not None]
    if not (files and composites):
        return None
    try:
        return upright(_open(files[0], bounds))
    except UnreadableImageError as error:
        return f"{files[0].name}: {error}"
    except MemoryError:
        return f"{files[0].name}: decoding needs more than {bounds.memory_mb} MiB"
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return f"{files[0].name}: it is not there"


def _open(file: Path, bounds: Bounds, enough: Enough | None = None) -> Image.Image:
    return open_image(file, max_pixels=bounds.max_pixels, max_bytes=bounds.max_bytes, enough=enough)
