"""Distinct pictures, and which received picture is of which design."""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, exists, func, or_, select, update

from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import Partition, Scope
from image_assets.ports import Anchor, DesignCounts, DesignFlaws, Judged, Reach, Undesigned
from image_assets.services.catalog.alike import Alike, Search, anchors_after
from image_assets.services.catalog.anchors import insert_design
from image_assets.services.catalog.dialects import lock, portions
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.filing import file_designs
from image_assets.services.catalog.judged import (
    designs_of_pixels,
    is_spoken_of,
    judged,
    judgement,
)
from image_assets.services.catalog.schema import blobs, designs, images
from image_assets.services.catalog.selections import RULING, STORED, designs_of, of_partition

# What is asked for every picture is spelled once.
_OURS = (
    (designs.c.tenant_id == bindparam("tenant"))
    & (designs.c.scope == bindparam("scope"))
    & (designs.c.version == bindparam("version"))
)
_ANCHORED = select(RULING).where(_OURS, designs.c.pixel_hash == bindparam("pixels"))
_ALIASED = (
    select(func.min(RULING))
    .join_from(images, designs, designs.c.id == images.c.design_id)
    .where(
        _OURS,
        images.c.tenant_id == bindparam("tenant"),
        images.c.pixel_hash == bindparam("pixels"),
    )
)
_EXACT = select(func.coalesce(_ANCHORED.scalar_subquery(), _ALIASED.scalar_subquery()))
_HELD = (
    select(images.c.id, images.c.sha256, images.c.former_design_id, RULING.label("design"))
    .select_from(images.outerjoin(designs, designs.c.id == images.c.design_id))
    .where(images.c.id == bindparam("image"), images.c.tenant_id == bindparam("tenant"))
    .with_for_update(of=images)
)
_JOIN = (
    update(images)
    .where(images.c.id == bindparam("image"), images.c.design_id.is_(None))
    .values(design_id=bindparam("design"), pixel_hash=bindparam("pixels"), former_design_id=None)
)


@dataclass(frozen=True, slots=True)
class SqlDesigns:
    """Fulfils `ports.DesignsCatalog`."""

    engine: Engine
    alike: Alike

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
    def admission(self, scope: Scope, reach: Reach | None = None) -> Iterator["SqlAdmission"]:
        """Open one transaction that admits to `scope`; all of it or nothing."""
        if reach is not None:
            self.alike.make_ready(scope, reach)
        with writing(self.engine) as connection:
            tenant = tenant_id(connection, scope.tenant)
            lock(connection, "scope", str(tenant), scope.group)
            search = None
            if reach is not None:
                search = self.alike.search(connection, tenant, scope, reach)
            spoken_of = is_spoken_of(connection, tenant, scope.group)
            desk = SqlAdmission(connection, tenant, scope, search, spoken_of)
            yield desk
            desk.file()

    def pairs(self, scope: Scope, reach: Reach) -> Iterator[tuple[Anchor, Anchor]]:
        """Anchors of two designs of the scope within reach of each other, the first by id first."""
        self.alike.make_ready(scope, reach)
        last = ""
        while True:
            with reading(self.engine) as connection:
                tenant = tenant_id(connection, scope.tenant)
                said = judgement(connection, tenant, scope.group)
                some = anchors_after(connection, tenant, scope.group, reach.version, last)
                search = self.alike.search(connection, tenant, scope, reach)
                found = search.near([anchor.fingerprint for anchor in some])
            for anchor, others in zip(some, found, strict=True):
                apart = said.different_from(anchor.fingerprint.pixel_hash)
                for other in others:
                    unlike = other.fingerprint.pixel_hash in apart
                    if anchor.design_id < other.design_id and not unlike:
                        yield anchor, other
            if not some:
                return
            last = some[-1].design_id

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
    search: Search | None
    spoken_of: bool  # whether people said anything in the scope, which nobody does meanwhile
    created: list[tuple[str, Fingerprint]] = field(default_factory=list)
    # Pixels known not to be there, and in which version: nobody else brings them meanwhile.
    absent: dict[str, str] = field(default_factory=dict)

    def exact(self, pixel_hash: str, version: str) -> str | None:
        """The design whose anchor or alias has exactly these pixels."""
        if self.absent.get(pixel_hash) == version:
            return None
        asked = {
            "tenant": self.tenant,
            "scope": self.scope.group,
            "version": version,
            "pixels": pixel_hash,
        }
        found: str | None = self.connection.scalar(_EXACT, asked)
        if found is None:
            self.absent[pixel_hash] = version
        return found

    def near(self, looks: Sequence[Fingerprint]) -> Sequence[Sequence[Anchor]]:
        """For each look the designs within reach, as they were when the admission opened, by id."""
        if self.search is None:
            raise ValueError("this admission was opened without a reach")
        if len(looks) > 1:
            self._note_absent(looks, self.search.reach.version)
        return self.search.near(looks)

    def judged(self, pixel_hash: str, version: str) -> Judged:
        """What people said of these pixels, in terms of designs as they are now."""
        if not self.spoken_of:
            return Judged()
        return judged(self.connection, self.tenant, self.scope.group, pixel_hash, version)

    def create(
        self, image_id: int, fingerprint: Fingerprint, *, sha256: str, now: dt.datetime
    ) -> str | None:
        """A new design with this picture as anchor and display image; its id."""
        held = self._hold(image_id)
        if held is None or held.sha256 != sha256:
            return None
        known: str | None = held.design
        if known is None:
            known = self.exact(fingerprint.pixel_hash, fingerprint.version)
        if known is None:
            known = insert_design(
                self.connection, self.tenant, self.scope, image_id, fingerprint, now=now
            )
            self.created.append((known, fingerprint))
        self._join(held, known, fingerprint.pixel_hash)
        return known

    def join(self, image_id: int, design_id: str, pixel_hash: str | None, *, sha256: str) -> bool:
        """The picture is of this design (as its anchor or as an alias), unless it has one already."""
        held = self._hold(image_id)
        if held is None or held.sha256 != sha256:
            return False
        self._join(held, design_id, pixel_hash)
        return True

    def file(self) -> None:
        """File what was created, together: a statement for each would be most of an admission."""
        file_designs(self.connection, self.tenant, self.scope.group, self.created)

    def _note_absent(self, looks: Sequence[Fingerprint], version: str) -> None:
        """Nearly all are new: to ask for each when its turn comes is a fourth of all statements."""
        pixels = [look.pixel_hash for look in looks]
        known = designs_of_pixels(self.connection, self.tenant, self.scope.group, pixels, version)
        self.absent.update((one, version) for one in pixels if one not in known)

    def _hold(self, image_id: int) -> "Row[Any] | None":
        """The picture's bytes, which stay its own until the admission ends, and its designs."""
        return self.connection.execute(_HELD, {"image": image_id, "tenant": self.tenant}).first()

    def _join(self, held: "Row[Any]", design: str, pixels: str | None) -> None:
        if held.design is not None:
            return
        self.connection.execute(_JOIN, {"image": held.id, "design": design, "pixels": pixels})
        if pixels is not None:
            self.absent.pop(pixels, None)
        if held.former_design_id not in (None, design):
            _merge_if_empty(self.connection, held.former_design_id, design)


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
    return {"design_id": None, "pixel_hash": None, "former_design_id": design}


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
            other.c.pixel_hash == images.c.pixel_hash,
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
