"""The tables of the catalog. A change here needs a migration beside it (`migrations/versions`)."""

import datetime as dt
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[dt.datetime]):
    """Aware UTC in and out; SQLite keeps no time zone of its own."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Refuse naive times at the door."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.datetime | None:
        """Aware UTC, whatever the driver gave."""
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=dt.UTC)  # type: ignore[no-any-return]
        return value.astimezone(dt.UTC)  # type: ignore[no-any-return]


class Words(TypeDecorator[str]):
    """Text from outside: what no database keeps (NUL, half a surrogate) is spelled out as an escape."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        """Ordered by code point everywhere, as SQLite and Python do."""
        text = Text(collation="C") if dialect.name == "postgresql" else Text()
        return dialect.type_descriptor(text)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Escape rather than refuse: one odd file name must not stop the others."""
        if value is None:
            return None
        return value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows only in INTEGER keys


def _id() -> Column[int]:
    return Column("id", Id, primary_key=True)


def _tenant() -> Column[int]:
    return Column("tenant_id", ForeignKey("tenants.id"), nullable=False)


def _one_of(column: str, values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values.split())
    return CheckConstraint(f"{column} IN ({listed})", name=column)


tenants = Table(
    "tenants",
    metadata,
    _id(),
    Column("name", String(200), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
)

blobs = Table(
    "blobs",
    metadata,
    _id(),
    _tenant(),
    Column("sha256", String(64), nullable=False),
    Column("path", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("format", String(10), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("tenant_id", "sha256"),
    UniqueConstraint("path"),
)

days = Table(
    "days",
    metadata,
    _id(),
    _tenant(),
    Column("source", String(200), nullable=False),
    Column("collection", String(200), nullable=False),
    Column("partition_key", String(200), nullable=False),
    Column("listed_at", UtcDateTime, nullable=False),
    Column("listed", Integer, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("sealed_at", UtcDateTime),
    UniqueConstraint("tenant_id", "source", "collection", "partition_key"),
)

designs = Table(
    "designs",
    metadata,
    Column("id", String(24), primary_key=True),
    _tenant(),
    Column("scope", String(200), nullable=False),
    Column("version", String(20), nullable=False),
    Column("pixel_sha256", String(64), nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    # The two hashes on white stand alone as well: searches by distance read nothing else.
    Column("phash", LargeBinary(32), nullable=False),
    Column("dhash", LargeBinary(32), nullable=False),
    Column("score", Float, nullable=False),
    Column("anchor_image_id", Id, nullable=False),
    Column("display_image_id", Id, nullable=False),
    Column("merged_into_id", ForeignKey("designs.id")),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("tenant_id", "scope", "pixel_sha256", "version"),
)

FRESH = "state = 'stored' AND NOT stale"
"""The first of its source's pictures with the same bytes; every later one is a stale repeat."""

images = Table(
    "images",
    metadata,
    _id(),
    _tenant(),
    Column("source", String(200), nullable=False),
    Column("collection", String(200), nullable=False),
    Column("partition_key", String(200), nullable=False),
    Column("item_key", Words, nullable=False),
    Column("captured_at", UtcDateTime),
    Column("received_at", UtcDateTime, nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", Words),
    Column("sha256", String(64)),  # outlives the blob: what was stored, or refused
    Column("blob_id", ForeignKey("blobs.id")),  # none unless stored
    Column("variant", String(20), nullable=False, server_default="full"),
    Column("stale", Boolean, nullable=False, server_default="0"),
    Column("conflict", Boolean, nullable=False, server_default="0"),
    Column("original_name", Words, nullable=False),
    Column("origin", Words),
    Column("exif", JSON, nullable=False),
    Column("pixel_sha256", String(64)),
    Column("design_id", ForeignKey("designs.id")),
    # The design of the thumbnail that a full-size picture replaced, until it has its own.
    Column("former_design_id", ForeignKey("designs.id")),
    Column("quarantine", Text),
    Column("absent_since", UtcDateTime),
    Column("pinned", Boolean, nullable=False, server_default="0"),
    UniqueConstraint("tenant_id", "source", "collection", "item_key"),
    _one_of("state", "stored rejected missing gone expired"),
    _one_of("variant", "full thumbnail"),
    CheckConstraint(
        "state != 'stored' OR (blob_id IS NOT NULL AND sha256 IS NOT NULL)", name="stored_has_blob"
    ),
    Index(None, "tenant_id", "source", "collection", "partition_key"),
    Index(None, "tenant_id", "source", "collection", "captured_at"),
    Index(None, "tenant_id", "pixel_sha256"),
    Index(None, "blob_id"),
    Index(None, "design_id"),
    Index(
        "uq_images_fresh",
        "blob_id",
        "source",
        unique=True,
        sqlite_where=text(FRESH),
        postgresql_where=text(FRESH),
    ),
)

bands = Table(
    "bands",
    metadata,
    Column("tenant_id", ForeignKey("tenants.id"), primary_key=True),
    Column("scope", String(200), primary_key=True),
    Column("version", String(20), primary_key=True),
    Column("band", Integer, primary_key=True),
    Column("value", BigInteger, primary_key=True),
    Column("design_id", ForeignKey("designs.id"), primary_key=True),
    sqlite_with_rowid=False,
)

verdicts = Table(
    "verdicts",
    metadata,
    _id(),
    _tenant(),
    Column("scope", String(200), nullable=False),
    Column("pixel_a", String(64), nullable=False),
    Column("pixel_b", String(64), nullable=False),
    Column("verdict", String(10), nullable=False),
    Column("person", String(200), nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    UniqueConstraint("tenant_id", "scope", "pixel_a", "pixel_b"),
    CheckConstraint("pixel_a < pixel_b", name="ordered"),
    _one_of("verdict", "same different"),
)

exports = Table(
    "exports",
    metadata,
    _id(),
    _tenant(),
    Column("design_id", ForeignKey("designs.id"), nullable=False),
    Column("recipe", String(100), nullable=False),
    Column("format", String(10), nullable=False),
    Column("blob_id", ForeignKey("blobs.id")),  # none once expired
    # What was exported stays known after the bytes are gone: its uploads are still published.
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("encoder", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("pinned", Boolean, nullable=False, server_default="0"),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("design_id", "recipe", "format"),
    _one_of("state", "live expired"),
    CheckConstraint("state != 'live' OR blob_id IS NOT NULL", name="live_has_blob"),
    Index(None, "blob_id"),
)

destinations = Table(
    "destinations",
    metadata,
    _id(),
    Column("name", String(100), nullable=False, unique=True),
    Column("host", String(100), nullable=False),
    Column("account", String(200)),
    Column("created_at", UtcDateTime, nullable=False),
)

uploads = Table(
    "uploads",
    metadata,
    _id(),
    _tenant(),
    Column("destination_id", ForeignKey("destinations.id"), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("path", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("format", String(10), nullable=False),
    Column("name", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("rejected", Boolean, nullable=False, server_default="0"),
    Column("reason", Words),
    Column("url", Text),
    Column("host_id", Text),
    Column("cid", String(120)),
    Column("level", String(2)),
    Column("verified_at", UtcDateTime),
    Column("owner", String(200)),
    Column("lease_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("tenant_id", "sha256", "destination_id"),
    _one_of("state", "intent sending receipt verified in_doubt failed removed"),
    CheckConstraint("state NOT IN ('receipt', 'verified') OR url IS NOT NULL", name="proven"),
    CheckConstraint("state != 'sending' OR lease_until IS NOT NULL", name="sending_leased"),
    Index(None, "destination_id", "state"),
    Index(None, "destination_id", "host_id"),
)

attempts = Table(
    "attempts",
    metadata,
    _id(),
    Column("upload_id", ForeignKey("uploads.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("error", Words),
    UniqueConstraint("upload_id", "number"),
)

latest = Table(
    "latest",
    metadata,
    _id(),
    _tenant(),
    Column("key", String(600), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("captured_at", UtcDateTime, nullable=False),
    Column("value", Text, nullable=False),
    Column("sha256", String(64), nullable=False),  # the content it points at: retention keeps it
    Column("state", String(20), nullable=False),
    Column("hold", Boolean, nullable=False, server_default="0"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("published_at", UtcDateTime),
    UniqueConstraint("tenant_id", "key", "sequence"),
    _one_of("state", "pending published"),
    Index(None, "tenant_id", "sha256"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(600), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("until", UtcDateTime, nullable=False),
)

deletions = Table(
    "deletions",
    metadata,
    _id(),
    _tenant(),
    Column("kind", String(20), nullable=False),
    Column("subject", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("sha256", String(64)),
    Column("size", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proof", JSON, nullable=False),
    Column("planned_at", UtcDateTime, nullable=False),
    Column("tombstoned_at", UtcDateTime),
    Column("purged_at", UtcDateTime),
    Column("restored_at", UtcDateTime),
    _one_of("kind", "temporary export original"),
    Index(None, "tombstoned_at", "purged_at"),
    sqlite_autoincrement=True,  # a plan that was replaced must not find its numbers in the next one
)

batches = Table(
    "batches",
    metadata,
    _id(),
    _tenant(),
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
    _id(),
    _tenant(),
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
    _id(),
    _tenant(),
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
    _id(),
    _tenant(),
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
    _id(),
    _tenant(),
    Column("path", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("modified_at", UtcDateTime, nullable=False),
    Column("sha256", String(64)),
    Column("pixel_sha256", String(64)),
    Column("version", String(20)),
    Column("fingerprint", LargeBinary),
    Column("seen_at", UtcDateTime, nullable=False),
    UniqueConstraint("tenant_id", "path"),
)

tokens = Table(
    "tokens",
    metadata,
    _id(),
    _tenant(),
    Column("service", String(100), nullable=False),
    Column("account", String(200), nullable=False),
    Column("access_token", Text, nullable=False),
    Column("refresh_token", Text),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("tenant_id", "service", "account"),
)
