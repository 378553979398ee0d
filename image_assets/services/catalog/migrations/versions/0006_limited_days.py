"""The limit that a day was last collected under: what lies beyond it is nobody's fault."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("days", sa.Column("limited_to", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("days", "limited_to")
