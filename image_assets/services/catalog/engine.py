"""Opening the catalog's database, writing to it, and bringing it up to date."""

import datetime as dt
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError

from image_assets.core.errors import PermanentError, TransientError
from image_assets.core.model import DEFAULT_TENANT
from image_assets.services.catalog.schema import tenants

_MIGRATION_LOCK = 0x696D616765  # any number that is ours alone, for PostgreSQL's advisory lock
_BUSY_SECONDS = 60.0


def open_engine(url: str) -> Engine:
    """An engine for `url`: SQLite in WAL with full durability, or PostgreSQL through psycopg2."""
    if url.startswith(("postgres://", "postgresql://")):  # a bare name would mean psycopg 3
        url = "postgresql+psycopg2://" + url.split("://", 1)[1]
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        return create_engine(address, pool_pre_ping=True, pool_size=16, max_overflow=16)
    if address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(address, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver must not begin on its own: _begin_sqlite does
    cursor = connection.cursor()
    # WAL can only be entered alone; a process that finds the door busy waits for its turn.
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            break
        except connection.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.01, 0.1))  # noqa: S311
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later cannot wait for its turn ("database is
    # locked" at once, whatever the time-out): writers take theirs at the beginning.
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One short transaction that writes: all of it or nothing."""
    with _our_errors(), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A snapshot to read from; it never waits for writers."""
    with (
        _our_errors(),
        engine.connect().execution_options(reading=True) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise  # a rule of the catalog was broken: that is a bug, and must be seen as one
    except DBAPIError as error:
        # The driver's text may hold the URL with its password: only its class is told.
        kind = type(error.orig).__name__
        if error.connection_invalidated or kind == "OperationalError":
            raise TransientError(f"catalog: the database did not answer ({kind})") from None
        raise


def migrate(engine: Engine) -> None:
    """Bring the schema up to date and see that the default tenant exists.

    Any number of processes may call it at once: they take turns, and all but the first find nothing
    to do.
    """
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(
                text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK}
            )
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        tenant_id(connection, DEFAULT_TENANT)


def tenant_id(connection: Connection, name: str) -> int:
    """The tenant's row; the default tenant is made on first sight.

    Raises:
        PermanentError: no such tenant.
    """
    found = connection.scalar(select(tenants.c.id).where(tenants.c.name == name))
    if found is not None:
        return int(found)
    if name != DEFAULT_TENANT:
        raise PermanentError(f"no tenant {name!r} in the catalog")
    inserted = connection.execute(
        tenants.insert().values(name=name, created_at=dt.datetime.now(dt.UTC))
    )
    return int(inserted.inserted_primary_key[0])
