import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw

from image_assets.core.errors import PermanentError
from image_assets.core.mockups import mockup
from image_assets.core.recipes import Blend, Fit
from image_assets.core.templates import Area
from image_assets.core.warping import placed

SIZE = (200, 160)
SQUARE = ((50, 30), (150, 30), (150, 130), (50, 130))
STEEP = ((40, 30), (160, 10), (170, 150), (30, 110))
GRAY, RED = (200, 200, 200), (255, 0, 0)


def template(colour: tuple[int, ...] = GRAY, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, SIZE, colour)


def quarters(side: int = 400) -> Image.Image:
    """Red, green, blue and white, clockwise from the top left."""
    image = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(image)
    half = side // 2
    draw.rectangle((0, 0, half - 1, half - 1), fill="red")
    draw.rectangle((half, 0, side, half - 1), fill=(0, 255, 0))
    draw.rectangle((half, half, side, side), fill="blue")
    return image


@pytest.mark.parametrize("side", [20, 100, 101, 400, 1500])
def test_each_quarter_lies_where_it_belongs_whatever_the_designs_size(side):
    made = mockup(quarters(side), template(), [Area(SQUARE)])

    seen = [made.getpixel(at) for at in ((70, 50), (130, 50), (130, 110), (70, 110))]
    assert seen == [RED, (0, 255, 0), (0, 0, 255), (255, 255, 255)]
    assert {made.getpixel(at) for at in ((47, 80), (153, 80), (100, 27), (100, 133))} == {GRAY}


def test_the_edges_lie_between_pixels_where_the_corners_say():
    made = np.asarray(mockup(Image.new("RGB", (300, 300), RED), template(), [Area(SQUARE)]))

    covered = (200 - made[..., 1].astype(float)) / 200
    assert covered.sum() == pytest.approx(10_000, rel=1e-3)
    assert (covered[31:129, 51:149] == 1).all()
    assert covered[29:131, 49:151].sum() == covered.sum()


def test_it_agrees_with_the_mean_of_many_samples():
    design = quarters(1200)
    draw = ImageDraw.Draw(design)
    for y in range(0, 1200, 12):
        draw.line((0, y, 1200, y), fill="black", width=4)

    made = np.asarray(mockup(design, template(), [Area(STEEP, aspect=1)])).astype(float)

    times = 8
    large = tuple((x * times, y * times) for x, y in STEEP)
    finer = template().resize((SIZE[0] * times, SIZE[1] * times))
    truth = mockup(design, finer, [Area(large, aspect=1)]).reduce(times)
    assert np.sqrt(((made - np.asarray(truth)) ** 2).mean()) < 10  # 23 of one sample a pixel


def test_transparent_parts_show_the_template_and_bleed_no_colour():
    design = Image.new("RGBA", (400, 400), (0, 255, 0, 0))
    ImageDraw.Draw(design).rectangle((100, 100, 299, 299), fill=(*RED, 255))

    made = np.asarray(mockup(design, template(), [Area(SQUARE)])).astype(int)

    assert tuple(made[80, 100]) == RED
    assert tuple(made[40, 60]) == GRAY
    assert (made[..., 1] <= 200).all()


def test_a_wide_design_is_contained_covered_or_stretched():
    wide = quarters().resize((400, 200))

    tall = {
        fit: np.asarray(mockup(wide, template(), [Area(SQUARE, fit=fit)])) for fit in (
            Fit.CONTAIN, Fit.COVER, Fit.STRETCH)
    }  # fmt: skip

    assert [tuple(tall[fit][40, 60]) for fit in tall] == [GRAY, RED, RED]
    assert tuple(tall[Fit.CONTAIN][60, 60]) == RED
    box, corners = placed((400, 200), Area(SQUARE, fit=Fit.COVER))
    assert (box, corners) == ((100, 0, 300, 200), SQUARE)
    _, corners = placed((400, 200), Area(SQUARE))
    assert np.allclose(corners, ((50, 55), (150, 55), (150, 105), (50, 105)))


def test_a_contained_design_keeps_its_shape_in_perspective():
    _, corners = placed((400, 200), Area(STEEP, aspect=2))

    assert corners == STEEP


def test_blending_opacity_and_shade_change_what_is_seen():
    design = Image.new("RGB", (100, 100), (100, 100, 100))
    shade = Image.new("L", SIZE, 128)
    areas = {
        "as it is": Area(SQUARE),
        "multiplied": Area(SQUARE, blend=Blend.MULTIPLY),
        "half": Area(SQUARE, opacity=0.5),
    }

    seen = {
        name: mockup(design, template(), [area]).getpixel((100, 80))[0]
        for name, area in areas.items()
    }
    seen["shaded"] = mockup(design, template(), [Area(SQUARE)], shade=shade).getpixel((100, 80))[0]

    assert seen == {"as it is": 100, "multiplied": 78, "half": 150, "shaded": 50}


def test_later_areas_lie_above_and_the_template_itself_stays():
    scene = template()
    above = tuple((x + 50, y) for x, y in SQUARE)

    made = mockup(quarters(), scene, [Area(SQUARE), Area(above)])

    assert made.getpixel((110, 40)) == RED
    assert scene.getpixel((110, 40)) == GRAY


def test_a_transparent_template_is_laid_on_the_ground():
    made = mockup(quarters(), template((0, 0, 0, 0), "RGBA"), [Area(SQUARE)], ground=(1, 2, 3))

    assert (made.mode, made.getpixel((5, 5))) == ("RGB", (1, 2, 3))


def test_areas_may_reach_beyond_the_picture():
    beyond = ((-50, -40), (250, -40), (250, 200), (-50, 200))

    made = mockup(Image.new("RGB", (10, 10), RED), template(), [Area(beyond, aspect=1.25)])

    assert made.getpixel((0, 0)) == made.getpixel((199, 159))


@pytest.mark.parametrize(("width", "height"), list(itertools.product((1, 7, 3000), repeat=2)))
def test_designs_of_any_size_are_shown(width, height):
    made = mockup(
        Image.new("RGB", (width, height), RED), template(), [Area(STEEP, fit=Fit.STRETCH)]
    )

    assert {made.getpixel(at) for at in ((50, 40), (100, 75), (160, 135))} == {RED}


def test_what_does_not_fit_together_is_refused():
    beside = tuple((x + 500, y) for x, y in SQUARE)
    with pytest.raises(PermanentError, match="area 2: its corners are all beside"):
        mockup(quarters(), template(), [Area(SQUARE), Area(beside)])
    with pytest.raises(PermanentError, match="the shade is 10x10, the template 200x160"):
        mockup(quarters(), template(), [Area(SQUARE)], shade=Image.new("L", (10, 10)))
