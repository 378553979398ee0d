"""Exports of designs: which are lacking, which are recorded."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Subquery, and_, func, select

from image_assets.core.model import Blob, Partition
from image_assets.core.render import Recipe
from image_assets.ports import ExportsCount, Unexported
from image_assets.services.catalog import blobs as bytes_in_store
from image_assets.services.catalog.dialects import insert, lock
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.schema import blobs, designs, exports, images
from image_assets.services.catalog.selections import STORED, designs_of


@dataclass(frozen=True, slots=True)
class SqlThumbnails:
    """Fulfils `ports.ThumbnailsCatalog`."""

    engine: Engine

    def unexported(self, partition: Partition, recipe: Recipe) -> Sequence[Unexported]:
        """Designs of the partition that never had every format of the recipe (expired ones had)."""
        with reading(self.engine) as connection:
            made = _formats_made(connection, partition, recipe)
            rows = connection.execute(
                select(designs.c.id, blobs.c.sha256, blobs.c.path)
                .select_from(
                    made.join(designs, designs.c.id == made.c.id)
                    .join(images, and_(images.c.id == designs.c.display_image_id, STORED))
                    .join(blobs, blobs.c.id == images.c.blob_id)
                )
                .where(made.c.formats < len(recipe.formats))
                .order_by(images.c.item_key, designs.c.id)
            ).all()
        return tuple(Unexported(*row) for row in rows)

    def add_exports(
        self,
        design_id: str,
        recipe: Recipe,
        blobs: Sequence[Blob],
        *,
        encoder: str,
        now: dt.datetime,
    ) -> Sequence[str]:
        """Record all formats of a design at once; a live export stays as it is, an expired one lives.

        Gives the path under which each blob's bytes live, which is an older one when the bytes
        were known already, or the path of the live export that stays instead of them.
        """
        with writing(self.engine) as connection:
            tenant = connection.execute(
                select(designs.c.tenant_id).where(designs.c.id == design_id)
            ).scalar_one()
            lock(connection, "exports", design_id)
            live = _live_exports(connection, design_id, recipe)
            paths: dict[str, str] = {}
            # One order for all: two writers of the same bytes wait for each other at most once.
            for blob in sorted(blobs, key=lambda blob: blob.sha256):
                if blob.format in live:
                    paths[blob.sha256] = _path_of(connection, tenant, blob) or live[blob.format]
                    continue
                blob_id, paths[blob.sha256] = bytes_in_store.keep(connection, tenant, blob, now=now)
                values = _values(blob, blob_id, encoder, now)
                identity = {"design_id": design_id, "recipe": recipe.name, "format": blob.format}
                connection.execute(
                    insert(connection, exports)
                    .values(identity | values | {"tenant_id": tenant})
                    .on_conflict_do_update(index_elements=list(identity), set_=values)
                )
        return tuple(paths[blob.sha256] for blob in blobs)

    def exports_count(self, partition: Partition, recipe: Recipe) -> ExportsCount:
        """How complete the partition's sets are; expired sets count as whole."""
        with reading(self.engine) as connection:
            made = _formats_made(connection, partition, recipe)
            whole = func.count().filter(made.c.formats == len(recipe.formats))
            row = connection.execute(select(func.count(), whole).select_from(made)).one()
        return ExportsCount(*row)


def _formats_made(connection: Connection, partition: Partition, recipe: Recipe) -> Subquery:
    """The partition's designs, each with how many of the recipe's formats it has or had."""
    mine = designs_of(tenant_id(connection, partition.tenant), partition).subquery("mine")
    made = and_(
        exports.c.design_id == mine.c.id,
        exports.c.recipe == recipe.name,
        exports.c.format.in_(recipe.formats),
    )
    return (
        select(mine.c.id, func.count(exports.c.id).label("formats"))
        .select_from(mine.outerjoin(exports, made))
        .group_by(mine.c.id)
        .subquery("made")
    )


def _live_exports(connection: Connection, design_id: str, recipe: Recipe) -> dict[str, str]:
    """Paths of the design's live exports, by format."""
    rows = connection.execute(
        select(exports.c.format, blobs.c.path)
        .join_from(exports, blobs, blobs.c.id == exports.c.blob_id)
        .where(exports.c.design_id == design_id, exports.c.recipe == recipe.name)
    )
    return dict(tuple(row) for row in rows)


def _path_of(connection: Connection, tenant: int, blob: Blob) -> str | None:
    return connection.scalar(
        select(blobs.c.path).where(blobs.c.tenant_id == tenant, blobs.c.sha256 == blob.sha256)
    )


def _values(blob: Blob, blob_id: int, encoder: str, now: dt.datetime) -> dict[str, Any]:
    return {
        "blob_id": blob_id,
        "sha256": blob.sha256,
        "size": blob.size,
        "width": blob.width,
        "height": blob.height,
        "encoder": encoder,
        "state": "live",
        "created_at": now,
    }
