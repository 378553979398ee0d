"""What the archive holds of a range, day by day, and where its bytes lie."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, and_, case, func, select

from image_assets.core import naming
from image_assets.core.account import DayAccount, Lost
from image_assets.core.batches import BatchAccount
from image_assets.core.model import ImageState, Partition
from image_assets.core.spans import Span
from image_assets.services.catalog.engine import reading, tenant_id
from image_assets.services.catalog.schema import blobs, days, images, tenants
from image_assets.services.catalog.selections import of_span
from image_assets.services.catalog.shops import batches

_CAUSE: ColumnElement[str] = case(
    (and_(images.c.state == ImageState.MISSING, images.c.absent_since.is_not(None)), "absent"),
    (images.c.state == ImageState.MISSING, "error"),
    else_=images.c.state,
)
_HELD = frozenset({ImageState.STORED, ImageState.EXPIRED})


@dataclass(frozen=True, slots=True)
class SqlArchive:
    """Fulfils `ports.ArchiveCatalog`."""

    engine: Engine

    def accounts(self, span: Span) -> Sequence[DayAccount]:
        """One account for each day and collection that is known, in that order; two queries in all."""
        with reading(self.engine) as connection:
            tenant = tenant_id(connection, span.tenant)
            listed = connection.execute(
                select(days.c.partition_key, days.c.collection, days.c.listed).where(
                    of_span(days, tenant, span)
                )
            ).all()
            held = connection.execute(_held().where(of_span(images, tenant, span))).all()
        return _accounts(span, listed, held)

    def lost(self, span: Span, most: int) -> Sequence[Lost]:
        """The first of the span's pictures that are not here, by day and item key."""
        with reading(self.engine) as connection:
            tenant = tenant_id(connection, span.tenant)
            rows = connection.execute(
                select(
                    images.c.collection,
                    images.c.original_name,
                    _CAUSE.label("cause"),
                    images.c.reason,
                )
                .where(of_span(images, tenant, span), images.c.state.not_in(_HELD))
                .order_by(images.c.partition_key, images.c.collection, images.c.item_key)
                .limit(most)
            ).all()
        return tuple(
            Lost(f"{row.collection} {row.original_name}", row.cause, row.reason or "")
            for row in rows
        )

    def batches(self, source: str) -> Sequence[BatchAccount]:
        """One account for each batch of an inbox, by shop and time of taking."""
        lost = func.count().filter(
            images.c.state == ImageState.MISSING, images.c.sha256.is_not(None)
        )
        cut = tenants.c.name, images.c.partition_key, images.c.state
        with reading(self.engine) as connection:
            keys = connection.scalars(
                select(batches.c.key).where(batches.c.source == source).distinct()
            ).all()
            sealed = connection.execute(
                select(tenants.c.name, days.c.partition_key)
                .join_from(days, tenants, tenants.c.id == days.c.tenant_id)
                .where(days.c.source == source, days.c.sealed_at.is_not(None))
            ).all()
            held = connection.execute(
                select(*cut, func.count().label("files"), lost.label("lost"))
                .join_from(images, tenants, tenants.c.id == images.c.tenant_id)
                .where(images.c.source == source)
                .group_by(*cut)
            ).all()
        return _batch_accounts(
            [naming.batch_of(source, key) for key in sorted(keys)],
            {tuple(row) for row in sealed},
            held,
        )

    def paths(self) -> frozenset[str]:
        """Where every blob lies, whoever's it is."""
        with reading(self.engine) as connection:
            return frozenset(connection.scalars(select(blobs.c.path)))


def _batch_accounts(
    partitions: Iterable[Partition], sealed: set[tuple[Any, ...]], held: Iterable[Row[Any]]
) -> Sequence[BatchAccount]:
    states: dict[tuple[str, str], dict[ImageState, int]] = {}
    lost: dict[tuple[str, str], int] = {}
    for row in held:
        place = row.name, row.partition_key
        states.setdefault(place, {})[ImageState(row.state)] = row.files
        lost[place] = lost.get(place, 0) + row.lost
    return tuple(
        BatchAccount(p, place in sealed, states.get(place, {}), lost.get(place, 0))
        for p in partitions
        for place in [(p.tenant, p.key)]
    )


def _held() -> Any:
    """Pictures by day, collection and what became of them."""
    by = (images.c.partition_key, images.c.collection, _CAUSE.label("cause"))
    reason = case((images.c.state == ImageState.REJECTED, images.c.reason)).label("reason")
    return (
        select(
            *by,
            reason,
            func.count().label("pictures"),
            func.count().filter(images.c.conflict).label("conflicts"),
            func.coalesce(func.sum(blobs.c.size), 0).label("bytes"),
            func.min(images.c.captured_at).label("first"),
            func.max(images.c.captured_at).label("last"),
        )
        .select_from(images.outerjoin(blobs, blobs.c.id == images.c.blob_id))
        .group_by(*by, reason)
    )


def _accounts(
    span: Span, listed: "Iterable[Row[str, str, int]]", held: Iterable[Row[Any]]
) -> Sequence[DayAccount]:
    entries = {(row.partition_key, row.collection): row.listed for row in listed}
    rows: dict[tuple[str, str], list[Row[Any]]] = {place: [] for place in entries}
    for row in held:
        rows.setdefault((row.partition_key, row.collection), []).append(row)
    return tuple(
        _account(
            Partition(span.source, place[1], place[0], span.tenant), entries.get(place, 0), found
        )
        for place, found in sorted(rows.items())
    )


def _account(partition: Partition, listed: int, rows: Sequence[Row[Any]]) -> DayAccount:
    held = [row for row in rows if row.cause in _HELD]
    lost = [row for row in rows if row.cause not in _HELD]
    known = sum(row.pictures for row in rows)
    # Other bytes for a known second are a record more than the listing has; a listing may shrink.
    requested = max(listed + sum(row.conflicts for row in rows), known)
    causes: dict[str, int] = {}
    for row in lost:
        causes[row.cause] = causes.get(row.cause, 0) + row.pictures
    return DayAccount(
        partition=partition,
        requested=requested,
        downloaded=sum(row.pictures for row in held),
        skipped=requested - known,
        failed=causes,
        rejections={
            row.reason or "unknown": row.pictures for row in lost if row.cause == "rejected"
        },
        bytes=sum(int(row.bytes) for row in held),
        first=min((row.first for row in held if row.first), default=None),
        last=max((row.last for row in held if row.last), default=None),
    )
