import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from image_assets.core import render
from image_assets.core.model import ImageFormat
from image_assets.core.render import Fit, Recipe
from image_assets_tests import drawing

EVERY_FORMAT = (ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP)


def drawn(size: tuple[int, int] = (320, 180)) -> Image.Image:
    return Image.open(io.BytesIO(drawing.picture(7, size, "PNG"))).convert("RGB")


def decoded(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def half_transparent(size: tuple[int, int] = (64, 36)) -> Image.Image:
    """The left half red, the right half nothing."""
    image = Image.new("RGBA", size)
    image.paste((255, 0, 0, 255), (0, 0, size[0] // 2, size[1]))
    return image


def test_every_format_of_the_recipe_is_made():
    rendered = render.render(drawn(), Recipe("r", 128, 72))

    found = {format: decoded(content) for format, content in rendered.files.items()}
    assert {format: image.format for format, image in found.items()} == {
        ImageFormat.PNG: "PNG",
        ImageFormat.JPEG: "JPEG",
        ImageFormat.WEBP: "WEBP",
    }
    assert {image.size for image in found.values()} == {(128, 72)}
    assert (rendered.width, rendered.height) == (128, 72)


def test_a_recipe_may_ask_for_one_format():
    rendered = render.render(drawn(), Recipe("r", 64, 36, formats=(ImageFormat.WEBP,)))

    assert list(rendered.files) == [ImageFormat.WEBP]


@pytest.mark.parametrize(
    ("fit", "size", "expected"),
    [
        (Fit.CONTAIN, (400, 200), (100, 50)),
        (Fit.CONTAIN, (200, 400), (40, 80)),
        (Fit.CONTAIN, (50, 20), (50, 20)),
        (Fit.CONTAIN, (4000, 1), (100, 1)),
        (Fit.PAD, (400, 200), (100, 80)),
        (Fit.PAD, (5, 5), (100, 80)),
        (Fit.COVER, (400, 200), (100, 80)),
        (Fit.COVER, (20, 10), (100, 80)),
        (Fit.STRETCH, (37, 91), (100, 80)),
        (Fit.CROP, (400, 200), (100, 80)),
        (Fit.CROP, (20, 10), (12, 10)),
        (Fit.CROP, (100, 80), (100, 80)),
    ],
)
def test_each_fit_has_its_size(fit, size, expected):
    recipe = Recipe("r", 100, 80, fit=fit)

    assert render.fitted(Image.new("RGB", size), recipe).size == expected


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(Fit),
    st.integers(1, 300),
    st.integers(1, 300),
    st.sampled_from(["RGB", "RGBA"]),
)
def test_no_fit_leaves_the_size(fit, width, height, mode):
    recipe = Recipe("r", 64, 48, fit=fit)

    found = render.fitted(Image.new(mode, (width, height)), recipe)

    assert found.mode == mode
    assert found.width <= 64
    assert found.height <= 48
    if fit not in (Fit.CONTAIN, Fit.CROP):
        assert found.size == (64, 48)


def test_padding_centres_the_picture_on_the_ground():
    recipe = Recipe("r", 100, 50, ground=(1, 2, 3))

    found = render.fitted(Image.new("RGB", (40, 40), "red"), recipe)

    row = np.asarray(found)[25]
    assert (row[:25] == (1, 2, 3)).all()
    assert (row[25:75] == (255, 0, 0)).all()
    assert (row[75:] == (1, 2, 3)).all()


def test_cropping_cuts_both_sides_evenly_and_enlarges_nothing():
    image = Image.new("RGB", (30, 10), "white")
    image.paste("red", (10, 0, 20, 10))

    found = render.fitted(image, Recipe("r", 100, 100, fit=Fit.CROP))

    assert found.size == (10, 10)
    assert (np.asarray(found) == (255, 0, 0)).all()


def test_covering_cuts_both_sides_evenly():
    image = Image.new("RGB", (300, 100), "white")
    image.paste("red", (100, 0, 200, 100))

    found = render.fitted(image, Recipe("r", 50, 50, fit=Fit.COVER))

    assert (np.asarray(found)[25, 3:47] == (255, 0, 0)).all()


def test_alpha_is_kept_where_the_format_has_it_and_laid_on_the_ground_elsewhere():
    recipe = Recipe("r", 64, 36, ground=(0, 0, 255))

    files = render.render(half_transparent(), recipe).files

    for format in (ImageFormat.PNG, ImageFormat.WEBP):
        image = decoded(files[format])
        assert image.mode == "RGBA"
        assert [image.getpixel((x, 18))[3] for x in (10, 54)] == [255, 0]
    jpeg = decoded(files[ImageFormat.JPEG])
    left, right = (np.array(jpeg.getpixel((x, 18))) for x in (10, 54))
    assert np.abs(left - (255, 0, 0)).max() < 12
    assert np.abs(right - (0, 0, 255)).max() < 12


def test_a_transparent_picture_is_padded_with_nothing():
    png = decoded(
        render.render(half_transparent((36, 36)), Recipe("r", 64, 36)).files[ImageFormat.PNG]
    )

    assert [png.getpixel((x, 18))[3] for x in (3, 20, 60)] == [0, 255, 0]


@pytest.mark.parametrize("format", EVERY_FORMAT)
def test_no_metadata_leaves(format):
    image = drawn((64, 36))
    image.info = {
        "comment": b"canary",
        "exif": b"Exif\0\0canary",
        "icc_profile": b"canary" * 30,
        "xmp": b"canary",
        "Author": "canary",
        "dpi": (72, 72),
    }

    content = render.render(image, Recipe("r", 64, 36)).files[format]

    assert b"canary" not in content
    assert set(decoded(content).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"} | {
        "loop",
        "background",
        "timestamp",
        "duration",
    }


def test_rendering_twice_gives_the_same_bytes():
    first, second = (render.render(drawn(), Recipe("r", 128, 72)) for _ in range(2))

    assert first == second


def test_quality_is_the_recipes():
    low = render.render(drawn(), Recipe("r", jpeg_quality=20, webp_quality=20)).files
    high = render.render(drawn(), Recipe("r", jpeg_quality=95, webp_quality=95)).files

    assert len(low[ImageFormat.JPEG]) < len(high[ImageFormat.JPEG])
    assert len(low[ImageFormat.WEBP]) < len(high[ImageFormat.WEBP])


def test_resizing_is_close_to_plain_lanczos():
    image = drawn((2000, 1100))
    plain = image.resize((320, 180), Image.Resampling.LANCZOS)

    ours = render.fitted(image, Recipe("r", 320, 180, fit=Fit.STRETCH))

    assert np.abs(np.asarray(ours, dtype=int) - np.asarray(plain)).mean() < 1


@pytest.mark.parametrize(
    "wrong",
    [{"formats": ()}, {"formats": (ImageFormat.GIF,)}, {"width": 0}, {"height": 20_000}],
)
def test_a_recipe_that_cannot_be_is_not_built(wrong):
    with pytest.raises(ValueError, match="recipe r"):
        Recipe("r", **wrong)


def test_the_encoders_are_named_with_their_versions():
    named = render.encoder_version()

    assert named.startswith("Pillow ")
    assert "libjpeg-turbo" in named
    assert "libwebp" in named


@pytest.mark.parametrize("count", [1, 2, 7, 24, 60])
def test_a_contact_sheet_has_its_width_and_stays_small(count):
    images = (drawing.noise(seed, (200, 112)) for seed in range(count))

    sheet = render.contact_sheet(images, columns=6, width=640, limit=22_000)

    assert len(sheet) <= 22_000
    assert decoded(sheet).format == "JPEG"


def test_a_contact_sheet_shows_its_pictures_in_rows():
    colours = ["red", "lime", "blue"]

    sheet = decoded(
        render.contact_sheet(
            (Image.new("RGB", (160, 90), colour) for colour in colours),
            columns=2,
            width=320,
            limit=22_000,
        )
    )

    assert sheet.size == (320, 180)
    places = [(80, 45), (240, 45), (80, 135)]
    found = [np.argmax(sheet.getpixel(place)) for place in places]
    assert found == [0, 1, 2]
    assert max(sheet.getpixel((240, 135))) < 60


def test_a_transparent_or_upright_picture_is_shown_whole_in_its_tile():
    image = half_transparent((40, 80))

    sheet = decoded(render.contact_sheet([image], columns=1, width=160, limit=22_000))

    assert sheet.size == (160, 90)
    assert sheet.getpixel((80 - 10, 45))[0] > 200
    assert max(sheet.getpixel((80 + 12, 45))) < 80


def test_an_empty_contact_sheet_is_still_a_picture():
    assert decoded(render.contact_sheet([], columns=4, width=320, limit=22_000)).width == 320
