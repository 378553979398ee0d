"""Tables of publishing beside the ledger: files published where they lie, and former receipts."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from image_assets.services.catalog.columns import UtcDateTime, Words, metadata, number, tenant

local_files = Table(
    "local_files",
    metadata,
    number(),
    tenant(),
    Column("address", Text, nullable=False),  # a `file:` address: it spells every name there is
    # While these four are what they were, the file is taken to be what it was.
    Column("size", BigInteger, nullable=False),
    Column("modified_ns", BigInteger, nullable=False),
    Column("changed_ns", BigInteger, nullable=False),
    Column("inode", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("format", String(10)),  # none of what is no picture
    Column("problem", Words),  # why it is none
    Column("exif", JSON, nullable=False),
    UniqueConstraint("tenant_id", "address"),
)

former_receipts = Table(
    "former_receipts",
    metadata,
    number(),
    Column("upload_id", ForeignKey("uploads.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("host_id", Text),
    Column("cid", String(120)),
    Column("rendering", Text),
    Column("level", String(2)),
    Column("replaced_at", UtcDateTime, nullable=False),
    Index(None, "upload_id"),
)
