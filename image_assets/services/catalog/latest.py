"""What each latest key announced, in order; the newest sequence rules."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Join,
    Row,
    Select,
    and_,
    func,
    or_,
    select,
    update,
)

from image_assets.core.errors import RejectedError
from image_assets.core.model import ImageFormat, LatestState, UploadState
from image_assets.ports import LatestEntry, Newest
from image_assets.services.catalog import leases
from image_assets.services.catalog.dialects import lock
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.ledger import UPLOAD, upload_of
from image_assets.services.catalog.schema import (
    blobs,
    designs,
    destinations,
    exports,
    images,
    latest,
    uploads,
)
from image_assets.services.catalog.selections import RULING, STORED


@dataclass(frozen=True, slots=True)
class SqlLatest:
    """Fulfils `ports.LatestCatalog`."""

    engine: Engine

    def newest_verified(
        self,
        source: str,
        collection: str,
        destination: str,
        recipe: str | None,
        format: ImageFormat,
        *,
        until: dt.datetime,
        tenant: str,
        target: str | None = None,
    ) -> Newest | None:
        """The newest picture captured not after `until` whose upload is verified.

        Captures of one moment: a first record before one that came later under its key, then the
        higher item key.
        """
        kind = _originals() if recipe is None else _exports(recipe, format)
        if target is not None:
            kind = kind.where(_is_target(target))
        with reading(self.engine) as connection:
            number = tenant_id(connection, tenant)
            row = connection.execute(
                kind.where(
                    images.c.tenant_id == number,
                    images.c.source == source,
                    images.c.collection == collection,
                    images.c.captured_at <= until,
                    STORED,
                    destinations.c.name == destination,
                    uploads.c.state == UploadState.VERIFIED,
                )
                .order_by(images.c.captured_at.desc(), images.c.conflict, images.c.item_key.desc())
                .limit(1)
            ).one_or_none()
        if row is None:
            return None
        shape = row.width, row.height
        return Newest(row.item_key, row.captured_at, upload_of(row), *shape, row.told or {})

    def current(self, tenant: str, key: str) -> LatestEntry | None:
        """The newest sequence of a key."""
        with reading(self.engine) as connection:
            return _current(connection, tenant_id(connection, tenant), key)

    def history(self, tenant: str, key: str, *, most: int) -> Sequence[LatestEntry]:
        """The last sequences of a key, the newest first."""
        with reading(self.engine) as connection:
            of_key = _of_key(tenant_id(connection, tenant), key)
            newest = select(latest).where(of_key).order_by(latest.c.sequence.desc())
            return tuple(_entry(row) for row in connection.execute(newest.limit(most)))

    def entry(self, tenant: str, key: str, sequence: int) -> LatestEntry | None:
        """One sequence of a key."""
        with reading(self.engine) as connection:
            of_key = _of_key(tenant_id(connection, tenant), key)
            row = connection.execute(
                select(latest).where(of_key, latest.c.sequence == sequence)
            ).one_or_none()
        return None if row is None else _entry(row)

    def keys(self, tenant: str) -> Sequence[str]:
        """Every key that was ever announced, by name."""
        with reading(self.engine) as connection:
            of_tenant = latest.c.tenant_id == tenant_id(connection, tenant)
            found = select(latest.c.key).where(of_tenant).distinct().order_by(latest.c.key)
            return tuple(connection.scalars(found))

    def append(
        self,
        tenant: str,
        key: str,
        *,
        sequence: int,
        captured_at: dt.datetime,
        value: str,
        sha256: str,
        now: dt.datetime,
        hold: bool = False,
    ) -> LatestEntry:
        """Announce the content `sha256` as this sequence, pending."""
        with writing(self.engine) as connection:
            number = tenant_id(connection, tenant)
            lock(connection, "latest", str(number), key)
            before = _current(connection, number, key)
            check_next(key, before, sequence, None if hold else captured_at)
            connection.execute(
                latest.insert().values(
                    tenant_id=number,
                    key=key,
                    sequence=sequence,
                    captured_at=captured_at,
                    value=value,
                    sha256=sha256,
                    state=LatestState.PENDING,
                    hold=hold,
                    created_at=now,
                )
            )
        touched = None if before is None else before.touched_at
        state = LatestState.PENDING
        return LatestEntry(
            key, sequence, captured_at, value, sha256, state, hold, now, None, None, touched
        )

    def written(self, tenant: str, key: str, sequence: int, *, now: dt.datetime) -> None:
        """The store was given this sequence, whether it answered or not."""
        self._change(tenant, key, sequence, {"written_at": now})

    def published(self, tenant: str, key: str, sequence: int, *, now: dt.datetime) -> None:
        """The store was read back and holds this sequence."""
        published = {"state": LatestState.PUBLISHED, "published_at": now}
        self._change(tenant, key, sequence, published)

    def let_go(self, tenant: str, key: str) -> bool:
        """The newest sequence is held no more; False when it was not."""
        with writing(self.engine) as connection:
            number = tenant_id(connection, tenant)
            lock(connection, "latest", str(number), key)
            current = _current(connection, number, key)
            if current is None or not current.hold:
                return False
            connection.execute(
                update(latest)
                .where(_of_key(number, key), latest.c.sequence == current.sequence)
                .values(hold=False)
            )
            return True

    def lease(self, name: str, owner: str, *, until: dt.datetime, now: dt.datetime) -> bool:
        """Take or renew a named lease; False while another owner's is running."""
        with writing(self.engine) as connection:
            return leases.take(connection, name, owner, until=until, now=now)

    def release(self, name: str, owner: str) -> None:
        """Give a lease back before its time."""
        with writing(self.engine) as connection:
            leases.give_back(connection, name, owner)

    def _change(self, tenant: str, key: str, sequence: int, values: dict[str, Any]) -> None:
        with writing(self.engine) as connection:
            connection.execute(
                update(latest)
                .where(_of_key(tenant_id(connection, tenant), key), latest.c.sequence == sequence)
                .values(values)
            )


def _exports(recipe: str, format: ImageFormat) -> Select[Any]:
    """Pictures with the uploads of their designs' exports."""
    wanted = and_(
        exports.c.design_id == RULING, exports.c.recipe == recipe, exports.c.format == format
    )
    pictures = (
        images.join(designs, designs.c.id == images.c.design_id)
        .join(exports, wanted)
        .join(uploads, _upload_of(exports.c.tenant_id, exports.c.sha256))
    )
    return _announceable(pictures, exports.c.width, exports.c.height)


def _originals() -> Select[Any]:
    """Pictures with the uploads of their own bytes."""
    pictures = images.join(blobs, blobs.c.id == images.c.blob_id).join(
        uploads, _upload_of(images.c.tenant_id, images.c.sha256)
    )
    return _announceable(pictures, blobs.c.width, blobs.c.height)


def _upload_of(tenant: ColumnElement[int], sha256: ColumnElement[str]) -> ColumnElement[bool]:
    return (uploads.c.tenant_id == tenant) & (uploads.c.sha256 == sha256)


def _announceable(
    pictures: Join, width: ColumnElement[int], height: ColumnElement[int]
) -> Select[Any]:
    picture = images.c.item_key, images.c.captured_at, images.c.told
    return select(*UPLOAD, *picture, width, height).select_from(
        pictures.join(destinations, destinations.c.id == uploads.c.destination_id)
    )


def _is_target(target: str) -> ColumnElement[bool]:
    """Whether a picture goes by that item key, or its upload by that hash, URL or identifier."""
    named = [images.c.item_key == target, uploads.c.sha256 == target, uploads.c.url == target]
    return or_(*named, uploads.c.cid == target.removeprefix("ipfs://"))


def _of_key(tenant: int, key: str) -> ColumnElement[bool]:
    return (latest.c.tenant_id == tenant) & (latest.c.key == key)


def _current(connection: Connection, tenant: int, key: str) -> LatestEntry | None:
    touched = select(func.max(latest.c.written_at)).where(_of_key(tenant, key))
    row = connection.execute(
        select(latest, touched.scalar_subquery().label("touched_at"))
        .where(_of_key(tenant, key))
        .order_by(latest.c.sequence.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _entry(row, row.touched_at)


def _entry(row: Row[Any], touched_at: dt.datetime | None = None) -> LatestEntry:
    return LatestEntry(
        row.key,
        row.sequence,
        row.captured_at,
        row.value,
        row.sha256,
        LatestState(row.state),
        row.hold,
        row.created_at,
        row.published_at,
        row.written_at,
        touched_at,
    )


def check_next(
    key: str, current: LatestEntry | None, sequence: int, captured_at: dt.datetime | None
) -> None:
    """See that a sequence may follow; without a capture time, as a person's word.

    Raises:
        RejectedError: it is not the next one, or it would go back in capture time.
    """
    due = 1 if current is None else current.sequence + 1
    if sequence != due:
        raise RejectedError(
            f"{key}: sequence {due} is next, not {sequence}; another writer was here"
        )
    if current is not None and captured_at is not None and captured_at < current.captured_at:
        raise RejectedError(
            f"{key}: a capture of {captured_at.isoformat()} would go back"
            f" from {current.captured_at.isoformat()}"
        )
