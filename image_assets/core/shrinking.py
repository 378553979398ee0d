"""Large pictures straight from their files to the size of a recipe, by libvips, never whole in memory.

Half of the time and a fraction of the memory of decoding a picture to shrink it. Only for files about
which there is no question: no colour profile, no rotation, eight bits, nothing that libvips has as much
as a warning about. All others, and all verdicts, are `core/reading.py`'s.
"""

from pathlib import Path
from typing import Any

from PIL import Image

from image_assets.core.colour import flatten, without_full_alpha
from image_assets.core.fitting import enough, part_of
from image_assets.core.reading import decoded_size, frame_count, opened, orientation
from image_assets.core.recipes import Recipe, Size
from image_assets.core.resizing import GAP, LARGE, libvips

_PLAIN = frozenset({("JPEG", "RGB"), ("PNG", "RGB"), ("PNG", "RGBA")})

_MAY_TURN = (b"eXIf", b"XML:com.adobe.xmp", b"Raw profile type")


def shrunk(file: Path, recipe: Recipe, *, max_pixels: int, max_bytes: int) -> Image.Image | None:
    """The picture as the recipe fits it, but for padding, as RGB or RGBA; None: go the long way.

    Raises:
        UnreadableImageError, OSError: as of `core.reading.open_image`, from the header alone.
    """
    if libvips() is None or recipe.decoding[0] != recipe.size:
        return None
    with opened(file, max_pixels=max_pixels, max_bytes=max_bytes) as (image, _):
        content = file.read_bytes()
        if not _is_plain(image, content):
            return None
        jpeg, scale = image.format == "JPEG", 1
        if jpeg:
            scale = _jpeg_scale(image.size, decoded_size(image, enough(recipe), file))
    try:
        return _shrunk(content, jpeg, scale, recipe)
    except libvips().Error:
        return None  # whatever it is, the long way says it better


def _is_plain(image: Image.Image, content: bytes) -> bool:
    told = ("icc_profile", "transparency", "interlace", "adobe")
    return (
        (image.format, image.mode) in _PLAIN
        and image.width * image.height >= LARGE
        and not any(image.info.get(name) for name in told)
        and frame_count(image) == 1
        and _is_upright(image, content)
    )


def _is_upright(image: Image.Image, content: bytes) -> bool:
    """Whether nothing says otherwise: of a PNG it may be said behind its pixels, so its bytes are asked."""
    if image.format == "PNG":
        return not any(name in content for name in _MAY_TURN)
    return orientation(image) == 1


def _jpeg_scale(size: Size, least: Size) -> int:
    """The divisor that Pillow's `draft` chooses."""
    shrinks = min(size[0] // least[0], size[1] // least[1])
    return next(scale for scale in (8, 4, 2, 1) if shrinks >= scale)


def _shrunk(content: bytes, jpeg: bool, scale: int, recipe: Recipe) -> Image.Image | None:
    """The picture in `content`; None where it is not what it seemed, or does not shrink."""
    source = _source(content, jpeg, scale)
    part = part_of((source.width, source.height), recipe)
    across, down = part.box[2] - part.box[0], part.box[3] - part.box[1]
    shrinks = part.size[0] < across and part.size[1] < down
    if source.format != "uchar" or source.bands not in (3, 4) or not shrinks:
        return None
    # What is transparent has no colour that could bleed into the rest.
    weighed = source.premultiply().cast("uchar") if source.bands == 4 else source
    made = weighed.crop(part.box[0], part.box[1], across, down).resize(
        part.size[0] / across, vscale=part.size[1] / down, kernel="lanczos3", gap=GAP
    )
    if source.bands == 3:
        return Image.frombytes("RGB", part.size, made.write_to_memory())
    clear = Image.frombytes("RGBa", part.size, made.write_to_memory()).convert("RGBA")
    return flatten(clear, recipe.ground) if recipe.opaque else without_full_alpha(clear)


def _source(content: bytes, jpeg: bool, scale: int) -> Any:
    """The picture, read as far as it is asked for; a warning ends it as an error does."""
    read = {"access": "sequential", "fail_on": "warning"}
    if jpeg:
        return libvips().Image.jpegload_buffer(content, shrink=scale, **read)
    return libvips().Image.pngload_buffer(content, **read)
