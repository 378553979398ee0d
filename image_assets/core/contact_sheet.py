"""Contact sheets: many pictures small, side by side, in one file."""

from collections.abc import Iterable

from PIL import Image

from image_assets.core.colour import RGB, flatten
from image_assets.core.encoding import saved
from image_assets.core.fitting import within
from image_assets.core.recipes import Size
from image_assets.core.resizing import resized

_GROUND: RGB = (32, 32, 32)
_QUALITIES = (75, 60, 45, 30, 20)


def contact_sheet(images: Iterable[Image.Image], *, columns: int, width: int, limit: int) -> bytes:
    """Upright pictures side by side in tiles of 16:9, as one JPEG of at most `limit` bytes.

    Quality is lowered until it fits, then the size. Pictures are taken one at a time.
    """
    tile = max(1, width // columns), max(1, width // columns * 9 // 16)
    tiles = [_tile(image, tile) for image in images]
    rows = max(1, -(-len(tiles) // columns))
    sheet = Image.new("RGB", (width, rows * tile[1]), _GROUND)
    for place, shrunk in enumerate(tiles):
        row, column = divmod(place, columns)
        left = column * tile[0] + (tile[0] - shrunk.width) // 2
        sheet.paste(shrunk, (left, row * tile[1] + (tile[1] - shrunk.height) // 2))
    return _bounded(sheet, limit)


def _tile(image: Image.Image, tile: Size) -> Image.Image:
    return flatten(resized(image, within(image.size, tile, enlarge=False)), _GROUND)


def _bounded(sheet: Image.Image, limit: int) -> bytes:
    for quality in _QUALITIES:
        encoded = saved(sheet, "JPEG", quality=quality, optimize=True)
        if len(encoded) <= limit:
            return encoded
    if min(sheet.size) < 2:
        return encoded
    return _bounded(sheet.reduce(2), limit)
