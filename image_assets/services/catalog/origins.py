"""What a design's exports are made from: the picture that is shown of it, and its request's base."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, FromClause, Select, and_, select

from image_assets.ports import Origin
from image_assets.services.catalog.schema import blobs, designs, images
from image_assets.services.catalog.selections import STORED
from image_assets.services.catalog.shops import requests

_shown = blobs.alias("shown")

ORIGIN = (_shown.c.sha256.label("origin_sha256"), _shown.c.path.label("origin_path"))


def from_origin(what: Select[Any], known: FromClause) -> Select[Any]:
    """A selection of `ORIGIN` and more from `known`, which holds `designs`; of those that have one."""
    displayed = and_(images.c.id == designs.c.display_image_id, STORED)
    return what.select_from(
        known.join(images, displayed).join(_shown, _shown.c.id == images.c.blob_id)
    )


def origin_of(connection: Connection, design_id: str) -> Origin | None:
    """What a design's exports are made from; None where it is no longer stored."""
    row = connection.execute(
        from_origin(select(*ORIGIN), designs).where(designs.c.id == design_id)
    ).one_or_none()
    return None if row is None else Origin(*row)


def base_of(connection: Connection, tenant: int, key: str) -> Origin | None:
    """The picture that the request of this key came with, if it is a request's."""
    row = connection.execute(
        select(blobs.c.sha256, blobs.c.path)
        .join_from(requests, blobs, blobs.c.id == requests.c.base_blob_id)
        .where(requests.c.tenant_id == tenant, requests.c.key == key)
    ).one_or_none()
    return None if row is None else Origin(*row)


def stored(
    connection: Connection, tenant: int, hashes: Collection[str | None]
) -> dict[str | None, Origin]:
    """Those of these bytes that are in the store."""
    known = [sha256 for sha256 in hashes if sha256 is not None]
    if not known:
        return {}
    rows = connection.execute(
        select(blobs.c.sha256, blobs.c.path).where(
            blobs.c.tenant_id == tenant, blobs.c.sha256.in_(known)
        )
    )
    return {sha256: Origin(sha256, path) for sha256, path in rows}
