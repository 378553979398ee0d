"""What renderings look like, as hashes: a new version of a library may move pixels, not pictures.

The scene is drawn, its renderings were looked at, and their hashes written down: 416 bits, of which an
encoder moves a few, and another crop, blend or order of colours dozens.
"""

import numpy as np
import pytest
from PIL import Image, ImageOps

from image_assets.core import resizing
from image_assets.core.model import ImageFormat
from image_assets.core.recipes import EXPORTED, Blend, Composite, Fit, Recipe
from image_assets.core.render import render
from image_assets_tests.drawing import decoded, scene

GROUND = (40, 80, 160)
CLOSE = 10

FITS = {
    Fit.CONTAIN: "0018c018887032710619061900600000000000000000000000c88c8888c8c88ecc8ceeeceecec08eccec8efffffffffffeffffff",
    Fit.COVER: "00010003401e041e0e011e010070000000000000000000000088c8cc8888888c88eccee8ceee808e08e8ceffffffffeffeffffff",
    Fit.PAD: "00000000c0382070061900790000000008c08c08c08c08c08cc888888888888c8888eeeeeeeeecceeeeece88e88e88e88e88e88e",
    Fit.STRETCH: "0018c018887032710219061900600000000000000000000000c88c8888c8c88ecc8ceeeceecec08eccec8efffffffffffeffffff",
    Fit.CROP: "00010003401e041e0e011e010070000000000000000000000088c8cc8888888c88eccee8ceee808e08e8ceffffffffeffeffffff",
}
COMPOSITES = {
    Blend.NORMAL: "8018c01cc07070316339673120e00000800000000000000000c88ccc8cc8c88ccc8cececeeeecee8eeeecefffffffffffeffffff",
    Blend.MULTIPLY: "001cc018c07030716331673120600000000000000000000000c888888888888cc888cccccecccee8ceec8effffffffeffeffffff",
    Blend.SCREEN: "001cc018c07022716331262100e00000800800000000888888e88ccc8cc8cccecccceeeeeeeecfe8eeeeceffffffffffffffffff",
    Blend.DIFFERENCE: "801cc018c070e07083b182a122e00000000000000000000000c888888888888cc888cccccccccec8cccc8ceeeeeeeeeeeceeeeee",
}


def seen(content: bytes) -> np.ndarray:
    """416 bits: where gray grows brighter to the right, and how much of each colour is where."""
    image = decoded(content).convert("RGB")
    gray = np.asarray(image.convert("L").resize((17, 8), Image.Resampling.BOX), dtype=int)
    # A step of two levels is none: flat areas would toss a coin.
    grows = np.diff(gray) > 2
    cells = np.asarray(image.resize((6, 4), Image.Resampling.BOX), dtype=int)
    colours = cells[..., None] > (51, 102, 153, 204)
    return np.concatenate((grows.ravel(), colours.ravel()))


def written(bits: np.ndarray) -> str:
    return np.packbits(bits).tobytes().hex()


def differs(content: bytes, golden: str) -> int:
    expected = np.unpackbits(np.frombuffer(bytes.fromhex(golden), np.uint8))
    return int((seen(content) != expected).sum())


def picture(size: tuple[int, int]) -> Image.Image:
    """The scene with a hole in it, that shows what is below."""
    image = scene(size).convert("RGBA")
    hole = Image.new("L", size, 255)
    hole.paste(0, (size[0] // 2, size[1] // 2, size[0] * 3 // 4, size[1] * 3 // 4))
    image.putalpha(hole)
    return image


@pytest.mark.parametrize(("fit", "golden"), FITS.items())
@pytest.mark.parametrize("format", EXPORTED)
def test_every_fit_looks_as_it_did_in_every_format(fit, golden, format):
    recipe = Recipe("golden", 120, 120, fit, GROUND, (format,), opaque=True)

    made = render(picture((320, 180)), recipe)

    assert differs(made.files[format], golden) <= CLOSE


@pytest.mark.parametrize(("fit", "golden"), FITS.items())
@pytest.mark.parametrize("library", ["libvips", "Pillow"])
def test_a_large_picture_looks_the_same_whoever_shrinks_it(monkeypatch, fit, golden, library):
    if library == "Pillow":
        monkeypatch.setattr(resizing, "libvips", lambda: None)
    recipe = Recipe("golden", 120, 120, fit, GROUND, (ImageFormat.PNG,), opaque=True)

    made = render(picture((1600, 900)), recipe)

    assert differs(made.files[ImageFormat.PNG], golden) <= CLOSE


@pytest.mark.parametrize(("blend", "golden"), COMPOSITES.items())
def test_every_composite_looks_as_it_did(blend, golden):
    recipe = Recipe("golden", 160, 90, formats=(ImageFormat.PNG,), composite=Composite(0.3, blend))

    made = render(scene(), recipe, base=ImageOps.mirror(scene()))

    assert differs(made.files[ImageFormat.PNG], golden) <= CLOSE


@pytest.mark.parametrize(
    "goldens", [(FITS[Fit.CONTAIN], FITS[Fit.COVER], FITS[Fit.PAD]), tuple(COMPOSITES.values())]
)
def test_the_hashes_tell_the_renderings_apart(goldens):
    bits = [np.unpackbits(np.frombuffer(bytes.fromhex(golden), np.uint8)) for golden in goldens]

    apart = [(one != other).sum() for n, one in enumerate(bits) for other in bits[:n]]

    assert min(apart) > 2 * CLOSE
