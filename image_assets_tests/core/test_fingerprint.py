from io import BytesIO

import imagehash
import numpy as np
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from image_assets.core import averages, colour, fingerprint
from image_assets.core.fingerprint import FLAT_SCORE, Fingerprint
from image_assets_tests import drawing


def drawn(seed: int, size: tuple[int, int] = (160, 90)) -> Image.Image:
    return Image.open(BytesIO(drawing.picture(seed, size, "PNG"))).convert("RGB")


def inked(ink: str, size: tuple[int, int] = (120, 120)) -> Image.Image:
    """A letter-like shape of one colour on a transparent ground."""
    image = Image.new("RGBA", size)
    draw = ImageDraw.Draw(image)
    draw.ellipse((20, 10, 90, 70), fill=ink)
    draw.rectangle((30, 60, 50, 115), fill=ink)
    draw.line((60, 60, 110, 110), fill=ink, width=9)
    return image


def differing(a: bytes, b: bytes) -> int:
    return (int.from_bytes(a) ^ int.from_bytes(b)).bit_count()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("factor", [0.25, 0.4, 1.7])
def test_the_hashes_hardly_move_with_the_size(seed, factor):
    image = drawn(seed, (640, 360))
    other = image.resize((round(640 * factor), round(360 * factor)), Image.Resampling.BICUBIC)

    ours, theirs = fingerprint.of(image), fingerprint.of(other)

    assert differing(ours.phash_white, theirs.phash_white) <= 16
    assert differing(ours.dhash_white, theirs.dhash_white) <= 16


@pytest.mark.parametrize("seed", range(4))
def test_the_hashes_of_other_pictures_are_far_away(seed):
    ours, theirs = fingerprint.of(drawn(seed)), fingerprint.of(drawn(seed + 10))

    assert differing(ours.phash_white, theirs.phash_white) > 48


@pytest.mark.parametrize("ink", ["black", "white", "#d02040"])
def test_a_transparent_picture_is_hashed_as_if_laid_on_each_ground(ink):
    image = inked(ink)

    ours = fingerprint.of(image)

    for ground, phash, dhash in (
        (colour.WHITE, ours.phash_white, ours.dhash_white),
        (colour.BLACK, ours.phash_black, ours.dhash_black),
    ):
        flat = fingerprint.of(colour.flatten(image, ground))
        assert differing(phash, flat.phash_white) <= 2
        assert differing(dhash, flat.dhash_white) <= 2


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 900), st.integers(1, 900), st.integers(1, 64))
def test_one_colour_stays_that_colour_at_any_size(width, height, side):
    gray = Image.new("L", (width, height), 173).reduce(averages.factors((width, height)))

    small = averages.scaled(np.asarray(gray, np.float64), (width, height), side, side)

    assert small.shape == (side, side)
    assert np.allclose(small, 173)


@pytest.mark.parametrize("size", [(300, 300), (301, 517), (64, 1000)])
def test_a_ramp_keeps_its_place_at_any_size(size):
    ramp = np.tile((np.arange(size[0]) + 0.5) * 255 / size[0], (size[1], 1))
    gray = Image.fromarray(ramp.round().astype(np.uint8)).reduce(averages.factors(size))

    small = averages.scaled(np.asarray(gray, np.float64), size, 32, 8)

    middle = (np.arange(32) + 0.5) * 255 / 32
    assert np.abs(small[:, 2:-2] - middle[2:-2]).max() < 1.5


def test_an_opaque_picture_looks_the_same_on_both_grounds():
    ours = fingerprint.of(drawn(1))

    assert (ours.phash_white, ours.dhash_white) == (ours.phash_black, ours.dhash_black)


def test_symmetry_leaves_no_bit_to_chance():
    half = drawn(9, (80, 80))
    image = Image.new("RGB", (160, 80))
    image.paste(half, (0, 0))
    image.paste(half.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (80, 0))

    phash = np.unpackbits(np.frombuffer(fingerprint.of(image).phash_white, np.uint8))

    odd = phash.reshape(16, 16)[:, 1::2]
    assert (odd == odd[0, 0]).all()


def test_the_pixel_hash_of_an_opaque_picture_is_that_of_a_ppm_file():
    image = drawn(2, (37, 21))

    expected = blake3(b"P6\n37 21\n255\n" + image.tobytes()).hexdigest()

    assert fingerprint.of(image).pixel_hash == expected


def test_the_pixel_hash_of_a_transparent_picture_is_that_of_a_pam_file():
    image = inked("black")
    head = b"P7\nWIDTH 120\nHEIGHT 120\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n"

    expected = blake3(head + image.tobytes()).hexdigest()

    assert fingerprint.of(image).pixel_hash == expected


def test_one_level_in_one_pixel_is_another_pixel_hash():
    image = drawn(3)
    changed = image.copy()
    red, green, blue = changed.getpixel((5, 5))
    changed.putpixel((5, 5), (red ^ 1, green, blue))

    assert fingerprint.of(image).pixel_hash != fingerprint.of(changed).pixel_hash


def test_the_shape_is_part_of_the_pixel_hash():
    wide = Image.new("RGB", (20, 10), "red")
    high = Image.new("RGB", (10, 20), "red")

    assert fingerprint.of(wide).pixel_hash != fingerprint.of(high).pixel_hash


def test_colour_that_nobody_can_see_does_not_count():
    image = inked("black")
    hidden = np.array(image)
    hidden[hidden[..., 3] == 0] = (200, 10, 90, 0)

    ours, other = fingerprint.of(image), fingerprint.of(Image.fromarray(hidden))

    assert ours == other


def test_black_designs_on_nothing_differ_although_imagehash_sees_none_of_them():
    circle, letter = Image.new("RGBA", (120, 120)), inked("black")
    ImageDraw.Draw(circle).ellipse((30, 30, 90, 90), fill="black")
    assert imagehash.phash(circle, 16) == imagehash.phash(letter, 16)

    ours, other = fingerprint.of(circle), fingerprint.of(letter)

    assert ours.phash_white != other.phash_white
    assert ours.pixel_hash != other.pixel_hash


def test_a_picture_read_in_many_strips_has_the_figures_of_one_read_whole(monkeypatch):
    image = inked("#2040d0", (500, 700))
    whole = fingerprint.of(image)

    monkeypatch.setattr(fingerprint, "_STRIP_PIXELS", 500 * 24)

    assert fingerprint.of(image) == whole


def test_cells_the_small_picture_and_opacity_are_those_of_the_places():
    image = Image.new("RGBA", (64, 64))
    image.paste((200, 100, 0, 255), (0, 0, 32, 64))

    ours = fingerprint.of(image)

    cells = np.frombuffer(ours.cells, np.uint8).reshape(8, 8, 3)
    small = np.frombuffer(ours.small, np.uint8).reshape(32, 32, 3)
    alpha = np.frombuffer(ours.alpha, np.uint8).reshape(32, 32)
    for place, size in ((cells, 8), (small, 32)):
        assert (place[:, : size // 2 - 1] == (200, 100, 0)).all()
        assert (place[:, size // 2 + 1 :] == 255).all()
    assert (alpha[:, :15] == 255).all()
    assert (alpha[:, 17:] == 0).all()


@pytest.mark.parametrize(
    "flat",
    [
        Image.new("RGB", (300, 200), "white"),
        Image.new("RGB", (300, 200), (90, 120, 90)),
        Image.linear_gradient("L").convert("RGB"),
        Image.radial_gradient("L").convert("RGB"),
        Image.new("RGBA", (300, 200)),
    ],
    ids=["white", "gray", "linear", "radial", "nothing"],
)
def test_flat_pictures_and_gradients_score_below_the_limit(flat):
    assert fingerprint.of(flat).score < FLAT_SCORE


@pytest.mark.parametrize("seed", range(5))
def test_pictures_of_something_score_above_the_limit(seed):
    assert fingerprint.of(drawn(seed)).score > FLAT_SCORE


@pytest.mark.parametrize("ink", ["black", "white"])
def test_ink_that_shows_on_one_ground_only_still_scores(ink):
    assert fingerprint.of(inked(ink)).score > FLAT_SCORE


def test_a_fingerprint_survives_packing():
    ours = fingerprint.of(inked("#2040d0"))

    assert Fingerprint.from_bytes(ours.to_bytes()) == ours


@pytest.mark.parametrize("damage", [b"", b"IAfp", b"x" * 4476])
def test_other_bytes_are_not_unpacked(damage):
    with pytest.raises(ValueError, match="not a packed fingerprint"):
        Fingerprint.from_bytes(damage)


def test_a_side_beyond_sixteen_thousand_pixels_is_no_trouble():
    image = Image.new("RGB", (40_000, 3), "white")
    image.paste("black", (10_000, 0, 20_000, 3))

    cells = np.frombuffer(fingerprint.of(image).cells, np.uint8).reshape(8, 8, 3)

    assert (cells[0, :, 0] > 128).tolist() == [True, True, False, False, True, True, True, True]
