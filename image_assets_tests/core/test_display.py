import pytest
from PIL import Image, ImageFilter

from image_assets.core.display import FRAME, Candidate, Choice, best, contested, sharpness
from image_assets.core.model import ImageFormat, Variant
from image_assets.core.render import render


def candidate(
    image_id: int,
    side: int = 100,
    format: ImageFormat = ImageFormat.PNG,
    *,
    size: int = 1000,
    sharp: float | None = None,
    variant: Variant = Variant.FULL,
    key: str = "a",
) -> Candidate:
    return Candidate(image_id, key, f"{image_id}", format, side, side, size, variant, sharp)


def measured(image: Image.Image) -> float:
    return sharpness(render(image, FRAME).files[ImageFormat.PNG])


@pytest.mark.parametrize(
    ("better", "worse", "reason"),
    [
        (candidate(1, 200), candidate(2, 100), "200x200; the next has 100x100"),
        (candidate(1), candidate(2, format=ImageFormat.JPEG), "png keeps more than jpeg"),
        (candidate(1, size=2000), candidate(2, size=10), "2000 bytes; the next has 10"),
        (
            candidate(1, 100),
            candidate(2, 400, variant=Variant.THUMBNAIL),
            "full size; the other is a thumbnail",
        ),
        (
            candidate(1, 100, sharp=90.0),
            candidate(2, 400, sharp=10.0),
            "sharper than 400x400, which shows less detail",
        ),
        (candidate(1, key="a"), candidate(2, key="b"), "the first of equal pictures"),
    ],
)
def test_the_better_picture_is_shown_for_a_reason_in_whichever_order(better, worse, reason):
    assert best([better, worse]) == best([worse, better]) == Choice(better.image_id, reason)


def test_a_single_picture_is_the_only_one():
    assert best([candidate(7)]) == Choice(7, "the only picture")


def test_without_pictures_nothing_can_be_chosen():
    with pytest.raises(ValueError, match="without pictures"):
        best([])


def test_sharpness_is_asked_for_only_when_sizes_differ():
    assert contested([candidate(1, 100), candidate(2, 200)])
    assert not contested([candidate(1, 100), candidate(2, 100)])


def test_enlarging_or_blurring_a_picture_shows_no_more():
    noise = Image.effect_noise((512, 512), 80).convert("RGB")
    enlarged = noise.resize((64, 64)).resize((2048, 2048))

    assert measured(enlarged) < 0.1 * measured(noise)
    assert measured(noise.filter(ImageFilter.GaussianBlur(3))) < 0.1 * measured(noise)


def test_transparent_pictures_are_measured_on_white():
    empty = Image.new("RGBA", (300, 200), (255, 0, 0, 0))

    assert measured(empty) == 0.0
