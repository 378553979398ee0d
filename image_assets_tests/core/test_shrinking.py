"""Pictures shrunk straight from their files: the same as those that went the long way."""

import io
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from image_assets.core import resizing, shrinking
from image_assets.core.colour import upright
from image_assets.core.errors import UnreadableImageError
from image_assets.core.fitting import enough, unpadded
from image_assets.core.reading import open_image
from image_assets.core.recipes import Fit, Recipe
from image_assets.core.resizing import resized
from image_assets_tests.drawing import scene

BOUNDS = {"max_pixels": 50_000_000, "max_bytes": 100_000_000}
SMALL = Recipe("r", 200, 150)

pytestmark = pytest.mark.skipif(resizing.libvips() is None, reason="there is no libvips here")


def picture(mode: str = "RGB", size: tuple[int, int] = (900, 600)) -> Image.Image:
    image = scene(size).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.radial_gradient("L").resize(size))
    return image


def written(folder: Path, image: Image.Image, format: str, **options: object) -> Path:
    image.save(folder / "picture", format, **options)
    return folder / "picture"


def weighed(image: Image.Image) -> np.ndarray:
    """Colours as far as they are seen."""
    return np.asarray(image.convert("RGBa" if image.mode == "RGBA" else "RGB"), dtype=int)


@pytest.mark.parametrize("fit", [Fit.CONTAIN, Fit.COVER, Fit.PAD, Fit.STRETCH, Fit.CROP])
@pytest.mark.parametrize(("mode", "format"), [("RGB", "JPEG"), ("RGB", "PNG"), ("RGBA", "PNG")])
def test_it_is_what_the_long_way_makes(tmp_path, fit, mode, format):
    file = written(tmp_path, picture(mode), format)
    recipe = Recipe("r", 200, 150, fit)

    quick = shrinking.shrunk(file, recipe, **BOUNDS)

    long = unpadded(upright(open_image(file, enough=enough(recipe), **BOUNDS)), recipe)
    assert quick is not None
    assert (quick.mode, quick.size) == (long.mode, long.size)
    assert np.abs(weighed(quick) - weighed(long)).mean() < 1
    assert unpadded(quick, recipe).tobytes() == quick.tobytes()


def test_an_opaque_recipe_has_its_ground(tmp_path):
    file = written(tmp_path, picture("RGBA"), "PNG")
    recipe = Recipe("r", 200, 150, Fit.STRETCH, ground=(0, 0, 255), opaque=True)

    quick = shrinking.shrunk(file, recipe, **BOUNDS)

    flat = Image.new("RGB", (900, 600), "blue")
    flat.paste(picture("RGBA"), mask=picture("RGBA"))
    plain = flat.resize((200, 150), Image.Resampling.LANCZOS)
    assert np.abs(weighed(quick) - weighed(plain)).mean() < 1


def test_alpha_that_hides_nothing_is_dropped(tmp_path):
    file = written(tmp_path, scene((900, 600)).convert("RGBA"), "PNG")

    assert shrinking.shrunk(file, SMALL, **BOUNDS).mode == "RGB"


def odd_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


@pytest.mark.parametrize(
    ("image", "format", "options"),
    [
        (picture(), "JPEG", {"exif": turned()}),
        (picture(), "JPEG", {"icc_profile": odd_profile()}),
        (picture(), "PNG", {"icc_profile": odd_profile()}),
        (picture(), "PNG", {"transparency": (255, 255, 255)}),
        (picture("L"), "JPEG", {}),
        (picture("CMYK"), "JPEG", {}),
        (picture("P"), "PNG", {}),
        (picture("LA"), "PNG", {}),
        (picture(), "WEBP", {}),
        (picture(), "GIF", {}),
        (picture(), "PNG", {"save_all": True, "append_images": [picture().rotate(90)]}),
        (picture(size=(300, 200)), "PNG", {}),
    ],
    ids=[
        "turned",
        "profile",
        "png-profile",
        "colour-key",
        "gray",
        "cmyk",
        "palette",
        "gray-alpha",
        "webp",
        "gif",
        "animated",
        "small",
    ],
)
def test_what_there_is_a_question_about_goes_the_long_way(tmp_path, image, format, options):
    file = written(tmp_path, image, format, **options)

    assert shrinking.shrunk(file, SMALL, **BOUNDS) is None


def test_a_picture_that_does_not_shrink_goes_the_long_way(tmp_path):
    file = written(tmp_path, picture(), "PNG")

    assert shrinking.shrunk(file, Recipe("r", 1000, 1000), **BOUNDS) is None


def test_sixteen_bits_go_the_long_way(tmp_path):
    gray = np.arange(900 * 600, dtype=np.uint16).reshape(600, 900)
    source = resizing.libvips().Image.new_from_array(gray).bandjoin([gray.tolist(), gray.tolist()])
    (tmp_path / "picture").write_bytes(source.pngsave_buffer())

    assert shrinking.shrunk(tmp_path / "picture", SMALL, **BOUNDS) is None


def test_a_recipe_of_a_set_goes_the_long_way(tmp_path):
    file = written(tmp_path, picture(), "JPEG")

    assert shrinking.shrunk(file, Recipe("r", 200, 150, decoded_for=(800, 600)), **BOUNDS) is None


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_file_that_was_cut_off_is_the_long_ways_to_judge(tmp_path, format, share):
    file = written(tmp_path, picture(), format)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])

    quick = None
    with suppress(UnreadableImageError):  # from the header alone, as the long way says it
        quick = shrinking.shrunk(file, SMALL, **BOUNDS)

    assert quick is None
    with pytest.raises(UnreadableImageError):
        open_image(file, **BOUNDS)


def test_a_bomb_is_refused_from_its_header(tmp_path):
    file = written(tmp_path, Image.new("RGB", (8000, 8000)), "PNG")

    with pytest.raises(UnreadableImageError, match="8000 x 8000"):
        shrinking.shrunk(file, SMALL, **BOUNDS)


def test_without_libvips_everything_goes_the_long_way(tmp_path, monkeypatch):
    file = written(tmp_path, picture(), "JPEG")
    monkeypatch.setattr(shrinking, "libvips", lambda: None)

    assert shrinking.shrunk(file, SMALL, **BOUNDS) is None


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("box", [None, (100, 50, 900, 650)])
def test_resizing_is_pillows_lanczos(monkeypatch, mode, box):
    image = picture(mode, (1000, 700))

    ours = resized(image, (320, 240), box)
    monkeypatch.setattr(resizing, "libvips", lambda: None)
    pillows = resized(image, (320, 240), box)

    assert (ours.mode, ours.size) == (mode, (320, 240))
    assert np.abs(weighed(ours) - weighed(pillows)).mean() < 1


def test_what_is_transparent_bleeds_into_nothing():
    image = Image.new("RGBA", (1000, 700), (0, 255, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 500, 700))

    found = np.asarray(resized(image, (101, 71)))

    seen = found[found[..., 3] > 20]
    assert seen[:, 1].max() < 30


def test_a_picture_is_read_from_a_file_of_any_name(tmp_path):
    content = io.BytesIO()
    picture().save(content, "PNG")
    (tmp_path / "a[shrink=8].png").write_bytes(content.getvalue())

    assert shrinking.shrunk(tmp_path / "a[shrink=8].png", SMALL, **BOUNDS) is not None
