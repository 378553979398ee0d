"""What is announced of a picture beside: of visualisations what their sidecars say."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("images", sa.Column("told", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("images", "told")
