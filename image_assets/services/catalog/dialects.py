"""What SQLite and PostgreSQL spell differently, and how much one statement may carry."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite

Item = TypeVar("Item")

INSERTS: dict[str, Callable[[Table], postgresql.Insert | sqlite.Insert]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}
"""How each spells an insert that can say what happens on a conflict."""


def insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that can say what happens on a conflict."""
    return INSERTS[connection.dialect.name](table)


def lock(connection: Connection, *names: str) -> None:
    """Nobody else who locks these names goes on before this transaction ends.

    A writer of SQLite is alone in any case; PostgreSQL has advisory locks, by number.
    """
    if connection.dialect.name != "postgresql":
        return
    digest = hashlib.sha256("\0".join(names).encode("utf-8", "surrogatepass")).digest()
    number = int.from_bytes(digest[:8], signed=True)
    connection.execute(select(func.pg_advisory_xact_lock(number)))


def portions(items: Sequence[Item], size: int = 1000) -> Iterator[Sequence[Item]]:
    """`items` in runs that fit into one statement: SQLite takes 32,766 parameters."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
