"""Keys under which codes that are near to each other meet: an exact search without reading them all."""

from collections.abc import Iterator

MOST_BITS = 17
"""Two pHashes within so many bits agree, but for one bit, in one of nine bands (9 x 2 > 17)."""

_BANDS = 9
_WIDTHS = tuple(256 // _BANDS + (band < 256 % _BANDS) for band in range(_BANDS))
_BLANK = 32
"""Set bits below which a pHash is that of a blank ground: a picture's has about 128."""


def keys(code: bytes) -> list[int]:
    """The nine keys, below 2^37, that a design with this code (`codes.packed`) is filed under.

    It is filed by its pHash on white; where that shows next to nothing (white ink), by the one on
    black: thousands of such designs would lie under the same keys.
    """
    white, black = _phashes(code)
    return list(_banded(white, 0) if white.bit_count() >= _BLANK else _banded(black, _BANDS))


def probes(code: bytes, bits: int) -> list[int]:
    """Keys of which every design within `bits` has at least one; 9 to 265, at most twice as many.

    The multi-index of Norouzi, Punjani and Fleet ("Fast Search in Hamming Space with Multi-Index
    Hashing", 2012): bands by pigeonhole, each looked up with its neighbours of one bit.

    Raises:
        ValueError: more than `MOST_BITS`.
    """
    if bits > MOST_BITS:
        raise ValueError(f"bands find what is within {MOST_BITS} bits, not {bits}")
    white, black = _phashes(code)
    # A design within `bits` has as many set bits as this one, give or take `bits`.
    wanted: list[int] = []
    if white.bit_count() + bits >= _BLANK:
        wanted += _neighbours(white, 0, bits)
    if white.bit_count() - bits < _BLANK:
        wanted += _neighbours(black, _BANDS, bits)
    return wanted


def _phashes(code: bytes) -> tuple[int, int]:
    return int.from_bytes(code[:32]), int.from_bytes(code[32:64])


def _banded(hash: int, first: int) -> Iterator[int]:
    for band, width in enumerate(_WIDTHS, start=first):
        yield band << 32 | hash & (1 << width) - 1
        hash >>= width


def _neighbours(hash: int, first: int, bits: int) -> Iterator[int]:
    # What none of these keys meets differs in two bits of each earlier band and in one of each later
    # band at least: in `bits` + 1.
    earlier = bits - _BANDS + 1
    for band, (key, width) in enumerate(zip(_banded(hash, first), _WIDTHS, strict=True)):
        yield key
        if band < earlier:
            yield from (key ^ 1 << bit for bit in range(width))
