"""A base picture that shines through another, as original 1 composes a generated picture with its base."""

from collections.abc import Callable, Mapping

from PIL import Image, ImageChops

from image_assets.core.fitting import covering, fitted
from image_assets.core.recipes import Blend, Composite, Fit, Recipe

Mix = Callable[[Image.Image, Image.Image], Image.Image]

_EXACT = frozenset({Fit.COVER, Fit.PAD, Fit.STRETCH})
_MIXES: Mapping[Blend, Mix] = {
    Blend.MULTIPLY: ImageChops.multiply,
    Blend.SCREEN: ImageChops.screen,
    Blend.OVERLAY: ImageChops.overlay,
    Blend.SOFT_LIGHT: ImageChops.soft_light,
    Blend.HARD_LIGHT: ImageChops.hard_light,
    Blend.LIGHTER: ImageChops.lighter,
    Blend.DARKER: ImageChops.darker,
    Blend.DIFFERENCE: ImageChops.difference,
}


def fitted_base(base: Image.Image, recipe: Recipe, size: tuple[int, int]) -> Image.Image:
    """The base in the size that the fitted picture has: as the recipe fits, else filling it."""
    return fitted(base, recipe) if recipe.fit in _EXACT else covering(base, size)


def composed(picture: Image.Image, base: Image.Image, how: Composite) -> Image.Image:
    """Opaque picture and base of one size: `Image.blend(picture, mixture, share)`.

    The mixture of `Blend.NORMAL` is the base itself, that of the others what the mode makes of the
    base below and the picture above.
    """
    mixture = base if how.blend is Blend.NORMAL else mixed(base, picture, how.blend)
    return Image.blend(picture, mixture, how.share)


def mixed(below: Image.Image, above: Image.Image, blend: Blend) -> Image.Image:
    """What a mode makes of two opaque pictures of one size; `Blend.NORMAL` shows the one above."""
    return above if blend is Blend.NORMAL else _MIXES[blend](below, above)
