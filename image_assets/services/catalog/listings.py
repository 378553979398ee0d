"""Listings of designs in shops: one row each, whose intent is written before anything is sent."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    and_,
    case,
    exists,
    select,
    update,
)

from image_assets.core.errors import NotFoundError, RejectedError
from image_assets.core.model import Blob, ImageFormat, Partition
from image_assets.ports.listings import Listed, ListingRow, ListingState, Unlisted
from image_assets.services.catalog.dialects import insert, lock, portions
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.schema import blobs, designs, exports, images
from image_assets.services.catalog.selections import designs_of
from image_assets.services.catalog.shops import listings, mockups

_OVER = (ListingState.LISTED, ListingState.GONE)
_SHOWABLE = (ImageFormat.JPEG, ImageFormat.PNG)
"""Formats that shops take; where an export has both, the smaller one is shown."""

_NOBODY: dict[str, Any] = {"owner": None, "lease_until": None}


@dataclass(frozen=True, slots=True)
class SqlListings:
    """Fulfils `ports.ListingsCatalog`."""

    engine: Engine

    def unlisted(
        self, partition: Partition, shop_id: int, templates: Sequence[str], recipe: str
    ) -> Sequence[Unlisted]:
        """Designs of the partition without a finished listing, by item key; mockups first, then the export."""
        with reading(self.engine) as connection:
            tenant = tenant_id(connection, partition.tenant)
            over = _is_over(tenant, shop_id)
            found = connection.execute(_known(tenant, partition).where(~over)).all()
            numbers = [row.id for row in found]
            shown = {name: _mockups(connection, tenant, numbers, name) for name in templates}
            exported = _exports(connection, tenant, numbers, recipe)
        wanted = [*shown.values(), exported]
        return tuple(
            Unlisted(row.id, row.original_name, pictures, len(wanted) - len(pictures))
            for row in found
            for pictures in [tuple(each[row.id] for each in wanted if row.id in each)]
        )

    def rows(self, partition: Partition, shop_id: int) -> Sequence[ListingRow]:
        """What is recorded of the partition's designs, by item key."""
        with reading(self.engine) as connection:
            tenant = tenant_id(connection, partition.tenant)
            mine = _known(tenant, partition).subquery()
            found = connection.execute(
                select(listings)
                .join(mine, mine.c.id == listings.c.design_id)
                .where(listings.c.tenant_id == tenant, listings.c.shop == str(shop_id))
                .order_by(mine.c.item_key)
            )
            return tuple(map(_row, found))

    def claim(
        self,
        partition: Partition,
        shop_id: int,
        design_id: str,
        title: str,
        owner: str,
        *,
        until: dt.datetime,
        now: dt.datetime,
    ) -> ListingRow | None:
        """Record the intent, or take up what is there; None while another run has it, or it is over.

        Raises:
            NotFoundError: the design is not the tenant's.
        """
        with writing(self.engine) as connection:
            tenant = tenant_id(connection, partition.tenant)
            mine = exists().where(designs.c.id == design_id, designs.c.tenant_id == tenant)
            if not connection.scalar(select(mine)):
                raise NotFoundError(f"design {design_id}: {partition.tenant} has no such design")
            connection.execute(
                insert(connection, listings)
                .values(
                    tenant_id=tenant,
                    shop=str(shop_id),
                    design_id=design_id,
                    state=ListingState.INTENT,
                    title=title,
                    created_at=now,
                    updated_at=now,
                )
                .on_conflict_do_nothing()
            )
            free = listings.c.lease_until.is_(None) | (listings.c.lease_until <= now)
            # What was never sent is sent as the template is now; what was sent is asked for as it was.
            unsent = listings.c.state.in_((ListingState.INTENT, ListingState.FAILED))
            row = connection.execute(
                update(listings)
                .where(_this(tenant, shop_id, design_id), free, listings.c.state.not_in(_OVER))
                .values(
                    owner=owner,
                    lease_until=until,
                    updated_at=now,
                    title=case((unsent, title), else_=listings.c.title),
                )
                .returning(*listings.c)
            ).one_or_none()
            return None if row is None else _row(row)

    def renew(self, number: int, owner: str, *, until: dt.datetime, now: dt.datetime) -> None:
        """Keep it for longer.

        Raises:
            RejectedError: another run has it by now.
        """
        self._change(number, owner, {"lease_until": until, "updated_at": now})

    def sending(self, number: int, owner: str, *, until: dt.datetime, now: dt.datetime) -> None:
        """The draft is about to be sent; as `renew`."""
        self._change(
            number,
            owner,
            {
                "state": ListingState.SENDING,
                "reason": None,
                "lease_until": until,
                "updated_at": now,
            },
        )

    def drafted(self, number: int, owner: str, listing: Listed, *, now: dt.datetime) -> bool:
        """The draft is there; False when another design has that listing."""
        with writing(self.engine) as connection:
            lock(connection, "listing", str(listing.listing_id))
            taken = exists().where(
                listings.c.listing_id == listing.listing_id, listings.c.id != number
            )
            if connection.scalar(select(taken)):
                return False
            values = {
                "state": ListingState.DRAFTED,
                "listing_id": listing.listing_id,
                "url": listing.url,
                "reason": None,
                "updated_at": now,
            }
            _change(connection, number, owner, values)
            return True

    def settle(
        self,
        number: int,
        owner: str,
        state: ListingState,
        reason: str | None = None,
        *,
        until: dt.datetime | None = None,
        now: dt.datetime,
    ) -> None:
        """It is that far, and free for other runs; in doubt only after `until`."""
        values = {"state": state, "reason": reason and reason[:2000], "updated_at": now}
        self._change(number, owner, values | _NOBODY | {"lease_until": until})

    def _change(self, number: int, owner: str, values: dict[str, Any]) -> None:
        with writing(self.engine) as connection:
            _change(connection, number, owner, values)


def _change(connection: Connection, number: int, owner: str, values: dict[str, Any]) -> None:
    changed = connection.execute(
        update(listings).where(listings.c.id == number, listings.c.owner == owner).values(values)
    )
    if not changed.rowcount:
        raise RejectedError(f"listing {number}: another run has it by now; nothing is recorded")


def _known(tenant: int, partition: Partition) -> Select[Any]:
    """The partition's designs with what people called them."""
    mine = designs_of(tenant, partition).subquery("mine")
    return (
        select(designs.c.id, images.c.original_name, images.c.item_key)
        .select_from(
            designs.join(mine, mine.c.id == designs.c.id).join(
                images, images.c.id == designs.c.display_image_id
            )
        )
        .order_by(images.c.item_key, designs.c.id)
    )


def _is_over(tenant: int, shop_id: int) -> ColumnElement[bool]:
    """Whether a design, or one that was merged into it, needs nothing any more in a shop."""
    merged = designs.alias("merged")
    its = select(merged.c.id).where(merged.c.merged_into_id == designs.c.id).correlate(designs)
    return exists().where(
        listings.c.tenant_id == tenant,
        listings.c.shop == str(shop_id),
        listings.c.state.in_(_OVER),
        (listings.c.design_id == designs.c.id) | listings.c.design_id.in_(its),
    )


def _this(tenant: int, shop_id: int, design: str) -> ColumnElement[bool]:
    return and_(
        listings.c.tenant_id == tenant,
        listings.c.shop == str(shop_id),
        listings.c.design_id == design,
    )


_BYTES = (
    blobs.c.sha256,
    blobs.c.path,
    blobs.c.size,
    blobs.c.format,
    blobs.c.width,
    blobs.c.height,
)


def _mockups(
    connection: Connection, tenant: int, numbers: Sequence[str], template: str
) -> dict[str, Blob]:
    query = (
        select(mockups.c.design_id, *_BYTES)
        .join_from(mockups, blobs, blobs.c.id == mockups.c.blob_id)
        .where(mockups.c.tenant_id == tenant, mockups.c.template == template)
    )
    return _pictures(connection, query, mockups.c.design_id, numbers)


def _exports(
    connection: Connection, tenant: int, numbers: Sequence[str], recipe: str
) -> dict[str, Blob]:
    query = (
        select(exports.c.design_id, *_BYTES)
        .join_from(exports, blobs, blobs.c.id == exports.c.blob_id)
        .where(exports.c.tenant_id == tenant, exports.c.recipe == recipe)
    )
    return _pictures(connection, query, exports.c.design_id, numbers)


def _pictures(
    connection: Connection, query: Select[Any], column: ColumnElement[str], numbers: Sequence[str]
) -> dict[str, Blob]:
    found: dict[str, Blob] = {}
    for portion in portions(numbers):
        showable = query.where(column.in_(portion), blobs.c.format.in_(_SHOWABLE))
        for row in connection.execute(showable.order_by(blobs.c.size.desc())):
            found[row.design_id] = _blob(row)
    return found


def _blob(row: Row[Any]) -> Blob:
    return Blob(row.sha256, row.path, row.size, ImageFormat(row.format), row.width, row.height)


def _row(row: Row[Any]) -> ListingRow:
    return ListingRow(
        row.id,
        row.design_id,
        ListingState(row.state),
        row.title,
        row.created_at,
        row.listing_id,
        row.url,
        row.reason,
    )
