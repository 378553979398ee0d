"""Exports: a picture in the size and formats that a recipe asks for."""

from dataclasses import dataclass
from enum import StrEnum

from image_assets.core.model import ImageFormat


class Fit(StrEnum):
    """How a picture meets a size of another shape."""

    CONTAIN = "contain"  # whole picture, no larger than the size, its own shape
    COVER = "cover"  # fills the size, what stands over is cut evenly
    PAD = "pad"  # whole picture, centred on the ground, exactly the size
    STRETCH = "stretch"  # exactly the size, whatever the shape


@dataclass(frozen=True, slots=True)
class Recipe:
    """A set of exports. Its name is spelled in paths and in the catalog: a change needs a new name.

    `width` and `height` in pixels; `ground` is the RGB colour under transparency where a format
    has none. `png_compression` 0..9 bounds the size: no larger than 1.02 x zlib at that level.
    """

    name: str
    width: int = 1280
    height: int = 720
    fit: Fit = Fit.PAD
    ground: tuple[int, int, int] = (255, 255, 255)
    formats: tuple[ImageFormat, ...] = (ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP)
    png_compression: int = 9
    jpeg_quality: int = 85
    webp_quality: int = 80
