import pytest

from image_assets.core.errors import PermanentError
from image_assets.core.model import ImageFormat, Picture
from image_assets.core.optimising import Bounds, Rendering, renderings
from image_assets.core.recipes import Fit
from image_assets.core.taking import Takes

STILL = Picture(ImageFormat.BMP, 2000, 1000)
MOVING = Picture(ImageFormat.WEBP, 200, 100, frames=4)


def first(picture, *formats, opaque=True, bounds=Bounds(), most=None):  # noqa: B008
    return next(renderings(picture, Takes.alike(formats, most), bounds, opaque=opaque))


@pytest.mark.parametrize(
    ("picture", "opaque", "formats", "best"),
    [
        (STILL, True, ImageFormat, ImageFormat.JPEG),
        (STILL, True, (ImageFormat.GIF, ImageFormat.PNG), ImageFormat.PNG),
        (STILL, False, (ImageFormat.JPEG, ImageFormat.PNG), ImageFormat.PNG),
        (STILL, False, ImageFormat, ImageFormat.WEBP),
        (MOVING, True, (ImageFormat.JPEG, ImageFormat.GIF), ImageFormat.GIF),
    ],
)
def test_the_format_that_keeps_most_is_chosen(picture, opaque, formats, best):
    assert first(picture, *formats, opaque=opaque).format is best


@pytest.mark.parametrize(
    ("picture", "opaque", "told"),
    [(MOVING, True, "it moves"), (STILL, False, "it is transparent")],
)
def test_what_no_format_of_the_host_can_show_is_told(picture, opaque, told):
    with pytest.raises(PermanentError, match=f"{told}, and of JPEG none can"):
        first(picture, ImageFormat.JPEG, opaque=opaque)


def test_the_first_try_has_every_pixel_and_each_next_one_fewer():
    tries = list(renderings(STILL, Takes.alike([ImageFormat.JPEG], 9), Bounds(), opaque=True))

    sizes = [(t.width, t.height) for t in tries]
    assert sizes[0] == (2000, 1000)
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(sizes)


def test_bounds_hold_from_the_first_try_on():
    rendering = first(STILL, ImageFormat.JPEG, bounds=Bounds(500, 500, 70))

    assert (rendering.width, rendering.height, rendering.quality) == (500, 250, 70)


@pytest.mark.parametrize(
    "rendering",
    [
        Rendering(ImageFormat.JPEG, 2000, 1000, 90, 5_000_000),
        Rendering(ImageFormat.GIF, 1, 1, 90, None, moving=True),
    ],
)
def test_what_the_ledger_has_of_a_rendering_makes_it_again(rendering):
    sha256 = "ab" * 32

    again = Rendering.read(rendering.spelled(sha256))

    assert again == (rendering, sha256)
    assert again[0].recipe.digest == rendering.recipe.digest


def test_a_text_that_spells_no_rendering_is_none():
    with pytest.raises(ValueError, match="spells no rendering"):
        Rendering.read("jpeg")


def test_a_rendering_never_enlarges_nor_cuts():
    assert first(STILL, ImageFormat.JPEG).recipe.fit is Fit.CONTAIN
