from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from image_assets.core.errors import PermanentError, TransientError
from image_assets.services.catalog import Catalog, open_catalog
from image_assets.services.catalog.engine import open_engine, reading, writing
from image_assets_tests.services.catalog.samples import store


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://canary:canary@host/x", "canary"]
)
def test_another_database_is_refused_and_no_url_is_told(url: str) -> None:
    with pytest.raises(PermanentError, match="IMAGE_ASSETS_DATABASE_URL") as refused:
        open_engine(url)

    assert "canary" not in str(refused.value)


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
    with pytest.raises(TransientError, match="SQLITE_CANTOPEN"):
        open_catalog(f"sqlite:///{tmp_path}")


def test_a_mistake_of_ours_escapes(catalog: Catalog) -> None:
    with (
        pytest.raises(sa.exc.DBAPIError, match="no_such_table"),
        reading(catalog.engine) as connection,
    ):
        connection.execute(sa.text("SELECT * FROM no_such_table"))


def test_a_file_is_written_ahead_and_synchronised_fully(sqlite_catalog: Catalog) -> None:
    with writing(sqlite_catalog.engine) as connection:
        pragmas = [
            connection.scalar(sa.text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]

    assert pragmas == ["wal", 2, 1]


def test_threads_take_turns_to_write(catalog: Catalog) -> None:
    def write(thread: int) -> None:
        for picture in range(5):
            store(catalog, 10 * thread + picture, f"bytes {picture}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))

    totals = catalog.totals.totals("default")
    assert (totals.images.states, totals.images.stale) == ({"stored": 40}, 35)


def test_readers_see_one_moment_and_wait_for_no_writer(catalog: Catalog) -> None:
    count = sa.text("SELECT count(*) FROM destinations")
    add = "INSERT INTO destinations (name, host, created_at) VALUES ('x', 'x', '2025-09-01')"

    with reading(catalog.engine) as reader:
        before = reader.scalar(count)
        with writing(catalog.engine) as writer:
            writer.execute(sa.text(add))
        during = reader.scalar(count)
    with reading(catalog.engine) as reader:
        after = reader.scalar(count)

    assert (before, during, after) == (0, 0, 1)
