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

from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    PermanentError,
    TransientError,
)
from image_assets.services.catalog.schema import tenants

_BUSY_SECONDS = 60.0
_POOL = {"pool_size": 16, "max_overflow": 64, "pool_timeout": _BUSY_SECONDS}
"""More than any step has workers: a thread never waits for another's connection."""

_turns: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()


def open_engine(url: str) -> Engine:
    """An engine for `url`: a SQLite file in WAL with full durability, or PostgreSQL by psycopg2.

    Raises:
        PermanentError: `url` is neither.
    """
    if url.startswith(("postgres://", "postgresql://")):  # a bare name would mean psycopg 3
        url = "postgresql+psycopg2://" + url.split("://", 1)[1]
    try:
        address = make_url(url)
    except ArgumentError:
        raise PermanentError("catalog: IMAGE_ASSETS_DATABASE_URL is not a database URL") from None
    match address.get_backend_name():
        case "postgresql":
            return create_engine(address, pool_pre_ping=True, **_POOL)
        case "sqlite" if address.database not in (None, "", ":memory:"):
            Path(str(address.database)).parent.mkdir(parents=True, exist_ok=True)
        case kind:
            raise PermanentError(
                f"catalog: {kind} will not do; IMAGE_ASSETS_DATABASE_URL names a SQLite file or PostgreSQL"
            )
    engine = create_engine(address, connect_args={"timeout": _BUSY_SECONDS}, **_POOL)
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
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
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
    with _our_errors(), _turn(engine), engine.begin() as connection:
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
        _our_errors(),
        engine.connect() as connection,
        connection.execution_options(**options).begin(),
    ):
        yield connection


@contextmanager
def _our_errors() -> Iterator[None]:
    """A database that does not answer is our reader's business; a broken rule of ours is a bug."""
    try:
        yield
    except OperationalError as error:
        translated = _translated(error)
        if translated is None:
            raise
        raise translated from None
    except PoolTimeoutError:
        raise TransientError("catalog: no connection became free") from None


def _translated(error: OperationalError) -> ImageAssetsError | None:
    # The driver's text may hold the URL with its password: it is looked at, never passed on.
    told = str(error.orig)
    kind = type(error.orig).__name__
    if isinstance(error.orig, sqlite3.Error):
        kind = getattr(error.orig, "sqlite_errorname", kind)
        if kind == "SQLITE_ERROR":  # wrong SQL
            return None
    if "authentication failed" in told or "no password supplied" in told:
        return AuthenticationError(
            "catalog: the database refuses the credential; check IMAGE_ASSETS_DATABASE_URL"
        )
    if kind == "OperationalError" and "does not exist" in told:
        return PermanentError(
            "catalog: the database does not exist; check IMAGE_ASSETS_DATABASE_URL"
        )
    return TransientError(f"catalog: the database did not answer ({kind}); it is tried again")


def tenant_id(connection: Connection, name: str) -> int:
    """The tenant's row.

    Raises:
        PermanentError: no such tenant.
    """
    found = connection.scalar(select(tenants.c.id).where(tenants.c.name == name))
    if found is None:
        raise PermanentError(f"no tenant {name!r} in the catalog")
    return int(found)
