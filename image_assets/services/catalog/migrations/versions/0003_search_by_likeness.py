"""Codes and keys of their own for the search by likeness, each made where a search first needs it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.drop_table("bands")  # nothing was ever written to it
    op.create_table(
        "spaces",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("filed", sa.BigInteger(), nullable=False),
        sa.Column("banded", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_spaces_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spaces")),
        sa.UniqueConstraint(
            "tenant_id", "scope", "version", name=op.f("uq_spaces_tenant_id_scope_version")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "codes",
        sa.Column("space_id", ID, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("design_id", sa.String(length=24), nullable=False),
        sa.Column("code", sa.LargeBinary(length=128), nullable=False),
        sa.ForeignKeyConstraint(
            ["design_id"], ["designs.id"], name=op.f("fk_codes_design_id_designs")
        ),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.id"], name=op.f("fk_codes_space_id_spaces")),
        sa.PrimaryKeyConstraint("space_id", "number", name=op.f("pk_codes")),
        sa.UniqueConstraint("design_id", name=op.f("uq_codes_design_id")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "bands",
        sa.Column("space_id", ID, nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.id"], name=op.f("fk_bands_space_id_spaces")),
        sa.PrimaryKeyConstraint("space_id", "key", "number", name=op.f("pk_bands")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("bands")
    op.drop_table("codes")
    op.drop_table("spaces")
    op.create_table(
        "bands",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("band", sa.Integer(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("design_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["design_id"], ["designs.id"], name=op.f("fk_bands_design_id_designs")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_bands_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "scope", "version", "band", "value", "design_id", name=op.f("pk_bands")
        ),
        sqlite_with_rowid=False,
    )
