"""One picture's record among those of its collection: what stays, what changes, what comes beside."""

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from image_assets.core.model import Blob, ImageState, Partition, Variant
from image_assets.core.naming import conflict_key
from image_assets.ports import StoredImage
from image_assets.services.catalog import blobs as bytes_in_store
from image_assets.services.catalog import staleness
from image_assets.services.catalog.designs import leave_design
from image_assets.services.catalog.dialects import lock
from image_assets.services.catalog.engine import tenant_id
from image_assets.services.catalog.schema import blobs, images

_HELD = frozenset({ImageState.STORED, ImageState.EXPIRED})
"""The states of records that once had their picture: other bytes become a record of their own."""

# Spelled once: SQLAlchemy takes longer to build a statement than SQLite to carry it out.
_FIND = (
    select(images, blobs.c.path)
    .outerjoin_from(images, blobs, blobs.c.id == images.c.blob_id)
    .where(
        images.c.tenant_id == bindparam("tenant"),
        images.c.source == bindparam("source"),
        images.c.collection == bindparam("collection"),
        images.c.item_key == bindparam("item_key"),
    )
)
_MAKE = insert(images)


def open_book(connection: Connection, partition: Partition) -> "Book":
    """The partition's records; nobody else writes pictures of its source until the transaction ends.

    Item keys and staleness are settled by what is there: two writers must not settle them at once.
    """
    tenant = tenant_id(connection, partition.tenant)
    lock(connection, "images", str(tenant), partition.source)
    return Book(connection, tenant, partition)


@dataclass(frozen=True, slots=True)
class Book:
    """The records of a partition's collection, open for writing in one transaction."""

    connection: Connection
    tenant: int
    partition: Partition

    def find(self, item_key: str) -> Row[Any] | None:
        """The record of an item key, with the path of its bytes."""
        where = {
            "tenant": self.tenant,
            "source": self.partition.source,
            "collection": self.partition.collection,
            "item_key": item_key,
        }
        return self.connection.execute(_FIND, where).one_or_none()

    def write(self, held: Row[Any] | None, item_key: str, values: dict[str, Any]) -> None:
        """Change the record, or make it."""
        if held is not None:
            self.connection.execute(update(images).where(images.c.id == held.id).values(values))
            return
        identity = {
            "tenant_id": self.tenant,
            "source": self.partition.source,
            "collection": self.partition.collection,
            "partition_key": self.partition.key,
            "item_key": item_key,
        }
        self.connection.execute(_MAKE, identity | values)

    def store(
        self, item_key: str, blob: Blob, values: dict[str, Any], *, now: dt.datetime
    ) -> StoredImage:
        """Record a picture whose bytes are here; what is known already stays as it is.

        Only its origin follows the listing, so that an address that adds nothing is not asked again.
        """
        held = self.find(item_key)
        if held is not None and held.state == ImageState.STORED and held.sha256 == blob.sha256:
            self._follow(held, values)
            return StoredImage(item_key, held.path, held.stale)
        if held is not None and held.state in _HELD and held.sha256 != blob.sha256:
            if held.variant == Variant.FULL and values["variant"] is Variant.THUMBNAIL:
                self._follow(held, values)
                return StoredImage(item_key, self._path_of(blob) or held.path or "", held.stale)
            if held.variant == values["variant"]:
                return self.store(
                    conflict_key(item_key, blob.sha256), blob, values | {"conflict": True}, now=now
                )
        return self._place(held, item_key, blob, values, now=now)

    def reject(self, item_key: str, values: dict[str, Any]) -> None:
        """Record a picture that is refused; a picture that is held stays, and this one beside it."""
        held = self.find(item_key)
        sha256 = values["sha256"]
        if held is None or held.state not in _HELD:
            self.write(held, item_key, values)
        elif sha256 is not None and sha256 != held.sha256:
            self.reject(conflict_key(item_key, sha256), values | {"conflict": True})

    def _place(
        self,
        held: Row[Any] | None,
        item_key: str,
        blob: Blob,
        values: dict[str, Any],
        *,
        now: dt.datetime,
    ) -> StoredImage:
        """The picture on its bytes, under this record; what had been there makes room."""
        source = self.partition.source
        blob_id, path = bytes_in_store.keep(self.connection, self.tenant, blob, now=now)
        place = (values["captured_at"], item_key, math.inf if held is None else held.id)
        stale = staleness.settle(self.connection, blob_id, source, place)
        self.write(held, item_key, values | {"blob_id": blob_id, "stale": stale})
        if held is not None and held.sha256 != blob.sha256:
            self._leave_design(held.id)
        if held is not None and held.blob_id is not None and not held.stale:
            staleness.elect(self.connection, held.blob_id, source)
        return StoredImage(item_key, path, stale)

    def _leave_design(self, image_id: int) -> None:
        # Read after the write: it waits for an admission that gave the former bytes their design.
        design = self.connection.scalar(select(images.c.design_id).where(images.c.id == image_id))
        if design is not None:
            left = leave_design(self.connection, image_id, design)
            self.connection.execute(update(images).where(images.c.id == image_id).values(left))

    def _follow(self, held: Row[Any], values: dict[str, Any]) -> None:
        if held.origin != values["origin"]:
            self.write(held, held.item_key, {"origin": values["origin"]})

    def _path_of(self, blob: Blob) -> str | None:
        return self.connection.scalar(
            select(blobs.c.path).where(
                blobs.c.tenant_id == self.tenant, blobs.c.sha256 == blob.sha256
            )
        )
