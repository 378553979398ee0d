import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from image_assets.core import png
from image_assets_tests.drawing import noise, picture


def decoded(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def drawn(seed: int, mode: str, size: tuple[int, int] = (200, 120)) -> Image.Image:
    return Image.open(io.BytesIO(picture(seed, size, "PNG"))).convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
@pytest.mark.parametrize("compression", [0, 1, 6, 9])
def test_what_is_encoded_decodes_to_the_same_pixels(mode, compression):
    image = drawn(1, mode)

    back = decoded(png.encode(image, compression))

    assert (back.format, back.mode, back.size) == ("PNG", mode, image.size)
    assert back.tobytes() == image.tobytes()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 9), st.integers(0, 1000))
def test_every_size_survives(width, height, compression, seed):
    image = noise(seed, (width, height))

    assert decoded(png.encode(image, compression)).tobytes() == image.tobytes()


@pytest.mark.parametrize("seed", range(4))
def test_the_highest_compression_is_no_larger_than_zlibs_by_two_percent(seed):
    image = drawn(seed, "RGB", (640, 360)).resize((800, 450), Image.Resampling.LANCZOS)
    plain = io.BytesIO()
    image.save(plain, "PNG", compress_level=9)

    assert len(png.encode(image, 9)) <= 1.02 * plain.tell()


def test_nothing_but_pixels_is_written():
    image = drawn(1, "RGB")
    image.info = {"icc_profile": b"canary", "comment": "canary", "transparency": (1, 2, 3)}

    content = png.encode(image, 9)

    kinds = []
    place = 8
    while place < len(content):
        length = int.from_bytes(content[place : place + 4])
        kinds.append(content[place + 4 : place + 8])
        place += length + 12
    assert kinds[0] == b"IHDR"
    assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}
