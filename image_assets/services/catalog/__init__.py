"""Identity and state of everything: SQLAlchemy on SQLite or PostgreSQL, migrated by Alembic."""
