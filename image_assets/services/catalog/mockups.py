"""Mockups of designs: one row for each design and template."""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, Select, and_, exists, select, update

from image_assets.core.errors import NotFoundError
from image_assets.core.model import Blob, ImageFormat, Partition
from image_assets.ports import MadeMockup, Origin, Place, Unmade
from image_assets.services.catalog.dialects import insert, lock
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.export_desk import keep
from image_assets.services.catalog.origins import ORIGIN, from_origin
from image_assets.services.catalog.schema import blobs, designs, images
from image_assets.services.catalog.selections import designs_of
from image_assets.services.catalog.shops import mockups

_MADE, _FAILED = "made", "failed"


@dataclass(frozen=True, slots=True)
class SqlMockups:
    """Fulfils `ports.MockupsCatalog`."""

    engine: Engine

    def unmade(self, partition: Partition, templates: Sequence[str]) -> Sequence[Unmade]:
        """What the partition's designs lack of these templates, by item key, then by template."""
        found = {name: self._rows(partition, ~_has(name)) for name in templates}
        lacking = [
            (
                row.item_key,
                Unmade(row.id, row.original_name, name, Origin(row.origin_sha256, row.origin_path)),
            )
            for name, rows in found.items()
            for row in rows
        ]
        lacking.sort(key=lambda each: (each[0], templates.index(each[1].template)))
        return tuple(one for _, one in lacking)

    def made(self, partition: Partition, templates: Sequence[str]) -> Sequence[MadeMockup]:
        """What they have, in the same order."""
        return self._made(partition, templates, mockups.c.blob_id.is_not(None))

    def unshelved(self, partition: Partition, templates: Sequence[str]) -> Sequence[MadeMockup]:
        """Those of `made` that are not known to be on the NAS."""
        return self._made(partition, templates, mockups.c.nas_path.is_(None))

    @contextmanager
    def recording(
        self, design_id: str, template: str, blob: Blob, *, now: dt.datetime
    ) -> Iterator[Place | None]:
        """Where the file of a new mockup belongs, recorded with the end of the block; None: there is one."""
        with writing(self.engine) as connection:
            lock(connection, "mockups", f"{design_id} {template}")
            this = _this(design_id, template)
            if connection.scalar(select(mockups.c.blob_id).where(this)) is not None:
                yield None
                return
            tenant = _tenant_of(connection, design_id)
            number, place = keep(connection, tenant, blob, now=now)
            values = {"state": _MADE, "reason": None, "blob_id": number, "created_at": now}
            _upsert(connection, tenant, design_id, template, values)
            yield place

    def failed(self, design_id: str, template: str, reason: str, *, now: dt.datetime) -> None:
        """Remember why one could not be made; it is lacking still."""
        with writing(self.engine) as connection:
            lock(connection, "mockups", f"{design_id} {template}")
            this = _this(design_id, template)
            if connection.scalar(select(mockups.c.blob_id).where(this)) is not None:
                return  # another run made it
            tenant = _tenant_of(connection, design_id)
            values = {"state": _FAILED, "reason": reason[:2000], "created_at": now}
            _upsert(connection, tenant, design_id, template, values)

    def shelved(self, number: int, path: str) -> None:
        """A mockup is on the NAS under this path."""
        with writing(self.engine) as connection:
            connection.execute(update(mockups).where(mockups.c.id == number).values(nas_path=path))

    def _rows(self, partition: Partition, where: ColumnElement[bool]) -> Sequence[Row[Any]]:
        with reading(self.engine) as connection:
            mine = designs_of(tenant_id(connection, partition.tenant), partition).subquery("mine")
            known = mine.join(designs, designs.c.id == mine.c.id)
            columns = (mine.c.id, *ORIGIN, images.c.original_name, images.c.item_key)
            return connection.execute(from_origin(select(*columns), known).where(where)).all()

    def _made(
        self, partition: Partition, templates: Sequence[str], where: ColumnElement[bool]
    ) -> Sequence[MadeMockup]:
        with reading(self.engine) as connection:
            mine = designs_of(tenant_id(connection, partition.tenant), partition).subquery("mine")
            rows = connection.execute(_SHOWN.join(mine, mine.c.id == designs.c.id).where(
                mockups.c.template.in_(templates), where)).all()  # fmt: skip
        rows = sorted(rows, key=lambda row: (row.item_key, templates.index(row.template)))
        return tuple(
            MadeMockup(row.id, row.design_id, row.original_name, row.template, _blob(row))
            for row in rows
        )


_SHOWN: Select[Any] = (
    select(
        mockups.c.id,
        mockups.c.design_id,
        mockups.c.template,
        images.c.original_name,
        images.c.item_key,
        blobs.c.sha256,
        blobs.c.path,
        blobs.c.size,
        blobs.c.format,
        blobs.c.width,
        blobs.c.height,
    )
    .join_from(mockups, blobs, blobs.c.id == mockups.c.blob_id)
    .join(designs, designs.c.id == mockups.c.design_id)
    .join(images, images.c.id == designs.c.display_image_id)
)


def _has(template: str) -> ColumnElement[bool]:
    """Whether a design has a mockup on a template."""
    return exists().where(
        mockups.c.design_id == designs.c.id,
        mockups.c.template == template,
        mockups.c.blob_id.is_not(None),
    )


def _this(design_id: str, template: str) -> ColumnElement[bool]:
    return and_(mockups.c.design_id == design_id, mockups.c.template == template)


def _tenant_of(connection: Any, design_id: str) -> int:
    tenant = connection.scalar(select(designs.c.tenant_id).where(designs.c.id == design_id))
    if tenant is None:
        raise NotFoundError(f"design {design_id}: not in the catalog")
    return int(tenant)


def _upsert(
    connection: Any, tenant: int, design_id: str, template: str, values: dict[str, Any]
) -> None:
    identity = {"design_id": design_id, "template": template}
    connection.execute(
        insert(connection, mockups)
        .values(identity | values | {"tenant_id": tenant})
        .on_conflict_do_update(index_elements=list(identity), set_=values)
    )


def _blob(row: Row[Any]) -> Blob:
    return Blob(row.sha256, row.path, row.size, ImageFormat(row.format), row.width, row.height)
