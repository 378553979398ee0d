"""The catalog as a whole, for summaries."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, func, select

from image_assets.core.model import LatestState, UploadState
from image_assets.ports import Totals
from image_assets.services.catalog.engine import reading, tenant_id
from image_assets.services.catalog.images import image_counts
from image_assets.services.catalog.schema import designs, exports, images, latest, tenants, uploads


@dataclass(frozen=True, slots=True)
class SqlTotals:
    """Fulfils `ports.TotalsCatalog`."""

    engine: Engine

    def tenants(self) -> Sequence[str]:
        """Every tenant there is, by name: ourselves and the shops."""
        with reading(self.engine) as connection:
            return tuple(connection.scalars(select(tenants.c.name).order_by(tenants.c.name)))

    def totals(self, tenant: str) -> Totals:
        """Everything at one moment."""
        with reading(self.engine) as connection:
            number = tenant_id(connection, tenant)
            distinct = select(func.count()).where(
                designs.c.tenant_id == number, designs.c.merged_into_id.is_(None)
            )
            files = select(func.count()).where(
                exports.c.tenant_id == number, exports.c.state == "live"
            )
            states = connection.execute(
                select(uploads.c.state, func.count())
                .where(uploads.c.tenant_id == number)
                .group_by(uploads.c.state)
            ).all()
            keys = select(func.count(latest.c.key.distinct())).where(
                latest.c.tenant_id == number, latest.c.state == LatestState.PUBLISHED
            )
            return Totals(
                image_counts(connection, images.c.tenant_id == number),
                connection.execute(distinct).scalar_one(),
                connection.execute(files).scalar_one(),
                {UploadState(state): count for state, count in states},
                connection.execute(keys).scalar_one(),
            )
