import io

import pytest
from PIL import Image

from image_assets.core import fingerprint
from image_assets.core.sameness import moved
from image_assets_tests.drawing import decoded, picture, scene


def look(image: Image.Image) -> fingerprint.Fingerprint:
    return fingerprint.of(image.convert("RGB"))


def as_jpeg(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return decoded(file.getvalue())


@pytest.mark.parametrize("quality", [50, 75, 92])
@pytest.mark.parametrize("seed", range(6))
def test_a_small_picture_of_full_colours_is_the_same_as_jpeg(seed, quality):
    original = decoded(picture(seed, format="PNG"))

    assert moved(look(original), look(as_jpeg(original, quality))).by_encoding


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.rotate(180),
        lambda image: image.convert("L"),
        lambda image: image.point(lambda level: level * 0.8),
        lambda image: Image.merge("RGB", image.split()[::-1]),
        lambda image: image.crop((0, 0, 320, 170)).resize((320, 180)),
        lambda image: Image.new("RGB", image.size, "gray"),
    ],
    ids=["turned", "gray", "darker", "other colours", "cut", "empty"],
)
def test_what_no_encoder_does_is_another_picture(change):
    original = scene()

    assert not moved(look(original), look(change(original))).by_encoding


def test_a_lorry_that_has_moved_on_makes_another_picture():
    """Two frames of one camera are alike but for what drove by."""
    original, later = scene((1280, 720)), scene((1280, 720))
    original.paste("white", (600, 400, 680, 460))
    later.paste("white", (800, 400, 880, 460))

    assert not moved(look(original), look(later)).by_encoding


def test_equal_pictures_did_not_move_and_order_does_not_matter():
    one, other = look(scene()), look(decoded(picture(1)))

    assert (moved(one, one).light, moved(one, one).colour) == (0.0, 0.0)
    assert moved(one, other) == moved(other, one)
