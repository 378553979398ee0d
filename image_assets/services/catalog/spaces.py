"""The tables that the search for alike designs reads: codes of 128 bytes, and keys where they pay."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from image_assets.services.catalog.columns import metadata, number, tenant

spaces = Table(
    "spaces",
    metadata,
    number(),
    tenant(),
    Column("scope", String(200), nullable=False),
    Column("version", String(20), nullable=False),
    Column("filed", BigInteger, nullable=False),  # the number of the newest code
    Column("banded", Boolean, nullable=False),  # whether every code has its keys in `bands`
    UniqueConstraint("tenant_id", "scope", "version"),
    sqlite_autoincrement=True,  # what a process remembers of a space is never another one's
)
"""Where codes are compared: those of a scope in one version. It holds all of them, or is not there."""

codes = Table(
    "codes",
    metadata,
    Column("space_id", ForeignKey("spaces.id"), primary_key=True),
    # Counted up within the space, each visible before the next is given: who has seen one has
    # seen all before it.
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("design_id", ForeignKey("designs.id"), nullable=False, unique=True),
    Column("code", LargeBinary(128), nullable=False),
    sqlite_with_rowid=False,
)

bands = Table(
    "bands",
    metadata,
    Column("space_id", ForeignKey("spaces.id"), primary_key=True),
    Column("key", BigInteger, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    sqlite_with_rowid=False,
)
