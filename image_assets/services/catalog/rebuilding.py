"""Exports by the names they have or had, and by what they were made with."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    Table,
    and_,
    exists,
    or_,
    select,
)

from image_assets.core import naming
from image_assets.core.model import Blob, ImageFormat, Partition, UploadState
from image_assets.core.recipes import Recipe
from image_assets.ports import Exported, ExportsDesk, LiveExport, Origin, Renewable
from image_assets.services.catalog import export_desk, known_recipes, leases
from image_assets.services.catalog.dialects import portions
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.making import lacking, renditions
from image_assets.services.catalog.origins import ORIGIN, from_origin, origin_of, stored
from image_assets.services.catalog.schema import (
    blobs,
    designs,
    destinations,
    exports,
    images,
    tenants,
    uploads,
)
from image_assets.services.catalog.selections import designs_of

_NAMES = (
    "tenant_id",
    "design_id",
    "recipe",
    "format",
    "sha256",
    "path",
    "recipe_digest",
    "blob_id",
)


@dataclass(frozen=True, slots=True)
class SqlRebuilding:
    """Fulfils `ports.RebuildingCatalog`."""

    engine: Engine

    def exported(self, name: str, tenant: str | None = None) -> Exported | None:
        """What a name stands for: an export's path, its file name, its SHA-256 with an extension or not."""
        with reading(self.engine) as connection:
            row = _named(connection, name, tenant)
            return None if row is None else _exported(connection, row)

    def recipe(self, digest: str) -> Recipe | None:
        """The recipe of one file as it was when something was made with it; None if unknown."""
        with reading(self.engine) as connection:
            return known_recipes.recall(connection, digest)

    def unpublished(
        self, partition: Partition, destination: str, recipe: Recipe
    ) -> Sequence[Exported]:
        """The partition's expired exports that a destination has neither got nor refused, by design."""
        settled = exists().where(
            uploads.c.tenant_id == exports.c.tenant_id,
            uploads.c.sha256 == exports.c.sha256,
            uploads.c.destination_id == destinations.c.id,
            destinations.c.name == destination,
            or_(
                uploads.c.state.in_([UploadState.VERIFIED, UploadState.REMOVED]),
                and_(uploads.c.state == UploadState.FAILED, uploads.c.rejected),
            ),
        )
        with reading(self.engine) as connection:
            mine = designs_of(tenant_id(connection, partition.tenant), partition).subquery("mine")
            rows = connection.execute(
                _names(exports)
                .join(mine, mine.c.id == exports.c.design_id)
                .where(_made_by(exports, [recipe]), exports.c.state == "expired", ~settled)
                .order_by(exports.c.design_id, exports.c.format)
            ).all()
            found = [_exported(connection, row) for row in rows]
        return tuple(one for one in found if one.origin is not None)

    def partitions(
        self, source: str, first: dt.date | None, last: dt.date | None, *, dated: bool
    ) -> Sequence[Partition]:
        """Partitions with pictures, of all tenants; by their key, or by when they were received."""
        wanted = images.c.source == source
        if first is not None:
            wanted &= _from(first, dated)
        if last is not None:
            wanted &= ~_from(last + dt.timedelta(days=1), dated)
        columns = (images.c.collection, images.c.partition_key, tenants.c.name)
        with reading(self.engine) as connection:
            rows = connection.execute(
                select(*columns)
                .join_from(images, tenants, tenants.c.id == images.c.tenant_id)
                .where(wanted)
                .distinct()
                .order_by(images.c.partition_key, images.c.collection, tenants.c.name)
            ).all()
        return tuple(Partition(source, *row) for row in rows)

    def renewable(self, partition: Partition, recipes: Sequence[Recipe]) -> Sequence[Renewable]:
        """The partition's designs with live exports of these recipes, and with what they lack of them."""
        with reading(self.engine) as connection:
            tenant = tenant_id(connection, partition.tenant)
            mine = designs_of(tenant, partition).subquery("mine")
            known = mine.join(designs, designs.c.id == mine.c.id)
            rows = connection.execute(
                from_origin(select(mine.c.id, *ORIGIN), known).order_by(mine.c.id)
            ).all()
            ids = [row.id for row in rows]
            made = _live(connection, tenant, ids, recipes)
            failed = _failed(connection, ids, recipes)
        found = (
            Renewable(row.id, Origin(*row[1:3]), tuple(made[row.id]), tuple(failed[row.id]))
            for row in rows
        )
        return tuple(one for one in found if one.exports or one.lacking)

    def recording(self, design_id: str, *, now: dt.datetime) -> AbstractContextManager[ExportsDesk]:
        """The desk of a design's exports; nobody else is at it. An error leaves nothing recorded."""
        return export_desk.desk(self.engine, design_id, now=now)

    def lease(self, name: str, owner: str, *, until: dt.datetime, now: dt.datetime) -> bool:
        """Take or renew a named lease; False while another owner's is running."""
        with writing(self.engine) as connection:
            return leases.take(connection, name, owner, until=until, now=now)

    def release(self, name: str, owner: str) -> None:
        """Give a lease back before its time."""
        with writing(self.engine) as connection:
            leases.give_back(connection, name, owner)


def _named(connection: Connection, name: str, tenant: str | None) -> Row[Any] | None:
    """The row of the export, else of the rendition, that a name was given to."""
    # A tenant that nobody knows has no exports: links are asked with whatever was signed.
    owner = select(tenants.c.id).where(tenants.c.name == tenant).scalar_subquery()
    for table in (exports, renditions):
        if (wanted := _by_name(table, name)) is None:
            return None
        if tenant is not None:
            wanted &= table.c.tenant_id == owner
        row = connection.execute(
            _names(table).where(wanted).order_by(table.c.blob_id.is_(None), table.c.id).limit(1)
        ).one_or_none()
        if row is not None:
            return row
    return None


def _by_name(table: Table, name: str) -> ColumnElement[bool] | None:
    if (sha256 := naming.hash_in(name)) is not None:
        return table.c.sha256 == sha256
    try:
        design, file = naming.exported_name(name)
    except ValueError:
        return None
    # Nothing in the name means anything to LIKE: hexadecimal digits, `-`, `~` and an extension.
    at = table.c.path == name if "/" in name else table.c.path.like(f"%/{file}")
    return (table.c.design_id == design) & at


def _names(table: Table) -> Select[Any]:
    return select(*(table.c[name] for name in _NAMES))


def _exported(connection: Connection, row: Row[Any]) -> Exported:
    tenant = connection.scalar(select(tenants.c.name).where(tenants.c.id == row.tenant_id))
    base = connection.scalar(select(exports.c.base_sha256).where(_same_export(exports, row)))
    return Exported(
        str(tenant),
        row.design_id,
        row.recipe,
        ImageFormat(row.format),
        row.sha256,
        row.recipe_digest,
        _answers(connection, row),
        origin_of(connection, row.design_id),
        stored(connection, row.tenant_id, [base]).get(base),
    )


def _same_export(table: Table, row: Row[Any]) -> ColumnElement[bool]:
    return and_(
        *(table.c[name] == row._mapping[name] for name in ("design_id", "recipe", "format"))
    )


def _answers(connection: Connection, row: Row[Any]) -> tuple[Blob, ...]:
    """Live bytes for a name, best first: its own, what stands in for them, the export of today."""
    found: dict[tuple[int, str], Blob] = {}
    for table in (exports, renditions):
        columns = (blobs.c.sha256, blobs.c.path, blobs.c.size, blobs.c.format)
        rows = connection.execute(
            select(*columns, blobs.c.width, blobs.c.height, table.c.sha256.label("named"))
            .join_from(table, blobs, blobs.c.id == table.c.blob_id)
            .where(_same_export(table, row))
        ).all()
        for sha256, path, size, format, width, height, named in rows:
            blob = Blob(sha256, path, size, ImageFormat(format), width, height)
            rank = 0 if sha256 == row.sha256 else 1 if named == row.sha256 else 2
            if rank < 2 or table is exports:
                found.setdefault((rank, path), blob)
    own = connection.execute(
        select(blobs).where(blobs.c.tenant_id == row.tenant_id, blobs.c.sha256 == row.sha256)
    ).one_or_none()
    if own is not None:  # another design's export, with the same bytes
        size = (own.size, ImageFormat(own.format), own.width, own.height)
        found.setdefault((0, own.path), Blob(own.sha256, own.path, *size))
    return tuple(found[key] for key in sorted(found))


def _made_by(table: Table, recipes: Sequence[Recipe]) -> ColumnElement[bool]:
    return or_(
        *(
            and_(table.c.recipe == recipe.name, table.c.format.in_(recipe.formats))
            for recipe in recipes
        )
    )


def _from(day: dt.date, dated: bool) -> ColumnElement[bool]:
    """Pictures of a day or a later one."""
    if dated:
        return images.c.partition_key >= day.isoformat()
    return images.c.received_at >= dt.datetime.combine(day, dt.time(), dt.UTC)


def _live(
    connection: Connection, tenant: int, design_ids: Sequence[str], recipes: Sequence[Recipe]
) -> dict[str, list[LiveExport]]:
    rows = [r for r in _of_designs(connection, exports, design_ids, recipes) if r.state == "live"]
    bases = stored(connection, tenant, {row.base_sha256 for row in rows})
    found: dict[str, list[LiveExport]] = defaultdict(list)
    for row in rows:
        made = (row.encoder, row.recipe_digest, row.source_sha256, bases.get(row.base_sha256))
        found[row.design_id].append(LiveExport(row.recipe, ImageFormat(row.format), *made))
    return found


def _failed(
    connection: Connection, design_ids: Sequence[str], recipes: Sequence[Recipe]
) -> dict[str, list[tuple[str, ImageFormat, str]]]:
    found: dict[str, list[tuple[str, ImageFormat, str]]] = defaultdict(list)
    for row in _of_designs(connection, lacking, design_ids, recipes):
        found[row.design_id].append((row.recipe, ImageFormat(row.format), row.encoder))
    return found


def _of_designs(
    connection: Connection, table: Table, design_ids: Sequence[str], recipes: Sequence[Recipe]
) -> list[Row[Any]]:
    wanted = select(table).where(_made_by(table, recipes)).order_by(table.c.id)
    return [
        row
        for portion in portions(design_ids)
        for row in connection.execute(wanted.where(table.c.design_id.in_(portion)))
    ]
