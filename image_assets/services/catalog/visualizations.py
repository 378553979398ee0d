"""What became of visualisations, and which destinations provably hold their own bytes."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Row, Select, and_, select

from image_assets.core.model import ImageState, Partition, UploadState
from image_assets.core.originals import PROVEN
from image_assets.ports import Standing
from image_assets.services.catalog.engine import reading, tenant_id
from image_assets.services.catalog.schema import destinations, images, uploads
from image_assets.services.catalog.selections import of_partition

_PLACE = (
    destinations.c.name.label("destination"),
    uploads.c.state.label("upload_state"),
    uploads.c.rejected,
    uploads.c.rendering,
    uploads.c.level,
    uploads.c.verified_at,
)


@dataclass(frozen=True, slots=True)
class SqlVisualizations:
    """Fulfils `ports.PlotsCatalog`."""

    engine: Engine

    def standings(self, partition: Partition) -> Mapping[str, Standing]:
        """What became of each picture of the partition, by item key."""
        same = and_(uploads.c.tenant_id == images.c.tenant_id, uploads.c.sha256 == images.c.sha256)
        pictures: Select[Any] = select(
            images.c.item_key, images.c.state, images.c.sha256, *_PLACE
        ).select_from(
            images.outerjoin(uploads, same).outerjoin(
                destinations, destinations.c.id == uploads.c.destination_id
            )
        )
        with reading(self.engine) as connection:
            mine = of_partition(tenant_id(connection, partition.tenant), partition)
            rows = connection.execute(pictures.where(mine).order_by(images.c.item_key)).all()
        found: dict[str, list[Row[Any]]] = {}
        for row in rows:
            found.setdefault(row.item_key, []).append(row)
        return {key: _standing(of_key) for key, of_key in found.items()}

    def proven(self, tenant: str, sha256: str) -> Mapping[str, dt.datetime]:
        """The destinations that hold these bytes themselves, with when that was last proven."""
        places: Select[Any] = select(*_PLACE).join_from(
            uploads, destinations, destinations.c.id == uploads.c.destination_id
        )
        with reading(self.engine) as connection:
            mine = uploads.c.tenant_id == tenant_id(connection, tenant)
            rows = connection.execute(places.where(mine, uploads.c.sha256 == sha256)).all()
        return _proven(rows)


def _standing(rows: list[Row[Any]]) -> Standing:
    first = rows[0]
    return Standing(
        ImageState(first.state),
        first.sha256,
        _proven(rows),
        frozenset(row.destination for row in rows if _is_settled(row)),
    )


def _proven(rows: Sequence[Row[Any]]) -> dict[str, dt.datetime]:
    """Which destinations were shown to hold the very bytes, and no rendering of them."""
    return {
        row.destination: row.verified_at
        for row in rows
        if row.upload_state == UploadState.VERIFIED
        and row.rendering is None
        and row.level in PROVEN
        and row.verified_at is not None
    }


def _is_settled(row: Row[Any]) -> bool:
    over = row.upload_state in (UploadState.VERIFIED, UploadState.REMOVED)
    return over or bool(row.upload_state == UploadState.FAILED and row.rejected)
