"""Alembic's entry: runs on the connection that `catalog.engine.migrate` holds the lock on."""

from alembic import context

from image_assets.services.catalog.columns import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
