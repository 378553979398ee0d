import numpy as np
import pytest
from PIL import Image

from image_assets.core import encoding
from image_assets.core.encoding import WORST_QUALITY, at_most, encode
from image_assets.core.errors import PermanentError
from image_assets.core.model import ImageFormat
from image_assets.core.recipes import Recipe
from image_assets_tests.drawing import decoded, half_transparent, noise, scene

JPEG, PNG, WEBP = ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP
AVIF, GIF = ImageFormat.AVIF, ImageFormat.GIF
LOSSY = {JPEG: "jpeg_quality", WEBP: "webp_quality", AVIF: "avif_quality"}


def mean_error(content: bytes, image: Image.Image) -> float:
    found = np.asarray(decoded(content).convert("RGB"), dtype=int)
    return float(np.abs(found - np.asarray(image)).mean())


@pytest.mark.parametrize(("format", "setting"), LOSSY.items())
def test_quality_is_the_recipes(format, setting):
    low, high = (encode(scene(), format, Recipe("r", **{setting: q})) for q in (20, 95))

    assert len(low) < len(high)
    assert mean_error(high, scene()) < mean_error(low, scene()) < 12


@pytest.mark.parametrize("format", [*LOSSY, PNG, GIF])
@pytest.mark.parametrize("limit", [9_000, 14_000])
def test_a_limit_of_bytes_holds_for_every_format(format, limit):
    image = scene((480, 270))

    content = encode(image, format, Recipe("r", max_bytes=limit))

    assert len(content) <= limit
    assert mean_error(content, image) < 12


@pytest.mark.parametrize("format", LOSSY)
def test_what_fits_at_once_is_not_touched(format):
    free = encode(scene(), format, Recipe("r"))

    assert encode(scene(), format, Recipe("r", max_bytes=len(free))) == free


@pytest.mark.parametrize("format", [JPEG, WEBP, AVIF, PNG, GIF])
def test_what_cannot_fit_is_told_with_the_remedy(format):
    with pytest.raises(PermanentError, match=r"no smaller than .* bytes, and 2,000 are allowed"):
        encode(noise(1, (320, 180)), format, Recipe("r", max_bytes=2000))


@pytest.mark.parametrize("fits", [*range(WORST_QUALITY, 86, 5), 85])
def test_the_highest_quality_that_fits_is_found_in_few_steps(fits):
    tried = []

    def encoded(quality: int) -> bytes:
        tried.append(quality)
        return bytes(quality)

    found = at_most(fits, 85, encoded, what="test")

    assert len(found) == fits
    assert len(tried) <= 8


def test_progressive_is_a_setting():
    plain, progressive = (
        decoded(encode(scene(), JPEG, Recipe("r", jpeg_progressive=wanted)))
        for wanted in (False, True)
    )

    assert not plain.info.get("progressive")
    assert progressive.info["progressive"] == 1


@pytest.mark.parametrize("format", [PNG, WEBP, AVIF, GIF])
def test_alpha_stays_where_the_format_has_it(format):
    found = decoded(encode(half_transparent(), format, Recipe("r"))).convert("RGBA")

    assert [found.getpixel((x, 18))[3] for x in (10, 54)] == [255, 0]
    assert np.abs(np.subtract(found.getpixel((10, 18))[:3], (255, 0, 0))).max() < 12


def test_a_png_that_must_fit_keeps_its_alpha():
    image = scene((320, 180)).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))

    limit = len(encode(image, PNG, Recipe("r"))) * 2 // 3

    found = decoded(encode(image, PNG, Recipe("r", max_bytes=limit)))

    assert found.mode == "P"
    alpha = np.asarray(found.convert("RGBA").getchannel("A"), dtype=int)
    assert np.abs(alpha - np.asarray(image.getchannel("A"))).mean() < 12


def test_what_the_encoder_refuses_is_an_error_of_ours():
    with pytest.raises(PermanentError, match="webp: the encoder refused it"):
        encode(Image.new("RGB", (17_000, 1)), WEBP, Recipe("r"))


def test_the_encoders_are_named_with_their_versions():
    named = encoding.encoder_version()

    assert named.startswith("Pillow ")
    assert {"libjpeg-turbo", "libwebp", "libavif"} <= set(named.replace(",", " ").split())
