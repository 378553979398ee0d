"""How far batches of designs are: what was reported, and what the records of their pictures say."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, Select, and_, exists, func, select, update

from image_assets.core import naming
from image_assets.core.batches import BatchProgress, Step, StepProgress, StepState
from image_assets.core.model import Partition
from image_assets.core.recipes import Recipe
from image_assets.ports import ListingState, Reached
from image_assets.services.catalog.dialects import insert
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.schema import blobs, designs, exports, images, tenants
from image_assets.services.catalog.selections import RULING, STORED, of_partition
from image_assets.services.catalog.shops import batches, listings, mockups

_STEPS = list(Step)


@dataclass(frozen=True, slots=True)
class SqlBatches:
    """Fulfils `ports.BatchesCatalog`."""

    engine: Engine

    def open(
        self, partition: Partition, steps: Collection[StepProgress], *, now: dt.datetime
    ) -> None:
        """Remember the batch with its steps, and its tenant; one that is open stays as it is."""
        with writing(self.engine) as connection:
            tenant = {"name": partition.tenant, "created_at": now}
            connection.execute(
                insert(connection, tenants)
                .values(tenant)
                .on_conflict_do_nothing(index_elements=["name"])
            )
            number = tenant_id(connection, partition.tenant)
            for step in steps:
                connection.execute(
                    insert(connection, batches)
                    .values(_identity(number, partition, step) | _values(step, now))
                    .on_conflict_do_nothing()
                )

    def record(self, partition: Partition, progress: StepProgress, *, now: dt.datetime) -> None:
        """How far one step is now."""
        values = _values(progress, now)
        with writing(self.engine) as connection:
            identity = _identity(tenant_id(connection, partition.tenant), partition, progress)
            connection.execute(
                insert(connection, batches)
                .values(identity | values)
                .on_conflict_do_update(index_elements=list(identity), set_=values)
            )

    def progress(self, partition: Partition) -> BatchProgress | None:
        """How far a batch is; None when it was never opened."""
        key, source = naming.batch_key(partition), partition.source
        with reading(self.engine) as connection:
            rows = connection.execute(
                _WITH_TENANT.where(
                    tenants.c.name == partition.tenant,
                    batches.c.source == source,
                    batches.c.key == key,
                )
            ).all()
        return _batch(source, key, rows) if rows else None

    def latest(self, *, limit: int) -> Sequence[BatchProgress]:
        """The batches that were opened last, of all tenants, newest first."""
        with reading(self.engine) as connection:
            newest = (
                select(batches.c.tenant_id, batches.c.source, batches.c.key)
                .group_by(batches.c.tenant_id, batches.c.source, batches.c.key)
                .order_by(func.min(batches.c.id).desc())
                .limit(limit)
                .subquery()
            )
            same = and_(*(batches.c[name] == newest.c[name] for name in newest.c.keys()))  # noqa: SIM118
            rows = connection.execute(_WITH_TENANT.join(newest, same)).all()
        rows = sorted(rows, key=lambda row: (row.tenant_id, row.source, row.key))
        groups = groupby(rows, key=lambda row: (row.tenant_id, row.source, row.key))
        found = [(list(group), source, key) for (_, source, key), group in groups]
        found.sort(key=lambda batch: -min(row.id for row in batch[0]))
        return tuple(_batch(source, key, group) for group, source, key in found)

    def unfinished(self, source: str) -> Sequence[Partition]:
        """The source's batches of which a step is neither done nor without a service, oldest first."""
        over = (StepState.DONE, StepState.NOT_CONFIGURED)
        with reading(self.engine) as connection:
            keys = connection.scalars(
                select(batches.c.key)
                .where(batches.c.source == source, batches.c.state.not_in(over))
                .group_by(batches.c.key)
                .order_by(func.min(batches.c.id))
            )
            return tuple(naming.batch_of(source, key) for key in keys)

    def ask_again(self, partition: Partition, *, now: dt.datetime) -> bool:
        """A person wants the batch taken through its steps once more; False when it is not known."""
        tenant = select(tenants.c.id).where(tenants.c.name == partition.tenant)
        with writing(self.engine) as connection:
            asked = connection.execute(
                update(batches)
                .where(
                    batches.c.tenant_id == tenant.scalar_subquery(),
                    batches.c.source == partition.source,
                    batches.c.key == naming.batch_key(partition),
                    batches.c.state != StepState.NOT_CONFIGURED,
                )
                .values(state=StepState.WAITING, message=None, updated_at=now)
            )
            return asked.rowcount > 0

    def reached(
        self, partition: Partition, recipes: Collection[Recipe], templates: Collection[str] = ()
    ) -> Reached:
        """How far the batch's pictures are, whoever did the work."""
        with reading(self.engine) as connection:
            tenant = tenant_id(connection, partition.tenant)
            designed = images.c.design_id.is_not(None)
            made = and_(designed, *(_has(recipe) for recipe in recipes))
            mocked = and_(designed, *(_is_on(template) for template in templates))
            listed = and_(designed, _IS_LISTED)
            size = blobs.c.size
            row = connection.execute(
                select(
                    func.count(),
                    func.coalesce(func.sum(size), 0),
                    func.count().filter(designed),
                    func.coalesce(func.sum(size).filter(designed), 0),
                    func.count().filter(made),
                    func.coalesce(func.sum(size).filter(made), 0),
                    func.count().filter(mocked),
                    func.coalesce(func.sum(size).filter(mocked), 0),
                    func.count().filter(listed),
                    func.coalesce(func.sum(size).filter(listed), 0),
                )
                .select_from(
                    images.join(blobs, blobs.c.id == images.c.blob_id).outerjoin(
                        designs, designs.c.id == images.c.design_id
                    )
                )
                .where(of_partition(tenant, partition), STORED)
            ).one()
        return Reached(*(int(number) for number in row))


_WITH_TENANT: Select[Any] = select(batches, tenants.c.name).join(
    tenants, tenants.c.id == batches.c.tenant_id
)


def _has(recipe: Recipe) -> ColumnElement[bool]:
    """Whether a picture's design has, or had, every format of a recipe."""
    return and_(
        *(
            exists().where(
                exports.c.design_id == RULING,
                exports.c.recipe == recipe.name,
                exports.c.format == format,
            )
            for format in recipe.formats
        )
    )


_IS_LISTED: ColumnElement[bool] = exists().where(
    listings.c.design_id.in_([RULING, designs.c.id]), listings.c.state == ListingState.LISTED
)
"""Whether a picture's design has its draft in a shop, with all images."""


def _is_on(template: str) -> ColumnElement[bool]:
    """Whether a picture's design has a mockup on a template."""
    return exists().where(
        mockups.c.design_id == RULING,
        mockups.c.template == template,
        mockups.c.blob_id.is_not(None),
    )


def _identity(tenant: int, partition: Partition, step: StepProgress) -> dict[str, Any]:
    return {
        "tenant_id": tenant,
        "source": partition.source,
        "key": naming.batch_key(partition),
        "step": step.step,
    }


def _values(step: StepProgress, now: dt.datetime) -> dict[str, Any]:
    return {
        "state": step.state,
        "items_done": step.items_done,
        "items_total": step.items_total,
        "bytes_done": step.bytes_done,
        "bytes_total": step.bytes_total,
        "message": step.message,
        "updated_at": now,
    }


def _batch(source: str, key: str, rows: Sequence[Row[Any]]) -> BatchProgress:
    steps = [
        StepProgress(
            Step(row.step),
            StepState(row.state),
            row.items_done,
            row.items_total,
            row.bytes_done,
            row.bytes_total,
            row.message,
        )
        for row in rows
    ]
    steps.sort(key=lambda step: _STEPS.index(step.step))
    return BatchProgress(source, key, tuple(steps), max(row.updated_at for row in rows))
