"""What should lie in the store, and how a loss opens its records and days again."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Row, select, update

from image_assets.core.model import ImageState, Partition
from image_assets.core.spans import Span
from image_assets.ports import Kept, Reopened
from image_assets.services.catalog import blobs as bytes_in_store
from image_assets.services.catalog.dialects import lock, portions
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.making import renditions
from image_assets.services.catalog.schema import blobs, days, exports, images
from image_assets.services.catalog.selections import STORED, of_partition, of_span

_PICTURE = (images.c.source, images.c.collection, images.c.partition_key, images.c.item_key)


@dataclass(frozen=True, slots=True)
class SqlVerify:
    """Fulfils `ports.VerifyCatalog`."""

    engine: Engine

    def kept(self, partition: Partition) -> Sequence[Kept]:
        """The bytes of the partition's stored pictures, by path; equal bytes once."""
        with reading(self.engine) as connection:
            rows = connection.execute(
                select(blobs.c.path, blobs.c.sha256, blobs.c.size)
                .join_from(images, blobs, blobs.c.id == images.c.blob_id)
                .where(of_partition(tenant_id(connection, partition.tenant), partition), STORED)
                .distinct()
                .order_by(blobs.c.path)
            ).all()
        return tuple(Kept(*row) for row in rows)

    def tracked(self, paths: Collection[str]) -> frozenset[str]:
        """Those of the paths that some record says are its bytes, of whatever tenant."""
        with reading(self.engine) as connection:
            return frozenset(
                path
                for portion in portions(tuple(paths))
                for path in connection.scalars(
                    select(blobs.c.path).where(blobs.c.path.in_(portion))
                )
            )

    def lose(self, tenant: str, kept: Kept, *, reason: str, now: dt.datetime) -> Sequence[Reopened]:
        """The bytes are not in the store: every picture on them is missing, with the reason."""
        with writing(self.engine) as connection:
            number = tenant_id(connection, tenant)
            blob_id = connection.scalar(
                select(blobs.c.id).where(
                    blobs.c.tenant_id == number,
                    blobs.c.sha256 == kept.sha256,
                    blobs.c.path == kept.path,
                )
            )
            if blob_id is None:
                return ()
            on_it = images.c.blob_id == blob_id
            # As pictures are stored: first their sources, then the bytes.
            sources = connection.scalars(select(images.c.source).where(on_it).distinct()).all()
            for source in sorted(sources):
                lock(connection, "images", str(number), source)
            if bytes_in_store.hold(connection, blob_id) is None:
                return ()
            concerned = connection.execute(select(*_PICTURE).where(on_it)).all()
            _forget(connection, blob_id, reason, now)
            return _reopened(connection, number, tenant, concerned)

    def lost(self, partition: Partition) -> Sequence[Reopened]:
        """Pictures that were here and are missing, by item key."""
        with reading(self.engine) as connection:
            keys = connection.scalars(
                select(images.c.item_key)
                .where(
                    of_partition(tenant_id(connection, partition.tenant), partition),
                    images.c.state == ImageState.MISSING,
                    images.c.sha256.is_not(None),
                )
                .order_by(images.c.item_key)
            )
            return tuple(Reopened(partition, key) for key in keys)

    def recall(self, span: Span) -> Sequence[Reopened]:
        """Pictures of the span that are gone at their source are missing, their days open again."""
        with writing(self.engine) as connection:
            number = tenant_id(connection, span.tenant)
            lock(connection, "images", str(number), span.source)
            gone = (of_span(images, number, span), images.c.state == ImageState.GONE)
            concerned = connection.execute(select(*_PICTURE).where(*gone)).all()
            # `absent_since` stays: one more absent look is the last one.
            connection.execute(update(images).where(*gone).values(state=ImageState.MISSING))
            return _reopened(connection, number, span.tenant, concerned)


def _forget(connection: Connection, blob_id: int, reason: str, now: dt.datetime) -> None:
    """Take the bytes from whatever stood on them; pictures keep hash and design for their return."""
    connection.execute(
        update(images)
        .where(images.c.blob_id == blob_id)
        .values(
            state=ImageState.MISSING,
            reason=reason,
            blob_id=None,
            stale=False,
            received_at=now,
            absent_since=None,
        )
    )
    # An export is made again from its source when it is asked for.
    connection.execute(
        update(exports).where(exports.c.blob_id == blob_id).values(state="expired", blob_id=None)
    )
    connection.execute(
        update(renditions).where(renditions.c.blob_id == blob_id).values(blob_id=None)
    )
    bytes_in_store.forget(connection, blob_id)


def _reopened(
    connection: Connection, number: int, tenant: str, rows: "Sequence[Row[str, str, str, str]]"
) -> tuple[Reopened, ...]:
    """The pictures, in their order; their days cost requests again."""
    pictures = sorted(
        Reopened(Partition(source, collection, key, tenant), item_key)
        for source, collection, key, item_key in rows
    )
    for partition in dict.fromkeys(picture.partition for picture in pictures):
        connection.execute(
            update(days)
            .where(
                days.c.tenant_id == number,
                days.c.source == partition.source,
                days.c.collection == partition.collection,
                days.c.partition_key == partition.key,
            )
            .values(sealed_at=None)
        )
    return tuple(pictures)
