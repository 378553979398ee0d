"""What a destination was given, and where its bytes and its pictures are here."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, select, union

from image_assets.core.model import Partition, UploadState
from image_assets.ports import Upload
from image_assets.services.catalog.dialects import portions
from image_assets.services.catalog.engine import reading, tenant_id
from image_assets.services.catalog.ledger import UPLOAD, at, upload_of
from image_assets.services.catalog.making import renditions
from image_assets.services.catalog.schema import (
    blobs,
    designs,
    destinations,
    exports,
    images,
    tenants,
    uploads,
)

_HOMES = 5
"""Partitions named for one picture: a picture that is in all of them is not looked for further."""


@dataclass(frozen=True, slots=True)
class SqlRepublishing:
    """Fulfils `ports.RepublishingCatalog`."""

    engine: Engine

    def given(
        self, destination: str, *, after: int = 0, most: int = 500
    ) -> Sequence[tuple[str, Upload]]:
        """Tenant and ledger row of all that had a receipt and was not removed, after a number."""
        with reading(self.engine) as connection:
            rows = rows_of(
                connection,
                select(*UPLOAD, tenants.c.name.label("tenant"))
                .join_from(uploads, destinations, destinations.c.id == uploads.c.destination_id)
                .join(tenants, tenants.c.id == uploads.c.tenant_id)
                .where(
                    destinations.c.name == destination,
                    uploads.c.url.is_not(None),
                    uploads.c.state != UploadState.REMOVED,
                    uploads.c.id > after,
                )
                .order_by(uploads.c.id)
                .limit(most),
            )
        return tuple((row.tenant, upload_of(row)) for row in rows)

    def held(self, destination: str, tenant: str, hashes: Collection[str]) -> frozenset[str]:
        """Those of these bytes that are verified at a destination."""
        found: set[str] = set()
        with reading(self.engine) as connection:
            number = tenant_id(connection, tenant)
            for portion in portions(sorted(hashes)):
                wanted = at(number, destination, uploads.c.sha256).where(
                    uploads.c.state == UploadState.VERIFIED, uploads.c.sha256.in_(portion)
                )
                found.update(connection.scalars(wanted))
        return frozenset(found)

    def homes(self, sha256: str, tenant: str) -> Sequence[Partition]:
        """The partitions that have or had these bytes, the first few."""
        with reading(self.engine) as connection:
            return homes_of(connection, tenant_id(connection, tenant), tenant, sha256)

    def here(self, sha256: str, tenant: str) -> str | None:
        """The path of these bytes in the store, as the catalog knows it; None when it knows none."""
        with reading(self.engine) as connection:
            mine = blobs.c.tenant_id == tenant_id(connection, tenant)
            return connection.scalar(select(blobs.c.path).where(mine, blobs.c.sha256 == sha256))


def rows_of(connection: Connection, wanted: Select[Any]) -> Sequence[Row[Any]]:
    """What a selection finds, whatever its columns are."""
    return connection.execute(wanted).all()


def homes_of(connection: Connection, tenant: int, name: str, sha256: str) -> tuple[Partition, ...]:
    """The partitions of the pictures that have these bytes, or had an export of them."""
    own = select(images.c.id).join(blobs, blobs.c.id == images.c.blob_id)
    kinds = [own.where(blobs.c.tenant_id == tenant, blobs.c.sha256 == sha256)]
    for table in (exports, renditions):
        made = (table.c.tenant_id == tenant) & (table.c.sha256 == sha256)
        mine = select(images.c.id).join(designs, designs.c.id == images.c.design_id)
        kinds.append(mine.join(table, table.c.design_id == designs.c.id).where(made))
        # The pictures of a design that was merged into another one have that one's exports.
        kinds.append(mine.join(table, table.c.design_id == designs.c.merged_into_id).where(made))
    found = union(*kinds).subquery("found")
    rows = connection.execute(
        select(images.c.source, images.c.collection, images.c.partition_key)
        .join(found, found.c.id == images.c.id)
        .distinct()
        .order_by(images.c.source, images.c.partition_key, images.c.collection)
        .limit(_HOMES)
    ).all()
    return tuple(Partition(*row, tenant=name) for row in rows)
