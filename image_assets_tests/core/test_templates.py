import math

import pytest

from image_assets.core.recipes import Fit
from image_assets.core.templates import MOST_AREAS, Area, Template, check_within

SQUARE = ((0, 0), (100, 0), (100, 100), (0, 100))


@pytest.mark.parametrize(
    ("corners", "complaint"),
    [
        (((0, 0), (0, 0), (0, 0), (0, 0)), "no area"),
        (((0, 0), (100, 0), (200, 0), (300, 0)), "no area"),
        (((0, 0), (3, 0), (3, 3), (0, 3)), "no area"),
        (((0, 0), (0, 100), (100, 100), (100, 0)), "mirrored"),
        (((0, 0), (100, 100), (100, 0), (0, 100)), "no convex area"),
        (((0, 0), (100, 0), (20, 20), (0, 100)), "no convex area"),
        (((0, 0), (100, 0), (100, 100), (50, 0)), "one line"),
        (((0, 0), (100, 0), (100, math.nan), (0, 100)), "pairs of numbers"),
        (((0, 0), (100, 0), (100, math.inf), (0, 100)), "pairs of numbers"),
    ],
)
def test_corners_on_which_nothing_could_lie_are_refused_with_the_reason(corners, complaint):
    with pytest.raises(ValueError, match=complaint):
        Area(corners)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"fit": Fit.PAD}, "contain, cover, stretch"),
        ({"opacity": 0}, "opacity"),
        ({"opacity": 1.1}, "opacity"),
        ({"aspect": 0}, "aspect"),
    ],
)
def test_values_out_of_their_range_are_refused(values, complaint):
    with pytest.raises(ValueError, match=complaint):
        Area(SQUARE, **values)


def test_a_flat_areas_shape_is_given_or_that_of_its_mean_edges():
    lying = ((40, 0), (60, 0), (100, 30), (0, 30))

    assert Area(SQUARE).shape == 1
    assert Area(lying).shape == pytest.approx(60 / 50)
    assert Area(lying, aspect=3).shape == 3


def test_a_template_has_some_areas_and_not_too_many():
    for number in (0, MOST_AREAS + 1):
        with pytest.raises(ValueError, match=f"not {number}"):
            Template("mug", "mug.png", (Area(SQUARE),) * number)


def test_an_area_that_is_not_on_the_picture_is_refused():
    check_within(Area(SQUARE), (50, 50))
    with pytest.raises(ValueError, match="all beside the picture, which is 50x50"):
        check_within(Area(((60, 0), (90, 0), (90, 40), (60, 40))), (50, 50))
    with pytest.raises(ValueError, match="far beyond"):
        check_within(Area(((0, 0), (9000, 0), (9000, 40), (0, 40))), (50, 50))
