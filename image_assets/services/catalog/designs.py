"""Distinct pictures, and which received picture is of which design."""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, exists, func, or_, select, update

from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import Partition, Scope
from image_assets.core.naming import design_id
from image_assets.ports import Anchor, DesignCounts, DesignFlaws, Undesigned
from image_assets.services.catalog.dialects import insert, lock, portions
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.schema import blobs, designs, images
from image_assets.services.catalog.selections import RULING, STORED, designs_of, of_partition


@dataclass(frozen=True, slots=True)
class SqlDesigns:
    """Fulfils `ports.DesignsCatalog`."""

    engine: Engine

    def undesigned(self, partition: Partition, scope: Scope) -> Sequence[Undesigned]:
        """Stored pictures of the partition without a design, by item key."""
        with reading(self.engine) as connection:
            tenant = tenant_id(connection, partition.tenant)
            rows = connection.execute(
                select(
                    images.c.id, images.c.item_key, blobs.c.sha256, blobs.c.path, images.c.blob_id
                )
                .join_from(images, blobs, blobs.c.id == images.c.blob_id)
                .where(of_partition(tenant, partition), STORED, images.c.design_id.is_(None))
                .order_by(images.c.item_key)
            ).all()
            known = _designs_of_blobs(connection, scope, [row.blob_id for row in rows])
        return tuple(
            Undesigned(row.id, row.item_key, row.sha256, row.path, known.get(row.blob_id))
            for row in rows
        )

    @contextmanager
    def admission(self, scope: Scope) -> Iterator["SqlAdmission"]:
        """Open one transaction that admits to `scope`; all of it or nothing."""
        with writing(self.engine) as connection:
            tenant = tenant_id(connection, scope.tenant)
            lock(connection, "scope", str(tenant), scope.group)
            yield SqlAdmission(connection, tenant, scope)

    def counts(self, partition: Partition) -> DesignCounts:
        """How many designs the partition's pictures show."""
        alias = func.count().filter(images.c.id != designs.c.anchor_image_id)
        with reading(self.engine) as connection:
            tenant = tenant_id(connection, partition.tenant)
            row = connection.execute(
                select(func.count(RULING.distinct()), func.count(), alias)
                .join_from(images, designs, designs.c.id == images.c.design_id)
                .where(of_partition(tenant, partition), STORED)
            ).one()
        return DesignCounts(*row)

    def flaws(self, partition: Partition) -> DesignFlaws:
        """Where the partition's designs break an invariant."""
        with reading(self.engine) as connection:
            tenant = tenant_id(connection, partition.tenant)
            undesigned = connection.scalars(
                select(images.c.item_key)
                .where(of_partition(tenant, partition), STORED, images.c.design_id.is_(None))
                .order_by(images.c.item_key)
            ).all()
            return DesignFlaws(
                tuple(undesigned),
                _unanchored(connection, tenant, partition),
                _twins(connection, tenant, partition),
            )


@dataclass(frozen=True, slots=True)
class SqlAdmission:
    """Fulfils `ports.Admission`, within the transaction that holds the scope."""

    connection: Connection
    tenant: int
    scope: Scope

    def exact(self, pixel_sha256: str, version: str) -> str | None:
        """The design whose anchor or alias has exactly these pixels."""
        in_scope = (
            (designs.c.tenant_id == self.tenant)
            & (designs.c.scope == self.scope.group)
            & (designs.c.version == version)
        )
        anchored = select(RULING).where(in_scope, designs.c.pixel_sha256 == pixel_sha256)
        aliased = (
            select(RULING)
            .join_from(images, designs, designs.c.id == images.c.design_id)
            .where(
                in_scope, images.c.tenant_id == self.tenant, images.c.pixel_sha256 == pixel_sha256
            )
            .order_by(RULING)
            .limit(1)
        )
        return self.connection.scalar(anchored) or self.connection.scalar(aliased)

    def anchors(self, version: str) -> Iterator[Anchor]:
        """The scope's designs with fingerprints of `version`, in the order of their ids."""
        rows = self.connection.execute(
            select(designs.c.id, designs.c.fingerprint)
            .where(
                designs.c.tenant_id == self.tenant,
                designs.c.scope == self.scope.group,
                designs.c.version == version,
                designs.c.merged_into_id.is_(None),
            )
            .order_by(designs.c.id),
            execution_options={"yield_per": 1000},
        )
        for identity, fingerprint in rows:
            yield Anchor(identity, Fingerprint.from_bytes(fingerprint))

    def create(
        self, image_id: int, fingerprint: Fingerprint, *, sha256: str, now: dt.datetime
    ) -> str | None:
        """A new design with this picture as anchor and display image; its id."""
        if not self._hold(image_id, sha256):
            return None
        known = self._design_of(image_id) or self.exact(
            fingerprint.pixel_sha256, fingerprint.version
        )
        if known is None:
            known = design_id(
                self.scope.tenant, self.scope.group, fingerprint.pixel_sha256, fingerprint.version
            )
            self.connection.execute(
                insert(self.connection, designs).values(
                    id=known,
                    tenant_id=self.tenant,
                    scope=self.scope.group,
                    version=fingerprint.version,
                    pixel_sha256=fingerprint.pixel_sha256,
                    fingerprint=fingerprint.to_bytes(),
                    phash=fingerprint.phash_white,
                    dhash=fingerprint.dhash_white,
                    score=fingerprint.score,
                    anchor_image_id=image_id,
                    display_image_id=image_id,
                    created_at=now,
                )
            )
        self.join(image_id, known, fingerprint.pixel_sha256, sha256=sha256)
        return known

    def join(self, image_id: int, design_id: str, pixel_sha256: str | None, *, sha256: str) -> bool:
        """The picture is of this design (as its anchor or as an alias), unless it has one already."""
        if not self._hold(image_id, sha256):
            return False
        image = images.c
        former = self.connection.scalar(select(image.former_design_id).where(image.id == image_id))
        joined = self.connection.execute(
            update(images)
            .where(image.id == image_id, image.tenant_id == self.tenant, image.design_id.is_(None))
            .values(design_id=design_id, pixel_sha256=pixel_sha256, former_design_id=None)
        )
        if joined.rowcount and former is not None and former != design_id:
            _merge_if_empty(self.connection, former, design_id)
        return True

    def _hold(self, image_id: int, sha256: str) -> bool:
        """Whether the picture still has these bytes; then it keeps them until the admission ends."""
        image = images.c
        mine = (image.id == image_id) & (image.tenant_id == self.tenant)
        held = self.connection.scalar(select(image.sha256).where(mine).with_for_update())
        return held == sha256

    def _design_of(self, image_id: int) -> str | None:
        return self.connection.scalar(
            select(RULING)
            .join_from(images, designs, designs.c.id == images.c.design_id)
            .where(images.c.id == image_id)
        )


def leave_design(connection: Connection, image_id: int, design: str) -> dict[str, Any]:
    """Values for a picture whose bytes change: it has to be looked at again.

    What it was anchor or display image of turns to its earliest other picture; a design that is left
    empty is merged, when the picture joins another one, into that one.
    """
    other = connection.scalar(
        select(images.c.id)
        .where(images.c.design_id == design, images.c.id != image_id)
        .order_by(images.c.item_key, images.c.id)
        .limit(1)
    )
    if other is not None:
        for role in (designs.c.anchor_image_id, designs.c.display_image_id):
            connection.execute(
                update(designs)
                .where(designs.c.id == design, role == image_id)
                .values({role: other})
            )
    return {"design_id": None, "pixel_sha256": None, "former_design_id": design}


def _merge_if_empty(connection: Connection, former: str, design: str) -> None:
    """Redirect a design without pictures, and what was redirected to it: one step is always enough."""
    used = connection.scalar(
        select(
            exists().where(or_(images.c.design_id == former, images.c.former_design_id == former))
        )
    )
    if not used:
        connection.execute(
            update(designs)
            .where(or_(designs.c.id == former, designs.c.merged_into_id == former))
            .values(merged_into_id=design)
        )


def _designs_of_blobs(
    connection: Connection, scope: Scope, blob_ids: Sequence[int]
) -> dict[int, str]:
    """The designs, in the scope, of other pictures on these blobs."""
    known: dict[int, str] = {}
    for portion in portions(sorted(set(blob_ids))):
        rows = connection.execute(
            select(images.c.blob_id, func.min(RULING))
            .join_from(images, designs, designs.c.id == images.c.design_id)
            .where(images.c.blob_id.in_(portion), designs.c.scope == scope.group)
            .group_by(images.c.blob_id)
        )
        known.update((blob, design) for blob, design in rows)
    return known


def _unanchored(connection: Connection, tenant: int, partition: Partition) -> tuple[str, ...]:
    """Ruling designs whose anchor picture is of another design, or nowhere."""
    mine = designs_of(tenant, partition).subquery()
    theirs = exists().where(
        images.c.id == designs.c.anchor_image_id, images.c.design_id == designs.c.id
    )
    found = connection.scalars(
        select(designs.c.id).join(mine, mine.c.id == designs.c.id).where(~theirs).order_by("id")
    )
    return tuple(found)


def _twins(connection: Connection, tenant: int, partition: Partition) -> tuple[str, ...]:
    """Ruling designs of which some picture has exactly the pixels of another one's anchor."""
    other = designs.alias("other")
    anchored = (
        select(func.coalesce(other.c.merged_into_id, other.c.id))
        .where(
            other.c.tenant_id == designs.c.tenant_id,
            other.c.scope == designs.c.scope,
            other.c.version == designs.c.version,
            other.c.pixel_sha256 == images.c.pixel_sha256,
        )
        .correlate(designs, images)
        .scalar_subquery()
    )
    found = connection.scalars(
        select(RULING.label("id"))
        .join_from(images, designs, designs.c.id == images.c.design_id)
        .where(of_partition(tenant, partition), STORED, anchored != RULING)
        .distinct()
        .order_by("id")
    )
    return tuple(found)
