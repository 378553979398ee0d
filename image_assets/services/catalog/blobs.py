"""Bytes in the store: recorded once a tenant, forgotten when no live row refers to them."""

import datetime as dt

from sqlalchemy import Connection, and_, bindparam, delete, exists, select

from image_assets.core.model import Blob, DeletionKind
from image_assets.services.catalog.dialects import INSERTS
from image_assets.services.catalog.making import renditions
from image_assets.services.catalog.schema import blobs, deletions, exports, images
from image_assets.services.catalog.shops import mockups, requests

_REFERENCES = (
    images.c.blob_id,
    exports.c.blob_id,
    renditions.c.blob_id,
    mockups.c.blob_id,
    requests.c.base_blob_id,
)

TOMBSTONED = and_(
    deletions.c.kind == DeletionKind.ORIGINAL,
    deletions.c.tombstoned_at.is_not(None),
    deletions.c.purged_at.is_(None),
    deletions.c.restored_at.is_(None),
)
"""Originals that went and can be given back."""

_KNOWN = (
    select(blobs.c.id, blobs.c.path)
    .where(blobs.c.tenant_id == bindparam("tenant"), blobs.c.sha256 == bindparam("sum"))
    .with_for_update(read=True, key_share=True)
)
_UNLESS_KNOWN = {
    dialect: spelled(blobs)
    .on_conflict_do_nothing(index_elements=["tenant_id", "sha256"])
    .returning(blobs.c.id)
    for dialect, spelled in INSERTS.items()
}


def keep(connection: Connection, tenant: int, blob: Blob, *, now: dt.datetime) -> tuple[int, str]:
    """Id and path of these bytes; a new row unless they are known.

    Until the transaction ends nobody can forget them.
    """
    values = {
        "tenant_id": tenant,
        "sha256": blob.sha256,
        "path": blob.path,
        "size": blob.size,
        "format": blob.format,
        "width": blob.width,
        "height": blob.height,
        "created_at": now,
    }
    unless_known = _UNLESS_KNOWN[connection.dialect.name]
    where = {"tenant": tenant, "sum": blob.sha256}
    while True:  # known bytes may be forgotten between the two
        if (made := connection.scalar(unless_known, values)) is not None:
            return int(made), blob.path
        if (row := connection.execute(_KNOWN, where).one_or_none()) is not None:
            return row.id, row.path


def hold(connection: Connection, blob_id: int) -> str | None:
    """Path of a row that nobody else can keep or forget until the transaction ends; None if gone."""
    return connection.scalar(select(blobs.c.path).where(blobs.c.id == blob_id).with_for_update())


def forget(connection: Connection, blob_id: int, *, purged: bool = False) -> bool:
    """Remove the row of bytes that `hold` holds, unless something still refers to them.

    A tombstone refers to the bytes that it can give back; when it is `purged`, it does not.
    """
    used = [exists().where(reference == blob_id) for reference in _REFERENCES]
    if not purged:
        used.append(exists().where(TOMBSTONED, deletions.c.subject == str(blob_id)))
    removed = connection.execute(
        delete(blobs).where(blobs.c.id == blob_id, *(~use for use in used))
    )
    return removed.rowcount > 0
