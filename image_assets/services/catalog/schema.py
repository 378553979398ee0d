"""The tables of the catalog. A change here needs a migration beside it (`migrations/versions`).

This is the journey from pictures to deletions; how exports were made is in `making`, what generation
and shops need in `shops`, what the search for alike designs reads in `spaces`.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from image_assets.services.catalog.columns import (
    Id,
    UtcDateTime,
    Words,
    metadata,
    number,
    one_of,
    tenant,
)

tenants = Table(
    "tenants",
    metadata,
    number(),
    Column("name", String(200), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
)

blobs = Table(
    "blobs",
    metadata,
    number(),
    tenant(),
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
    number(),
    tenant(),
    Column("source", String(200), nullable=False),
    Column("collection", String(200), nullable=False),
    Column("partition_key", String(200), nullable=False),
    Column("listed_at", UtcDateTime, nullable=False),
    Column("listed", Integer, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("sealed_at", UtcDateTime),
    Column("limited_to", Integer),  # most pictures that the last collection wanted; none: all
    UniqueConstraint("tenant_id", "source", "collection", "partition_key"),
)

designs = Table(
    "designs",
    metadata,
    Column("id", String(24), primary_key=True),
    tenant(),
    Column("scope", String(200), nullable=False),
    Column("version", String(20), nullable=False),
    Column("pixel_hash", String(64), nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    # The two hashes on white stand alone as well: searches by distance read nothing else.
    Column("phash", LargeBinary(32), nullable=False),
    Column("dhash", LargeBinary(32), nullable=False),
    Column("score", Float, nullable=False),
    Column("anchor_image_id", Id, nullable=False),
    Column("display_image_id", Id, nullable=False),
    Column("display_reason", Words),  # why that picture is shown; none where there is no other
    Column("merged_into_id", ForeignKey("designs.id")),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint(
        "tenant_id",
        "scope",
        "pixel_hash",
        "version",
        # The column's name of old: SQLite renames columns, but no constraints.
        name="uq_designs_tenant_id_scope_pixel_sha256_version",
    ),
    Index(None, "merged_into_id"),
)

FRESH = "state = 'stored' AND NOT stale"
"""The first of its source's pictures with the same bytes; every later one is a stale repeat."""

images = Table(
    "images",
    metadata,
    number(),
    tenant(),
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
    Column("told", JSON(none_as_null=True)),  # what is announced of it beside; none of most
    Column("pixel_hash", String(64)),
    Column("design_id", ForeignKey("designs.id")),
    # The design of the thumbnail that a full-size picture replaced, until it has its own.
    Column("former_design_id", ForeignKey("designs.id")),
    Column("quarantine", Text),
    Column("absent_since", UtcDateTime),
    Column("pinned", Boolean, nullable=False, server_default="0"),
    UniqueConstraint("tenant_id", "source", "collection", "item_key"),
    one_of("state", "stored rejected missing gone expired"),
    one_of("variant", "full thumbnail"),
    CheckConstraint(
        "state != 'stored' OR (blob_id IS NOT NULL AND sha256 IS NOT NULL)", name="stored_has_blob"
    ),
    Index(None, "tenant_id", "source", "collection", "partition_key"),
    Index(None, "tenant_id", "source", "collection", "captured_at"),
    Index(None, "tenant_id", "pixel_hash"),
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

verdicts = Table(
    "verdicts",
    metadata,
    number(),
    tenant(),
    Column("scope", String(200), nullable=False),
    Column("pixel_a", String(64), nullable=False),
    Column("pixel_b", String(64), nullable=False),
    Column("verdict", String(10), nullable=False),
    Column("person", String(200), nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    UniqueConstraint("tenant_id", "scope", "pixel_a", "pixel_b"),
    CheckConstraint("pixel_a < pixel_b", name="ordered"),
    one_of("verdict", "same different"),
)

decisions = Table(
    "decisions",
    metadata,
    number(),
    tenant(),
    Column("scope", String(200), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("person", Words, nullable=False),
    Column("said", Words, nullable=False),
    # What it changed, value before and after, in order: undoing goes the way back.
    Column("changes", JSON, nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("undone_by", Words),
    Column("undone_at", UtcDateTime),
    one_of("kind", "same different merge split display"),
    Index(None, "tenant_id", "scope"),
)

exports = Table(
    "exports",
    metadata,
    number(),
    tenant(),
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
    # Unknown of exports from before these were recorded.
    Column("path", Text),  # that it has or had: its name stays known
    Column("recipe_digest", String(16)),
    Column("source_sha256", String(64)),
    Column("base_sha256", String(64)),  # none where none shines through
    UniqueConstraint("design_id", "recipe", "format"),
    one_of("state", "live expired"),
    CheckConstraint("state != 'live' OR blob_id IS NOT NULL", name="live_has_blob"),
    Index(None, "blob_id"),
    Index(None, "tenant_id", "sha256"),
)

destinations = Table(
    "destinations",
    metadata,
    number(),
    Column("name", String(100), nullable=False, unique=True),
    Column("host", String(100), nullable=False),
    Column("account", String(200)),
    Column("created_at", UtcDateTime, nullable=False),
)

uploads = Table(
    "uploads",
    metadata,
    number(),
    tenant(),
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
    Column("rendering", Text),  # what stands in for the content there; its own bytes when null
    Column("level", String(2)),
    Column("verified_at", UtcDateTime),
    Column("owner", String(200)),
    Column("lease_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("tenant_id", "sha256", "destination_id"),
    one_of("state", "intent sending receipt verified in_doubt failed removed"),
    CheckConstraint("state NOT IN ('receipt', 'verified') OR url IS NOT NULL", name="proven"),
    CheckConstraint("state != 'sending' OR lease_until IS NOT NULL", name="sending_leased"),
    Index(None, "destination_id", "state"),
    Index(None, "destination_id", "host_id"),
)

attempts = Table(
    "attempts",
    metadata,
    number(),
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
    number(),
    tenant(),
    Column("key", String(600), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("captured_at", UtcDateTime, nullable=False),
    Column("value", Text, nullable=False),
    Column("sha256", String(64), nullable=False),  # the content it points at: retention keeps it
    Column("state", String(20), nullable=False),
    Column("hold", Boolean, nullable=False, server_default="0"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("published_at", UtcDateTime),
    Column("written_at", UtcDateTime),  # when the store was last given it, answered or not
    UniqueConstraint("tenant_id", "key", "sequence"),
    one_of("state", "pending published"),
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
    number(),
    tenant(),
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
    one_of("kind", "temporary export original"),
    Index(None, "tombstoned_at", "purged_at"),
    sqlite_autoincrement=True,  # a plan that was replaced must not find its numbers in the next one
)
