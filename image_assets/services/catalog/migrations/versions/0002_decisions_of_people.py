"""What people decided and how to take it back, why a picture is shown, and a NAS found by content."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC = sa.DateTime(timezone=True)
WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("person", WORDS, nullable=False),
        sa.Column("said", WORDS, nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("decided_at", UTC, nullable=False),
        sa.Column("undone_by", WORDS, nullable=True),
        sa.Column("undone_at", UTC, nullable=True),
        sa.CheckConstraint(
            "kind IN ('same', 'different', 'merge', 'split', 'display')",
            name=op.f("ck_decisions_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_decisions_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index(op.f("ix_decisions_tenant_id_scope"), "decisions", ["tenant_id", "scope"])
    op.add_column("designs", sa.Column("display_reason", WORDS, nullable=True))
    op.create_index(op.f("ix_designs_merged_into_id"), "designs", ["merged_into_id"])
    op.create_index(op.f("ix_nas_index_tenant_id_sha256"), "nas_index", ["tenant_id", "sha256"])
    op.create_index(
        op.f("ix_nas_index_tenant_id_pixel_sha256"), "nas_index", ["tenant_id", "pixel_sha256"]
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_nas_index_tenant_id_pixel_sha256"), "nas_index")
    op.drop_index(op.f("ix_nas_index_tenant_id_sha256"), "nas_index")
    op.drop_index(op.f("ix_designs_merged_into_id"), "designs")
    op.drop_column("designs", "display_reason")
    op.drop_index(op.f("ix_decisions_tenant_id_scope"), "decisions")
    op.drop_table("decisions")
