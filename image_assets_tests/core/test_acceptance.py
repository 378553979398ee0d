import pytest

from image_assets.core.acceptance import ANYTHING, Acceptance
from image_assets.core.errors import UnreadableImageError
from image_assets.core.model import ImageFormat, Picture

DESIGNS = Acceptance(10, 10_000, 1000, frozenset({ImageFormat.PNG, ImageFormat.JPEG}))


def picture(width: int, height: int, format: ImageFormat = ImageFormat.PNG) -> Picture:
    return Picture(format, width, height)


@pytest.mark.parametrize(("width", "height"), [(10, 10), (10_000, 10), (10, 10_000)])
def test_both_limits_of_a_side_are_included(width, height):
    DESIGNS.check(picture(width, height), 1000)


@pytest.mark.parametrize(
    ("refused", "size", "reason"),
    [
        (picture(9, 100), 1, "too_small"),
        (picture(100, 9), 1, "too_small"),
        (picture(10_001, 100), 1, "side_too_long"),
        (picture(100, 100), 1001, "too_large"),
        (picture(100, 100, ImageFormat.GIF), 1, "format_not_taken"),
    ],
)
def test_what_is_beyond_a_limit_is_refused_with_its_reason(refused, size, reason):
    with pytest.raises(UnreadableImageError) as error:
        DESIGNS.check(refused, size)

    assert error.value.reason == reason


def test_without_limits_everything_is_taken():
    ANYTHING.check(picture(1, 1), 0)
