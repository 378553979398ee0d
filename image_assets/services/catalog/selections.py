"""Selections that several stages make, spelled once."""

from sqlalchemy import ColumnElement, Select, Table, and_, func, select

from image_assets.core.model import ImageState, Partition
from image_assets.core.spans import Span
from image_assets.services.catalog.schema import designs, images

RULING: ColumnElement[str] = func.coalesce(designs.c.merged_into_id, designs.c.id)
"""The design that answers for `designs.id`: the one it was merged into, else itself."""

STORED: ColumnElement[bool] = images.c.state == ImageState.STORED
"""Pictures whose bytes are here."""


def of_partition(tenant: int, partition: Partition) -> ColumnElement[bool]:
    """The partition's pictures."""
    return and_(
        images.c.tenant_id == tenant,
        images.c.source == partition.source,
        images.c.collection == partition.collection,
        images.c.partition_key == partition.key,
    )


def of_span(table: Table, tenant: int, span: Span) -> ColumnElement[bool]:
    """The rows of `days` or `images` whose day is in the span; keys of a date are in its order."""
    return and_(
        table.c.tenant_id == tenant,
        table.c.source == span.source,
        table.c.collection.in_(span.collections),
        table.c.partition_key.between(span.first.isoformat(), span.last.isoformat()),
    )


def designs_of(tenant: int, partition: Partition) -> "Select[str]":
    """The distinct ruling designs of the partition's stored pictures."""
    return (
        select(RULING.label("id"))
        .select_from(images.join(designs, designs.c.id == images.c.design_id))
        .where(of_partition(tenant, partition), STORED)
        .distinct()
    )
