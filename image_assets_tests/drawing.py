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


def decoded(content: bytes) -> Image.Image:
    """The picture in a file's bytes."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def scene(size: tuple[int, int] = (320, 180)) -> Image.Image:
    """The same drawing in any size: a ramp, circles, lines and fine stripes, with nothing at random."""
    width, height = size
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    draw = ImageDraw.Draw(image)
    for number, colour in enumerate(("#c0392b", "#2980b9", "#f1c40f", "#27ae60", "#8e44ad")):
        left = width * (1 + 3 * number) // 16
        top = height * (2 + (7 * number) % 5) // 12
        draw.ellipse((left, top, left + width // 6, top + height // 3), fill=colour)
    for number in range(8):
        x = width * 3 // 4 + number * width // 40
        draw.line(
            (x, height // 10, x - width // 8, height * 9 // 10),
            fill="white",
            width=max(1, width // 160),
        )
    return image


def half_transparent(size: tuple[int, int] = (64, 36)) -> Image.Image:
    """The left half red, the right half nothing."""
    image = Image.new("RGBA", size)
    image.paste((255, 0, 0, 255), (0, 0, size[0] // 2, size[1]))
    return image


def moving(
    count: int = 4, size: tuple[int, int] = (48, 32), *, clear: bool = False
) -> list[Image.Image]:
    """Pictures of a square that wanders, on gray, or as glass on nothing."""
    frames = []
    for number in range(count):
        frame = Image.new("RGBA", size, (0, 0, 0, 0) if clear else (90, 90, 90, 255))
        left = number * (size[0] - 12) // max(1, count - 1)
        frame.paste((230, 40, 40, 200 if clear else 255), (left, 8, left + 12, 20))
        frames.append(frame)
    return frames
