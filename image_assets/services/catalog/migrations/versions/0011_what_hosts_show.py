"""What hosts show: how they treat pictures, and when each link was looked at."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC = sa.DateTime(timezone=True)
WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "fidelity",
        sa.Column("id", ID, nullable=False),
        sa.Column("destination_id", ID, nullable=False),
        sa.Column("format", sa.String(10), nullable=False),
        sa.Column("treatment", sa.String(20), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("example", WORDS, nullable=False),
        sa.Column("instead_of", WORDS, nullable=True),
        sa.Column("first_at", UTC, nullable=False),
        sa.Column("last_at", UTC, nullable=False),
        sa.Column("accepted_at", UTC, nullable=True),
        sa.ForeignKeyConstraint(
            ["destination_id"],
            ["destinations.id"],
            name=op.f("fk_fidelity_destination_id_destinations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fidelity")),
        sa.UniqueConstraint(
            "destination_id",
            "format",
            "treatment",
            name=op.f("uq_fidelity_destination_id_format_treatment"),
        ),
    )
    op.create_table(
        "links",
        sa.Column("upload_id", ID, nullable=False),
        sa.Column("looked_at", UTC, nullable=False),
        sa.Column("finding", sa.String(20), nullable=False),
        sa.Column("reason", WORDS, nullable=True),
        sa.Column("accusation", sa.String(20), nullable=True),
        sa.Column("since", UTC, nullable=True),
        sa.Column("settled_at", UTC, nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "finding IN ('alive', 'gone', 'changed', 'unreachable')",
            name=op.f("ck_links_finding"),
        ),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name=op.f("fk_links_upload_id_uploads")
        ),
        sa.PrimaryKeyConstraint("upload_id", name=op.f("pk_links")),
    )


def downgrade() -> None:
    op.drop_table("links")
    op.drop_table("fidelity")
