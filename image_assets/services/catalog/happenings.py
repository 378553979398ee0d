"""What happens to a request for pictures, written down in order as it changes."""

import datetime as dt
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from image_assets.core.errors import NotFoundError
from image_assets.core.generation import RequestState, VariationState
from image_assets.services.catalog.engine import tenant_id
from image_assets.services.catalog.shops import request_events, requests, variations

SETTLED = tuple(state for state in VariationState if state.is_settled)


def held(connection: Connection, tenant: str, key: str) -> Row[Any]:
    """A request's row; nobody else changes the request until the transaction ends.

    Raises:
        NotFoundError: there is none.
    """
    row = connection.execute(
        select(requests)
        .where(requests.c.tenant_id == tenant_id(connection, tenant), requests.c.key == key)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"no request {key!r} of {tenant} in the catalog")
    return row


def tell(
    connection: Connection,
    request_id: int,
    kind: str,
    *,
    now: dt.datetime,
    variation: int | None = None,
    reason: str | None = None,
    **changes: Any,
) -> None:
    """Change a request that is held, and number what happened to it."""
    row = connection.execute(
        update(requests)
        .where(requests.c.id == request_id)
        .values(revision=requests.c.revision + 1, updated_at=now, **changes)
        .returning(requests.c.revision, requests.c.state)
    ).one()
    settled, total = connection.execute(
        select(func.count().filter(variations.c.state.in_(SETTLED)), func.count()).where(
            variations.c.request_id == request_id
        )
    ).one()
    connection.execute(
        request_events.insert().values(
            request_id=request_id,
            number=row.revision,
            at=now,
            kind=kind,
            state=RequestState(row.state),
            variation=variation,
            settled=settled,
            total=total,
            reason=reason,
        )
    )
