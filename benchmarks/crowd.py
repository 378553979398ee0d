"""A crowd of designs for `benchmarks.near_search`, and a quick way for it into a catalog."""

import hashlib
import io
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
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
_AT_ONCE = 500_000
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
    put = _fill_postgres if engine.dialect.name == "postgresql" else _fill_sqlite
    with engine.begin() as connection:
        tenant = tenant_id(connection, scope.tenant)
        row = {"tenant_id": tenant, "scope": scope.group, "version": fingerprint.VERSION}
        filed = {"filed": len(crowd.codes), "banded": True}
        made = connection.execute(insert(spaces).values(**row, **filed))
        (space,) = made.inserted_primary_key or ()
        put(connection, crowd, space, row)
    if engine.dialect.name == "postgresql":  # as its autovacuum does
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


_OWN = ("tenant_id", "scope", "version")
_DESIGN = (
    *("id", "pixel_hash", "fingerprint", "phash", "dhash", "anchor_image_id", "display_image_id"),
    *("score", "created_at", *_OWN),
)
_PACKED = _BLANK.to_bytes()
_HEAD, _TAIL = _PACKED[:20], _PACKED[20 + 5 * 32 :]
"""What comes before the exact hash and the four others in every fingerprint, and what after."""


def _fill_sqlite(connection: Connection, crowd: Crowd, space: int, own: dict[str, Any]) -> None:
    rest = (_BLANK.score, "2026-01-01 00:00:00.000000", *(own[name] for name in _OWN))

    def designs() -> Iterator[tuple[Any, ...]]:
        for number, code in enumerate(crowd.codes):
            look = look_of(code.tobytes(), _pixels(number))
            hashes = (look.phash_white, look.dhash_white, look.phash_black, look.dhash_black)
            packed = b"".join([_HEAD, bytes.fromhex(look.pixel_hash), *hashes, _TAIL])
            yield _design(number), look.pixel_hash, packed, *hashes[:2], -number, -number, *rest

    rows = ((space, n, _design(n - 1), c.tobytes()) for n, c in enumerate(crowd.codes, start=1))
    _insert(connection, "designs", _DESIGN, designs())
    _insert(connection, "codes", ("space_id", "number", "design_id", "code"), rows)
    filed, numbers = _bands(crowd)
    keyed = zip(filed.tolist(), numbers.tolist(), strict=True)
    _insert(connection, "bands", ("space_id", "key", "number"), ((space, *row) for row in keyed))


def _fill_postgres(connection: Connection, crowd: Crowd, space: int, own: dict[str, Any]) -> None:
    # References are right by construction, and checked one by one they are most of the time.
    connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
    size = len(crowd.codes)
    codes = {
        "number": np.arange(1, size + 1).astype(">i8"),
        "design_id": np.array([_design(number) for number in range(size)], "S24"),
        "code": crowd.codes.view("V128").ravel(),
    }
    _copy(connection, "codes", space, codes)
    # The database itself makes gigabytes of fingerprints: as text they would take minutes.
    made = """
        INSERT INTO designs (id, pixel_hash, fingerprint, phash, dhash, anchor_image_id,
            display_image_id, score, created_at, tenant_id, scope, version)
        SELECT design_id, pixels, %(head)s || decode(pixels, 'hex') || white || substr(code, 65, 32)
            || substr(code, 33, 32) || substr(code, 97) || %(tail)s, white, substr(code, 65, 32),
            -number, -number, %(score)s, '2026-01-01', %(tenant_id)s, %(scope)s, %(version)s
        FROM (
            SELECT *, substr(code, 1, 32) AS white, lpad(to_hex(number - 1), 64, '0') AS pixels
            FROM codes WHERE space_id = %(space)s
        ) AS numbered"""
    given = {"head": _HEAD, "tail": _TAIL, "score": _BLANK.score, "space": space, **own}
    connection.exec_driver_sql(made, given)
    filed, numbers = _bands(crowd)
    bands = {"key": filed.astype(">i8"), "number": numbers.astype(">i8")}
    _copy(connection, "bands", space, bands)


def _bands(crowd: Crowd) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Keys and numbers in the order of the table: quicker than the order of their coming."""
    filed = np.array([keys(code.tobytes()) for code in crowd.codes], dtype=np.int64)
    numbers = np.repeat(np.arange(1, len(filed) + 1), filed.shape[1])
    order = np.argsort(filed.ravel(), kind="stable")
    return filed.ravel()[order], numbers[order]


def _insert(
    connection: Connection, table: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]
) -> None:
    cursor = connection.connection.cursor()
    places = ", ".join("?" * len(columns))
    cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)


def _copy(connection: Connection, table: str, space: int, columns: dict[str, NDArray[Any]]) -> None:
    """Rows of one space, in COPY's binary format: every value after its length in bytes."""
    size = len(columns["number"])
    columns = {"space_id": np.full(size, space, ">i8"), **columns}
    layout: list[tuple[str, Any]] = [("fields", ">i2")]
    for name, values in columns.items():
        layout += [(f"length of {name}", ">i4"), (name, values.dtype)]
    cursor = connection.connection.cursor()
    for start in range(0, size, _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        rows = np.empty(len(columns["number"][part]), layout)
        rows["fields"] = len(columns)
        for name, values in columns.items():
            rows[f"length of {name}"], rows[name] = values.dtype.itemsize, values[part]
        file = io.BytesIO(b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff")
        cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)", file)


def _few_bits(chance: np.random.Generator, count: int) -> Code:
    """Sixteen words each, with a bit or none set in each: at most four of a hash."""
    shifts = chance.integers(0, 64, (count, 16), dtype=np.uint64)
    return chance.integers(0, 2, (count, 16), dtype=np.uint64) << shifts


def _design(number: int) -> str:
    return f"{number:024x}"


def _pixels(number: int) -> str:
    return f"{number:064x}"
