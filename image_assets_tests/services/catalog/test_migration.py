from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from image_assets.core.errors import PermanentError
from image_assets.services.catalog.columns import metadata
from image_assets.services.catalog.engine import open_engine
from image_assets.services.catalog.migration import downgrade, migrate
from image_assets.services.catalog.schema import tenants


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def test_the_migrations_make_exactly_the_schema(engine: sa.Engine) -> None:
    migrate(engine)

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_every_index_and_check_of_the_schema_is_migrated(engine: sa.Engine) -> None:
    migrate(engine)

    there = sa.inspect(engine)
    for table in metadata.sorted_tables:
        checks = {c.name for c in table.constraints if isinstance(c, sa.CheckConstraint)}
        assert {c["name"] for c in there.get_check_constraints(table.name)} == checks
        assert {i.name for i in table.indexes} <= {i["name"] for i in there.get_indexes(table.name)}


def test_migrating_again_changes_nothing_and_keeps_the_rows(engine: sa.Engine) -> None:
    migrate(engine)
    migrate(engine)

    with engine.connect() as connection:
        assert connection.scalars(sa.select(tenants.c.name)).all() == ["default"]


def test_a_catalog_can_be_taken_back_and_made_again(engine: sa.Engine) -> None:
    migrate(engine)

    downgrade(engine, "base")
    left = set(sa.inspect(engine).get_table_names())
    migrate(engine)

    assert left == {"alembic_version"}
    assert set(sa.inspect(engine).get_table_names()) == {"alembic_version", *metadata.tables}


def test_a_catalog_of_a_newer_version_is_refused(engine: sa.Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(PermanentError, match=r"9999.*install a newer one"):
        migrate(engine)
