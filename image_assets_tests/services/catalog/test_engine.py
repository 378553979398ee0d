import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from image_assets.core.errors import PermanentError
from image_assets.services.catalog import Catalog
from image_assets.services.catalog.engine import open_engine, reading, writing
from image_assets_tests.services.catalog.samples import store


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://canary:canary@host/x", "canary"]
)
def test_another_database_is_refused_and_no_url_is_told(url: str) -> None:
    with pytest.raises(PermanentError, match="IMAGE_ASSETS_DATABASE_URL") as refused:
        open_engine(url)

    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    ["postgresql://u:canary/pw@host:notaport/x", "postgresql://u:99canary/x",
     "sqlite://u:canary@host/x", "postgresql+canary://u:canary@host/x"],
)  # fmt: skip
def test_no_part_of_an_address_that_cannot_be_read_is_shown(url: str) -> None:
    with pytest.raises(PermanentError, match="IMAGE_ASSETS_DATABASE_URL") as refused:
        open_engine(url)

    shown = "".join(traceback.format_exception(refused.value))
    assert "u:canary" not in shown
    assert "99canary" not in shown


def test_no_server_and_no_lock_keeps_us_waiting_for_ever(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    with reading(engine) as connection:
        told = connection.connection.driver_connection.get_dsn_parameters()
        lock_timeout = connection.scalar(sa.text("SHOW lock_timeout"))
    engine.dispose()

    assert (told["connect_timeout"], told["keepalives_idle"], lock_timeout) == ("10", "30", "1min")


def test_what_the_address_itself_says_comes_first(postgres_url: str) -> None:
    given = {"connect_timeout": "7", "options": "-c lock_timeout=5s -c work_mem=1MB"}
    engine = open_engine(
        sa.make_url(postgres_url).update_query_dict(given).render_as_string(hide_password=False)
    )
    with reading(engine) as connection:
        told = connection.connection.driver_connection.get_dsn_parameters()
        lock_timeout = connection.scalar(sa.text("SHOW lock_timeout"))
    engine.dispose()

    assert (told["connect_timeout"], lock_timeout) == ("7", "5s")


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
