"""The desk of one design's exports: rows and files appear together, and nobody removes either meanwhile."""

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Engine, Row, Table, and_, delete, exists, select, update

from image_assets.core import naming
from image_assets.core.errors import NotFoundError
from image_assets.core.model import Blob, ImageFormat
from image_assets.core.recipes import Recipe
from image_assets.ports import NewExport, Place
from image_assets.services.catalog import blobs as bytes_in_store
from image_assets.services.catalog import known_recipes
from image_assets.services.catalog.dialects import insert, lock
from image_assets.services.catalog.engine import writing
from image_assets.services.catalog.making import lacking, renditions
from image_assets.services.catalog.schema import blobs, designs, exports


@contextmanager
def desk(engine: Engine, design_id: str, *, now: dt.datetime) -> Iterator["SqlExportsDesk"]:
    """The desk of a design's exports, open for one transaction."""
    with writing(engine) as connection:
        lock(connection, "exports", design_id)
        tenant = connection.scalar(select(designs.c.tenant_id).where(designs.c.id == design_id))
        if tenant is None:
            raise NotFoundError(f"design {design_id}: not in the catalog")
        yield SqlExportsDesk(connection, tenant, design_id, now)


def is_taken(connection: Connection, path: str) -> bool:
    """Whether bytes are recorded at a path; nobody records any there before the transaction ends."""
    lock(connection, "file", path)
    return bool(connection.scalar(select(exists().where(blobs.c.path == path))))


def keep(connection: Connection, tenant: int, blob: Blob, *, now: dt.datetime) -> tuple[int, Place]:
    """The bytes' row and place. A name that other bytes live under is stepped aside from."""
    path = blob.path
    if is_taken(connection, path):
        at = select(blobs.c.sha256).where(blobs.c.path == path)
        if connection.scalar(at) != blob.sha256:
            path = naming.beside(path, blob.sha256)
            lock(connection, "file", path)
    placed = replace(blob, path=path)
    blob_id, path = bytes_in_store.keep(connection, tenant, placed, now=now)
    return blob_id, Place(path, blob.sha256)


@dataclass(frozen=True, slots=True)
class SqlExportsDesk:
    """Fulfils `ports.ExportsDesk`."""

    connection: Connection
    tenant: int
    design_id: str
    now: dt.datetime

    def add(self, export: NewExport) -> Place | None:
        """Record an export that was never made; None when it was, meanwhile."""
        if self._held(export) is not None:
            return None
        blob_id, place = keep(self.connection, self.tenant, export.blob, now=self.now)
        made = self._made(export) | _bytes(export.blob) | {"path": place.path}
        values = self._identity(export) | made | {"blob_id": blob_id, "state": "live"}
        self.connection.execute(exports.insert().values(values | {"created_at": self.now}))
        self._not_lacking(export)
        return place

    def replace(self, export: NewExport) -> Place | None:
        """Record a rebuilt export in place of the one there is, which keeps its name beside it.

        None when the live one has the same bytes: then only what they were made with is noted.
        """
        held = self._held(export)
        if held is None:
            return self.add(export)
        same = held.sha256 == export.blob.sha256
        if same and held.blob_id is not None:
            self._change(held, self._made(export))
            return None
        if not same:
            self._put_beside(held)
        blob_id, place = keep(self.connection, self.tenant, export.blob, now=self.now)
        made = self._made(export) | _bytes(export.blob) | {"path": place.path}
        alive = {"blob_id": blob_id, "state": "live", "created_at": self.now}
        self._change(held, made | alive)
        return place

    def revive(self, export: NewExport, sha256: str) -> Place:
        """Record bytes made again for the export of these `sha256`: its own, or what stands in."""
        held = self._held(export)
        own = held is not None and held.sha256 == sha256
        blob_id, place = keep(self.connection, self.tenant, export.blob, now=self.now)
        alive = self._made(export) | {"blob_id": blob_id, "created_at": self.now}
        if held is not None and own and export.blob.sha256 == sha256:
            self._change(held, alive | {"state": "live", "path": place.path})
            return place
        if held is not None and own and held.blob_id is not None:  # its file was lost
            self._change(held, {"state": "expired", "blob_id": None})
            self._forget(held.blob_id)
        self._stand_in(export, sha256, alive | {"path": place.path})
        return place

    def lacks(self, recipe: Recipe, format: ImageFormat, reason: str, *, encoder: str) -> None:
        """Record that a format could not be made, and is done without."""
        identity = {"design_id": self.design_id, "recipe": recipe.name, "format": format}
        values = {"reason": reason, "encoder": encoder, "recorded_at": self.now}
        self.connection.execute(
            insert(self.connection, lacking)
            .values(identity | values | {"tenant_id": self.tenant})
            .on_conflict_do_update(index_elements=list(identity), set_=values)
        )

    def _held(self, export: NewExport) -> Row[Any] | None:
        return self.connection.execute(
            select(exports).where(self._of(exports, export)).with_for_update()
        ).one_or_none()

    def _made(self, export: NewExport) -> dict[str, Any]:
        """What an export was made with."""
        format = export.blob.format
        digest = known_recipes.remember(self.connection, export.recipe, format, now=self.now)
        return {
            "encoder": export.encoder,
            "recipe_digest": digest,
            "source_sha256": export.source_sha256,
            "base_sha256": export.base_sha256,
        }

    def _change(self, held: Row[Any], values: Mapping[str, Any]) -> None:
        self.connection.execute(update(exports).where(exports.c.id == held.id).values(values))

    def _put_beside(self, held: Row[Any]) -> None:
        """What was the export lives on under its name, until retention may remove it."""
        names = ("tenant_id", "design_id", "recipe", "format", "sha256", "path", "size")
        made = ("encoder", "recipe_digest", "pinned", "created_at", "blob_id")
        row = held._mapping
        self._upsert({name: row[name] for name in names}, {name: row[name] for name in made})

    def _stand_in(self, export: NewExport, sha256: str, values: dict[str, Any]) -> None:
        """Other bytes answer from now on under the name that these were given."""
        before = self.connection.execute(
            select(renditions).where(self._of(renditions, export), renditions.c.sha256 == sha256)
        ).one_or_none()
        own = ("source_sha256", "base_sha256")
        changed = {name: value for name, value in values.items() if name not in own}
        if before is not None and before.path is not None:
            changed.pop("path")  # the name it always had
        self._upsert(self._identity(export) | {"sha256": sha256, "size": export.blob.size}, changed)
        if before is not None and before.blob_id not in (None, values["blob_id"]):
            self._forget(before.blob_id)

    def _upsert(self, identity: dict[str, Any], values: dict[str, Any]) -> None:
        key = ["design_id", "recipe", "format", "sha256"]
        changed = values | {"size": identity["size"]}
        self.connection.execute(
            insert(self.connection, renditions)
            .values(identity | values)
            .on_conflict_do_update(index_elements=key, set_=changed)
        )

    def _forget(self, blob_id: int) -> None:
        """Forget bytes whose file is gone, unless something else is recorded to live on them."""
        bytes_in_store.hold(self.connection, blob_id)
        bytes_in_store.forget(self.connection, blob_id)

    def _not_lacking(self, export: NewExport) -> None:
        self.connection.execute(delete(lacking).where(self._of(lacking, export)))

    def _identity(self, export: NewExport) -> dict[str, Any]:
        return {
            "tenant_id": self.tenant,
            "design_id": self.design_id,
            "recipe": export.recipe.name,
            "format": export.blob.format,
        }

    def _of(self, table: Table, export: NewExport) -> Any:
        return and_(
            table.c.design_id == self.design_id,
            table.c.recipe == export.recipe.name,
            table.c.format == export.blob.format,
        )


def _bytes(blob: Blob) -> dict[str, Any]:
    return {
        "sha256": blob.sha256,
        "size": blob.size,
        "width": blob.width,
        "height": blob.height,
    }
