"""Exports: a picture in the size and formats that a recipe asks for."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from io import BytesIO

from PIL import Image, features
from PIL import __version__ as _pillow_version

from image_assets.core import png
from image_assets.core.colour import RGB, WHITE, flatten
from image_assets.core.model import ImageFormat, Rendered

Size = tuple[int, int]

_LANCZOS = Image.Resampling.LANCZOS
# Pictures more than three times too large are box-averaged down to three times the size first:
# a fraction of the time, and no difference that SSIM shows.
_REDUCING_GAP = 3.0
_SHEET_GROUND: RGB = (32, 32, 32)
_SHEET_QUALITIES = (75, 60, 45, 30, 20)


class Fit(StrEnum):
    """How a picture meets a size of another shape."""

    CONTAIN = "contain"  # whole picture, its own shape, no larger than the size nor than it was
    COVER = "cover"  # fills the size, what stands over is cut evenly
    PAD = "pad"  # whole picture, centred on the ground, exactly the size
    STRETCH = "stretch"  # exactly the size, whatever the shape
    CROP = "crop"  # the shape of the size, the rest cut evenly; no larger than the size nor than it was


@dataclass(frozen=True, slots=True)
class Recipe:
    """A set of exports. Its name is spelled in paths and in the catalog: a change needs a new name.

    `width` and `height` in pixels; `ground` is the RGB colour under transparency where a format
    has none, and beside an opaque picture that is padded. `png_compression` 0..9 bounds the size:
    no larger than 1.02 x zlib at that level.
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

    def __post_init__(self) -> None:
        if not self.formats or not set(self.formats) <= set(_ENCODERS):
            raise ValueError(f"recipe {self.name}: exports are PNG, JPEG or WebP")
        if not (0 < self.width <= 16383 and 0 < self.height <= 16383):
            raise ValueError(f"recipe {self.name}: sides are 1 to 16383 pixels, as WebP has them")

    @property
    def size(self) -> Size:
        """Width and height."""
        return self.width, self.height


def render(image: Image.Image, recipe: Recipe) -> Rendered:
    """An upright sRGB picture in every format of the recipe; pixels only, no metadata.

    Alpha is kept where the format has it (PNG, WebP) and laid on the ground where not (JPEG).
    """
    sized = fitted(image, recipe)
    files = {format: _ENCODERS[format](sized, recipe) for format in recipe.formats}
    return Rendered(files, *sized.size, encoder_version())


def fitted(image: Image.Image, recipe: Recipe) -> Image.Image:
    """The picture in the recipe's size, resized once, not yet encoded."""
    if recipe.fit is Fit.COVER:
        return image.resize(recipe.size, _LANCZOS, _cover_box(image.size, recipe.size))
    if recipe.fit is Fit.STRETCH:
        return _resized(image, recipe.size)
    if recipe.fit is Fit.CROP:
        return _cropped(image, recipe.size)
    inner = _within(image.size, recipe.size, enlarge=recipe.fit is Fit.PAD)
    sized = _resized(image, inner)
    return sized if recipe.fit is Fit.CONTAIN else _padded(sized, recipe)


def ample(size: Size) -> Size:
    """At what size a JPEG may be decoded, in whatever orientation, without `size` showing it."""
    return 2 * max(size), 2 * max(size)


def encoder_version() -> str:
    """Who encodes here: Pillow and the codecs it was built with. Provenance, never compared."""
    codecs = {
        "zlib-ng" if features.check_feature("zlib_ng") else "zlib": (
            features.version_feature("zlib_ng") or features.version_codec("zlib")
        ),
        "libdeflate for Python": metadata.version("deflate"),
        "libjpeg-turbo": features.version_feature("libjpeg_turbo"),
        "libwebp": features.version_module("webp"),
        "lcms2": features.version_module("littlecms2"),
    }
    known = [f"{name} {version}" for name, version in codecs.items() if version]
    return ", ".join([f"Pillow {_pillow_version}", *known])


def contact_sheet(images: Iterable[Image.Image], *, columns: int, width: int, limit: int) -> bytes:
    """Upright pictures side by side in tiles of 16:9, as one JPEG of at most `limit` bytes.

    Quality is lowered until it fits, then the size. Pictures are taken one at a time.
    """
    tile = max(1, width // columns), max(1, width // columns * 9 // 16)
    tiles = [_tile(image, tile) for image in images]
    rows = max(1, -(-len(tiles) // columns))
    sheet = Image.new("RGB", (width, rows * tile[1]), _SHEET_GROUND)
    for place, shrunk in enumerate(tiles):
        row, column = divmod(place, columns)
        left = column * tile[0] + (tile[0] - shrunk.width) // 2
        sheet.paste(shrunk, (left, row * tile[1] + (tile[1] - shrunk.height) // 2))
    return _bounded_jpeg(sheet, limit)


def _tile(image: Image.Image, tile: Size) -> Image.Image:
    return flatten(_resized(image, _within(image.size, tile, enlarge=False)), _SHEET_GROUND)


def _bounded_jpeg(sheet: Image.Image, limit: int) -> bytes:
    for quality in _SHEET_QUALITIES:
        encoded = _saved(sheet, "JPEG", quality=quality, optimize=True)
        if len(encoded) <= limit:
            return encoded
    if min(sheet.size) < 2:
        return encoded
    return _bounded_jpeg(sheet.reduce(2), limit)


def _within(size: Size, bounds: Size, *, enlarge: bool) -> Size:
    """The largest size of the same shape that fits; never beyond the picture's own unless told."""
    scale = min(bounds[0] / size[0], bounds[1] / size[1])
    if not enlarge:
        scale = min(scale, 1.0)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _cover_box(size: Size, target: Size) -> tuple[float, float, float, float]:
    """The middle part of a picture that has the target's shape."""
    scale = min(size[0] / target[0], size[1] / target[1])
    width, height = target[0] * scale, target[1] * scale
    left, top = (size[0] - width) / 2, (size[1] - height) / 2
    return left, top, min(left + width, size[0]), min(top + height, size[1])


def _cropped(image: Image.Image, target: Size) -> Image.Image:
    box = _cover_box(image.size, target)
    if (box[2] - box[0]) > target[0]:
        return image.resize(target, _LANCZOS, box)
    # It is smaller than the target: cut at whole pixels, and not enlarged.
    width, height = (max(1, round(box[2 + n] - box[n])) for n in (0, 1))
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _resized(image: Image.Image, size: Size) -> Image.Image:
    if size == image.size:
        return image
    return image.resize(size, _LANCZOS, reducing_gap=_REDUCING_GAP)


def _padded(image: Image.Image, recipe: Recipe) -> Image.Image:
    if image.size == recipe.size:
        return image
    ground = recipe.ground if image.mode == "RGB" else (0, 0, 0, 0)
    canvas = Image.new(image.mode, recipe.size, ground)
    place = (recipe.width - image.width) // 2, (recipe.height - image.height) // 2
    canvas.paste(image, place)
    return canvas


def _png(image: Image.Image, recipe: Recipe) -> bytes:
    return png.encode(image, recipe.png_compression)


def _jpeg(image: Image.Image, recipe: Recipe) -> bytes:
    flat = flatten(image, recipe.ground)
    return _saved(flat, "JPEG", quality=recipe.jpeg_quality, optimize=True)


def _webp(image: Image.Image, recipe: Recipe) -> bytes:
    return _saved(image, "WEBP", quality=recipe.webp_quality, method=4)


def _saved(image: Image.Image, format: str, **options: object) -> bytes:
    """Encoded pixels. `info` is emptied first: Pillow's encoders take profiles and comments from it."""
    image.info = {}
    out = BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


_ENCODERS = {ImageFormat.PNG: _png, ImageFormat.JPEG: _jpeg, ImageFormat.WEBP: _webp}
