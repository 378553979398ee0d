"""Bringing a catalog's schema up to date, and, for those who must, back."""

import datetime as dt
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from image_assets.core.errors import PermanentError
from image_assets.core.model import DEFAULT_TENANT
from image_assets.services.catalog.dialects import insert, lock
from image_assets.services.catalog.engine import reading, writing
from image_assets.services.catalog.schema import tenants


def migrate(engine: Engine) -> None:
    """Bring the schema up to date and see that the default tenant exists.

    Any number of processes may call it at once: they take turns, and all but the first find nothing
    to do. A catalog that is up to date is only read.

    Raises:
        PermanentError: the catalog was made by a newer version of this program.
    """
    scripts = ScriptDirectory.from_config(_config())
    with reading(engine) as connection:
        if _revision(connection) == scripts.get_current_head():
            return
    with writing(engine) as connection:
        lock(connection, "migration")
        _refuse_unknown(_revision(connection), scripts)
        command.upgrade(_config(connection), "head")
        connection.execute(
            insert(connection, tenants)
            .values(name=DEFAULT_TENANT, created_at=dt.datetime.now(dt.UTC))
            .on_conflict_do_nothing()
        )


def downgrade(engine: Engine, revision: str) -> None:
    """Take the schema back to `revision` (`base`: nothing is left)."""
    with writing(engine) as connection:
        lock(connection, "migration")
        command.downgrade(_config(connection), revision)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_unknown(revision: str | None, scripts: ScriptDirectory) -> None:
    if revision is not None and revision not in {s.revision for s in scripts.walk_revisions()}:
        raise PermanentError(
            f"catalog: its schema is {revision}, which this version does not know; install a newer one"
        )


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    scripts = str(Path(__file__).with_name("migrations"))
    config.set_main_option("script_location", scripts.replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
