"""Small pictures, drawn by the tests that need them."""

import io
import random

from PIL import Image, ImageDraw


def picture(seed: int, size: tuple[int, int] = (160, 90), format: str = "JPEG") -> bytes:
    """A picture of its own for each seed: blocks and lines, enough detail to tell them apart."""
    chance = random.Random(seed)
    image = Image.new("RGB", size, _colour(chance))
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = chance.randrange(size[0]), chance.randrange(size[1])
        box = (x, y, x + chance.randrange(5, 60), y + chance.randrange(5, 40))
        draw.rectangle(box, fill=_colour(chance), outline=_colour(chance))
    return encoded(image, format)


def encoded(image: Image.Image, format: str) -> bytes:
    """The picture as a file's bytes."""
    file = io.BytesIO()
    image.save(file, format)
    return file.getvalue()


def _colour(chance: random.Random) -> tuple[int, int, int]:
    return chance.randrange(256), chance.randrange(256), chance.randrange(256)


def noise(seed: int, size: tuple[int, int]) -> Image.Image:
    """A picture that nothing compresses."""
    content = random.Random(seed).randbytes(size[0] * size[1] * 3)
    return Image.frombytes("RGB", size, content)
