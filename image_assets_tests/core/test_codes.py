import random
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from image_assets.core import codes
from image_assets.core.codes import PackedCodes, packed, unpacked
from image_assets.core.nearest import distance
from image_assets_tests.looks import drawn, relative, with_hashes

# Few bits, nearly all bits, and anything: what hashes of blank, symmetric and busy pictures are.
HASHES = st.one_of(
    st.integers(0, 2**256 - 1),
    st.sets(st.integers(0, 255), max_size=50).map(lambda bits: sum(1 << bit for bit in bits)),
    st.sets(st.integers(0, 255), max_size=50).map(
        lambda bits: 2**256 - 1 - sum(1 << bit for bit in bits)
    ),
)
CODES = st.tuples(HASHES, HASHES, HASHES, HASHES).map(
    lambda hashes: b"".join(hash.to_bytes(32) for hash in hashes)
)


def plainly(stored: Sequence[bytes], query: bytes, bits: int) -> list[int]:
    """What the search must give: the specification."""
    return [
        position
        for position, code in enumerate(stored)
        if all(
            distance(code[start : start + 32], query[start : start + 32]) <= bits
            for start in range(0, 128, 32)
        )
    ]


def turned(code: bytes, flips: Sequence[int]) -> bytes:
    number = int.from_bytes(code)
    for bit in flips:
        number ^= 1 << bit
    return number.to_bytes(128)


def test_a_code_is_the_four_hashes_one_after_the_other():
    look = drawn()

    code = packed(look)

    assert len(code) == codes.CODE_BYTES
    assert code == look.phash_white + look.phash_black + look.dhash_white + look.dhash_black


@settings(max_examples=100, deadline=None)
@given(
    st.lists(CODES, min_size=1, max_size=8),
    st.lists(st.lists(st.integers(0, 1023), max_size=60), max_size=30),
    st.integers(0, codes.MOST_BITS),
)
def test_the_search_in_memory_equals_the_plain_scan(origins, flips, bits):
    stored = origins + [turned(origins[n % len(origins)], some) for n, some in enumerate(flips)]
    known = PackedCodes()
    known.add(unpacked(stored))

    found = known.within(unpacked(stored), bits)

    assert found == [plainly(stored, query, bits) for query in stored]


@settings(deadline=None)
@given(CODES, st.integers(0, 3), st.integers(1, codes.MOST_BITS), st.randoms())
def test_the_last_bit_within_is_found_and_the_next_is_not(code, hash, bits, chance):
    places = [hash * 256 + bit for bit in chance.sample(range(256), bits + 1)]
    known = PackedCodes()
    known.add(unpacked([turned(code, places[:-1]), turned(code, places)]))

    assert known.within(unpacked([code]), bits) == [[0]]


def test_codes_that_come_in_portions_keep_their_positions():
    chance = random.Random(3)
    stored = unpacked([chance.randbytes(128) for _ in range(140_000)])
    known = PackedCodes()
    start = 0
    for size in (1, 1_022, 3, 60_000, 70_000, 8_974):
        known.add(stored[start : start + size])
        start += size
    places = [0, 1, 1_023, 1_024, 65_535, 65_536, 131_071, 131_072, 139_999]

    found = known.within(stored[places], 40)

    assert len(known) == 140_000
    assert found == [[place] for place in places]


def test_nothing_is_near_where_nothing_is():
    assert PackedCodes().within(unpacked([packed(drawn())]), 48) == [[]]


def test_relatives_are_near_and_strangers_are_not():
    family = [relative(1, member) for member in range(5)] + [relative(2, 0)]
    known = PackedCodes()
    known.add(unpacked([packed(look) for look in family]))

    assert known.within(unpacked([packed(family[0])]), 6) == [[0, 1, 2, 3, 4]]


def test_white_ink_is_told_apart_by_the_ground_that_shows_it():
    blank = bytes(32)
    inks = [
        with_hashes(str(n), blank, random.Random(n).randbytes(32), blank, blank) for n in (1, 2)
    ]
    known = PackedCodes()
    known.add(unpacked([packed(look) for look in inks]))

    assert known.within(unpacked([packed(look) for look in inks]), 40) == [[0], [1]]
