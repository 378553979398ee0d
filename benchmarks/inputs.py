"""Pictures to measure on: drawn here, and made from the shared photographs where they are."""

import random
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter

PHOTOS = Path(__file__).parents[2] / "shared" / "data" / "photos" / "kodak"
FULL_HD = (1920, 1080)


def full_hd_jpegs(folder: Path) -> dict[str, Path]:
    """1080p JPEGs of some 490 KB by kind: `drawn`, and `photos` where these are at hand."""
    pictures = {"drawn": scene()}
    if PHOTOS.is_dir():
        pictures["photos"] = _mosaic()
    files = {}
    for name, image in pictures.items():
        files[name] = folder / f"{name}.jpg"
        image.save(files[name], "JPEG", quality=85)
    return files


def large_pictures(folder: Path) -> dict[str, Path]:
    """A JPEG of 12 megapixels full of detail, a smooth one, and artwork of 3000 x 3000 with alpha."""
    detailed = scene(2, (4000, 3000))
    smooth = scene(3, (1000, 750)).resize((4000, 3000), Image.Resampling.BICUBIC)
    files = {}
    for name, image in {"12 MP": detailed, "12 MP smooth": smooth}.items():
        files[name] = folder / f"{name}.jpg"
        image.save(files[name], "JPEG", quality=85)
    files["3000x3000 RGBA"] = folder / "artwork.png"
    artwork().save(files["3000x3000 RGBA"])
    return files


def artwork(seed: int = 4, size: tuple[int, int] = (3000, 3000)) -> Image.Image:
    """A design: circles in flat colours on nothing, with soft edges."""
    chance = random.Random(seed)
    image = Image.new("RGBA", size)
    draw = ImageDraw.Draw(image)
    for _ in range(300):
        x, y, side = chance.randrange(size[0]), chance.randrange(size[1]), chance.randrange(20, 500)
        colour = (*(chance.randrange(256) for _ in range(3)), 255)
        draw.ellipse((x, y, x + side, y + side * chance.uniform(0.3, 2)), fill=colour)
    return image.filter(ImageFilter.GaussianBlur(1))


def scene(seed: int = 1, size: tuple[int, int] = FULL_HD) -> Image.Image:
    """A yard under a sky: gradients, hard edges, and grain at several sizes, as cameras see them."""
    chance = random.Random(seed)
    sky = Image.linear_gradient("L").resize(size)
    image = Image.merge(
        "RGB", (sky.point(lambda v: 90 + v // 3), sky, sky.point(lambda v: 200 - v // 4))
    )
    draw = ImageDraw.Draw(image)
    for _ in range(160):
        x, y = chance.randrange(size[0]), size[1] // 3 + chance.randrange(size[1])
        colour = tuple(chance.randrange(40, 220) for _ in range(3))
        box = (x, y, x + chance.randrange(8, 260), y + chance.randrange(6, 130))
        draw.rectangle(box, fill=colour, outline=(20, 20, 20))
    return _grained(image.filter(ImageFilter.GaussianBlur(0.8)))


def _grained(image: Image.Image) -> Image.Image:
    for scale, strength in ((8, 14), (3, 10), (1, 7)):
        small = (image.width // scale, image.height // scale)
        grain = Image.effect_noise(small, strength).resize(image.size, Image.Resampling.BICUBIC)
        image = ImageChops.add(image, Image.merge("RGB", [grain] * 3), 1, -128)
    return image


def _mosaic() -> Image.Image:
    """Photographs side by side at their own size: upscaled ones would be too smooth."""
    canvas = Image.new("RGB", FULL_HD)
    photos = [Image.open(file).convert("RGB") for file in sorted(PHOTOS.glob("*.png"))]
    wide = [photo for photo in photos if photo.width >= photo.height]
    for place in range(9):
        row, column = divmod(place, 3)
        photo = wide[place % len(wide)]
        canvas.paste(photo, (column * photo.width, row * photo.height))
    return canvas
