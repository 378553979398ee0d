"""Requests for pictures that survive restarts: variations with their leases, events, idempotency keys."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC = sa.DateTime(timezone=True)
WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _added() -> tuple[sa.Column[Any], ...]:
    """New ones each time: a column belongs to one table."""
    return (
        sa.Column("digest", sa.String(64), nullable=False, server_default=""),
        sa.Column("idempotency_key", sa.String(200), nullable=True),
        sa.Column("client", sa.String(200), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("postponed", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("due_at", UTC, nullable=True),
        sa.Column("recipe", sa.String(100), nullable=True),
    )


def upgrade() -> None:
    for column in _added():
        op.add_column("requests", column)
    op.create_index(
        op.f("ix_requests_tenant_id_idempotency_key"),
        "requests",
        ["tenant_id", "idempotency_key"],
        unique=True,
    )
    op.create_index(op.f("ix_requests_due_at"), "requests", ["due_at"])
    _create_variations()
    _create_events()


def _create_variations() -> None:
    op.create_table(
        "variations",
        sa.Column("id", ID, nullable=False),
        sa.Column("request_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", WORDS, nullable=True),
        sa.Column("owner", sa.String(200), nullable=True),
        sa.Column("lease_until", UTC, nullable=True),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("model", sa.String(200), nullable=True),
        sa.Column("model_version", WORDS, nullable=True),
        sa.Column("response_id", WORDS, nullable=True),
        sa.Column("asked_at", UTC, nullable=True),
        sa.Column("ended_at", UTC, nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'received', 'blocked', 'refused', 'in_doubt')",
            name=op.f("ck_variations_state"),
        ),
        sa.CheckConstraint(
            "state != 'sending' OR lease_until IS NOT NULL",
            name=op.f("ck_variations_sending_leased"),
        ),
        sa.CheckConstraint(
            "state != 'received' OR sha256 IS NOT NULL",
            name=op.f("ck_variations_received_has_bytes"),
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name=op.f("fk_variations_request_id_requests")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_variations")),
        sa.UniqueConstraint("request_id", "number", name=op.f("uq_variations_request_id_number")),
    )


def _create_events() -> None:
    op.create_table(
        "request_events",
        sa.Column("id", ID, nullable=False),
        sa.Column("request_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("variation", sa.Integer(), nullable=True),
        sa.Column("settled", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("reason", WORDS, nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name=op.f("fk_request_events_request_id_requests")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_events")),
        sa.UniqueConstraint(
            "request_id", "number", name=op.f("uq_request_events_request_id_number")
        ),
    )


def downgrade() -> None:
    op.drop_table("request_events")
    op.drop_table("variations")
    op.drop_index(op.f("ix_requests_due_at"), "requests")
    op.drop_index(op.f("ix_requests_tenant_id_idempotency_key"), "requests")
    for column in reversed(_added()):
        op.drop_column("requests", column.name)
