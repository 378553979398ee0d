"""Tables of how exports were made: recipes, what they were before, and formats that could not be."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from image_assets.services.catalog.columns import UtcDateTime, Words, metadata, number, tenant

renditions = Table(
    "renditions",
    metadata,
    number(),
    tenant(),
    Column("design_id", ForeignKey("designs.id"), nullable=False),
    Column("recipe", String(100), nullable=False),
    Column("format", String(10), nullable=False),
    # What an export was before it was rebuilt, or of what was published and is here no longer: the
    # bytes of `blob_id` answer under its name, be they its own or a later rendering.
    Column("sha256", String(64), nullable=False),
    Column("path", Text),
    Column("blob_id", ForeignKey("blobs.id")),  # none once expired
    Column("size", BigInteger, nullable=False),
    Column("encoder", Text, nullable=False),
    Column("recipe_digest", String(16)),
    Column("pinned", Boolean, nullable=False, server_default="0"),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("design_id", "recipe", "format", "sha256"),
    Index(None, "blob_id"),
    Index(None, "tenant_id", "sha256"),
)

lacking = Table(
    "lacking",
    metadata,
    number(),
    tenant(),
    Column("design_id", ForeignKey("designs.id"), nullable=False),
    Column("recipe", String(100), nullable=False),
    Column("format", String(10), nullable=False),
    Column("reason", Words, nullable=False),
    Column("encoder", Text, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    UniqueConstraint("design_id", "recipe", "format"),
)

recipes = Table(
    "recipes",
    metadata,
    Column("digest", String(16), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("recipe", JSON, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
)
