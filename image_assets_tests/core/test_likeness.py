from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageFilter

from image_assets.core import fingerprint, likeness
from image_assets.core.fingerprint import Fingerprint
from image_assets_tests import drawing


def drawn(seed: int, size: tuple[int, int] = (640, 360)) -> Image.Image:
    return Image.open(BytesIO(drawing.picture(seed, size, "PNG"))).convert("RGB")


def look(image: Image.Image) -> Fingerprint:
    return fingerprint.of(image)


def shifted(image: Image.Image, across: float, down: float) -> Image.Image:
    """The picture seen from a grid that lies elsewhere by a part of a pixel of 32."""
    moved = (1, 0, across * image.width / 32, 0, 1, down * image.height / 32)
    return image.transform(
        image.size, Image.Transform.AFFINE, moved, Image.Resampling.BICUBIC, fillcolor="white"
    )


def edged(image: Image.Image) -> Image.Image:
    """On a wide white margin: a shift brings nothing new in."""
    wide = Image.new("RGB", (800, 800), "white")
    wide.paste(image.resize((600, 600)), (100, 100))
    return wide


def test_a_picture_differs_from_itself_in_nothing():
    ours = look(drawn(1))

    assert likeness.difference(ours, ours) == likeness.Difference(0.0, 0.0)


@pytest.mark.parametrize("other", [2, 3])
def test_the_difference_is_the_same_whichever_comes_first(other):
    ours, theirs = look(drawn(1)), look(drawn(other))

    there, back = likeness.difference(ours, theirs), likeness.difference(theirs, ours)

    assert there.colour == pytest.approx(back.colour)
    assert there.detail == pytest.approx(back.detail)


@pytest.mark.parametrize("shift", [(0.5, 0.0), (-0.4, 0.4), (0.0, -0.6)])
def test_a_grid_that_lies_a_little_aside_makes_little_difference(shift):
    image = edged(drawn(4))

    found = likeness.difference(look(image), look(shifted(image, *shift)))

    assert found.colour < 8
    assert found.detail < 16


def test_a_grid_that_lies_far_aside_is_not_followed():
    image = edged(drawn(4))

    assert likeness.difference(look(image), look(shifted(image, 3.0, 0.0))).colour > 16


def test_blur_makes_little_difference():
    image = drawn(5)

    found = likeness.difference(look(image), look(image.filter(ImageFilter.GaussianBlur(2))))

    assert found.colour < 8
    assert found.detail < 16


def test_another_colour_of_a_small_area_is_a_difference_of_detail():
    image = Image.new("RGB", (640, 640), "white")
    image.paste((60, 90, 160), (80, 80, 560, 560))
    skins = []
    for skin in ((243, 210, 162), (213, 171, 136)):
        image.paste(skin, (300, 300, 360, 360))
        skins.append(look(image))

    assert likeness.difference(*skins).detail > 26


def test_grain_everywhere_is_not_detail():
    image = drawn(6)
    noise = np.random.default_rng(1).normal(0, 40, (360, 640, 3))
    grained = Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))

    assert likeness.difference(look(image), look(grained)).detail < 16


@pytest.mark.parametrize("seed", range(2, 12))
def test_what_is_refused_unseen_differs_in_colour(seed):
    ours, theirs = look(drawn(1)), look(drawn(seed))

    assert likeness.may_be_within(ours, theirs, 16) or likeness.difference(ours, theirs).colour > 16
