import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from image_assets.core import colour
from image_assets_tests import drawing

COLOURS = Path(__file__).parents[2].parent / "shared" / "data" / "color"
needs_colours = pytest.mark.skipif(
    not COLOURS.is_dir(), reason="the shared colour pictures are not here"
)
SQUARE = Image.new("RGB", (4, 4), (180, 40, 90))


def reopened(image: Image.Image, format: str, **options: object) -> Image.Image:
    content = io.BytesIO()
    image.save(content, format, **options)
    found = Image.open(content)
    found.load()
    return found


def marked() -> Image.Image:
    """A picture whose corners tell which way it was turned."""
    image = Image.new("RGB", (60, 40), "white")
    image.paste("red", (0, 0, 30, 20))
    image.paste("blue", (30, 20, 60, 40))
    return image


HOW_IT_WAS_TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_every_orientation_ends_upright(orientation, format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    turn = HOW_IT_WAS_TURNED.get(orientation)
    lying = marked() if turn is None else marked().transpose(turn)

    image = colour.upright(reopened(lying, format, exif=exif, lossless=True))

    assert image.size == (60, 40)
    assert np.abs(np.asarray(image).astype(int) - np.asarray(marked())).max() == 0


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("1", "RGB"),
        ("L", "RGB"),
        ("P", "RGB"),
        ("RGB", "RGB"),
        ("LA", "RGBA"),
        ("PA", "RGBA"),
        ("RGBA", "RGBA"),
        ("CMYK", "RGB"),
        ("I;16", "RGB"),
    ],
)
def test_every_mode_becomes_rgb_or_where_something_is_transparent_rgba(mode, expected):
    image = Image.new(mode, (3, 3))

    assert colour.upright(image).mode == expected


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_that_hides_nothing_is_dropped(mode):
    assert colour.upright(SQUARE.convert(mode)).mode == "RGB"


def test_a_palette_with_transparency_keeps_it():
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)

    found = colour.upright(reopened(image, "PNG", transparency=1))

    assert found.getpixel((0, 0)) == (255, 0, 0, 255)
    assert found.getpixel((1, 0))[3] == 0


def test_sixteen_bits_are_scaled_never_cut_off():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)

    found = np.asarray(colour.upright(Image.fromarray(values)))

    assert (found[..., 0] == np.round(values / 257)).all()


def test_the_result_carries_no_metadata():
    exif = Image.Exif()
    exif[0x010F] = "canary"
    image = reopened(SQUARE, "JPEG", exif=exif, comment=b"canary", dpi=(72, 72))

    assert colour.upright(image).info == {}


def test_a_profile_that_is_srgb_changes_no_level():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = Image.open(io.BytesIO(drawing.picture(1, format="PNG")))

    found = colour.upright(reopened(picture, "PNG", icc_profile=srgb))

    assert found.tobytes() == picture.tobytes()


@pytest.mark.parametrize("profile", [b"", b"no profile", b"\0" * 200])
def test_a_broken_profile_counts_as_none(profile):
    found = colour.upright(reopened(SQUARE, "PNG", icc_profile=profile))

    assert found.getpixel((0, 0)) == (180, 40, 90)


def test_flattening_lays_the_ink_on_the_ground():
    image = Image.new("RGBA", (2, 1), (10, 20, 30, 255))
    image.putpixel((1, 0), (10, 20, 30, 0))

    flat = colour.flatten(image, (200, 100, 50))

    assert [flat.getpixel((x, 0)) for x in (0, 1)] == [(10, 20, 30), (200, 100, 50)]


# web-platform-tests' published values; lcms itself is within their tolerance of 3 levels.
@needs_colours
@pytest.mark.parametrize(
    ("profile", "value", "expected"),
    [
        ("DisplayP3-v4.icc", (0xFF, 0, 0), (255, 0, 0)),
        ("DisplayP3-v4.icc", (0xBB, 0, 0), (205, 0, 0)),
        ("AdobeCompat-v4.icc", (0xBB, 0, 0), (219, 0, 0)),
        ("sRGB-v4.icc", (0xBB, 0, 0), (187, 0, 0)),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_embedded_profiles_give_the_published_colours(profile, value, expected, mode):
    image = Image.new("RGB", (8, 8), value)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize((8, 8)))
    content = (COLOURS / "profiles" / profile).read_bytes()

    found = colour.upright(reopened(image, "PNG", icc_profile=content))

    assert found.mode == mode
    assert np.abs(np.subtract(found.getpixel((3, 3))[:3], expected)).max() <= 3


@needs_colours
def test_gray_profiles_are_applied_with_and_without_alpha():
    content = (COLOURS / "profiles" / "sGrey-v4.icc").read_bytes()
    gray = Image.linear_gradient("L")

    plain = colour.upright(reopened(gray, "PNG", icc_profile=content))
    gray_alpha = Image.merge("LA", (gray, gray))
    transparent = colour.upright(reopened(gray_alpha, "PNG", icc_profile=content))

    assert (plain.mode, transparent.mode) == ("RGB", "RGBA")
    assert transparent.convert("RGB").tobytes() == plain.tobytes()
    assert transparent.getchannel("A").tobytes() == gray.tobytes()


REFERENCES = {
    "DJI-FC6310-16bit_709_v4_krita": ("DJI-FC6310-16bit_srgb8_v4_krita", 0.8),
    "Nikon-D300-12bit_2020_g1_dt": ("Nikon-D300-12bit_srgb8_dt", 0.8),
    "Nikon-D3-14bit_2020_g1": ("Nikon-D3-14bit_srgb8", 2.7),
    "l1qnb5_nkitzmiller_2020_g1": ("l1qnb5_nkitzmiller_srgb8", 2.7),
    "ra0ed45_alfann24_709_g1": ("ra0ed45_alfann24_srgb8", 2.7),
    "u76c0g_bliznaca_709_g1": ("u76c0g_bliznaca_srgb8", 2.7),
}


@needs_colours
@pytest.mark.parametrize("wide", REFERENCES)
def test_wide_gamut_photos_match_their_srgb_twins(wide):
    twin, limit = REFERENCES[wide]
    ours, theirs = (
        np.asarray(colour.upright(Image.open(COLOURS / "icc_pairs" / f"{name}.png"))).astype(int)
        for name in (wide, twin)
    )

    assert np.abs(ours - theirs).mean() <= limit


@needs_colours
@pytest.mark.parametrize("folder", ["orientation_sharp", "orientation_rasteiner"])
@pytest.mark.parametrize("shape", ["Landscape", "Portrait", "test"])
def test_the_eight_shared_orientations_show_one_picture(folder, shape):
    files = sorted((COLOURS / folder).glob(f"{shape}_?.jpg"))
    pictures = [np.asarray(colour.upright(Image.open(file)), dtype=int) for file in files]

    assert len({picture.shape for picture in pictures}) <= 1
    assert all(np.abs(picture - pictures[0]).mean() < 6 for picture in pictures)


@needs_colours
def test_cmyk_is_not_inverted():
    found = np.asarray(colour.upright(Image.open(COLOURS / "pillow" / "pil_sample_cmyk.jpg")))
    plain = np.asarray(Image.open(COLOURS / "pillow" / "pil_sample_cmyk.jpg").convert("RGB"))

    assert np.corrcoef(found.ravel(), plain.ravel())[0, 1] > 0.9
