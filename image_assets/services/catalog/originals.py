"""Originals that go from the store: planned, tombstoned with their proof, purged, or restored."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    and_,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)

from image_assets.core.model import DeletionKind, ImageState
from image_assets.core.originals import OriginalFacts, OriginalsPolicy, judge, proven
from image_assets.core.retention import DeletionPlan
from image_assets.ports import PlannedDeletion, Purge
from image_assets.services.catalog import blobs as bytes_in_store
from image_assets.services.catalog import planned, staleness
from image_assets.services.catalog.dialects import lock
from image_assets.services.catalog.engine import reading, writing
from image_assets.services.catalog.originals_facts import facts_of, newest
from image_assets.services.catalog.schema import blobs, deletions, images
from image_assets.services.catalog.selections import STORED

_PAGE = 1000
_OURS = deletions.c.kind == DeletionKind.ORIGINAL
_HERE = bytes_in_store.TOMBSTONED


@dataclass(frozen=True, slots=True)
class SqlOriginals:
    """Fulfils `ports.OriginalsCatalog`."""

    engine: Engine

    def known(self, sources: Collection[str]) -> int:
        """How many originals these sources ever had; equal bytes once."""
        had = or_(STORED, images.c.state == ImageState.EXPIRED)
        contents = (
            select(images.c.tenant_id, images.c.sha256)
            .where(images.c.source.in_(sources), had)
            .distinct()
            .subquery()
        )
        with reading(self.engine) as connection:
            return int(connection.scalar(select(func.count()).select_from(contents)) or 0)

    def facts(self, sources: Collection[str]) -> Iterator[OriginalFacts]:
        """Every original that a stored picture of these sources lives on, read a page at a time."""
        with reading(self.engine) as connection:
            last = newest(connection, _neighbours(connection, sources))
        after = 0
        while True:
            with reading(self.engine) as connection:
                rows = _page(connection, sources, after)
                pictures = _pictures_on(connection, [row.id for row in rows])
                found = facts_of(connection, rows, pictures, last)
            yield from found
            if len(rows) < _PAGE:
                return
            after = rows[-1].id

    def forget_plan(self) -> None:
        """Forget what was planned and not applied: another plan begins."""
        with writing(self.engine) as connection:
            connection.execute(delete(deletions).where(_OURS, deletions.c.tombstoned_at.is_(None)))

    def record_plan(self, plan: DeletionPlan, *, now: dt.datetime) -> None:
        """Remember what goes."""
        going = {int(verdict.subject): verdict for verdict in plan.going}
        if not going:
            return
        with writing(self.engine) as connection:
            columns = (blobs.c.id, blobs.c.tenant_id, blobs.c.sha256)
            rows = connection.execute(select(*columns).where(blobs.c.id.in_(going))).all()
            planned = [
                {
                    "tenant_id": tenant,
                    "kind": DeletionKind.ORIGINAL,
                    "subject": going[number].subject,
                    "path": going[number].path,
                    "sha256": sha256,
                    "size": going[number].size,
                    "reason": going[number].reason,
                    "proof": {},
                    "planned_at": now,
                }
                for number, tenant, sha256 in rows
            ]
            if planned:
                connection.execute(deletions.insert().returning(deletions.c.id), planned)

    def planned(self, *, after: int = 0, most: int = 1000) -> Sequence[PlannedDeletion]:
        """Deletions planned and not tombstoned by number, from the one after `after`."""
        return planned.waiting(
            self.engine, and_(_OURS, deletions.c.tombstoned_at.is_(None)), after, most
        )

    def tombstoned(
        self, *, before: dt.datetime | None = None, after: int = 0, most: int = 1000
    ) -> Sequence[PlannedDeletion]:
        """Tombstones whose bytes are still here, made before a moment; by number."""
        old = _HERE if before is None else and_(_HERE, deletions.c.tombstoned_at <= before)
        return planned.waiting(self.engine, and_(_OURS, old), after, most)

    def tombstone(self, deletion_id: int, policy: OriginalsPolicy, *, now: dt.datetime) -> bool:
        """Mark the pictures expired, if the policy still lets them go; else withdraw the deletion."""
        this = deletions.c.id == deletion_id
        with writing(self.engine) as connection:
            row = _taken(connection, and_(this, deletions.c.tombstoned_at.is_(None)))
            if row is None:
                return False  # another plan replaced it, or another run was quicker
            pictures = _pictures_on(connection, [int(row.subject)])
            found = _decided(connection, row, pictures, policy, now)
            if found is None:
                connection.execute(delete(deletions).where(this))
                return False
            ids = [picture.id for picture in pictures]
            gone = {"state": ImageState.EXPIRED, "blob_id": None}
            connection.execute(update(images).where(images.c.id.in_(ids)).values(gone))
            proof = _proof(found, policy, ids, now)
            values = {"tombstoned_at": now, "proof": proof}
            connection.execute(update(deletions).where(this).values(values))
            return True

    @contextmanager
    def purging(
        self, deletion_id: int, policy: OriginalsPolicy, *, now: dt.datetime
    ) -> Iterator[Purge]:
        """The file that goes within the block; nobody records bytes at its path meanwhile."""
        this = deletions.c.id == deletion_id
        with writing(self.engine) as connection:
            row = _taken(connection, and_(this, _HERE))
            if row is None:
                yield Purge(None, "restored")  # another run was quicker
                return
            if _decided(connection, row, _expired(connection, row), policy, now) is None:
                _bring_back(connection, row, now)
                yield Purge(None, "restored")
                return
            purged = update(deletions).where(this).values(purged_at=now)
            connection.execute(purged)
            number = int(row.subject)
            went = bytes_in_store.forget(connection, number, purged=True)
            yield Purge(row.path) if went else Purge(None, "shared")

    def restore(self, deletion_id: int, *, now: dt.datetime) -> bool:
        """Make the pictures of a tombstone stored ones again, and pin them; False when it is too late."""
        with writing(self.engine) as connection:
            row = _taken(connection, and_(deletions.c.id == deletion_id, _HERE))
            if row is None:
                return False
            _bring_back(connection, row, now, pinned=True)
            return True

    def pin(self, paths: Collection[str], *, pinned: bool) -> Sequence[str]:
        """Keep the pictures on these bytes for good, or let them go again; the paths nobody knows."""
        with writing(self.engine) as connection:
            known = connection.execute(
                select(blobs.c.id, blobs.c.path)
                .join(images, images.c.blob_id == blobs.c.id)
                .where(blobs.c.path.in_(paths), STORED)
                .distinct()
            ).all()
            ids = [number for number, _ in known]
            connection.execute(
                update(images).where(images.c.blob_id.in_(ids), STORED).values(pinned=pinned)
            )
        found = {path for _, path in known}
        return [path for path in paths if path not in found]


def _neighbours(connection: Connection, sources: Collection[str]) -> set[str]:
    """These sources and those that share bytes with them: a picture of theirs can be the newest too."""
    own = select(images.c.blob_id).where(images.c.source.in_(sources), STORED)
    found = select(images.c.source).where(images.c.blob_id.in_(own), STORED).distinct()
    return {*sources, *connection.scalars(found)}


def _page(connection: Connection, sources: Collection[str], after: int) -> Sequence[Row[Any]]:
    lived_on = select(images.c.id).where(
        images.c.blob_id == blobs.c.id, images.c.source.in_(sources), STORED
    )
    return connection.execute(
        select(blobs).where(lived_on.exists(), blobs.c.id > after).order_by(blobs.c.id).limit(_PAGE)
    ).all()


def _pictures_on(connection: Connection, ids: Sequence[int]) -> Sequence[Row[Any]]:
    return connection.execute(
        select(images, images.c.blob_id.label("of")).where(images.c.blob_id.in_(ids), STORED)
    ).all()


def _expired(connection: Connection, row: Row[Any]) -> Sequence[Row[Any]]:
    """The pictures of a tombstone that are still what it made of them, and who came to live beside."""
    of = literal(int(row.subject)).label("of")
    still = and_(images.c.id.in_(row.proof["images"]), images.c.state == ImageState.EXPIRED)
    return connection.execute(select(images, of).where(still)).all()


def _taken(connection: Connection, where: ColumnElement[bool]) -> Row[Any] | None:
    """The deletion and its bytes, which nobody else can keep or forget until the transaction ends."""
    row = connection.execute(select(deletions).where(_OURS, where).with_for_update()).one_or_none()
    if row is not None:
        lock(connection, "file", row.path)
        living = select(images.c.source).where(
            images.c.tenant_id == row.tenant_id, images.c.sha256 == row.sha256
        )
        for source in connection.scalars(living.distinct().order_by(images.c.source)).all():
            lock(connection, "images", str(row.tenant_id), source)  # as `records.open_book`
        bytes_in_store.hold(connection, int(row.subject))
    return row


def _decided(
    connection: Connection,
    row: Row[Any],
    pictures: Sequence[Row[Any]],
    policy: OriginalsPolicy,
    now: dt.datetime,
) -> OriginalFacts | None:
    """What lets a taken deletion go on; None when something keeps the bytes now."""
    bytes_ = connection.execute(select(blobs).where(blobs.c.id == int(row.subject))).all()
    if not bytes_ or not pictures:
        return None
    sources = {picture.source for picture in pictures}
    last = newest(connection, sources, {picture.collection for picture in pictures})
    (found,) = facts_of(connection, bytes_, pictures, last, lock=True)
    return found if judge(found, policy, now=now).goes else None


def _proof(
    found: OriginalFacts, policy: OriginalsPolicy, ids: Sequence[int], now: dt.datetime
) -> dict[str, Any]:
    copies = [
        {
            "destination": copy.destination,
            "level": copy.level,
            "verified_at": copy.verified_at.isoformat() if copy.verified_at else None,
        }
        for copy in proven(found, policy, now=now)
    ]
    return {"images": list(ids), "copies": copies}


def _bring_back(
    connection: Connection, row: Row[Any], now: dt.datetime, *, pinned: bool = False
) -> None:
    """The pictures live on their bytes again, each as stale as it is among those of today."""
    number = int(row.subject)
    for picture in _expired(connection, row):
        place = (picture.captured_at, picture.item_key, picture.id)
        stale = staleness.settle(connection, number, picture.source, place)
        again = {"state": ImageState.STORED, "blob_id": number, "stale": stale}
        again |= {"pinned": True} if pinned else {}
        connection.execute(update(images).where(images.c.id == picture.id).values(again))
    connection.execute(update(deletions).where(deletions.c.id == row.id).values(restored_at=now))
