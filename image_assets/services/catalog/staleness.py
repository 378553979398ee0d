"""Which of a source's pictures with the same bytes came first; every other one is stale.

First is the earliest capture, then the lower item key: the order of arrival says nothing. Callers
are the only writers of the source (`images`), so what is read here stays true.
"""

import datetime as dt
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, text, update

from image_assets.services.catalog.schema import FRESH, images
from image_assets.services.catalog.selections import STORED

Place = tuple[dt.datetime | None, str, float]
"""Capture time, item key and id of a picture; the id is infinite before there is one."""

_FIRST = select(images.c.captured_at, images.c.item_key, images.c.id).where(
    images.c.blob_id == bindparam("blob_id"), images.c.source == bindparam("source"), text(FRESH)
)


def settle(connection: Connection, blob_id: int, source: str, place: Place) -> bool:
    """Whether a picture that is to have this place is stale; a former first one makes room for it."""
    where = {"blob_id": blob_id, "source": source}
    first = connection.execute(_FIRST, where).one_or_none()
    if first is not None:
        if _order(first) < _order(place):
            return True
        _flag(connection, first.id, stale=True)
    return False


def elect(connection: Connection, blob_id: int, source: str) -> None:
    """Find the first picture again after the former one was given other bytes."""
    group = connection.execute(
        select(images.c.captured_at, images.c.item_key, images.c.id).where(
            images.c.blob_id == blob_id, images.c.source == source, STORED
        )
    ).all()
    if group:
        _flag(connection, min(group, key=_order).id, stale=False)


def _order(place: Place | Row[Any]) -> tuple[bool, float, str, float]:
    captured_at, item_key, image_id = tuple(place)
    moment = captured_at.timestamp() if captured_at is not None else 0.0
    return captured_at is None, moment, item_key, image_id


def _flag(connection: Connection, image_id: int, *, stale: bool) -> None:
    connection.execute(update(images).where(images.c.id == image_id).values(stale=stale))
