"""What the rehearsed model draws: shapes that follow from the prompt, and a label that says who drew them."""

import colorsys
import hashlib
import random
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from image_assets.rehearsal.perspective import Colour
from image_assets.rehearsal.traffic import font

SIZES = {
    "1:1": (1024, 1024),
    "2:3": (832, 1248),
    "3:2": (1248, 832),
    "3:4": (864, 1184),
    "4:3": (1184, 864),
    "4:5": (896, 1152),
    "5:4": (1152, 896),
    "9:16": (768, 1344),
    "16:9": (1344, 768),
    "21:9": (1536, 672),
}
"""Width and height at 1K, by aspect ratio."""

SCALES = {"1K": 1, "2K": 2, "4K": 4}

_LABEL = "drawn by the rehearsal, not by a model"
_WORDS = 48  # characters of the prompt that are shown


def draw(
    prompt: str, number: int, size: tuple[int, int], base: Image.Image | None = None
) -> Image.Image:
    """The picture that comes of a prompt when it is given for the `number`-th time."""
    seed = hashlib.sha256(f"{number}\0{prompt}".encode("utf-8", "replace")).hexdigest()
    chance = random.Random(seed)
    image = _ground(size, chance)
    pen = ImageDraw.Draw(image)
    for _ in range(chance.randint(5, 9)):
        _shape(pen, size, chance)
    if base is not None:
        _inset(image, base)
    _label(pen, size, prompt, seed[:8])
    return image


def encoded(image: Image.Image, format: str) -> bytes:
    """The picture's file, `PNG` or `JPEG`."""
    out = BytesIO()
    image.save(out, format, **({"compress_level": 1} if format == "PNG" else {"quality": 90}))
    return out.getvalue()


def _ground(size: tuple[int, int], chance: random.Random) -> Image.Image:
    hue = chance.random()
    one = np.array(_colour(hue, 0.6, chance.uniform(0.25, 0.9)))
    other = np.array(_colour(hue + chance.uniform(0.2, 0.8), 0.7, chance.uniform(0.25, 0.9)))
    width, height = size
    across, down = np.linspace(0, 1, width)[None, :], np.linspace(0, 1, height)[:, None]
    share = chance.random()
    ramp = (share * across + (1 - share) * down)[..., None]
    return Image.fromarray((one + (other - one) * ramp).astype(np.uint8))


def _shape(pen: ImageDraw.ImageDraw, size: tuple[int, int], chance: random.Random) -> None:
    width, height = size
    x, y = chance.uniform(0, width), chance.uniform(0, height)
    reach = chance.uniform(0.12, 0.4) * min(size)
    fill = _colour(chance.random(), chance.uniform(0.3, 1), chance.uniform(0.3, 1))
    match chance.randrange(3):
        case 0:
            pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=fill)
        case 1:
            turn = chance.uniform(0, 90)
            pen.regular_polygon((x, y, reach), chance.randint(3, 6), turn, fill=fill)
        case _:
            end = chance.uniform(0, width), chance.uniform(0, height)
            pen.line((x, y, *end), fill=fill, width=max(4, round(reach / 3)))


def _inset(image: Image.Image, base: Image.Image) -> None:
    """The picture that was sent along, small and framed in a corner."""
    side = min(image.size) // 3
    small = ImageOps.expand(ImageOps.contain(base.convert("RGB"), (side, side)), 6, (250, 250, 250))
    image.paste(small, (image.width - small.width - 24, 24))


def _label(pen: ImageDraw.ImageDraw, size: tuple[int, int], prompt: str, mark: str) -> None:
    width, height = size
    letters = font(max(14, round(height / 28)))
    words = "".join(c if c.isprintable() and c.isascii() else " " for c in prompt)[:_WORDS].strip()
    top = height - round(height / 7)
    pen.rectangle((0, top, width, height), fill=(20, 20, 24))
    pen.text((24, top + round(height / 60)), words or "-", fill=(255, 255, 255), font=letters)
    second = (24, top + round(height / 60) + round(height / 18))
    pen.text(second, f"{_LABEL}  {mark}", fill=(190, 190, 200), font=letters)


def _colour(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = (
        round(255 * part) for part in colorsys.hsv_to_rgb(hue % 1, saturation, value)
    )
    return red, green, blue
