"""Identity and state of everything: SQLAlchemy on SQLite or PostgreSQL, migrated by Alembic."""

from image_assets.services.catalog.catalog import Catalog, open_catalog

__all__ = ["Catalog", "open_catalog"]
