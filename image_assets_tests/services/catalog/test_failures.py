import socket
import sqlite3
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from image_assets.core.errors import PermanentError, TransientError
from image_assets.services.catalog import Catalog, open_catalog
from image_assets.services.catalog.engine import reading, writing
from image_assets_tests.services.catalog.samples import store

ADD = "INSERT INTO destinations (name, host, created_at) VALUES ('x', 'x', '2025-09-01')"


@pytest.fixture
def own_file(sqlite_url: str) -> Iterator[Catalog]:
    """A catalog whose connections a test may spoil."""
    catalog = open_catalog(sqlite_url)
    yield catalog
    catalog.dispose()


def write(catalog: Catalog, *statements: str) -> None:
    with writing(catalog.engine) as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def test_a_database_that_is_not_there_is_said_so(postgres: sa.Engine) -> None:
    url = postgres.url.set(database="canary_db")

    with pytest.raises(PermanentError, match="does not exist") as refused:
        open_catalog(url.render_as_string(hide_password=False))

    assert "canary" not in str(refused.value)


def test_a_server_that_does_not_answer_may_answer_later_and_no_password_is_told() -> None:
    with pytest.raises(TransientError, match="did not answer") as failed:
        open_catalog("postgresql://us:canary@127.0.0.1:1/catalog")

    assert "canary" not in str(failed.value)


def test_a_file_that_cannot_be_opened_is_no_bug(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"SQLITE_CANTOPEN.*IMAGE_ASSETS_DATA_DIR"):
        open_catalog(f"sqlite:///{tmp_path}")


def test_a_mistake_of_ours_escapes(catalog: Catalog) -> None:
    with (
        pytest.raises(sa.exc.DBAPIError, match="no_such_table"),
        reading(catalog.engine) as connection,
    ):
        connection.execute(sa.text("SELECT * FROM no_such_table"))


def test_a_broken_rule_of_ours_escapes(catalog: Catalog) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        write(catalog, ADD, ADD)


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://us:canary@127.0.0.1:{silent.getsockname()[1]}/catalog"

        with pytest.raises(TransientError, match="IMAGE_ASSETS_DATABASE_URL") as failed:
            open_catalog(url, connect_seconds=2)

    assert "us:canary" not in "".join(traceback.format_exception(failed.value))


def test_a_connection_that_was_lost_may_come_back(postgres_catalog: Catalog) -> None:
    def lose() -> None:
        with reading(postgres_catalog.engine) as connection:
            connection.connection.driver_connection.close()
            connection.execute(sa.text("SELECT 1"))

    with pytest.raises(TransientError, match=r"InterfaceError.*IMAGE_ASSETS_DATABASE_URL"):
        lose()


def test_a_session_that_the_server_ends_may_come_back(postgres_catalog: Catalog) -> None:
    with pytest.raises(TransientError, match="did not answer"):
        write(postgres_catalog, "SELECT pg_terminate_backend(pg_backend_pid())")


def test_a_lock_that_does_not_come_free_may_later(postgres_catalog: Catalog) -> None:
    lock = "LOCK TABLE destinations"
    with writing(postgres_catalog.engine) as holder:
        holder.execute(sa.text(lock))

        with pytest.raises(TransientError, match="LockNotAvailable"):
            write(postgres_catalog, "SET LOCAL lock_timeout = '10ms'", lock)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").write_bytes(b"garbage " * 1000)

    with pytest.raises(PermanentError, match=r"SQLITE_NOTADB.*IMAGE_ASSETS_DATA_DIR"):
        open_catalog(f"sqlite:///{tmp_path / 'catalog.db'}")


def test_a_damaged_file_is_told(sqlite_url: str, tmp_path: Path) -> None:
    catalog = open_catalog(sqlite_url)
    store(catalog, 1, "bytes")
    catalog.dispose()
    file = tmp_path / "empty.db"
    file.write_bytes(file.read_bytes()[:4096] + b"\xff" * (file.stat().st_size - 4096))

    with pytest.raises(PermanentError, match=r"SQLITE_CORRUPT.*backup"):
        open_catalog(sqlite_url)


@pytest.mark.parametrize("folder", ["file", "file/data"])
def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(PermanentError, match=r"cannot be made.*IMAGE_ASSETS_DATA_DIR"):
        open_catalog(f"sqlite:///{tmp_path / folder}/catalog.db")


def test_a_file_that_may_not_be_written_is_told(own_file: Catalog) -> None:
    with pytest.raises(PermanentError, match=r"SQLITE_READONLY.*rights.*IMAGE_ASSETS_DATA_DIR"):
        write(own_file, "PRAGMA query_only = ON", ADD)


def test_a_full_disk_may_have_room_later(own_file: Catalog) -> None:
    fill = "CREATE TABLE more AS SELECT hex(zeroblob(100000)) AS filling"

    with pytest.raises(TransientError, match=r"SQLITE_FULL.*free.*IMAGE_ASSETS_DATA_DIR"):
        write(own_file, "PRAGMA max_page_count = 1", fill)


def test_a_file_that_another_process_writes_may_be_free_later(
    own_file: Catalog, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "empty.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with reading(own_file.engine) as connection:
        connection.execute(sa.text("PRAGMA busy_timeout = 1"))

    with pytest.raises(TransientError, match=r"SQLITE_BUSY.*tried again"):
        write(own_file, ADD)

    other.close()
