"""Exports: a picture in the size and formats that a recipe asks for."""

from PIL import Image

from image_assets.core import animation, encoding
from image_assets.core.animation import Animation
from image_assets.core.colour import flatten
from image_assets.core.compositing import composed, fitted_base
from image_assets.core.encoding import encoder_version
from image_assets.core.errors import PermanentError
from image_assets.core.fitting import fitted
from image_assets.core.model import ImageFormat, Rendered
from image_assets.core.recipes import MOVING, Recipe

BASE = "base"
"""What is lacking, in `Rendered.lacking`, of a picture that was exported without its base."""

Base = Image.Image | str | None
"""An upright base, or why there is none."""


def render(
    image: Image.Image, recipe: Recipe, *, base: Base = None, moving: Animation | None = None
) -> Rendered:
    """An upright sRGB picture in every format of the recipe; pixels only, no metadata.

    Alpha is kept where the format has it, unless the recipe wants it opaque, and laid on the ground
    where not (JPEG).

    Args:
        image: the picture, of an animation the first.
        recipe: what is made of it.
        base: what shines through, where the recipe is a composite.
        moving: the fitted animation, where the recipe keeps it.

    Raises:
        PermanentError: a format or the base fails, and the recipe does not do without.
    """
    lacking: dict[str, str] = {}
    still = _still(image, recipe, base, lacking)
    files: dict[ImageFormat, bytes] = {}
    for format in recipe.formats:
        try:
            files[format] = _file(still, moving, format, recipe)
        except PermanentError as error:
            if not recipe.allow_partial_set:
                raise
            lacking[format] = str(error)
    if not files:
        raise PermanentError("; ".join(lacking.values()))
    return Rendered(files, *still.size, encoder_version(), lacking)


def _still(image: Image.Image, recipe: Recipe, base: Base, lacking: dict[str, str]) -> Image.Image:
    if recipe.opaque or recipe.composite is not None:
        image = flatten(image, recipe.ground)
    picture = fitted(image, recipe)
    if recipe.composite is None:
        return picture
    if isinstance(base, Image.Image):
        below = fitted_base(flatten(base, recipe.ground), recipe, picture.size)
        return composed(picture, below, recipe.composite)
    why = base or "there is none"
    if not recipe.allow_without_base:
        raise PermanentError(
            f"the base picture is missing: {why}; give one, or allow to do without"
        )
    lacking[BASE] = why
    return picture


def _file(
    still: Image.Image, moving: Animation | None, format: ImageFormat, recipe: Recipe
) -> bytes:
    if moving is not None and format in MOVING:
        return animation.encode(moving, format, recipe)
    return encoding.encode(still, format, recipe)
