"""The hash of pixels is no SHA-256 (it has been BLAKE3 since fingerprint 2): its columns say so no longer."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLES = ("designs", "images", "nas_index")
_INDEXED = ("images", "nas_index")


def upgrade() -> None:
    _rename("pixel_sha256", "pixel_hash")


def downgrade() -> None:
    _rename("pixel_hash", "pixel_sha256")


def _rename(old: str, new: str) -> None:
    for table in _INDEXED:
        op.drop_index(op.f(f"ix_{table}_tenant_id_{old}"), table)
    for table in _TABLES:
        # Plain SQL, the same in both databases: Alembic would copy the whole table for SQLite.
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    for table in _INDEXED:
        op.create_index(op.f(f"ix_{table}_tenant_id_{new}"), table, ["tenant_id", new])
