"""Upright sRGB: the one form in which pictures are compared, hashed and exported."""

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from image_assets.core.reading import orientation

RGB = tuple[int, int, int]

WHITE: RGB = (255, 255, 255)
BLACK: RGB = (0, 0, 0)

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_EIGHT_OF_SIXTEEN = [(value * 255 + 32767) // 65535 for value in range(65536)]


def upright(image: Image.Image) -> Image.Image:
    """`image` turned as its EXIF says, in sRGB, as RGB or, where anything is transparent, RGBA.

    Embedded profiles are applied with relative colorimetric intent; one that cannot be used, or
    is for other channels than the picture has, counts as none, as it does in browsers. Sixteen
    bits are scaled to eight. The result carries no metadata. `image` is used up: a copy of fifty
    million pixels is what a worker's memory has no room for.
    """
    profile = image.info.get("icc_profile") or b""
    image = _turned(image)
    image = _eight_bits(image)
    image = _in_srgb(image, profile)
    image.info = {}
    return image


def flatten(image: Image.Image, ground: RGB) -> Image.Image:
    """An RGB or RGBA picture as RGB, laid on a ground of one colour."""
    if image.mode == "RGB":
        return image
    flat = Image.new("RGB", image.size, ground)
    flat.paste(image, mask=image)
    return flat


def _turned(image: Image.Image) -> Image.Image:
    turn = _TURNS.get(orientation(image))
    return image if turn is None else image.transpose(turn)


def _eight_bits(image: Image.Image) -> Image.Image:
    """The picture as L, RGB, RGBA or CMYK of eight bits a channel."""
    if image.mode == "I;16":
        return _from_sixteen(image)
    if image.has_transparency_data:
        return without_full_alpha(image if image.mode == "RGBA" else image.convert("RGBA"))
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    return image.convert("L" if image.mode in ("1", "LA", "I", "F") else "RGB")


def _from_sixteen(image: Image.Image) -> Image.Image:
    wide = image.convert("I")  # the only mode with tables of 65,536 entries
    gray = wide.point(_EIGHT_OF_SIXTEEN, "L")
    key = image.info.get("transparency")
    if not isinstance(key, int):
        return gray
    alpha = wide.point([0 if value == key else 255 for value in range(65536)], "L")
    return without_full_alpha(Image.merge("RGBA", (gray, gray, gray, alpha)))


def without_full_alpha(image: Image.Image) -> Image.Image:
    """RGB where nothing is transparent: such an alpha channel says nothing about the picture."""
    opaque = image.getchannel("A").getextrema() == (255, 255)
    return image.convert("RGB") if opaque else image


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    space = _space(profile) if profile else ""
    if space == "RGB" and image.mode in ("RGB", "RGBA"):
        return _converted(image, profile, image.mode)
    if space == "CMYK" and image.mode == "CMYK":
        return _converted(image, profile, "RGB")
    if space == "GRAY" and image.mode == "L":
        return _converted(image, profile, "RGB")
    if space == "GRAY" and image.mode == "RGBA" and _is_gray(image):
        converted = _converted(image.getchannel("R"), profile, "RGB")
        converted.putalpha(image.getchannel("A"))
        return converted
    return image if image.mode in ("RGB", "RGBA") else image.convert("RGB")


def _is_gray(image: Image.Image) -> bool:
    """Whether an RGBA picture came from one channel of gray."""
    red = image.getchannel("R")
    return all(red == image.getchannel(name) for name in "GB")


def _converted(image: Image.Image, profile: bytes, mode: str) -> Image.Image:
    transform = _transform(profile, image.mode, mode)
    if transform is None:
        return image if image.mode == mode else image.convert(mode)
    if image.mode == mode:
        transform.apply_in_place(image)
        return image
    return transform.apply(image)


def _space(profile: bytes) -> str:
    """The colour space a profile is for, empty where it cannot be read."""
    try:
        opened = ImageCms.getOpenProfile(BytesIO(profile))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return ""
    return opened.profile.xcolor_space.strip()


# Few, because a profile that came with a picture may be megabytes; a camera's pictures share one.
@lru_cache(maxsize=4)
def _transform(profile: bytes, source: str, target: str) -> ImageCms.ImageCmsTransform | None:
    """From the profile to sRGB; None where it cannot be built, or would change no colour visibly."""
    try:
        transform = ImageCms.buildTransform(
            ImageCms.getOpenProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            source,
            target,
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return None if source == target and _changes_nothing(transform, source) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether no colour of a 16 x 16 x 16 grid moves by more than one level: the profile is sRGB."""
    levels = np.arange(0, 256, 17, dtype=np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(64, 64, 3)
    before = Image.fromarray(grid).convert(mode)
    after = transform.apply(before)
    moved = np.abs(np.asarray(before, dtype=np.int16) - np.asarray(after, dtype=np.int16))
    return int(moved.max()) <= 1
