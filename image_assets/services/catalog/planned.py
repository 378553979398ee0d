"""Deletions that wait for something, whatever it is that goes."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Engine, select

from image_assets.core.model import DeletionKind
from image_assets.ports import PlannedDeletion
from image_assets.services.catalog.engine import reading
from image_assets.services.catalog.schema import deletions


def waiting(
    engine: Engine, where: ColumnElement[bool], after: int, most: int
) -> Sequence[PlannedDeletion]:
    """The first deletions of which this holds, by number, from the one after `after`."""
    with reading(engine) as connection:
        rows = connection.execute(
            select(deletions)
            .where(where, deletions.c.id > after)
            .order_by(deletions.c.id)
            .limit(most)
        ).all()
    return tuple(
        PlannedDeletion(row.id, DeletionKind(row.kind), row.subject, row.path, row.size, row.reason)
        for row in rows
    )
