"""A crowd of designs for `benchmarks.near_search`, and a quick way for it into a catalog."""

import hashlib
import io
import itertools
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from PIL import Image
from sqlalchemy import Connection, Engine, insert

from image_assets.core import fingerprint
from image_assets.core.bands import keys
from image_assets.core.codes import Code, packed, unpacked
from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import Scope
from image_assets.services.catalog.engine import tenant_id
from image_assets.services.catalog.spaces import spaces

HASHES = ("phash_white", "phash_black", "dhash_white", "dhash_black")
_AT_ONCE = 20_000
_BLANK = replace(fingerprint.of(Image.new("RGB", (64, 64), "white")), score=1.0)
"""What all have in common: pictures of 32x32 that databases compress, so that filling is quick."""


def look_of(code: bytes, pixels: str) -> Fingerprint:
    """A fingerprint with these four hashes."""
    hashes = {name: code[32 * n : 32 * n + 32] for n, name in enumerate(HASHES)}
    return replace(_BLANK, pixel_hash=pixels, **hashes)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Crowd:
    """Codes, a row each."""

    codes: Code

    @classmethod
    def drawn(cls, size: int) -> Self:
        """Random, but for a tenth that are relatives of others and a tenth that are white ink."""
        chance = np.random.default_rng(1)
        codes = chance.integers(0, 1 << 64, (size, 16), dtype=np.uint64)
        codes[9::10] = codes[8::10][: len(codes[9::10])] ^ _few_bits(chance, len(codes[9::10]))
        codes[0::10, :4] = 0  # pHash on white
        return cls(codes)

    def first(self, size: int) -> "Crowd":
        return Crowd(self.codes[:size])

    def looks(self) -> Iterator[Fingerprint]:
        for number, code in enumerate(self.codes):
            yield look_of(code.tobytes(), _pixels(number))

    def strangers(self, count: int, seed: int) -> list[Fingerprint]:
        """Designs that are near to nobody."""
        chance = random.Random(seed)
        named = (hashlib.sha256(f"{seed} {n}".encode()).hexdigest() for n in range(count))
        return [look_of(chance.randbytes(128), pixels) for pixels in named]

    def relatives(self, count: int, seed: int) -> list[Fingerprint]:
        """Pictures that are near to somebody, in no more than 16 bits of each hash."""
        chance = np.random.default_rng(seed)
        some = self.codes[chance.integers(0, len(self.codes), count)] ^ _few_bits(chance, count)
        return [look_of(code.tobytes(), f"{seed:064x}") for code in some]

    def near(self, look: Fingerprint, bits: int) -> set[str]:
        """The pixels of all within `bits`: everything is read and compared."""
        query, found = unpacked([packed(look)])[0], []
        for start in range(0, len(self.codes), 50_000):
            differences = np.bitwise_count(self.codes[start : start + 50_000] ^ query)
            each = differences.reshape(-1, 4, 4).sum(axis=2, dtype=np.int64)
            found += [start + int(n) for n in np.flatnonzero((each <= bits).all(axis=1))]
        return {_pixels(number) for number in found}


def fill(engine: Engine, scope: Scope, crowd: Crowd) -> None:
    """Put the crowd where the product would have put it, by each database's quickest way."""
    put = _copy if engine.dialect.name == "postgresql" else _insert
    size = len(crowd.codes)
    with engine.begin() as connection:
        tenant = tenant_id(connection, scope.tenant)
        row = {"tenant_id": tenant, "scope": scope.group, "version": fingerprint.VERSION}
        made = connection.execute(insert(spaces).values(**row, filed=size, banded=True))
        (space,) = made.inserted_primary_key or ()
        put(connection, "designs", _DESIGN, _designs(crowd, tenant, scope.group))
        numbered = enumerate(crowd.codes, start=1)
        rows = ((space, n, _design(n - 1), code.tobytes()) for n, code in numbered)
        put(connection, "codes", ("space_id", "number", "design_id", "code"), rows)
        put(connection, "bands", ("space_id", "key", "number"), _bands(crowd, space))
    if engine.dialect.name == "postgresql":  # as its autovacuum does
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


_DESIGN = (
    *("id", "tenant_id", "scope", "version", "pixel_hash", "fingerprint", "phash", "dhash"),
    *("score", "anchor_image_id", "display_image_id", "created_at"),
)


def _designs(crowd: Crowd, tenant: int, group: str) -> Iterator[tuple[Any, ...]]:
    for number, look in enumerate(crowd.looks()):
        hashes = (look.to_bytes(), look.phash_white, look.dhash_white)
        own = (_design(number), tenant, group, look.version, look.pixel_hash)
        yield (*own, *hashes, look.score, -number, -number, "2026-01-01 00:00:00.000000")


def _bands(crowd: Crowd, space: int) -> Iterator[tuple[Any, ...]]:
    """In the order of the table: quicker than the order of their coming."""
    filed = np.array([keys(code.tobytes()) for code in crowd.codes], dtype=np.int64)
    numbers = np.repeat(np.arange(1, len(filed) + 1), filed.shape[1])
    order = np.argsort(filed.ravel(), kind="stable")
    for start in range(0, len(order), _AT_ONCE):
        part = order[start : start + _AT_ONCE]
        for key, number in zip(filed.ravel()[part].tolist(), numbers[part].tolist(), strict=True):
            yield space, key, number


def _insert(
    connection: Connection, table: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]
) -> None:
    cursor = connection.connection.cursor()
    places = ", ".join("?" * len(columns))
    cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)


def _copy(
    connection: Connection, table: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]
) -> None:
    cursor = connection.connection.cursor()
    # References are right by construction, and checked one by one they are most of the time.
    cursor.execute("SET LOCAL session_replication_role = replica")
    waiting = iter(rows)
    while True:
        lines = ["\t".join(map(_spelled, row)) for row in itertools.islice(waiting, _AT_ONCE)]
        if not lines:
            return
        file = io.StringIO("\n".join(lines) + "\n")
        cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", file)


def _spelled(value: Any) -> str:
    return f"\\\\x{value.hex()}" if isinstance(value, bytes) else str(value)


def _few_bits(chance: np.random.Generator, count: int) -> Code:
    """Sixteen words each, with a bit or none set in each: at most four of a hash."""
    shifts = chance.integers(0, 64, (count, 16), dtype=np.uint64)
    return chance.integers(0, 2, (count, 16), dtype=np.uint64) << shifts


def _design(number: int) -> str:
    return f"{number:024x}"


def _pixels(number: int) -> str:
    return f"{number:064x}"
