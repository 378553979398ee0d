"""Bringing a catalog's schema up to date, and, for those who must, back."""

import datetime as dt
from functools import cache
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, Engine, column, inspect, select, table

from image_assets.core.errors import PermanentError
from image_assets.core.model import DEFAULT_TENANT
from image_assets.services.catalog.dialects import insert, lock
from image_assets.services.catalog.engine import reading, writing
from image_assets.services.catalog.schema import tenants

_MIGRATIONS = Path(__file__).with_name("migrations")
_APPLIED = table("alembic_version", column("version_num"))


def migrate(engine: Engine) -> None:
    """Bring the schema up to date and see that the default tenant exists.

    Any number of processes may call it at once: they take turns, and all but the first find nothing
    to do. A catalog that is up to date is only read.

    Raises:
        PermanentError: the catalog was made by a newer version of this program.
    """
    with reading(engine) as connection:
        if _revision(connection) == _revisions()[-1]:
            return
    with writing(engine) as connection:
        lock(connection, "migration")
        _refuse_unknown(_revision(connection))
        _alembic(connection, "upgrade", "head")
        connection.execute(
            insert(connection, tenants)
            .values(name=DEFAULT_TENANT, created_at=dt.datetime.now(dt.UTC))
            .on_conflict_do_nothing()
        )


def downgrade(engine: Engine, revision: str) -> None:
    """Take the schema back to `revision` (`base`: nothing is left)."""
    with writing(engine) as connection:
        lock(connection, "migration")
        _alembic(connection, "downgrade", revision)


@cache
def _revisions() -> tuple[str, ...]:
    """Every revision that we know, oldest first: its file begins with it."""
    files = (_MIGRATIONS / "versions").glob("[0-9]*_*.py")
    return tuple(sorted(file.name.partition("_")[0] for file in files))


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_APPLIED.name):
        return None
    return connection.scalar(select(_APPLIED.c.version_num))


def _refuse_unknown(revision: str | None) -> None:
    if revision is not None and revision not in _revisions():
        raise PermanentError(
            f"catalog: its schema is {revision}, which this version does not know; install a newer one"
        )


def _alembic(connection: Connection, way: Literal["upgrade", "downgrade"], to: str) -> None:
    # Here, because every run opens a catalog and hardly any changes its schema: Alembic takes
    # longer to import than the rest of the catalog.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    {"upgrade": command.upgrade, "downgrade": command.downgrade}[way](config, to)
