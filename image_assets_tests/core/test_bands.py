import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from image_assets.core import bands
from image_assets_tests.core.test_codes import CODES, turned


@settings(deadline=None)
@given(CODES, st.integers(0, bands.MOST_BITS), st.data())
def test_codes_within_reach_share_a_key(code, bits, data):
    spots = st.sets(st.integers(0, 255), max_size=bits)
    other = code
    for hash in range(4):
        other = turned(other, [256 * hash + bit for bit in data.draw(spots)])

    assert set(bands.keys(other)) & set(bands.probes(code, bits))


@settings(deadline=None)
@given(CODES, st.integers(1, bands.MOST_BITS), st.integers(0, 255))
def test_bits_that_are_spread_evenly_hide_no_design(code, bits, offset):
    spots = [(offset + 256 * n // bits) % 256 for n in range(bits)]
    other = turned(turned(code, spots), [256 + spot for spot in spots])

    assert set(bands.keys(other)) & set(bands.probes(code, bits))


@settings(deadline=None)
@given(CODES)
def test_a_design_is_filed_under_nine_keys_that_any_database_holds(code):
    keys = bands.keys(code)

    assert len(set(keys)) == 9
    assert all(0 <= key < 2**63 for key in keys)


def test_a_drawing_is_looked_up_on_one_ground_alone():
    code = bytes.fromhex("5a" * 128)

    assert (len(bands.probes(code, 8)), len(bands.probes(code, 16))) == (9, 9 + 228)


def test_white_ink_is_filed_by_what_shows_on_black():
    first, second = (bytes(32) + bytes.fromhex(ink * 32) + bytes(64) for ink in ("5a", "c3"))

    assert not set(bands.keys(first)) & set(bands.probes(second, 16))


def test_what_bands_cannot_promise_they_refuse():
    with pytest.raises(ValueError, match="within 17 bits, not 18"):
        bands.probes(bytes(128), 18)
