"""Recipes: what a set of exports is to be. What is done with them is in `core/render.py`."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from image_assets.core.colour import RGB, WHITE
from image_assets.core.model import ImageFormat

Size = tuple[int, int]

LONGEST_SIDE = 16_383
"""Pixels, as WebP has them."""

LEAST_BYTES = 1_000
"""A smaller limit is a slip of the pen: no picture of any use fits."""

EXPORTED = (
    ImageFormat.PNG,
    ImageFormat.JPEG,
    ImageFormat.WEBP,
    ImageFormat.AVIF,
    ImageFormat.GIF,
)
"""The formats that exports may have."""

MOVING = frozenset({ImageFormat.WEBP, ImageFormat.GIF})
"""Those that keep an animation, where a recipe says so."""

_DIGITS = 16  # hexadecimal: 64 bits tell recipes apart


class Fit(StrEnum):
    """How a picture meets a size of another shape."""

    CONTAIN = "contain"  # whole picture, its own shape, no larger than the size nor than it was
    COVER = "cover"  # fills the size, what stands over is cut evenly
    PAD = "pad"  # whole picture, centred on the ground, exactly the size
    STRETCH = "stretch"  # exactly the size, whatever the shape
    CROP = "crop"  # the shape of the size, the rest cut evenly; no larger than the size nor than it was


class Blend(StrEnum):
    """How base and picture are mixed before the mixture takes its share: Pillow's `ImageChops`."""

    NORMAL = "normal"  # the base itself, as `Image.blend` has it
    MULTIPLY = "multiply"
    SCREEN = "screen"
    OVERLAY = "overlay"
    SOFT_LIGHT = "soft_light"
    HARD_LIGHT = "hard_light"
    LIGHTER = "lighter"
    DARKER = "darker"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True)
class Composite:
    """That a base picture shines through: 0.3 is 70 % picture and 30 % base, as original 1 has it."""

    share: float = 0.3
    blend: Blend = Blend.NORMAL

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"the share of a base is 0 to 1, not {self.share:g}")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A set of exports.

    Its name is spelled in paths and in the catalog; `digest` says whether two recipes make the same.

    Args:
        name: what people call it.
        width, height: pixels.
        fit: how the picture meets that size.
        ground: the RGB colour under transparency where a format has none, and beside an opaque
            picture that is padded.
        formats: which files the set consists of.
        png_compression: 0..9 bounds the size: no larger than 1.02 x zlib at that level.
        jpeg_quality, webp_quality, avif_quality: 1..100.
        jpeg_progressive: rows of a JPEG come in several passes: smaller, and slower to make.
        opaque: transparency is laid on the ground in every format.
        animated: WebP and GIF keep an animation; every other format has its first picture.
        max_bytes: no file is larger; quality gives way until it fits.
        composite: how a base picture takes part.
        decoded_for: the size of the largest recipe of a set that is made from one decoding, where
            that is not this one: a JPEG is not decoded larger than its exports need.
        allow_partial_set: a format that fails is told, and the others are exported without it.
        allow_without_base: where the base is missing the picture alone is exported, and told.
    """

    name: str
    width: int = 1280
    height: int = 720
    fit: Fit = Fit.PAD
    ground: RGB = WHITE
    formats: tuple[ImageFormat, ...] = (ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP)
    png_compression: int = 9
    jpeg_quality: int = 85
    webp_quality: int = 80
    jpeg_progressive: bool = False
    avif_quality: int = 65
    opaque: bool = False
    animated: bool = False
    max_bytes: int | None = None
    composite: Composite | None = None
    decoded_for: Size | None = None
    allow_partial_set: bool = False
    allow_without_base: bool = False

    def __post_init__(self) -> None:
        if not self.formats or not set(self.formats) <= set(EXPORTED):
            raise ValueError(f"recipe {self.name}: exports are PNG, JPEG, WebP, AVIF or GIF")
        if len(set(self.formats)) < len(self.formats):
            raise ValueError(f"recipe {self.name}: a format is named twice")
        if not (0 < self.width <= LONGEST_SIDE and 0 < self.height <= LONGEST_SIDE):
            raise ValueError(f"recipe {self.name}: sides are 1 to {LONGEST_SIDE} pixels")
        if self.max_bytes is not None and self.max_bytes < LEAST_BYTES:
            raise ValueError(f"recipe {self.name}: at least {LEAST_BYTES} bytes are allowed")
        qualities = (self.jpeg_quality, self.webp_quality, self.avif_quality)
        if not all(1 <= quality <= 100 for quality in qualities):
            raise ValueError(f"recipe {self.name}: qualities are 1 to 100")
        if not 0 <= self.png_compression <= 9:
            raise ValueError(f"recipe {self.name}: PNG compression is 0 to 9")

    @property
    def size(self) -> Size:
        """Width and height."""
        return self.width, self.height

    @property
    def decoding(self) -> tuple[Size, Fit]:
        """What decides how large a JPEG is decoded."""
        return self.decoded_for or self.size, self.fit

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of everything that changes the set's bytes, name and encoders not.

        Two recipes of equal digest make the same files of the same picture with the same encoders.
        """
        formats = sorted(set(self.formats))
        return _hashed({format: self._settings_of(format) for format in formats})

    def digest_of(self, format: ImageFormat) -> str:
        """The same of one file: another format added to the set leaves it as it is."""
        return _hashed({format: self._settings_of(format)})

    def _settings_of(self, format: ImageFormat) -> dict[str, Any]:
        """What changes the bytes in one format. What may be left out is, at its neutral value:

        so a setting that is added here some day leaves the digests of all older recipes alone.
        """
        own = {
            ImageFormat.PNG: {"compression": self.png_compression},
            ImageFormat.JPEG: {"quality": self.jpeg_quality, "progressive": self.jpeg_progressive},
            ImageFormat.WEBP: {"quality": self.webp_quality},
            ImageFormat.AVIF: {"quality": self.avif_quality},
        }
        optional = {
            "opaque": self.opaque,
            "animated": self.animated and format in MOVING,
            "max_bytes": self.max_bytes,
            "decoded_for": self.decoded_for if self.decoded_for != self.size else None,
            "composite": self.composite
            and {"share": self.composite.share, "blend": self.composite.blend},
        }
        common = {"size": self.size, "fit": self.fit, "ground": self.ground}
        return common | own.get(format, {}) | {name: v for name, v in optional.items() if v}


def content_name(recipe: Recipe, format: ImageFormat, content: str, base: str | None = None) -> str:
    """The name of an export without its extension: the same picture, base and recipe, the same name.

    Args:
        recipe: what is made.
        format: of which file.
        content: SHA-256 of the picture's bytes.
        base: SHA-256 of the base's bytes, where one took part.
    """
    return _hashed([recipe.digest_of(format), content, base], 32)


def _hashed(value: object, digits: int = _DIGITS) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:digits]
