from itertools import pairwise

import pytest

from image_assets.core import presets
from image_assets.core.recipes import Fit, Recipe


@pytest.mark.parametrize("ratio", presets.RATIOS)
def test_a_ratio_is_the_shape_of_its_preset(ratio):
    width, height = presets.size_of(ratio)

    across, down = (int(part) for part in ratio.split(":"))
    assert width * down == height * across


def test_a_preset_is_a_recipe_named_after_it():
    found = presets.preset("9:16", Recipe("r", jpeg_quality=70))

    assert found == Recipe("portrait", 720, 1280, Fit.COVER, jpeg_quality=70)


def test_an_unknown_preset_names_those_there_are():
    with pytest.raises(ValueError, match=r"no preset 'tall'; there are landscape, .*16:9"):
        presets.size_of("tall")


def test_a_responsive_set_has_one_shape_and_one_decoding():
    found = presets.responsive(Recipe("hero", 1600, 900), (320, 640, 1280))

    assert [(r.name, r.size) for r in found] == [
        ("hero-320w", (320, 180)),
        ("hero-640w", (640, 360)),
        ("hero-1280w", (1280, 720)),
    ]
    assert all(one.decoding == other.decoding for one, other in pairwise(found))


@pytest.mark.parametrize("widths", [(640, 640), (0,), (20_000,)])
def test_widths_that_make_no_set_are_refused(widths):
    with pytest.raises(ValueError, match="widths are different"):
        presets.responsive(Recipe("r"), widths)
