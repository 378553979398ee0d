import numpy as np
import pytest
from PIL import Image

from image_assets.core.contact_sheet import contact_sheet
from image_assets_tests import drawing
from image_assets_tests.drawing import decoded, half_transparent


@pytest.mark.parametrize("count", [1, 2, 7, 24, 60])
def test_a_contact_sheet_has_its_width_and_stays_small(count):
    images = (drawing.noise(seed, (200, 112)) for seed in range(count))

    sheet = contact_sheet(images, columns=6, width=640, limit=22_000)

    assert len(sheet) <= 22_000
    assert decoded(sheet).format == "JPEG"


def test_a_contact_sheet_shows_its_pictures_in_rows():
    colours = ["red", "lime", "blue"]

    sheet = decoded(
        contact_sheet(
            (Image.new("RGB", (160, 90), colour) for colour in colours),
            columns=2,
            width=320,
            limit=22_000,
        )
    )

    assert sheet.size == (320, 180)
    places = [(80, 45), (240, 45), (80, 135)]
    found = [np.argmax(sheet.getpixel(place)) for place in places]
    assert found == [0, 1, 2]
    assert max(sheet.getpixel((240, 135))) < 60


def test_a_transparent_or_upright_picture_is_shown_whole_in_its_tile():
    image = half_transparent((40, 80))

    sheet = decoded(contact_sheet([image], columns=1, width=160, limit=22_000))

    assert sheet.size == (160, 90)
    assert sheet.getpixel((80 - 10, 45))[0] > 200
    assert max(sheet.getpixel((80 + 12, 45))) < 80


def test_an_empty_contact_sheet_is_still_a_picture():
    assert decoded(contact_sheet([], columns=4, width=320, limit=22_000)).width == 320
