import numpy as np
import pytest

from image_assets.core import filters
from image_assets.core.filters import filtered
from image_assets_tests.drawing import noise, scene


def by_the_book(number: int, rows: np.ndarray, row: int, at: int, channels: int) -> int:
    """One filtered byte as the PNG specification writes it (section 9.2)."""
    left = int(rows[row, at - channels]) if at >= channels else 0
    above = int(rows[row - 1, at]) if row else 0
    corner = int(rows[row - 1, at - channels]) if row and at >= channels else 0
    estimate = left + above - corner
    distances = [abs(estimate - side) for side in (left, above, corner)]
    nearest = (left, above, corner)[distances.index(min(distances))]
    predicted = (0, left, above, (left + above) // 2, nearest)[number]
    return (int(rows[row, at]) - predicted) % 256


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_filter_is_the_specifications(number, channels):
    rows = np.asarray(noise(3, (8, 40)))[..., :1].reshape(20, 16)
    above = np.concatenate((np.zeros_like(rows[:1]), rows[:-1]))

    found = filters._apply(number, rows, above, channels)

    expected = [
        [by_the_book(number, rows, row, at, channels) for at in range(16)] for row in range(20)
    ]
    assert found.tolist() == expected


def test_every_row_begins_with_its_filter():
    rows = np.asarray(scene((64, 50))).reshape(50, -1)

    found = filtered(rows, 3).rows

    assert found.shape == (50, 193)
    for row, (number, *content) in enumerate(found.tolist()):
        assert content[:12] == [by_the_book(number, rows, row, at, 3) for at in range(12)]


def test_a_strip_has_the_filter_that_suits_it():
    grain = np.asarray(noise(1, (240, 1))).reshape(1, 720)
    alike_down = grain.repeat(240, 0)
    ramps = grain[:, :240].T * np.arange(720)  # each row climbs at a pace of its own

    found = filtered(np.concatenate((alike_down, ramps.astype(np.uint8))), 1)

    assert (found.rows[120, 0], found.rows[360, 0]) == (2, 1)


def test_the_sample_is_of_every_strip():
    rows = np.asarray(scene((100, 480))).reshape(480, -1)

    assert len(filtered(rows, 3).sample) == 24 * 3 * 300
