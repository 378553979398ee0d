"""The tables of batches, generated pictures and shops."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
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

batches = Table(
    "batches",
    metadata,
    number(),
    tenant(),
    Column("source", String(200), nullable=False),
    Column("key", String(200), nullable=False),
    Column("step", String(100), nullable=False),
    Column("state", String(20), nullable=False),
    Column("items_done", Integer, nullable=False, server_default="0"),
    Column("items_total", Integer, nullable=False, server_default="0"),
    Column("bytes_done", BigInteger, nullable=False, server_default="0"),
    Column("bytes_total", BigInteger, nullable=False, server_default="0"),
    Column("message", Text),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("tenant_id", "source", "key", "step"),
)

requests = Table(
    "requests",
    metadata,
    number(),
    tenant(),
    Column("key", String(200), nullable=False),
    Column("prompt", Text, nullable=False),
    Column("model", String(200), nullable=False),
    Column("aspect_ratio", String(10)),
    Column("count", Integer, nullable=False),
    Column("base_blob_id", ForeignKey("blobs.id")),
    Column("state", String(20), nullable=False),
    Column("reason", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("digest", String(64), nullable=False, server_default=""),
    Column("idempotency_key", String(200)),
    Column("client", String(200)),
    Column("revision", Integer, nullable=False, server_default="0"),  # number of the last event
    Column("postponed", Integer, nullable=False, server_default="0"),
    Column("due_at", UtcDateTime),  # when somebody should see to it; none once it is over
    Column("recipe", String(100)),  # that its exports were made with
    UniqueConstraint("tenant_id", "key"),
    Index(None, "tenant_id", "idempotency_key", unique=True),
    Index(None, "due_at"),
)

variations = Table(
    "variations",
    metadata,
    number(),
    Column("request_id", ForeignKey("requests.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", Words),
    Column("owner", String(200)),
    Column("lease_until", UtcDateTime),
    Column("path", Text),  # where the bytes wait; none once they are a picture of the partition
    Column("sha256", String(64)),
    Column("size", BigInteger),
    Column("model", String(200)),
    Column("model_version", Words),
    Column("response_id", Words),
    Column("asked_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    UniqueConstraint("request_id", "number"),
    one_of("state", "waiting sending received blocked refused in_doubt"),
    CheckConstraint("state != 'sending' OR lease_until IS NOT NULL", name="sending_leased"),
    CheckConstraint("state != 'received' OR sha256 IS NOT NULL", name="received_has_bytes"),
)

request_events = Table(
    "request_events",
    metadata,
    number(),
    Column("request_id", ForeignKey("requests.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("variation", Integer),
    Column("settled", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("reason", Words),
    UniqueConstraint("request_id", "number"),
)

listings = Table(
    "listings",
    metadata,
    number(),
    tenant(),
    Column("shop", String(200), nullable=False),
    Column("design_id", ForeignKey("designs.id"), nullable=False),
    Column("state", String(20), nullable=False),
    Column("title", Text, nullable=False),
    Column("listing_id", BigInteger),
    Column("url", Text),
    Column("reason", Text),
    Column("owner", String(100)),
    Column("lease_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("tenant_id", "shop", "design_id"),
)

mockups = Table(
    "mockups",
    metadata,
    number(),
    tenant(),
    Column("design_id", ForeignKey("designs.id"), nullable=False),
    Column("template", String(200), nullable=False),
    Column("blob_id", ForeignKey("blobs.id")),
    Column("nas_path", Text),
    Column("state", String(20), nullable=False),
    Column("reason", Text),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("design_id", "template"),
)

nas_index = Table(
    "nas_index",
    metadata,
    number(),
    tenant(),
    Column("path", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("modified_at", UtcDateTime, nullable=False),
    Column("sha256", String(64)),
    Column("pixel_hash", String(64)),
    Column("version", String(20)),
    Column("fingerprint", LargeBinary),
    Column("seen_at", UtcDateTime, nullable=False),
    UniqueConstraint("tenant_id", "path"),
    Index(None, "tenant_id", "sha256"),
    Index(None, "tenant_id", "pixel_hash"),
)

tokens = Table(
    "tokens",
    metadata,
    number(),
    tenant(),
    Column("service", String(100), nullable=False),
    Column("account", String(200), nullable=False),
    Column("access_token", Text, nullable=False),
    Column("refresh_token", Text),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("tenant_id", "service", "account"),
)
