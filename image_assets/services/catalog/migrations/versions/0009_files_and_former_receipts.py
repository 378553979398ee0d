"""Files that were published where they lie, and receipts that a later upload replaced."""

import sqlalchemy as sa
from alembic import op

from image_assets.services.catalog.columns import UtcDateTime, Words

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "local_files",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("modified_ns", sa.BigInteger(), nullable=False),
        sa.Column("changed_ns", sa.BigInteger(), nullable=False),
        sa.Column("inode", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("format", sa.String(10)),
        sa.Column("problem", Words()),
        sa.Column("exif", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_local_files")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_local_files_tenant_id_tenants")
        ),
        sa.UniqueConstraint("tenant_id", "address", name=op.f("uq_local_files_tenant_id_address")),
    )
    op.create_table(
        "former_receipts",
        sa.Column("id", ID, nullable=False),
        sa.Column("upload_id", ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("host_id", sa.Text()),
        sa.Column("cid", sa.String(120)),
        sa.Column("rendering", sa.Text()),
        sa.Column("level", sa.String(2)),
        sa.Column("replaced_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_receipts")),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name=op.f("fk_former_receipts_upload_id_uploads")
        ),
    )
    op.create_index(op.f("ix_former_receipts_upload_id"), "former_receipts", ["upload_id"])


def downgrade() -> None:
    op.drop_table("former_receipts")
    op.drop_table("local_files")
