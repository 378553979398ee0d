import pytest

from image_assets.core.errors import PermanentError, RejectedError
from image_assets.core.model import Content, ImageFormat
from image_assets.core.taking import Takes

TAKES = Takes({ImageFormat.JPEG: 1000, ImageFormat.PNG: None})


def content(format, size=1000):
    return Content("0" * 64, "x", size, format, "a.jpg")


@pytest.mark.parametrize(
    ("format", "size", "lacks"),
    [
        (ImageFormat.JPEG, 1000, None),
        (ImageFormat.PNG, 10**9, None),
        (ImageFormat.JPEG, 1001, "takes 1,000 bytes of JPEG, and this has 1,001"),
        (ImageFormat.GIF, 1, "takes no GIF, only JPEG, PNG"),
    ],
)
def test_what_a_host_takes_is_a_matter_of_format_and_size(format, size, lacks):
    assert TAKES.lacks(content(format, size)) == lacks


def test_what_is_not_taken_is_told_with_the_setting_and_not_refused_for_ever():
    with pytest.raises(PermanentError, match=r"a.jpg: Host takes no GIF.*OPTIMISE_UPLOADS") as told:
        TAKES.admit(content(ImageFormat.GIF), "Host")

    assert not isinstance(told.value, RejectedError)


def test_a_wish_narrows_and_never_widens():
    narrowed = TAKES.within((ImageFormat.WEBP, ImageFormat.PNG, ImageFormat.JPEG), 2000)

    assert list(narrowed.limits.items()) == [(ImageFormat.PNG, 2000), (ImageFormat.JPEG, 1000)]
    assert TAKES.within(None, None) == TAKES
