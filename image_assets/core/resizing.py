"""Resizing, always with Lanczos' kernel: by libvips, or by Pillow where there is no libvips.

libvips shrinks in a fifth of Pillow's time, which is the reference (a test compares the two). Small
pictures, and those that grow, are Pillow's in any case.
"""

from functools import cache
from typing import Any

from PIL import Image

Size = tuple[int, int]
Box = tuple[int, int, int, int]

LARGE = 400_000
"""Pixels: below, the way to libvips and back costs what it gains."""

# Pictures more than three times too large are averaged down to three times the size first, by both: a
# fraction of the time, and no difference that SSIM shows. (libvips' own 2 is slower, and does show.)
GAP = 3.0


def resized(image: Image.Image, size: Size, box: Box | None = None) -> Image.Image:
    """An RGB or RGBA picture, or the part of it in `box`, in exactly that size."""
    box = box or (0, 0, *image.size)
    across, down = box[2] - box[0], box[3] - box[1]
    if (across, down) == size:
        return image if size == image.size else image.crop(box)
    shrinks = size[0] <= across and size[1] <= down
    if shrinks and across * down >= LARGE and libvips() is not None:
        return _by_libvips(image, size, box)
    return image.resize(size, Image.Resampling.LANCZOS, box, reducing_gap=GAP)


def libvips_version() -> str | None:
    """The version of the libvips that resizes here; None where Pillow does."""
    vips = libvips()
    return None if vips is None else ".".join(str(vips.version(part)) for part in range(3))


def _by_libvips(image: Image.Image, size: Size, box: Box) -> Image.Image:
    # As Pillow does: what is transparent has no colour that could bleed into the rest.
    packed = image.convert("RGBa") if image.mode == "RGBA" else image
    source = libvips().Image.new_from_memory(
        packed.tobytes(), *packed.size, len(packed.getbands()), "uchar"
    )
    across, down = box[2] - box[0], box[3] - box[1]
    part = source.crop(box[0], box[1], across, down)
    made = part.resize(size[0] / across, vscale=size[1] / down, kernel="lanczos3", gap=GAP)
    return Image.frombytes(packed.mode, size, made.write_to_memory()).convert(image.mode)


@cache
def libvips() -> Any:
    """The library, loaded when it is first needed; None where it cannot be."""
    try:
        import pyvips
    except (ImportError, OSError):  # no wheel for this machine, or no library beside it
        return None
    pyvips.cache_set_max(0)  # it would keep the last hundred pictures
    return pyvips
