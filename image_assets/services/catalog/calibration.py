"""Samples of designs and of what was merged into them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, func, select

from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import Scope
from image_assets.ports import SampledAlias, SampledDesign
from image_assets.services.catalog.engine import reading, tenant_id
from image_assets.services.catalog.schema import blobs, designs, images
from image_assets.services.catalog.selections import STORED

_ANCHOR_IMAGES = images.alias("anchors")
_ANCHOR_BLOBS = blobs.alias("anchor_blobs")


@dataclass(frozen=True, slots=True)
class SqlCalibration:
    """Fulfils `ports.CalibrationCatalog`."""

    engine: Engine

    def size(self, scope: Scope, version: str) -> tuple[int, int]:
        """How many designs rule, and how many contents were merged into one with other pixels."""
        with reading(self.engine) as connection:
            ours = _ours(connection, scope, version)
            ruling = connection.scalar(select(func.count()).select_from(designs).where(ours))
            merged = connection.scalar(select(func.count()).select_from(_contents(ours).subquery()))
        return int(ruling or 0), int(merged or 0)

    def designs(self, scope: Scope, version: str, most: int) -> Sequence[SampledDesign]:
        """Designs that rule. Their ids are hashes: the first ones are an even sample."""
        with reading(self.engine) as connection:
            rows = connection.execute(
                _with_anchor(select(designs.c.id, designs.c.fingerprint, _ANCHOR_BLOBS.c.path))
                .where(_ours(connection, scope, version))
                .order_by(designs.c.id)
                .limit(most)
            )
            return tuple(_sampled(*row) for row in rows)

    def aliases(self, scope: Scope, version: str, most: int) -> Sequence[SampledAlias]:
        """Pictures that were merged into a design; by the hash of their bytes, an even sample."""
        with reading(self.engine) as connection:
            chosen = _contents(_ours(connection, scope, version))
            chosen = chosen.order_by(blobs.c.sha256, designs.c.id).limit(most)
            rows = connection.execute(chosen).all()
            found = _designs(connection, {row.design for row in rows})
        return tuple(SampledAlias(row.image, row.path, found[row.design]) for row in rows)


def _ours(connection: Connection, scope: Scope, version: str) -> ColumnElement[bool]:
    tenant = tenant_id(connection, scope.tenant)
    return (
        (designs.c.tenant_id == tenant)
        & (designs.c.scope == scope.group)
        & (designs.c.version == version)
        & designs.c.merged_into_id.is_(None)
    )


def _contents(ours: ColumnElement[bool]) -> "Select[Any]":
    """Contents of designs with other pixels than the anchor's."""
    return (
        select(
            func.min(images.c.id).label("image"),
            blobs.c.path.label("path"),
            designs.c.id.label("design"),
        )
        .select_from(images)
        .join(designs, designs.c.id == images.c.design_id)
        .join(blobs, blobs.c.id == images.c.blob_id)
        .where(ours, STORED, images.c.pixel_hash != designs.c.pixel_hash)
        .group_by(blobs.c.sha256, blobs.c.path, designs.c.id)
    )


def _with_anchor(chosen: "Select[Any]") -> "Select[Any]":
    anchor, bytes_ = _ANCHOR_IMAGES.c, _ANCHOR_BLOBS.c
    return chosen.select_from(
        designs.outerjoin(_ANCHOR_IMAGES, anchor.id == designs.c.anchor_image_id).outerjoin(
            _ANCHOR_BLOBS, bytes_.id == anchor.blob_id
        )
    )


def _designs(connection: Connection, ids: set[str]) -> dict[str, SampledDesign]:
    rows = connection.execute(
        _with_anchor(select(designs.c.id, designs.c.fingerprint, _ANCHOR_BLOBS.c.path)).where(
            designs.c.id.in_(sorted(ids))
        )
    )
    return {row[0]: _sampled(*row) for row in rows}


def _sampled(design: str, fingerprint: bytes, path: str | None) -> SampledDesign:
    return SampledDesign(design, Fingerprint.from_bytes(fingerprint), path)
