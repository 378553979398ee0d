"""The four hashes of a picture as one code of 1,024 bits, and the exact search among such codes."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from image_assets.core.fingerprint import Fingerprint

CODE_BYTES = 128
MOST_BITS = 48
"""The largest distance that is searched for; of 256 bits, unrelated pictures differ in about 128."""

Code = NDArray[np.uint64]
"""Sixteen words of 64 bits, four a hash, in the order of `packed`."""

_HASHES, _WORDS = 4, 4
_BLOCK = 1 << 16  # codes side by side: the two columns that are read first fit into a core's cache
_FIRST_BLOCK = 1 << 10
_EVEN = range(64, 193)  # set bits of a hash that tells pictures apart; the median gives pHash 128


def packed(look: Fingerprint) -> bytes:
    """The code: pHash on white, pHash on black, dHash on white, dHash on black."""
    return look.phash_white + look.phash_black + look.dhash_white + look.dhash_black


def unpacked(codes: Sequence[bytes]) -> Code:
    """Codes as a matrix, a row each."""
    return np.frombuffer(b"".join(codes), dtype=np.uint64).reshape(-1, _HASHES * _WORDS)


class PackedCodes:
    """Codes in the order of their coming, 128 bytes of memory each, searched by reading all of them.

    Exact whatever the codes are. Of each code the first half of one hash is read: two unrelated
    pictures differ in more than 40 of those 128 bits but for one pair in 100,000; the few that are
    left are compared whole.
    """

    def __init__(self) -> None:
        self._blocks: list[Code] = []
        self._filled = 0  # columns of the last block that hold a code
        self._scratch = _Scratch()

    def __len__(self) -> int:
        return max(0, len(self._blocks) - 1) * _BLOCK + self._filled

    def add(self, codes: Code) -> None:
        """Append the rows of a matrix."""
        while len(codes):
            room = self._room(len(codes))
            some, codes = codes[:room], codes[room:]
            self._blocks[-1][:, self._filled : self._filled + len(some)] = some.T
            self._filled += len(some)

    def within(self, queries: Code, bits: int) -> list[list[int]]:
        """For each row of `queries`, the positions of codes with all four hashes within `bits`."""
        found: list[list[int]] = [[] for _ in queries]
        first = [_telling(query) for query in queries]
        # Block by block: it stays in the cache while every query reads it.
        for number, block in enumerate(self._parts()):
            for query, word, positions in zip(queries, first, found, strict=True):
                near = self._scratch.near(block, query, word, bits)
                if near.size:
                    positions.extend(int(p) + number * _BLOCK for p in near)
        return found

    def _parts(self) -> Iterator[Code]:
        yield from self._blocks[:-1]
        if self._blocks:
            yield self._blocks[-1][:, : self._filled]

    def _room(self, wanted: int) -> int:
        """Columns to fill in the last block, which grows to its full size before the next begins."""
        width = self._blocks[-1].shape[1] if self._blocks else _BLOCK
        if self._filled == width or not self._blocks:
            if width == _BLOCK:
                self._blocks.append(_empty(min(_BLOCK, max(wanted, _FIRST_BLOCK))))
                self._filled = 0
            else:
                grown = _empty(min(_BLOCK, max(2 * width, width + wanted)))
                grown[:, :width] = self._blocks[-1]
                self._blocks[-1] = grown
        return int(self._blocks[-1].shape[1]) - self._filled


class _Scratch:
    """Room for one block's distances, used again for every query."""

    def __init__(self) -> None:
        self._words = np.empty(_BLOCK, np.uint64)
        self._counts = np.empty(_BLOCK, np.uint8)
        self._sums = np.empty(_BLOCK, np.uint8)

    def near(self, block: Code, query: Code, word: int, bits: int) -> NDArray[np.intp]:
        """The columns of `block` within `bits`, looked for by the words `word` and `word + 1` first."""
        size = block.shape[1]
        words, counts, sums = self._words[:size], self._counts[:size], self._sums[:size]
        np.bitwise_count(np.bitwise_xor(block[word], query[word], out=words), out=sums)
        np.bitwise_count(np.bitwise_xor(block[word + 1], query[word + 1], out=words), out=counts)
        np.add(sums, counts, out=sums)
        left = np.flatnonzero(sums <= bits)
        return left[all_within(block[:, left].T, query, bits)] if left.size else left


def all_within(codes: Code, query: Code, bits: int) -> NDArray[np.bool_]:
    """Which rows of `codes` have all four hashes within `bits` of the query's."""
    differences = np.bitwise_count(codes ^ query).reshape(-1, _HASHES, _WORDS)
    near: NDArray[np.bool_] = (differences.sum(axis=2, dtype=np.uint16) <= bits).all(axis=1)
    return near


def _telling(query: Code) -> int:
    """The first word of a hash that tells this picture from others.

    Ink may be invisible on one ground, and a drawing on a plain ground has few bits of dHash: such a
    hash would leave too many codes to compare whole.
    """
    set_bits = np.bitwise_count(query).reshape(_HASHES, _WORDS).sum(axis=1, dtype=np.int64)
    even = (hash for hash, count in enumerate(set_bits) if int(count) in _EVEN)
    return next(even, int(np.abs(set_bits - 128).argmin())) * _WORDS


def _empty(width: int) -> Code:
    return np.empty((_HASHES * _WORDS, width), np.uint64)
