"""How a picture comes to the size of a recipe: shrunk once, cut or padded, never encoded."""

import math
from dataclasses import dataclass

from PIL import Image

from image_assets.core.reading import Enough
from image_assets.core.recipes import Fit, Recipe, Size
from image_assets.core.resizing import Box, resized

# How many times larger than its export a JPEG is decoded at least: half and quarter decodings cut
# fine detail off block by block, which shows in files that hold much of it, bits for each pixel.
_SPARE, _SPARE_OF_DETAILED = 1.5, 3.0
_DETAILED = 1.2


@dataclass(frozen=True, slots=True)
class Part:
    """What is taken of a picture (left, top, right, bottom), and the size that it gets."""

    box: Box
    size: Size


def fitted(image: Image.Image, recipe: Recipe) -> Image.Image:
    """An RGB or RGBA picture in the recipe's size, resized once."""
    return padded(unpadded(image, recipe), recipe)


def unpadded(image: Image.Image, recipe: Recipe) -> Image.Image:
    """The same before it is padded, where the recipe does."""
    part = part_of(image.size, recipe)
    return resized(image, part.size, part.box)


def part_of(size: Size, recipe: Recipe) -> Part:
    """Which part of a picture of that size the recipe shows, and how large it becomes."""
    whole = (0, 0, *size)
    if recipe.fit is Fit.STRETCH:
        return Part(whole, recipe.size)
    if recipe.fit in (Fit.CONTAIN, Fit.PAD):
        return Part(whole, within(size, recipe.size, enlarge=recipe.fit is Fit.PAD))
    box = _cover_box(size, recipe.size)
    own = box[2] - box[0], box[3] - box[1]
    # Cut to a shape, what is smaller than the target is not enlarged.
    grows = recipe.fit is Fit.COVER or own[0] > recipe.width
    return Part(box, recipe.size if grows else own)


def padded(image: Image.Image, recipe: Recipe) -> Image.Image:
    """A picture centred in the recipe's size where it is to be padded: on the ground, or on nothing."""
    if recipe.fit is not Fit.PAD or image.size == recipe.size:
        return image
    ground = recipe.ground if image.mode == "RGB" else (0, 0, 0, 0)
    canvas = Image.new(image.mode, recipe.size, ground)
    place = (recipe.width - image.width) // 2, (recipe.height - image.height) // 2
    canvas.paste(image, place)
    return canvas


def enough(recipe: Recipe) -> Enough:
    """How large a picture must be decoded for the recipe, by how much detail there is in its file."""
    target, fit = recipe.decoding

    def least(size: Size, bits: float) -> Size:
        spare = _SPARE if bits < _DETAILED else _SPARE_OF_DETAILED
        ratios = size[0] / target[0], size[1] / target[1]
        shrinks = min(ratios) if fit in (Fit.COVER, Fit.CROP, Fit.STRETCH) else max(ratios)
        scale = max(1.0, shrinks / spare)
        return math.ceil(size[0] / scale), math.ceil(size[1] / scale)

    return least


def within(size: Size, bounds: Size, *, enlarge: bool) -> Size:
    """The largest size of the same shape that fits; never beyond the picture's own unless told."""
    scale = min(bounds[0] / size[0], bounds[1] / size[1])
    if not enlarge:
        scale = min(scale, 1.0)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def covering(image: Image.Image, size: Size) -> Image.Image:
    """The middle of the picture in exactly that size."""
    return resized(image, size, _cover_box(image.size, size))


def _cover_box(size: Size, target: Size) -> Box:
    """The middle part of a picture that has the target's shape, to the pixel."""
    scale = min(size[0] / target[0], size[1] / target[1])
    width, height = (max(1, min(size[n], round(target[n] * scale))) for n in (0, 1))
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return left, top, left + width, top + height
