import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from image_assets.core import fitting
from image_assets.core.recipes import Fit, Recipe
from image_assets_tests.drawing import scene


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

    assert fitting.fitted(Image.new("RGB", size), recipe).size == expected


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(Fit),
    st.integers(1, 300),
    st.integers(1, 300),
    st.sampled_from(["RGB", "RGBA"]),
)
def test_no_fit_leaves_the_size(fit, width, height, mode):
    recipe = Recipe("r", 64, 48, fit=fit)

    found = fitting.fitted(Image.new(mode, (width, height)), recipe)

    assert found.mode == mode
    assert found.width <= 64
    assert found.height <= 48
    if fit not in (Fit.CONTAIN, Fit.CROP):
        assert found.size == (64, 48)


def test_padding_centres_the_picture_on_the_ground():
    recipe = Recipe("r", 100, 50, ground=(1, 2, 3))

    found = fitting.fitted(Image.new("RGB", (40, 40), "red"), recipe)

    row = np.asarray(found)[25]
    assert (row[:25] == (1, 2, 3)).all()
    assert (row[25:75] == (255, 0, 0)).all()
    assert (row[75:] == (1, 2, 3)).all()


def test_cropping_cuts_both_sides_evenly_and_enlarges_nothing():
    image = Image.new("RGB", (30, 10), "white")
    image.paste("red", (10, 0, 20, 10))

    found = fitting.fitted(image, Recipe("r", 100, 100, fit=Fit.CROP))

    assert found.size == (10, 10)
    assert (np.asarray(found) == (255, 0, 0)).all()


def test_covering_cuts_both_sides_evenly():
    image = Image.new("RGB", (300, 100), "white")
    image.paste("red", (100, 0, 200, 100))

    found = fitting.fitted(image, Recipe("r", 50, 50, fit=Fit.COVER))

    assert (np.asarray(found)[25, 3:47] == (255, 0, 0)).all()


def test_resizing_is_close_to_plain_lanczos():
    image = scene((2000, 1100))
    plain = image.resize((320, 180), Image.Resampling.LANCZOS)

    ours = fitting.fitted(image, Recipe("r", 320, 180, fit=Fit.STRETCH))

    assert np.abs(np.asarray(ours, dtype=int) - np.asarray(plain)).mean() < 1


@pytest.mark.parametrize(
    ("fit", "size", "expected"),
    [
        (Fit.STRETCH, (4000, 3000), (1920, 1440)),
        (Fit.PAD, (4000, 3000), (1440, 1080)),
        (Fit.CONTAIN, (3000, 4000), (810, 1080)),
        (Fit.COVER, (4000, 3000), (1920, 1440)),
        (Fit.CROP, (4000, 1000), (4000, 1000)),
        (Fit.COVER, (1000, 500), (1000, 500)),
    ],
)
def test_a_picture_is_decoded_half_as_large_again_as_it_is_exported(fit, size, expected):
    enough = fitting.enough(Recipe("r", 1280, 720, fit=fit))

    assert enough(size, 0.8) == expected


def test_a_file_full_of_detail_is_decoded_three_times_as_large():
    enough = fitting.enough(Recipe("r", 1280, 720, fit=Fit.STRETCH))

    assert enough((4000, 3000), 2.0) == (3840, 2880)


def test_a_recipe_of_a_set_is_decoded_for_the_largest_of_it():
    alone = Recipe("r", 320, 180)
    together = Recipe("r", 320, 180, decoded_for=(1280, 720))

    assert fitting.enough(alone)((4000, 2250), 0.8) == (480, 270)
    assert fitting.enough(together)((4000, 2250), 0.8) == (1920, 1080)
