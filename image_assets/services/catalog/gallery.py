"""Designs as people look at them: lists, one with all its pictures, names, decisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, func, or_, select

from image_assets.core.display import CHOSEN, Candidate
from image_assets.core.errors import NotFoundError
from image_assets.core.model import ImageFormat, Partition, Variant
from image_assets.ports import (
    Decision,
    DecisionKind,
    DesignPicture,
    DesignSummary,
    DesignView,
    Named,
)
from image_assets.services.catalog.dialects import portions
from image_assets.services.catalog.engine import reading, tenant_id
from image_assets.services.catalog.schema import blobs, decisions, designs, images
from image_assets.services.catalog.selections import RULING, STORED, designs_of

_ID_LENGTH = 24
_LEAST_PREFIX = 4


@dataclass(frozen=True, slots=True)
class SqlGallery:
    """Fulfils `ports.GalleryCatalog`."""

    engine: Engine

    def listed(
        self, tenant: str, *, group: str | None = None, after: str = "", most: int = 50
    ) -> Sequence[DesignSummary]:
        """Designs that rule, by id, from the one after `after` on."""
        with reading(self.engine) as connection:
            page = (
                select(designs)
                .where(
                    designs.c.tenant_id == tenant_id(connection, tenant),
                    designs.c.merged_into_id.is_(None),
                    designs.c.id > after,
                )
                .order_by(designs.c.id)
                .limit(most)
            )
            rows = connection.execute(page if group is None else page.where(_in(group))).all()
            counts = _counts(connection, [row.id for row in rows])
            shown = _paths(connection, [row.display_image_id for row in rows])
        return tuple(
            DesignSummary(
                row.id,
                row.scope,
                row.created_at,
                *counts.get(row.id, (0, 0)),
                shown.get(row.display_image_id),
            )
            for row in rows
        )

    def shown(self, tenant: str, design: str) -> DesignView:
        """A design with its pictures, by item key; an id that was merged leads to the one that rules.

        Raises:
            NotFoundError: no such design.
        """
        with reading(self.engine) as connection:
            number = tenant_id(connection, tenant)
            found = _design(connection, number, design)
            ruling = _design(connection, number, found.merged_into_id or found.id)
            family = _family(connection, ruling.id)
            rows = connection.execute(
                _pictures()
                .where(images.c.design_id.in_(family))
                .order_by(images.c.source, images.c.item_key, images.c.id)
            ).all()
        return DesignView(
            ruling.id,
            ruling.scope,
            ruling.version,
            ruling.created_at,
            ruling.display_reason,
            tuple(sorted(set(family) - {ruling.id})),
            tuple(_picture(row, ruling) for row in rows),
        )

    def named(self, tenant: str, name: str) -> Named:
        """What `name` says: a design's id or its beginning, or `image:17` for one picture.

        Raises:
            NotFoundError: nothing, or more than one design, goes by it.
        """
        with reading(self.engine) as connection:
            number = tenant_id(connection, tenant)
            kind, _, digits = name.partition(":")
            if kind == "image" and digits.isdecimal():
                return _named_picture(connection, number, int(digits))
            found = _design(connection, number, name)
        ruling = found.merged_into_id or found.id
        return Named(ruling, found.id, found.scope, found.pixel_hash)

    def candidates(self, tenant: str, design: str) -> Sequence[Candidate]:
        """The stored pictures that could show the design, one for each content, by item key.

        Empty when a person chose the one that does.
        """
        with reading(self.engine) as connection:
            found = _design(connection, tenant_id(connection, tenant), design)
            if (found.display_reason or "").startswith(CHOSEN):
                return ()
            rows = connection.execute(
                _pictures()
                .where(images.c.design_id.in_(_family(connection, found.id)), STORED)
                .order_by(images.c.item_key, images.c.id)
            ).all()
        first: dict[str, Candidate] = {}
        for row in rows:
            first.setdefault(row.sha256, _candidate(row))
        return tuple(first.values())

    def contested(self, partition: Partition) -> Sequence[str]:
        """Designs of the partition's pictures that have pictures of other bytes as well, by id."""
        with reading(self.engine) as connection:
            tenant = tenant_id(connection, partition.tenant)
            ours = list(connection.scalars(designs_of(tenant, partition)))
            counts = {
                design: distinct
                for portion in portions(ours)
                for design, (_, distinct) in _counts(connection, portion).items()
            }
        return tuple(sorted(design for design, distinct in counts.items() if distinct > 1))

    def decisions(self, tenant: str, *, most: int = 50, undone: bool = False) -> Sequence[Decision]:
        """The newest decisions first; those that were undone as well if asked for."""
        with reading(self.engine) as connection:
            wanted = (
                select(decisions)
                .where(decisions.c.tenant_id == tenant_id(connection, tenant))
                .order_by(decisions.c.id.desc())
                .limit(most)
            )
            standing = wanted if undone else wanted.where(decisions.c.undone_at.is_(None))
            rows = connection.execute(standing).all()
        return tuple(
            Decision(
                row.id,
                DecisionKind(row.kind),
                row.scope,
                row.person,
                row.said,
                row.decided_at,
                row.undone_by,
                row.undone_at,
            )
            for row in rows
        )


def _in(group: str) -> Any:
    return designs.c.scope == group


def _design(connection: Connection, tenant: int, name: str) -> Row[Any]:
    """The tenant's one design whose id begins with `name`."""
    if len(name) < _LEAST_PREFIX:
        raise NotFoundError(f"{name!r}: give at least {_LEAST_PREFIX} characters of a design's id")
    ours = designs.c.tenant_id == tenant
    whole = designs.c.id == name
    begins = designs.c.id.between(name, name + "g")  # ids are hexadecimal
    rows = connection.execute(
        select(designs).where(ours, whole if len(name) == _ID_LENGTH else begins).limit(2)
    ).all()
    if not rows:
        raise NotFoundError(f"no design {name!r}; image-assets designs list shows them")
    if len(rows) > 1:
        raise NotFoundError(f"several designs begin with {name!r}; give more of the id")
    return rows[0]


def _family(connection: Connection, ruling: str) -> list[str]:
    """The design and every one that was merged into it."""
    merged = connection.scalars(select(designs.c.id).where(designs.c.merged_into_id == ruling))
    return [ruling, *merged]


def _pictures() -> "Select[Any]":
    return select(
        images,
        blobs.c.path,
        blobs.c.format,
        blobs.c.width,
        blobs.c.height,
        blobs.c.size,
    ).select_from(images.outerjoin(blobs, blobs.c.id == images.c.blob_id))


def _picture(row: Row[Any], ruling: Row[Any]) -> DesignPicture:
    return DesignPicture(
        row.id,
        row.design_id,
        row.source,
        row.collection,
        row.partition_key,
        row.item_key,
        row.original_name,
        row.captured_at,
        row.state,
        row.pixel_hash,
        row.path,
        row.format,
        row.width,
        row.height,
        row.size,
        row.id == ruling.anchor_image_id,
        row.id == ruling.display_image_id,
        row.exif,
    )


def _candidate(row: Row[Any]) -> Candidate:
    return Candidate(
        row.id,
        row.item_key,
        row.path,
        ImageFormat(row.format),
        row.width,
        row.height,
        row.size,
        Variant(row.variant),
    )


def _named_picture(connection: Connection, tenant: int, image_id: int) -> Named:
    row = connection.execute(
        _pictures()
        .add_columns(RULING.label("ruling"), designs.c.scope)
        .join(designs, designs.c.id == images.c.design_id)
        .where(images.c.id == image_id, images.c.tenant_id == tenant)
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"no picture image:{image_id} that is of a design")
    pixels = row.pixel_hash or _pixels_of_twin(connection, row)
    return Named(row.ruling, row.design_id, row.scope, pixels, row.path, image_id)


def _pixels_of_twin(connection: Connection, row: Row[Any]) -> str:
    """Pictures that repeat known bytes were not looked at: another one with these bytes was."""
    twin = images.alias("twin")
    found = connection.scalar(
        select(twin.c.pixel_hash)
        .where(
            twin.c.tenant_id == row.tenant_id,
            twin.c.sha256 == row.sha256,
            twin.c.design_id == row.design_id,
            twin.c.pixel_hash.is_not(None),
        )
        .limit(1)
    )
    own = select(designs.c.pixel_hash).where(designs.c.id == row.design_id)
    return found or str(connection.scalar(own))


def _counts(connection: Connection, ruling: Sequence[str]) -> dict[str, tuple[int, int]]:
    rows = connection.execute(
        select(RULING, func.count(), func.count(images.c.sha256.distinct()))
        .join_from(images, designs, designs.c.id == images.c.design_id)
        .where(or_(designs.c.id.in_(ruling), designs.c.merged_into_id.in_(ruling)))
        .group_by(RULING)
    )
    return {design: (pictures, distinct) for design, pictures, distinct in rows}


def _paths(connection: Connection, image_ids: Sequence[int]) -> dict[int, str]:
    rows = connection.execute(
        select(images.c.id, blobs.c.path)
        .join_from(images, blobs, blobs.c.id == images.c.blob_id)
        .where(images.c.id.in_(image_ids))
    )
    return {image: path for image, path in rows}
