"""Opening the catalog's database, and the two kinds of transactions it knows."""

import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import URL, Connection, Engine, bindparam, create_engine, event, select
from sqlalchemy.engine import make_url

from image_assets.core.errors import PermanentError, TransientError
from image_assets.services.catalog.failures import our_errors, readable_address, sqlite_code
from image_assets.services.catalog.schema import tenants

_BUSY_SECONDS = 60.0
CONNECT_SECONDS = 10
"""How long a PostgreSQL server may take to let us in."""

_POOL = {"pool_size": 16, "max_overflow": 64, "pool_timeout": _BUSY_SECONDS}
"""More than any step has workers: a thread never waits for another's connection."""
_LINE = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # milliseconds; keepalives say nothing while bytes are on their way
}
_PASSING = {"BUSY", "LOCKED", "PROTOCOL"}
"""SQLite's codes for "another is at it"."""

_TENANT = select(tenants.c.id).where(tenants.c.name == bindparam("name"))

_turns: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()


def open_engine(url: str, *, connect_seconds: int = CONNECT_SECONDS) -> Engine:
    """An engine for `url`: a SQLite file in WAL with full durability, or PostgreSQL by psycopg2.

    Args:
        url: what IMAGE_ASSETS_DATABASE_URL says.
        connect_seconds: how long a PostgreSQL server may take to let us in; libpq knows no less
            than 2. What `url` itself says comes first.

    Raises:
        PermanentError: `url` is neither, or the file's folder cannot be made.
    """
    if url.startswith(("postgres://", "postgresql://")):  # a bare name would mean psycopg 3
        url = "postgresql+psycopg2://" + url.split("://", 1)[1]
    with readable_address():
        address = make_url(url)
    match address.get_backend_name():
        case "postgresql" if address.get_driver_name() == "psycopg2":
            return _open_postgres(address, connect_seconds)
        case "sqlite" if address.database not in (None, "", ":memory:"):
            return _open_sqlite(address)
        case _:
            raise PermanentError(
                f"catalog: {address.drivername} will not do; IMAGE_ASSETS_DATABASE_URL names a"
                " SQLite file or PostgreSQL"
            )


def _open_postgres(address: URL, connect_seconds: int) -> Engine:
    """No server keeps us waiting for ever: not at the door, not by a dead line, not by a lock."""
    ours = {"connect_timeout": connect_seconds, **_LINE}
    arguments: dict[str, Any] = {k: v for k, v in ours.items() if k not in address.query}
    given = address.normalized_query.get("options", ())
    # Of two values for one setting the later counts: the URL's own.
    arguments["options"] = " ".join([f"-c lock_timeout={_BUSY_SECONDS:g}s", *given])
    with readable_address():
        return create_engine(address, connect_args=arguments, pool_pre_ping=True, **_POOL)


def _open_sqlite(address: URL) -> Engine:
    with readable_address():
        engine = create_engine(address, connect_args={"timeout": _BUSY_SECONDS}, **_POOL)
    folder = Path(str(address.database)).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PermanentError(
            f"catalog: the folder {folder} cannot be made ({error.strerror}); check"
            " IMAGE_ASSETS_DATA_DIR or IMAGE_ASSETS_DATABASE_URL"
        ) from None
    _turns[engine] = threading.Lock()
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # the driver must not begin on its own: _begin_sqlite does
    cursor = connection.cursor()
    # WAL can only be entered alone; a process that finds the door busy waits for its turn.
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            if sqlite_code(error) not in _PASSING or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.01, 0.1))  # noqa: S311
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later cannot wait for its turn ("database is
    # locked" at once, whatever the time-out): writers take theirs at the beginning.
    only_reads = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One short transaction that writes: all of it or nothing."""
    with our_errors(), _turn(engine), engine.begin() as connection:
        yield connection


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """A process's turn to write to a SQLite file, which has one writer at a time.

    Waiting for the file itself means polling it: some of eight threads would wait for seconds.
    """
    turn = _turns.get(engine)
    if turn is None:
        yield
        return
    if not turn.acquire(timeout=_BUSY_SECONDS):
        raise TransientError(f"catalog: another thread has been writing for {_BUSY_SECONDS:g} s")
    try:
        yield
    finally:
        turn.release()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One moment of the catalog to read from; it waits for no writer, and none waits for it."""
    options: dict[str, Any] = {"reading": True}
    if engine.dialect.name == "postgresql":  # SQLite's transactions are snapshots anyway
        options["isolation_level"] = "REPEATABLE READ"
    with (
        our_errors(),
        engine.connect() as connection,
        connection.execution_options(**options).begin(),
    ):
        yield connection


def tenant_id(connection: Connection, name: str) -> int:
    """The tenant's row.

    Raises:
        PermanentError: no such tenant.
    """
    found = connection.scalar(_TENANT, {"name": name})
    if found is None:
        raise PermanentError(f"no tenant {name!r} in the catalog")
    return int(found)
