"""What decides about originals, read from the catalog: pictures, publications and whatever else lives on."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, func, literal, or_, select, union_all

from image_assets.core.looks import Finding
from image_assets.core.model import Level, UploadState
from image_assets.core.originals import Copy, OriginalFacts
from image_assets.services.catalog.making import renditions
from image_assets.services.catalog.retention import announced
from image_assets.services.catalog.schema import (
    blobs,
    designs,
    destinations,
    exports,
    images,
    uploads,
)
from image_assets.services.catalog.selections import RULING, STORED
from image_assets.services.catalog.shops import mockups, requests
from image_assets.services.catalog.shown import links

Stream = tuple[int, str, str]
"""Tenant, source and collection."""

_OTHERS = (
    ("an export", exports.c.blob_id),
    ("an earlier rendering", renditions.c.blob_id),
    ("a mockup", mockups.c.blob_id),
    ("a request", requests.c.base_blob_id),
)
_DONE = (UploadState.VERIFIED, UploadState.REMOVED)
_moment = func.coalesce(images.c.captured_at, images.c.received_at)


def newest(
    connection: Connection, sources: Collection[str], collections: Collection[str] | None = None
) -> dict[Stream, dt.datetime]:
    """When the newest stored picture of every collection of these sources was taken."""
    wanted = [images.c.source.in_(sources), STORED]
    if collections is not None:
        wanted.append(images.c.collection.in_(collections))
    stream = (images.c.tenant_id, images.c.source, images.c.collection)
    rows = connection.execute(select(*stream, func.max(_moment)).where(*wanted).group_by(*stream))
    return {(tenant, source, collection): last for tenant, source, collection, last in rows}


def facts_of(
    connection: Connection,
    bytes_: Sequence[Row[Any]],
    pictures: Sequence[Row[Any]],
    last: Mapping[Stream, dt.datetime],
    *,
    lock: bool = False,
) -> list[OriginalFacts]:
    """The facts of rows of `blobs`, whose pictures are rows of `images` with `of`, their bytes.

    With `lock` no publication of them changes until the transaction ends.
    """
    by_blob = defaultdict(list)
    for picture in pictures:
        by_blob[picture.of].append(picture)
    ids = [row.id for row in bytes_]
    published = _publications(connection, bytes_, lock=lock)
    shared = _shared(connection, ids)
    shown = _shown(connection, [picture.id for picture in pictures])
    targets = set(
        connection.scalars(select(blobs.c.id).where(blobs.c.id.in_(ids), announced(blobs)))
    )
    return [
        _facts(
            row,
            by_blob[row.id],
            published[row.tenant_id, row.sha256],
            last,
            shown,
            shared=shared.get(row.id),
            target=row.id in targets,
        )
        for row in bytes_
    ]


def _facts(
    row: Row[Any],
    pictures: Sequence[Row[Any]],
    published: Sequence[Row[Any]],
    last: Mapping[Stream, dt.datetime],
    shown: Collection[int],
    *,
    shared: str | None,
    target: bool,
) -> OriginalFacts:
    settled = [one for one in published if _is_settled(one)]
    return OriginalFacts(
        str(row.id),
        row.path,
        row.size,
        max((picture.received_at for picture in pictures), default=row.created_at),
        frozenset(picture.source for picture in pictures),
        pinned=any(picture.pinned for picture in pictures),
        latest_target=target,
        newest=any(_is_newest(picture, last) for picture in pictures),
        shown=frozenset(picture.source for picture in pictures if picture.id in shown),
        shared=shared,
        unsettled=len(published) - len(settled),
        settled=frozenset(one.destination for one in settled),
        copies=tuple(
            Copy(
                one.destination,
                None if one.level is None else Level(one.level),
                one.verified_at,
                one.id,
            )
            for one in published
            # A rendering is not the original's bytes; a copy in question proves nothing.
            if one.state == UploadState.VERIFIED and one.rendering is None and not one.questioned
        ),
    )


def _is_settled(publication: Row[Any]) -> bool:
    refused = publication.state == UploadState.FAILED and publication.rejected
    return publication.state in _DONE or refused


def _is_newest(picture: Row[Any], last: Mapping[Stream, dt.datetime]) -> bool:
    moment = picture.captured_at or picture.received_at
    known = last.get((picture.tenant_id, picture.source, picture.collection))
    return known is None or bool(moment >= known)


def _publications(
    connection: Connection, bytes_: Sequence[Row[Any]], *, lock: bool
) -> dict[tuple[int, str], list[Row[Any]]]:
    """The ledger's rows for these contents, by tenant and content."""
    standing = and_(links.c.finding != Finding.ALIVE, links.c.looked_at >= uploads.c.verified_at)
    query = (
        select(uploads, destinations.c.name.label("destination"), standing.label("questioned"))
        .join(destinations, destinations.c.id == uploads.c.destination_id)
        .outerjoin(links, links.c.upload_id == uploads.c.id)
        .where(
            uploads.c.tenant_id.in_({row.tenant_id for row in bytes_}),
            uploads.c.sha256.in_([row.sha256 for row in bytes_]),
        )
    )
    found = defaultdict(list)
    for row in connection.execute(query.with_for_update(of=uploads) if lock else query):
        found[row.tenant_id, row.sha256].append(row)
    return found


def _shared(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """What else lives on bytes, by their number."""
    kinds = [
        select(column.label("blob_id"), literal(kind).label("kind")).where(column.in_(ids))
        for kind, column in _OTHERS
    ]
    rows = connection.execute(union_all(*kinds)).all()
    return {blob_id: kind for blob_id, kind in rows}


def _shown(connection: Connection, image_ids: Sequence[int]) -> set[int]:
    """Those of the pictures that are what is shown of their design."""
    ruling = designs.alias("ruling")
    return set(
        connection.scalars(
            select(images.c.id)
            .join(designs, designs.c.id == images.c.design_id)
            .join(ruling, ruling.c.id == RULING)
            .where(
                images.c.id.in_(image_ids),
                or_(
                    ruling.c.display_image_id == images.c.id,
                    designs.c.display_image_id == images.c.id,
                ),
            )
        )
    )
