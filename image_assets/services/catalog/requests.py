"""Requests for pictures as those see them who make them: taken once, looked at as often as they like."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Engine, Row, and_, func, select, tuple_

from image_assets.core import naming
from image_assets.core.errors import QuotaExhaustedError
from image_assets.core.generation import RequestState, VariationState
from image_assets.core.model import ImageFormat, Partition
from image_assets.ports import (
    Accepted,
    Asked,
    MadeExport,
    MadePicture,
    NewRequest,
    RequestEvent,
)
from image_assets.services.catalog import blobs as bytes_in_store
from image_assets.services.catalog.dialects import lock, portions
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.generation import asked
from image_assets.services.catalog.happenings import tell
from image_assets.services.catalog.schema import blobs, designs, exports, images, tenants
from image_assets.services.catalog.selections import RULING, STORED, of_partition
from image_assets.services.catalog.shops import request_events, requests, variations


@dataclass(frozen=True, slots=True)
class SqlRequests:
    """Fulfils `ports.RequestsCatalog`."""

    engine: Engine

    def add(
        self, tenant: str, request: NewRequest, *, now: dt.datetime, daily: int | None = None
    ) -> Accepted:
        """Record a request with its base, or find the one that has its idempotency key.

        Raises:
            QuotaExhaustedError: with it more than `daily` pictures were asked for in this UTC day.
        """
        with writing(self.engine) as connection:
            owner = tenant_id(connection, tenant)
            lock(connection, "requests", str(owner))
            if request.idempotency_key is not None:
                known = _known(connection, owner, request)
                if known is not None:
                    return known
            if daily is not None:
                _check_budget(connection, owner, request, daily, now)
            base_path = _record(connection, owner, request, now)
        return Accepted(request.key, again=False, base_path=base_path)

    def find(self, tenant: str, key: str) -> Asked | None:
        """A request; None when there is none of that key."""
        with reading(self.engine) as connection:
            return asked(connection, tenant, key)

    def pictures(self, tenant: str, key: str, source: str) -> Sequence[MadePicture]:
        """The request's stored pictures by number, with the exports of its recipe."""
        partition = Partition(source, tenant, key, tenant=tenant)
        with reading(self.engine) as connection:
            owner = tenant_id(connection, tenant)
            rows = connection.execute(_made(owner, partition)).all()
        by_key = {k: list(g) for k, g in groupby(rows, key=lambda row: row.item_key)}
        numbered = [(naming.variation_number(k), group) for k, group in by_key.items()]
        return tuple(
            _picture(number, group) for number, group in sorted(numbered) if number is not None
        )

    def events(self, tenant: str, key: str, *, after: int) -> Sequence[RequestEvent]:
        """What happened after the event of that number, in order."""
        with reading(self.engine) as connection:
            rows = connection.execute(
                select(request_events)
                .join_from(request_events, requests, requests.c.id == request_events.c.request_id)
                .where(
                    requests.c.tenant_id == tenant_id(connection, tenant),
                    requests.c.key == key,
                    request_events.c.number > after,
                )
                .order_by(request_events.c.number)
            ).all()
        return tuple(map(_event, rows))

    def revisions(self, requests: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
        """The number of the last event of each of these requests, given as tenant and key."""
        found: dict[tuple[str, str], int] = {}
        with reading(self.engine) as connection:
            for portion in portions(sorted(requests)):
                rows = connection.execute(_revisions(portion))
                found.update(((name, key), revision) for name, key, revision in rows)
        return found


def _known(connection: Connection, tenant: int, request: NewRequest) -> Accepted | None:
    """The request that has the idempotency key already."""
    row = connection.execute(
        select(requests.c.key, requests.c.digest).where(
            requests.c.tenant_id == tenant,
            requests.c.idempotency_key == request.idempotency_key,
        )
    ).one_or_none()
    if row is None:
        return None
    return Accepted(row.key, again=True, same=row.digest == request.digest)


def _check_budget(
    connection: Connection, tenant: int, request: NewRequest, daily: int, now: dt.datetime
) -> None:
    today = dt.datetime.combine(now.astimezone(dt.UTC).date(), dt.time(), dt.UTC)
    asked = connection.scalar(
        select(func.coalesce(func.sum(requests.c.count), 0)).where(
            requests.c.tenant_id == tenant, requests.c.created_at >= today
        )
    )
    if int(asked or 0) + request.count > daily:
        raise QuotaExhaustedError(
            f"{asked} of {daily} pictures were asked for today (UTC); the rest is for tomorrow"
        )


def _record(
    connection: Connection, tenant: int, request: NewRequest, now: dt.datetime
) -> str | None:
    """The rows of a new request; gives where the bytes of its base are."""
    base: int | None = None
    path: str | None = None
    if request.base is not None:
        base, path = bytes_in_store.keep(connection, tenant, request.base, now=now)
    values = {
        "tenant_id": tenant,
        "key": request.key,
        "prompt": request.prompt,
        "model": request.model,
        "aspect_ratio": request.aspect_ratio.value,
        "count": request.count,
        "base_blob_id": base,
        "state": RequestState.WAITING,
        "created_at": now,
        "updated_at": now,
        "due_at": now,
        "digest": request.digest,
        "idempotency_key": request.idempotency_key,
        "client": request.client,
    }
    identity = connection.scalar(requests.insert().values(values).returning(requests.c.id))
    assert identity is not None  # a row that is inserted has a number
    rows = [
        {"request_id": identity, "number": number, "state": VariationState.WAITING}
        for number in range(1, request.count + 1)
    ]
    connection.execute(variations.insert(), rows)
    tell(connection, identity, "accepted", now=now)
    return path


def _revisions(portion: Sequence[tuple[str, str]]) -> Any:
    return (
        select(tenants.c.name, requests.c.key, requests.c.revision)
        .join_from(requests, tenants, tenants.c.id == requests.c.tenant_id)
        .where(tuple_(tenants.c.name, requests.c.key).in_(portion))
    )


def _made(tenant: int, partition: Partition) -> Any:
    """The stored pictures, each with the live and expired exports of its request's recipe."""
    shown = exports.alias("shown")
    there = blobs.alias("there")
    recipe = (
        select(requests.c.recipe)
        .where(requests.c.tenant_id == tenant, requests.c.key == partition.key)
        .scalar_subquery()
    )
    return (
        select(
            images.c.item_key,
            blobs.c.path,
            blobs.c.sha256,
            blobs.c.size,
            blobs.c.format,
            blobs.c.width,
            blobs.c.height,
            RULING.label("design"),
            shown.c.recipe,
            shown.c.format.label("made_format"),
            shown.c.sha256.label("made_sha256"),
            shown.c.size.label("made_size"),
            shown.c.width.label("made_width"),
            shown.c.height.label("made_height"),
            shown.c.created_at.label("made_at"),
            # What expired is made again when it is asked for under the name that it had.
            func.coalesce(there.c.path, shown.c.path).label("made_path"),
        )
        .select_from(
            images.join(blobs, blobs.c.id == images.c.blob_id)
            .outerjoin(designs, designs.c.id == images.c.design_id)
            .outerjoin(shown, and_(shown.c.design_id == RULING, shown.c.recipe == recipe))
            .outerjoin(there, there.c.id == shown.c.blob_id)
        )
        .where(of_partition(tenant, partition), STORED)
        .order_by(images.c.item_key, shown.c.format)
    )


def _picture(number: int, rows: Sequence[Row[Any]]) -> MadePicture:
    first = rows[0]
    made = tuple(
        MadeExport(
            row.design,
            row.recipe,
            ImageFormat(row.made_format),
            row.made_path,
            row.made_sha256,
            row.made_size,
            row.made_width,
            row.made_height,
            row.made_at,
        )
        for row in rows
        if row.made_format is not None
    )
    return MadePicture(
        number,
        first.path,
        first.sha256,
        first.size,
        ImageFormat(first.format),
        first.width,
        first.height,
        first.design,
        made,
    )


def _event(row: Row[Any]) -> RequestEvent:
    return RequestEvent(
        row.number,
        row.at,
        row.kind,
        RequestState(row.state),
        row.settled,
        row.total,
        row.variation,
        row.reason,
    )
