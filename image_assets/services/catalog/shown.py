"""The tables of what hosts show: how they treat pictures, and when each link was looked at."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, UniqueConstraint

from image_assets.services.catalog.columns import UtcDateTime, Words, metadata, number, one_of

fidelity = Table(
    "fidelity",
    metadata,
    number(),
    Column("destination_id", ForeignKey("destinations.id"), nullable=False),
    Column("format", String(10), nullable=False),  # as it was sent
    Column("treatment", String(20), nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("example", Words, nullable=False),
    Column("instead_of", Words),  # what was usual before, where this was a change
    Column("first_at", UtcDateTime, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Column("accepted_at", UtcDateTime),
    UniqueConstraint("destination_id", "format", "treatment"),
)
"""A host's profile: how often it was seen to treat pictures of a format so."""

links = Table(
    "links",
    metadata,
    Column("upload_id", ForeignKey("uploads.id"), primary_key=True),
    Column("looked_at", UtcDateTime, nullable=False),
    Column("finding", String(20), nullable=False),
    Column("reason", Words),
    # What the host said last of those looks in which it said anything, and since when it says so.
    Column("accusation", String(20)),
    Column("since", UtcDateTime),
    Column("settled_at", UtcDateTime),  # two looks agreed, and the ledger was told
    Column("size", BigInteger),  # bytes it showed when it was read last
    Column("looks", Integer, nullable=False),
    one_of("finding", "alive gone changed unreachable"),
)
"""The last look at each published picture; older than its last proof it says nothing any more."""
