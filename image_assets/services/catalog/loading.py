"""Reading a space's codes by the hundred thousand: each database's quickest way into an array."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from image_assets.core.codes import CODE_BYTES, Code

Numbers = NDArray[np.int64]
Take = Callable[[Numbers, Code], None]

_WORDS = CODE_BYTES // 8
_ROWS = 2048  # of Python's objects at once: more of them are slower to make and to collect
_COPIED = np.dtype(
    [
        ("fields", ">i2"),
        ("number_length", ">i4"),
        ("number", ">i8"),
        ("code_length", ">i4"),
        ("code", np.uint64, _WORDS),
    ]
)
"""A row of COPY's binary format, which has a header of 19 bytes before and a word of 2 behind."""
_HEADER, _TRAILER = 19, 2
_TOGETHER = 1 << 22  # bytes


def load_codes(connection: Connection, space: int, newest: int, take: Take) -> None:
    """Give `take` the numbers and codes that were filed after `newest`, in portions, in any order."""
    if connection.dialect.name == "postgresql":
        _copy(connection, space, newest, take)
    else:
        for rows in _rows(connection, space, newest):
            numbers, codes = zip(*rows, strict=True)
            take(np.array(numbers, np.int64), _matrix(b"".join(codes)))


def _rows(connection: Connection, space: int, newest: int) -> Iterator[Sequence[Any]]:
    result = connection.exec_driver_sql(
        "SELECT number, code FROM codes WHERE space_id = ? AND number > ?", (space, newest)
    )
    assert result.cursor is not None  # its own rows: ours would take half as long again
    while rows := result.cursor.fetchmany(_ROWS):
        yield rows
    result.close()


def _copy(connection: Connection, space: int, newest: int, take: Take) -> None:
    """As rows it would be hexadecimal text, and take several times as long."""
    copied = _Copied(take)
    wanted = f"SELECT number, code FROM codes WHERE space_id = {space:d} AND number > {newest:d}"  # noqa: S608
    driver: Any = connection.connection.dbapi_connection
    with driver.cursor() as cursor:
        try:
            cursor.copy_expert(f"COPY ({wanted}) TO STDOUT (FORMAT binary)", copied)
        except connection.dialect.loaded_dbapi.Error as error:
            raise DBAPIError.instance(
                wanted, None, error, connection.dialect.loaded_dbapi.Error
            ) from error
    copied.end()


class _Copied:
    """A file that COPY writes to; it gives on what is complete."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._held = bytearray()
        self._begun = False

    def write(self, data: bytes) -> None:
        """Some more of it."""
        self._held += data
        if len(self._held) > _TOGETHER:
            self._give()

    def end(self) -> None:
        """That was all of it."""
        del self._held[-_TRAILER:]
        self._give()

    def _give(self) -> None:
        if not self._begun:
            del self._held[:_HEADER]
            self._begun = True
        whole = len(self._held) // _COPIED.itemsize * _COPIED.itemsize
        rows = np.frombuffer(bytes(self._held[:whole]), dtype=_COPIED)
        del self._held[:whole]
        if len(rows):
            self._take(rows["number"].astype(np.int64), np.ascontiguousarray(rows["code"]))


def _matrix(codes: bytes) -> Code:
    return np.frombuffer(codes, dtype=np.uint64).reshape(-1, _WORDS)
