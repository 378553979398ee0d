"""What the NAS is known to hold: an index by path, found by bytes and by pixels."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, delete, exists, func, select, update

from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import ImageFormat, Partition
from image_assets.ports import NasFile, NasRecord, Unshelved
from image_assets.services.catalog.dialects import insert, portions
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.schema import blobs, designs, images
from image_assets.services.catalog.selections import STORED, designs_of
from image_assets.services.catalog.shops import nas_index


@dataclass(frozen=True, slots=True)
class SqlNas:
    """Fulfils `ports.NasCatalog`."""

    engine: Engine

    def unshelved(self, partition: Partition, folder: str) -> Sequence[Unshelved]:
        """Designs of the partition whose shown bytes and pixels the folder lacks, by item key."""
        with reading(self.engine) as connection:
            tenant = tenant_id(connection, partition.tenant)
            rows = connection.execute(_shown(tenant, partition).where(~_there(tenant, folder)))
            return tuple(
                Unshelved(
                    row.id,
                    row.original_name,
                    row.sha256,
                    row.path,
                    row.size,
                    ImageFormat(row.format).extension,
                    Fingerprint.from_bytes(row.fingerprint),
                )
                for row in rows
            )

    def shelved(self, partition: Partition, folder: str) -> int:
        """How many of the partition's designs are in the folder, in these bytes or these pixels."""
        with reading(self.engine) as connection:
            tenant = tenant_id(connection, partition.tenant)
            there = _shown(tenant, partition).where(_there(tenant, folder)).subquery()
            return connection.execute(select(func.count()).select_from(there)).scalar_one()

    def indexed(self, tenant: str, folder: str) -> Mapping[str, NasFile]:
        """What the index holds below a folder, by path."""
        with reading(self.engine) as connection:
            rows = connection.execute(
                select(nas_index.c.path, nas_index.c.size, nas_index.c.modified_at).where(
                    _below(tenant_id(connection, tenant), folder)
                )
            )
            return {row.path: NasFile(row.path, row.size, row.modified_at) for row in rows}

    def outdated(self, tenant: str, folder: str, version: str) -> Collection[str]:
        """Paths below a folder whose looks are of another version: nothing is compared with them."""
        with reading(self.engine) as connection:
            return frozenset(
                connection.scalars(
                    select(nas_index.c.path).where(
                        _below(tenant_id(connection, tenant), folder),
                        nas_index.c.version != version,
                    )
                )
            )

    def looks(self, tenant: str, folder: str, version: str) -> Iterator[tuple[str, Fingerprint]]:
        """Looks of a version below a folder, by path and in its order; read as they are asked for."""
        with reading(self.engine) as connection:
            rows = connection.execute(
                select(nas_index.c.path, nas_index.c.fingerprint)
                .where(
                    _below(tenant_id(connection, tenant), folder),
                    nas_index.c.version == version,
                    nas_index.c.fingerprint.is_not(None),
                )
                .order_by(nas_index.c.path),
                execution_options={"yield_per": 1000},
            )
            for path, packed in rows:
                yield path, Fingerprint.from_bytes(packed)

    def record(self, tenant: str, records: Iterable[NasRecord], *, now: dt.datetime) -> None:
        """Index files as they are now."""
        with writing(self.engine) as connection:
            number = tenant_id(connection, tenant)
            for record in records:
                _upsert(connection, _row(number, record, now))

    def forget(self, tenant: str, paths: Sequence[str]) -> None:
        """The NAS was listed whole and holds these no more."""
        with writing(self.engine) as connection:
            number = tenant_id(connection, tenant)
            for portion in portions(paths):
                connection.execute(
                    delete(nas_index).where(
                        nas_index.c.tenant_id == number, nas_index.c.path.in_(portion)
                    )
                )

    def listed(self, tenant: str, folder: str, *, now: dt.datetime) -> None:
        """The folder was listed, and holds what is indexed."""
        with writing(self.engine) as connection:
            number = tenant_id(connection, tenant)
            connection.execute(update(nas_index).where(_below(number, folder)).values(seen_at=now))

    def listed_at(self, tenant: str, folder: str) -> dt.datetime | None:
        """When a folder was last listed; None when never, or when it was empty."""
        with reading(self.engine) as connection:
            # What was put since is younger than the listing: the oldest tells.
            oldest = select(func.min(nas_index.c.seen_at, type_=nas_index.c.seen_at.type))
            number = tenant_id(connection, tenant)
            found: dt.datetime | None = connection.scalar(oldest.where(_below(number, folder)))
            return found


def _shown(tenant: int, partition: Partition) -> Any:
    """The partition's designs with the pictures that show them."""
    mine = designs_of(tenant, partition).subquery()
    return (
        select(
            designs.c.id,
            designs.c.fingerprint,
            images.c.original_name,
            blobs.c.sha256,
            blobs.c.path,
            blobs.c.size,
            blobs.c.format,
        )
        .select_from(
            designs.join(mine, mine.c.id == designs.c.id)
            .join(images, images.c.id == designs.c.display_image_id)
            .join(blobs, blobs.c.id == images.c.blob_id)
        )
        .where(STORED)
        .order_by(images.c.item_key, designs.c.id)
    )


def _there(tenant: int, folder: str) -> ColumnElement[bool]:
    """Whether the folder has the bytes, or the pixels."""
    here = _below(tenant, folder)
    return exists().where(here, nas_index.c.sha256 == blobs.c.sha256) | exists().where(
        here,
        nas_index.c.pixel_hash == designs.c.pixel_hash,
        nas_index.c.version == designs.c.version,
    )


def _below(tenant: int, folder: str) -> ColumnElement[bool]:
    # LIKE knows no case on SQLite, and the file systems of a NAS do.
    prefix = f"{folder}/"
    begins = func.substr(nas_index.c.path, 1, len(prefix)) == prefix
    return (nas_index.c.tenant_id == tenant) & begins


def _row(tenant: int, record: NasRecord, now: dt.datetime) -> dict[str, Any]:
    look = record.look
    return {
        "tenant_id": tenant,
        "path": record.file.path,
        "size": record.file.size,
        "modified_at": record.file.modified_at,
        "sha256": record.sha256,
        "pixel_hash": look.pixel_hash if look else None,
        "version": look.version if look else None,
        "fingerprint": look.to_bytes() if look else None,
        "seen_at": now,
    }


def _upsert(connection: Connection, values: dict[str, Any]) -> None:
    connection.execute(
        insert(connection, nas_index)
        .values(values)
        .on_conflict_do_update(index_elements=["tenant_id", "path"], set_=values)
    )
