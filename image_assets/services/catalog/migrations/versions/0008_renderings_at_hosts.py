"""Which rendering stands in for content that a host does not take as it is."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("uploads", sa.Column("rendering", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("uploads", "rendering")
