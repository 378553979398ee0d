"""Pictures as files: one encoder a format, pixels only, and files that are no larger than allowed."""

from collections.abc import Callable, Mapping
from functools import cache
from io import BytesIO

import deflate
from PIL import Image, features
from PIL import __version__ as _pillow_version

from image_assets.core import png
from image_assets.core.colour import flatten
from image_assets.core.errors import PermanentError
from image_assets.core.model import ImageFormat
from image_assets.core.provenance import (
    LIBAVIF,
    LIBDEFLATE,
    LIBJPEG,
    LIBWEBP,
    ZLIB,
    ZLIB_NG,
    told,
)
from image_assets.core.recipes import Recipe
from image_assets.core.resizing import libvips_version

Encode = Callable[[int], bytes]
"""A file of the given quality, or number of colours."""

WORST_QUALITY = 20
"""What quality gives way to, at most, where a file must fit: below it faces are no longer faces."""

WEBP_METHOD = 2
_WEBP_LIFT = 1.2


def webp_quality(quality: int) -> float:
    """The quality at which `WEBP_METHOD` looks as libwebp's default method 4 does at `quality`.

    In half of its time, for about a tenth more bytes: on grainy pictures SSIM was 0.005 below it without.
    """
    return min(100, quality + _WEBP_LIFT)


# What a PNG or a GIF that must fit is brought to, one after the other.
_COLOURS = (256, 128, 64, 32, 16)
# What Pillow's encoders say when a picture cannot be written; a full disk is not among it.
_ENCODING_ERRORS = (OSError, ValueError, RuntimeError, OverflowError)


def encode(image: Image.Image, format: ImageFormat, recipe: Recipe) -> bytes:
    """An RGB or RGBA picture as a file of the recipe.

    Raises:
        PermanentError: the format cannot hold it, or not in as few bytes as allowed.
    """
    try:
        return _ENCODERS[format](image, recipe)
    except _ENCODING_ERRORS as error:
        raise PermanentError(f"{format}: the encoder refused it: {error}") from error


def at_most(limit: int | None, best: int, encode: Encode, *, what: str) -> bytes:
    """The file of the highest quality from `best` down to `WORST_QUALITY` that is within `limit`.

    Found by halving, as larger qualities give larger files; without a limit it is `best`'s.

    Raises:
        PermanentError: none is.
    """
    content = encode(best)
    if limit is None or len(content) <= limit:
        return content
    lowest, beyond, fitting = min(WORST_QUALITY, best), best, b""
    while lowest < beyond:
        quality = (lowest + beyond) // 2
        content = encode(quality)
        if len(content) <= limit:
            lowest, fitting = quality + 1, content
        else:
            beyond = quality
    if not fitting:
        raise _too_large(what, len(content), limit)
    return fitting


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    """Encoded pixels, and what of them is transparent.

    `info` is emptied of all else: Pillow's encoders take profiles and comments from it.
    """
    image.info = {name: value for name, value in image.info.items() if name == "transparency"}
    out = BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


@cache
def encoder_version() -> str:
    """Who encodes here: Pillow, the codecs it was built with, and what resizes."""
    zlib_ng = features.version_feature("zlib_ng") if features.check_feature("zlib_ng") else None
    versions = {
        "Pillow": _pillow_version,
        **({ZLIB_NG: zlib_ng} if zlib_ng else {ZLIB: features.version_codec("zlib")}),
        LIBDEFLATE: deflate.__version__,
        LIBJPEG: features.version_feature("libjpeg_turbo"),
        LIBWEBP: features.version_module("webp"),
        LIBAVIF: features.version_module("avif"),
        "libvips": libvips_version(),
        "lcms2": features.version_module("littlecms2"),
    }
    return told({name: version for name, version in versions.items() if version})


def fewer_colours(limit: int | None, encode: Encode, *, what: str) -> bytes:
    """The file of the largest palette that is within `limit`.

    Raises:
        PermanentError: none is.
    """
    content = b""
    for colours in _COLOURS:
        content = encode(colours)
        if limit is None or len(content) <= limit:
            return content
    raise _too_large(what, len(content), limit or 0)


def paletted(image: Image.Image, colours: int) -> Image.Image:
    """The picture in a palette of its own, dithered, as GIF has it: a pixel is opaque or nothing."""
    if image.mode == "RGB":
        return image.quantize(colours, Image.Quantize.MEDIANCUT)
    nothing = image.getchannel("A").point([255] * 128 + [0] * 128)
    reduced = image.convert("RGB").quantize(colours - 1, Image.Quantize.MEDIANCUT)
    palette = reduced.getpalette() or []
    reduced.putpalette(palette + [0] * (3 * colours - len(palette)))
    reduced.paste(colours - 1, mask=nothing)
    reduced.info["transparency"] = colours - 1
    return reduced


def _png(image: Image.Image, recipe: Recipe) -> bytes:
    content = png.encode(image, recipe.png_compression)
    if recipe.max_bytes is None or len(content) <= recipe.max_bytes:
        return content
    # The one method of Pillow's that knows alpha is for pictures that have it.
    method = Image.Quantize.FASTOCTREE if image.mode == "RGBA" else Image.Quantize.MEDIANCUT
    return fewer_colours(
        recipe.max_bytes,
        lambda colours: saved(image.quantize(colours, method), "PNG", compress_level=9),
        what="PNG",
    )


def _gif(image: Image.Image, recipe: Recipe) -> bytes:
    return fewer_colours(
        recipe.max_bytes, lambda colours: saved(paletted(image, colours), "GIF"), what="GIF"
    )


def _jpeg(image: Image.Image, recipe: Recipe) -> bytes:
    flat = flatten(image, recipe.ground)
    options = {"optimize": True, "progressive": recipe.jpeg_progressive}
    return at_most(
        recipe.max_bytes,
        recipe.jpeg_quality,
        lambda quality: saved(flat, "JPEG", quality=quality, **options),
        what="JPEG",
    )


def _webp(image: Image.Image, recipe: Recipe) -> bytes:
    return at_most(
        recipe.max_bytes,
        recipe.webp_quality,
        lambda quality: saved(image, "WEBP", quality=webp_quality(quality), method=WEBP_METHOD),
        what="WebP",
    )


def _avif(image: Image.Image, recipe: Recipe) -> bytes:
    # One thread: the pool decides how many cores are used.
    options = {"speed": 6, "max_threads": 1, "autotiling": False}
    return at_most(
        recipe.max_bytes,
        recipe.avif_quality,
        lambda quality: saved(image, "AVIF", quality=quality, **options),
        what="AVIF",
    )


def _too_large(what: str, size: int, limit: int) -> PermanentError:
    return PermanentError(
        f"{what}: no smaller than {size:,} bytes, and {limit:,} are allowed; "
        "allow more, or make the picture smaller"
    )


_ENCODERS: Mapping[ImageFormat, Callable[[Image.Image, Recipe], bytes]] = {
    ImageFormat.PNG: _png,
    ImageFormat.JPEG: _jpeg,
    ImageFormat.WEBP: _webp,
    ImageFormat.AVIF: _avif,
    ImageFormat.GIF: _gif,
}
