"""What exports were made with, what they were before, and which formats they lack."""

import sqlalchemy as sa
from alembic import op

from image_assets.services.catalog.columns import UtcDateTime, Words

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_EXPORT = ("design_id", "recipe", "format")


def upgrade() -> None:
    op.add_column("exports", sa.Column("path", sa.Text()))
    op.add_column("exports", sa.Column("recipe_digest", sa.String(16)))
    op.add_column("exports", sa.Column("source_sha256", sa.String(64)))
    op.add_column("exports", sa.Column("base_sha256", sa.String(64)))
    op.execute(
        "UPDATE exports SET path = (SELECT path FROM blobs WHERE blobs.id = exports.blob_id)"
    )
    op.create_index(op.f("ix_exports_tenant_id_sha256"), "exports", ["tenant_id", "sha256"])
    op.create_table(
        "renditions",
        *_export("renditions"),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("path", sa.Text()),
        sa.Column("blob_id", ID),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("encoder", sa.Text(), nullable=False),
        sa.Column("recipe_digest", sa.String(16)),
        sa.Column("pinned", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["blob_id"], ["blobs.id"], name=op.f("fk_renditions_blob_id_blobs")
        ),
        sa.UniqueConstraint(
            *_EXPORT, "sha256", name=op.f("uq_renditions_design_id_recipe_format_sha256")
        ),
    )
    op.create_index(op.f("ix_renditions_blob_id"), "renditions", ["blob_id"])
    op.create_index(op.f("ix_renditions_tenant_id_sha256"), "renditions", ["tenant_id", "sha256"])
    op.create_table(
        "lacking",
        *_export("lacking"),
        sa.Column("reason", Words(), nullable=False),
        sa.Column("encoder", sa.Text(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint(*_EXPORT, name=op.f("uq_lacking_design_id_recipe_format")),
    )
    op.create_table(
        "recipes",
        sa.Column("digest", sa.String(16), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_recipes")),
    )


def downgrade() -> None:
    op.drop_table("recipes")
    op.drop_table("lacking")
    op.drop_table("renditions")
    op.drop_index(op.f("ix_exports_tenant_id_sha256"), "exports")
    for column in ("base_sha256", "source_sha256", "recipe_digest", "path"):
        # Plain SQL, the same in both databases: Alembic would copy the whole table for SQLite.
        op.execute(f"ALTER TABLE exports DROP COLUMN {column}")


def _export(table: str) -> tuple[sa.Column[object] | sa.Constraint, ...]:
    """A row's number and whose it is: which export of which design."""
    tenant, design = f"fk_{table}_tenant_id_tenants", f"fk_{table}_design_id_designs"
    return (
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("design_id", sa.String(24), nullable=False),
        sa.Column("recipe", sa.String(100), nullable=False),
        sa.Column("format", sa.String(10), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f(tenant)),
        sa.ForeignKeyConstraint(["design_id"], ["designs.id"], name=op.f(design)),
    )
