"""Exports of designs: which are lacking, how complete the sets are."""

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
    Select,
    Subquery,
    Table,
    and_,
    func,
    or_,
    select,
)

from image_assets.core.model import ImageFormat, Partition
from image_assets.core.recipes import Recipe
from image_assets.ports import ExportsCount, ExportsDesk, Origin, Unexported
from image_assets.services.catalog import export_desk
from image_assets.services.catalog.dialects import portions
from image_assets.services.catalog.engine import reading, tenant_id
from image_assets.services.catalog.making import lacking
from image_assets.services.catalog.origins import ORIGIN, base_of, from_origin
from image_assets.services.catalog.schema import designs, exports, images
from image_assets.services.catalog.selections import designs_of


@dataclass(frozen=True, slots=True)
class SqlThumbnails:
    """Fulfils `ports.ThumbnailsCatalog`."""

    engine: Engine

    def unexported(self, partition: Partition, recipes: Sequence[Recipe]) -> Sequence[Unexported]:
        """Designs of the partition that lack formats which were never made, nor tried in vain."""
        wanted = {(recipe.name, format) for recipe in recipes for format in recipe.formats}
        with reading(self.engine) as connection:
            mine = _designs(connection, partition)
            base = base_of(connection, tenant_id(connection, partition.tenant), partition.key)
            tried = _tried(exports, mine, recipes) + _tried(lacking, mine, recipes)
            rows = connection.execute(
                from_origin(
                    select(mine.c.id, *ORIGIN),
                    mine.join(designs, designs.c.id == mine.c.id),
                )
                .where(tried < len(wanted))
                .order_by(images.c.item_key, mine.c.id)
            ).all()
            made = _settled(connection, [row.id for row in rows])
        return tuple(
            Unexported(row.id, Origin(*row[1:3]), tuple(sorted(wanted - made[row.id])), base)
            for row in rows
        )

    def recording(self, design_id: str, *, now: dt.datetime) -> AbstractContextManager[ExportsDesk]:
        """The desk of a design's exports; nobody else is at it. An error leaves nothing recorded."""
        return export_desk.desk(self.engine, design_id, now=now)

    def exports_count(self, partition: Partition, recipe: Recipe) -> ExportsCount:
        """How complete the partition's sets are; expired sets count as whole."""
        formats = len(recipe.formats)
        with reading(self.engine) as connection:
            mine = _designs(connection, partition)
            made = _tried(exports, mine, [recipe]).label("made")
            failed = _tried(lacking, mine, [recipe]).label("failed")
            each = select(made, failed).select_from(mine).subquery("each")
            partial = and_(each.c.made < formats, each.c.made + each.c.failed >= formats)
            row = connection.execute(
                select(
                    func.count(),
                    func.count().filter(each.c.made == formats),
                    func.count().filter(partial),
                ).select_from(each)
            ).one()
            reasons = connection.execute(
                select(lacking.c.format, func.min(lacking.c.reason))
                .join(mine, lacking.c.design_id == mine.c.id)
                .where(_of_recipes(lacking, [recipe]))
                .group_by(lacking.c.format)
            ).all()
        return ExportsCount(*row, {ImageFormat(format): why for format, why in reasons})


def _designs(connection: Connection, partition: Partition) -> Subquery:
    return designs_of(tenant_id(connection, partition.tenant), partition).subquery("mine")


def _of_recipes(table: Table, recipes: Sequence[Recipe]) -> ColumnElement[bool]:
    """Rows of these recipes' own formats."""
    return or_(
        *(
            and_(table.c.recipe == recipe.name, table.c.format.in_(recipe.formats))
            for recipe in recipes
        )
    )


def _tried(table: Table, mine: Subquery, recipes: Sequence[Recipe]) -> ColumnElement[int]:
    """How many of the recipes' files a design has a row for."""
    return (
        select(func.count())
        .select_from(table)
        .where(table.c.design_id == mine.c.id, _of_recipes(table, recipes))
        .scalar_subquery()
    )


def _settled(
    connection: Connection, design_ids: Sequence[str]
) -> dict[str, set[tuple[str, ImageFormat]]]:
    """What these designs have, had, or do without: recipe and format, by design."""
    found: dict[str, set[tuple[str, ImageFormat]]] = defaultdict(set)
    for table in (exports, lacking):
        for portion in portions(design_ids):
            rows: Select[Any] = select(table.c.design_id, table.c.recipe, table.c.format)
            for design, recipe, format in connection.execute(
                rows.where(table.c.design_id.in_(portion))
            ):
                found[design].add((recipe, ImageFormat(format)))
    return found
