import numpy as np
import pytest
from PIL import Image

from image_assets.core.errors import PermanentError
from image_assets.core.model import ImageFormat
from image_assets.core.recipes import Blend, Composite, Fit, Recipe
from image_assets.core.render import BASE, render
from image_assets_tests.drawing import decoded, half_transparent
from image_assets_tests.drawing import scene as drawn

JPEG, PNG, WEBP = ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP
TOO_LITTLE = 1000


def test_every_format_of_the_recipe_is_made():
    rendered = render(drawn(), Recipe("r", 128, 72))

    found = {format: decoded(content) for format, content in rendered.files.items()}
    assert {format: image.format for format, image in found.items()} == {
        ImageFormat.PNG: "PNG",
        ImageFormat.JPEG: "JPEG",
        ImageFormat.WEBP: "WEBP",
    }
    assert {image.size for image in found.values()} == {(128, 72)}
    assert (rendered.width, rendered.height) == (128, 72)


def test_a_recipe_may_ask_for_one_format():
    rendered = render(drawn(), Recipe("r", 64, 36, formats=(ImageFormat.WEBP,)))

    assert list(rendered.files) == [ImageFormat.WEBP]


def test_alpha_is_kept_where_the_format_has_it_and_laid_on_the_ground_elsewhere():
    recipe = Recipe("r", 64, 36, ground=(0, 0, 255))

    files = render(half_transparent(), recipe).files

    for format in (ImageFormat.PNG, ImageFormat.WEBP):
        image = decoded(files[format])
        assert image.mode == "RGBA"
        assert [image.getpixel((x, 18))[3] for x in (10, 54)] == [255, 0]
    jpeg = decoded(files[ImageFormat.JPEG])
    left, right = (np.array(jpeg.getpixel((x, 18))) for x in (10, 54))
    assert np.abs(left - (255, 0, 0)).max() < 12
    assert np.abs(right - (0, 0, 255)).max() < 12


def test_a_transparent_picture_is_padded_with_nothing():
    png = decoded(render(half_transparent((36, 36)), Recipe("r", 64, 36)).files[ImageFormat.PNG])

    assert [png.getpixel((x, 18))[3] for x in (3, 20, 60)] == [0, 255, 0]


def test_rendering_twice_gives_the_same_bytes():
    first, second = (render(drawn(), Recipe("r", 128, 72)) for _ in range(2))

    assert first == second


def test_an_opaque_recipe_lays_transparency_on_the_ground_in_every_format():
    recipe = Recipe("r", 64, 36, ground=(0, 0, 255), opaque=True)

    files = render(half_transparent(), recipe).files

    for content in files.values():
        image = decoded(content)
        assert image.mode == "RGB"
        assert np.abs(np.subtract(image.getpixel((54, 18)), (0, 0, 255))).max() < 12


def test_a_composite_is_seventy_percent_picture_and_thirty_percent_base():
    recipe = Recipe("r", 4, 4, formats=(PNG,), composite=Composite())

    made = render(Image.new("RGB", (4, 4), (200, 0, 100)), recipe, base=Image.new("RGB", (9, 9)))

    assert decoded(made.files[PNG]).getpixel((1, 1)) == (140, 0, 70)


def test_original_ones_blend_is_ours():
    picture, base = drawn((64, 36)), drawn((32, 18)).transpose(Image.Transpose.ROTATE_180)
    recipe = Recipe("r", 64, 36, Fit.STRETCH, formats=(PNG,), composite=Composite(0.3))

    made = render(picture, recipe, base=base)

    below = base.resize((64, 36), Image.Resampling.LANCZOS)
    assert decoded(made.files[PNG]).tobytes() == Image.blend(picture, below, 0.3).tobytes()


@pytest.mark.parametrize(
    ("blend", "expected"),
    [
        (Blend.NORMAL, (100, 200, 50)),
        (Blend.MULTIPLY, (78, 39, 0)),
        (Blend.SCREEN, (222, 211, 50)),
        (Blend.LIGHTER, (200, 200, 50)),
        (Blend.DARKER, (100, 50, 0)),
        (Blend.DIFFERENCE, (100, 150, 50)),
    ],
)
def test_every_blend_is_pillows(blend, expected):
    picture, base = (Image.new("RGB", (2, 2), c) for c in ((200, 50, 0), (100, 200, 50)))
    recipe = Recipe("r", 2, 2, formats=(PNG,), composite=Composite(1.0, blend))

    assert decoded(render(picture, recipe, base=base).files[PNG]).getpixel((0, 0)) == expected


@pytest.mark.parametrize("blend", Blend)
@pytest.mark.parametrize("fit", Fit)
def test_every_fit_takes_a_base_of_another_shape(fit, blend):
    recipe = Recipe("r", 32, 20, fit, formats=(PNG,), composite=Composite(0.5, blend))

    made = render(drawn((90, 30)), recipe, base=half_transparent((20, 70)))

    assert (made.width, made.height) == decoded(made.files[PNG]).size


def test_a_missing_base_is_a_failure():
    recipe = Recipe("r", 8, 8, composite=Composite())

    with pytest.raises(PermanentError, match=r"base picture is missing: base\.png: truncated"):
        render(drawn(), recipe, base="base.png: truncated")


def test_a_recipe_may_do_without_its_base_and_tells():
    recipe = Recipe("r", 8, 8, composite=Composite(), allow_without_base=True)

    made = render(drawn(), recipe)

    assert made.lacking == {BASE: "there is none"}
    assert set(made.files) == {PNG, JPEG, WEBP}


def test_a_format_that_fails_fails_the_set():
    recipe = Recipe("r", max_bytes=TOO_LITTLE)

    with pytest.raises(PermanentError, match="PNG: no smaller than"):
        render(drawn(), recipe)


def test_a_recipe_may_allow_a_partial_set_and_tells():
    recipe = Recipe("r", 320, 180, formats=(JPEG, WEBP), max_bytes=3100, allow_partial_set=True)

    made = render(drawn(), recipe)

    assert list(made.files) == [WEBP]
    assert made.lacking[JPEG].startswith("JPEG: no smaller than")


def test_a_set_without_a_file_is_a_failure_even_so():
    recipe = Recipe("r", max_bytes=TOO_LITTLE, allow_partial_set=True)

    with pytest.raises(PermanentError, match=r"JPEG: .*; WebP: "):
        render(drawn((1280, 720)), recipe)
