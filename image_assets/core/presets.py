"""Sizes people ask for by name: `landscape`, `square`, or an aspect ratio as `16:9`."""

from collections.abc import Mapping
from dataclasses import replace

from image_assets.core.recipes import LONGEST_SIDE, Fit, Recipe, Size

PRESETS: Mapping[str, Size] = {
    "landscape": (1280, 720),
    "portrait": (720, 1280),
    "square": (1080, 1080),
    "classic": (1200, 900),
    "classic-portrait": (900, 1200),
    "photo": (1200, 800),
    "photo-portrait": (800, 1200),
    "feed": (1080, 1350),
    "wide": (1680, 720),
    "full-hd": (1920, 1080),
    "small": (320, 180),
    "icon": (256, 256),
    "share": (1200, 630),
}
"""Width and height in pixels, by name."""

RATIOS: Mapping[str, str] = {
    "16:9": "landscape",
    "9:16": "portrait",
    "1:1": "square",
    "4:3": "classic",
    "3:4": "classic-portrait",
    "3:2": "photo",
    "2:3": "photo-portrait",
    "4:5": "feed",
    "21:9": "wide",
}
"""The preset of each aspect ratio, spelled as generators of pictures spell them."""


def size_of(name: str) -> Size:
    """The size of a preset, by its name or its aspect ratio.

    Raises:
        ValueError: there is none of that name; names them all.
    """
    size = PRESETS.get(RATIOS.get(name, name))
    if size is None:
        raise ValueError(f"no preset {name!r}; there are {', '.join((*PRESETS, *RATIOS))}")
    return size


def preset(name: str, recipe: Recipe, fit: Fit = Fit.COVER) -> Recipe:
    """A recipe in the size of a preset, named after it; a colon is no part of a file name."""
    width, height = size_of(name)
    return replace(recipe, name=RATIOS.get(name, name), width=width, height=height, fit=fit)


def responsive(recipe: Recipe, widths: tuple[int, ...]) -> tuple[Recipe, ...]:
    """A recipe in several widths of its own shape, `-640w` in their names, all from one decoding.

    Raises:
        ValueError: a width is out of bounds, or named twice.
    """
    if len(set(widths)) != len(widths) or not all(0 < w <= LONGEST_SIDE for w in widths):
        raise ValueError(f"widths are different, and 1 to {LONGEST_SIDE} pixels: {widths}")
    largest = max(widths), _height(recipe, max(widths))
    return tuple(
        replace(
            recipe,
            name=f"{recipe.name}-{width}w",
            width=width,
            height=_height(recipe, width),
            decoded_for=largest,
        )
        for width in widths
    )


def _height(recipe: Recipe, width: int) -> int:
    return max(1, round(recipe.height * width / recipe.width))
