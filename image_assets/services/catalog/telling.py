"""The tables of what people are told: news, what each channel knows of it, messages, what was looked at."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from image_assets.services.catalog.columns import (
    UtcDateTime,
    Words,
    metadata,
    number,
    one_of,
    tenant,
)

notices = Table(
    "notices",
    metadata,
    number(),
    tenant(),
    Column("identity", String(100), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("subject", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("total", BigInteger, nullable=False),  # how often it happened, ever
    Column("first_at", UtcDateTime, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    UniqueConstraint("tenant_id", "identity"),
    Index(None, "last_at"),
)

tellings = Table(
    "tellings",
    metadata,
    number(),
    Column("notice_id", ForeignKey("notices.id", ondelete="CASCADE"), nullable=False),
    Column("channel", String(40), nullable=False),
    Column("total", BigInteger, nullable=False),  # how often, when it was told last
    Column("told_at", UtcDateTime, nullable=False),
    UniqueConstraint("notice_id", "channel"),
)

messages = Table(
    "messages",
    metadata,
    number(),
    Column("message_id", String(60), nullable=False, unique=True),
    Column("channel", String(40), nullable=False),
    Column("address", String(40), nullable=False),  # a digest: what it stands for is a secret
    Column("notices", JSON, nullable=False),
    Column("left_out", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("reason", Words),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    one_of("state", "waiting sent failed gone"),
    Index(None, "channel", "state"),
    Index(None, "channel", "created_at"),
)

watches = Table(
    "watches",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("position", BigInteger, nullable=False),
)
