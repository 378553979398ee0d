"""Taking a publication down: only where nobody else's lives on the same thing at the host.

Hosts that name content by what it is (IPFS, a public id, a key of a bucket) keep one thing for all who
published the same bytes: removing one's own would remove the others'.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, func, or_, select, update

from image_assets.core.errors import ImageAssetsError, RejectedError, TransientError
from image_assets.core.model import ImageState, UploadState
from image_assets.services.catalog.engine import writing
from image_assets.services.catalog.schema import images, uploads

_LIVE = (UploadState.RECEIPT, UploadState.VERIFIED, UploadState.SENDING, UploadState.IN_DOUBT)
_HAS_RECEIPT = (UploadState.RECEIPT, UploadState.VERIFIED)


@contextmanager
def removing(engine: Engine, upload_id: int, *, now: dt.datetime) -> Iterator[None]:
    """Within the block the host is told to take it down; after a failure its receipt counts again.

    Raises:
        RejectedError: others live on the same thing there, or nobody else has the bytes any more.
        TransientError: another run is sending it.
    """
    with writing(engine) as connection:
        row = connection.execute(
            select(uploads).where(uploads.c.id == upload_id).with_for_update()
        ).one()
        _check(connection, row, now)
        _mark(connection, row.id, UploadState.REMOVED, now)
    try:
        yield
    except ImageAssetsError as error:
        # What is refused is as it was; of what else went wrong nobody knows how far it went.
        untouched = isinstance(error, RejectedError)
        before = UploadState.RECEIPT if row.state in _HAS_RECEIPT and not untouched else row.state
        with writing(engine) as connection:
            _mark(connection, row.id, before, now)
        raise


def _check(connection: Connection, row: Row[Any], now: dt.datetime) -> None:
    if row.state == UploadState.SENDING and row.lease_until > now:
        raise TransientError(f"{row.name}: another run is sending it; run again in a few minutes")
    others = connection.scalar(
        select(func.count()).where(
            uploads.c.id != row.id,
            uploads.c.destination_id == row.destination_id,
            uploads.c.state.in_(_LIVE),
            _same_thing(row),
        )
    )
    if others:
        raise RejectedError(
            f"{row.name}: {others} other publications live on the same thing there; it stays"
        )
    if _is_last(connection, row):
        raise RejectedError(
            f"{row.name}: its original is no longer in the store, and this is the only other copy;"
            " it stays (image-assets restore, or publish it elsewhere first)"
        )


def _same_thing(row: Row[Any]) -> ColumnElement[bool]:
    """Rows of what the host has once: by its id or identifier there, or soon to have one."""
    same = [and_(uploads.c.host_id.is_(None), uploads.c.sha256 == row.sha256)]
    if row.host_id is not None:
        same.append(uploads.c.host_id == row.host_id)
    if row.cid is not None:
        same.append(uploads.c.cid == row.cid)
    return or_(*same)


def _is_last(connection: Connection, row: Row[Any]) -> bool:
    """Whether pictures with these bytes went from the store, and nobody else provably has them."""
    content = (row.tenant_id, row.sha256)
    states = set(
        connection.scalars(
            select(images.c.state)
            .where(images.c.tenant_id == content[0], images.c.sha256 == content[1])
            .distinct()
        )
    )
    if ImageState.EXPIRED not in states or ImageState.STORED in states:
        return False
    elsewhere = connection.scalar(
        select(func.count()).where(
            uploads.c.tenant_id == content[0],
            uploads.c.sha256 == content[1],
            uploads.c.id != row.id,
            uploads.c.state == UploadState.VERIFIED,
            uploads.c.rendering.is_(None),
        )
    )
    return not elsewhere


def _mark(connection: Connection, upload_id: int, state: str, now: dt.datetime) -> None:
    connection.execute(
        update(uploads).where(uploads.c.id == upload_id).values(state=state, updated_at=now)
    )
