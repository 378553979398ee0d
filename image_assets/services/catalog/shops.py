"""The tables of batches, generated pictures and shops."""

from sqlalchemy import (
    BigInteger,
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

from image_assets.services.catalog.columns import UtcDateTime, metadata, number, tenant

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
    UniqueConstraint("tenant_id", "key"),
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
