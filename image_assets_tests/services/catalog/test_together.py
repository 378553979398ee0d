import datetime as dt
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from image_assets.core.errors import PermanentError
from image_assets.services.catalog import open_catalog
from image_assets.services.catalog.schema import tenants
from image_assets.services.catalog.together import Together

NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


@pytest.fixture
def engine(database_url):
    catalog = open_catalog(database_url)
    yield catalog.engine
    catalog.dispose()


class Writers:
    """Threads that all come while the first of them is at work."""

    def __init__(self, engine: sa.Engine, names: list[str]) -> None:
        self._together = Together(engine)
        self._names = names
        self._coming = threading.Semaphore(0)

    def write(self) -> list[str | Exception]:
        """What each of them was told."""
        with ThreadPoolExecutor(len(self._names)) as pool:
            first = pool.submit(self._one, self._names[0], self._wait_for_the_others)
            time.sleep(0.1)
            others = [pool.submit(self._one, name) for name in self._names[1:]]
            return [future.result() for future in (first, *others)]

    def _wait_for_the_others(self) -> None:
        for _ in self._names[1:]:
            self._coming.acquire()
        time.sleep(0.1)

    def _one(self, name: str, first=lambda: None) -> str | Exception:
        def work(connection: sa.Connection) -> str:
            first()
            connection.execute(sa.insert(tenants), {"name": name, "created_at": NOW})
            if name.startswith("bad"):
                raise PermanentError(name)
            return name

        self._coming.release()
        try:
            return self._together.write(work)
        except (PermanentError, sa.exc.IntegrityError) as error:
            return error


def names_in(engine: sa.Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.scalars(sa.select(tenants.c.name))) - {"default"}


def test_everybody_is_told_of_his_own(engine):
    names = [f"tenant {number}" for number in range(8)]

    assert Writers(engine, names).write() == names
    assert names_in(engine) == set(names)


def test_those_who_wait_share_a_transaction(engine):
    commits = []
    sa.event.listen(engine, "commit", lambda _: commits.append(1))

    Writers(engine, [f"tenant {number}" for number in range(8)]).write()

    assert len(commits) == 2


def test_a_failure_is_its_own_alone(engine):
    names = ["first", "good", "bad", "better", "bad too"]

    told = Writers(engine, names).write()

    assert [str(said) for said in told] == names
    assert [isinstance(said, PermanentError) for said in told] == [False, False, True, False, True]
    assert names_in(engine) == {"first", "good", "better"}


def test_what_the_database_refuses_fails_alone_too(engine):
    told = Writers(engine, ["first", "same", "same", "other"]).write()

    assert [isinstance(said, str) for said in told].count(False) == 1
    assert names_in(engine) == {"first", "same", "other"}


def test_a_bug_escapes_and_is_taken_for_no_success(engine):
    together = Together(engine)

    with pytest.raises(ZeroDivisionError):
        together.write(lambda connection: 1 // 0)

    assert together.write(lambda connection: "next") == "next"
