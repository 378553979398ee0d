"""Pictures received, and the days they belong to."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, func, select, update

from image_assets.core.model import (
    SETTLED,
    Blob,
    Entry,
    Fetched,
    ImageState,
    Partition,
    Variant,
)
from image_assets.ports import Day, ImageCounts, KnownImage, StoredImage
from image_assets.services.catalog.dialects import insert
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.records import open_book
from image_assets.services.catalog.schema import blobs, days, images
from image_assets.services.catalog.selections import STORED, of_partition
from image_assets.services.catalog.together import Together


@dataclass(frozen=True, slots=True)
class SqlImages:
    """Fulfils `ports.ImagesCatalog`."""

    engine: Engine
    together: Together

    def day(self, partition: Partition) -> Day | None:
        """The partition's listing, None when it was never listed."""
        with reading(self.engine) as connection:
            row = connection.execute(
                select(days).where(_day(tenant_id(connection, partition.tenant), partition))
            ).one_or_none()
        if row is None:
            return None
        return Day(row.listed_at, row.listed, row.complete, row.sealed_at, row.limited_to)

    def record_listing(
        self,
        partition: Partition,
        *,
        listed: int,
        complete: bool,
        now: dt.datetime,
        limit: int | None = None,
    ) -> None:
        """Remember that the partition was listed, and under which limit it is collected now."""
        seen = {"listed_at": now, "listed": listed, "complete": complete, "limited_to": limit}
        with writing(self.engine) as connection:
            identity = {
                "tenant_id": tenant_id(connection, partition.tenant),
                "source": partition.source,
                "collection": partition.collection,
                "partition_key": partition.key,
            }
            connection.execute(
                insert(connection, days)
                .values(identity | seen)
                .on_conflict_do_update(index_elements=list(identity), set_=seen)
            )

    def seal(self, partition: Partition, *, now: dt.datetime) -> None:
        """The partition is closed and settled: it costs no request again."""
        with writing(self.engine) as connection:
            tenant = tenant_id(connection, partition.tenant)
            sealed = connection.execute(
                update(days).where(_day(tenant, partition)).values(sealed_at=now)
            )
            if not sealed.rowcount:
                raise ValueError(f"{partition}: never listed, so it cannot be sealed")

    def known(self, partition: Partition) -> Mapping[str, KnownImage]:
        """Every record of the partition by item key."""
        record = images.c
        with reading(self.engine) as connection:
            rows = connection.execute(
                select(
                    record.item_key,
                    record.state,
                    record.sha256,
                    record.variant,
                    record.reason,
                    record.received_at,
                    record.origin,
                )
                .where(of_partition(tenant_id(connection, partition.tenant), partition))
                .order_by(record.item_key)
            ).all()
        return {
            key: KnownImage(ImageState(state), sha256, Variant(variant), *rest)
            for key, state, sha256, variant, *rest in rows
        }

    def add_stored(
        self,
        partition: Partition,
        entry: Entry,
        blob: Blob,
        *,
        fetched: Fetched,
        exif: Mapping[str, str],
        now: dt.datetime,
    ) -> StoredImage:
        """Record a picture and its bytes (once per tenant) in one transaction.

        Pictures that several threads have ready at the same moment share it.
        """
        values = {
            "captured_at": entry.captured_at,
            "received_at": now,
            "state": ImageState.STORED,
            "reason": None,
            "sha256": blob.sha256,
            "variant": fetched.variant,
            "original_name": entry.name,
            "origin": entry.address or fetched.url,  # as listed: a redirect may lead elsewhere
            "exif": dict(exif),
            "told": dict(entry.told) or None,
            "absent_since": None,
        }
        return self.together.write(
            lambda connection: open_book(connection, partition).store(
                entry.item_key, blob, values, now=now
            )
        )

    def add_rejected(
        self,
        partition: Partition,
        entry: Entry,
        *,
        reason: str,
        sha256: str | None,
        quarantine: str | None,
        now: dt.datetime,
    ) -> None:
        """Record a picture that is refused, with the reason and where its bytes wait."""
        values: dict[str, Any] = {
            "captured_at": entry.captured_at,
            "received_at": now,
            "state": ImageState.REJECTED,
            "reason": reason,
            "sha256": sha256,
            "original_name": entry.name,
            "origin": entry.address,
            "exif": {},
            "quarantine": quarantine,
        }
        with writing(self.engine) as connection:
            open_book(connection, partition).reject(entry.item_key, values)

    def add_missing(
        self,
        partition: Partition,
        entry: Entry,
        *,
        reason: str,
        absent: bool,
        gone_after: dt.timedelta,
        now: dt.datetime,
    ) -> ImageState:
        """Record a picture that was listed and not got; `absent` when the source said so."""
        with writing(self.engine) as connection:
            book = open_book(connection, partition)
            held = book.find(entry.item_key)
            if held is not None and held.state in SETTLED:
                return ImageState(held.state)
            since = held.absent_since if held is not None else None
            gone = absent and now - (since or now) >= gone_after
            state = ImageState.GONE if gone else ImageState.MISSING
            values: dict[str, Any] = {
                "captured_at": entry.captured_at,
                "received_at": now,
                "state": state,
                "reason": reason,
                "original_name": entry.name,
                "origin": entry.address,
                "exif": {},
                "absent_since": since or (now if absent else None),
            }
            book.write(held, entry.item_key, values)
            return state

    def accept_thumbnail(self, partition: Partition, item_key: str, *, reason: str) -> None:
        """A record that is still a thumbnail keeps it for good; any other stays as it is."""
        with writing(self.engine) as connection:
            book = open_book(connection, partition)
            held = book.find(item_key)
            if held is not None and held.variant == Variant.THUMBNAIL:
                book.write(held, item_key, {"reason": reason})

    def counts(self, partition: Partition) -> ImageCounts:
        """What the partition has."""
        with reading(self.engine) as connection:
            tenant = tenant_id(connection, partition.tenant)
            return image_counts(connection, of_partition(tenant, partition))

    def paths(self, partition: Partition) -> Sequence[str]:
        """Where the partition's stored pictures lie, by item key; equal bytes once."""
        with reading(self.engine) as connection:
            found = connection.scalars(
                select(blobs.c.path)
                .join_from(images, blobs, blobs.c.id == images.c.blob_id)
                .where(of_partition(tenant_id(connection, partition.tenant), partition), STORED)
                .order_by(images.c.item_key)
            ).all()
        return tuple(dict.fromkeys(found))


def image_counts(connection: Connection, where: ColumnElement[bool]) -> ImageCounts:
    """What the selected pictures come to."""
    stale = func.count().filter(STORED, images.c.stale)
    conflicts = func.count().filter(STORED, images.c.conflict)
    rows = connection.execute(
        select(images.c.state, func.count(), stale, conflicts).where(where).group_by("state")
    ).all()
    held = select(images.c.blob_id).where(where, STORED).distinct().subquery()
    size = connection.scalar(
        select(func.coalesce(func.sum(blobs.c.size), 0)).join(held, held.c.blob_id == blobs.c.id)
    )
    return ImageCounts(
        {ImageState(state): number for state, number, _, _ in rows},
        sum(row[2] for row in rows),
        sum(row[3] for row in rows),
        int(size or 0),
    )


def _day(tenant: int, partition: Partition) -> ColumnElement[bool]:
    return (
        (days.c.tenant_id == tenant)
        & (days.c.source == partition.source)
        & (days.c.collection == partition.collection)
        & (days.c.partition_key == partition.key)
    )
