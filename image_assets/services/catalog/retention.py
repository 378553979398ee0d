"""What may go, what went, and why."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    Table,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from image_assets.core.model import DEFAULT_TENANT, DeletionKind, LatestState, UploadState
from image_assets.core.retention import DeletionPlan, ExportFacts, Verdict
from image_assets.ports import PlannedDeletion
from image_assets.services.catalog import blobs as bytes_in_store
from image_assets.services.catalog import leases, planned
from image_assets.services.catalog.dialects import portions
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.export_desk import is_taken
from image_assets.services.catalog.making import recipes, renditions
from image_assets.services.catalog.schema import (
    blobs,
    deletions,
    designs,
    exports,
    images,
    latest,
    uploads,
)
from image_assets.services.catalog.selections import STORED

_BESIDE = "rendition "
"""How the subject of a deletion begins that is of what an export was before, or of what stands in."""

_DERIVED = deletions.c.kind != DeletionKind.ORIGINAL
"""Originals are `originals`' business: they go by proof, and can come back."""

_TURN = "clean-up"
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class SqlRetention:
    """Fulfils `ports.RetentionCatalog`."""

    engine: Engine

    def export_facts(self, recipes: Collection[str]) -> Iterator[ExportFacts]:
        """Every live export, with what decides whether it may go; `recipes` are those still known."""
        for row in self._pages(exports):
            yield _facts(row, str(row.id), recipes)
        for row in self._pages(renditions):
            # What was replaced is offered to no new destination: it waits for none.
            yield replace(_facts(row, f"{_BESIDE}{row.id}", recipes), source="")

    def _pages(self, table: Table) -> Iterator[Row[Any]]:
        """Every live row of a table by number, read a page at a time."""
        after = 0
        while True:
            with reading(self.engine) as connection:
                page = _live(table).where(table.c.id > after).order_by(table.c.id).limit(_PAGE)
                rows = connection.execute(page).all()
            yield from rows
            if len(rows) < _PAGE:
                return
            after = rows[-1].id

    def forget_plan(self) -> None:
        """Forget what was planned and not applied: another plan begins."""
        with writing(self.engine) as connection:
            connection.execute(
                delete(deletions).where(_DERIVED, deletions.c.tombstoned_at.is_(None))
            )

    def record_plan(self, plan: DeletionPlan, *, now: dt.datetime) -> None:
        """Remember what goes."""
        with writing(self.engine) as connection:
            home = tenant_id(connection, DEFAULT_TENANT)
            owners = _owners(connection, plan)
            rows = [_planned(v, owners.get(v.subject), home, now) for v in plan.going]
            if rows:  # with `returning`, many rows go in one statement
                connection.execute(deletions.insert().returning(deletions.c.id), rows)

    def planned(self, *, after: int = 0, most: int = 1000) -> Sequence[PlannedDeletion]:
        """Deletions planned and not tombstoned by number, from the one after `after`."""
        return planned.waiting(
            self.engine, and_(_DERIVED, deletions.c.tombstoned_at.is_(None)), after, most
        )

    def unpurged(self, *, after: int = 0, most: int = 1000) -> Sequence[PlannedDeletion]:
        """Deletions tombstoned and not purged: a run was cut off before its file went."""
        left = and_(deletions.c.tombstoned_at.is_not(None), deletions.c.purged_at.is_(None))
        return planned.waiting(self.engine, and_(_DERIVED, left), after, most)

    def tombstone(self, deletion_id: int, *, now: dt.datetime) -> str | None:
        """Mark the subject deleted, if nothing came to need it since the plan; else withdraw it.

        Gives the path of the file that is nobody's any more, None when no file may go.
        """
        with writing(self.engine) as connection:
            row = connection.execute(
                select(deletions)
                .where(deletions.c.id == deletion_id, deletions.c.tombstoned_at.is_(None))
                .with_for_update()
            ).one_or_none()
            if row is None:
                return None  # another plan replaced it, or another run was quicker
            this = deletions.c.id == deletion_id
            buried = _bury(connection, row)
            if buried is None:
                connection.execute(delete(deletions).where(this))
                return None
            values = {
                "tombstoned_at": now,
                "proof": buried.proof,
                "purged_at": None if buried.path else now,
            }
            connection.execute(update(deletions).where(this).values(values))
            return buried.path

    @contextmanager
    def purging(self, deletion_id: int, *, now: dt.datetime) -> Iterator[str | None]:
        """The path whose file goes within the block; None when it may not go any more.

        Whoever records bytes at the path waits for the end of the block, and so does this for them.
        """
        this = deletions.c.id == deletion_id
        with writing(self.engine) as connection:
            path = connection.scalar(
                select(deletions.c.path)
                .where(
                    this, deletions.c.tombstoned_at.is_not(None), deletions.c.purged_at.is_(None)
                )
                .with_for_update()
            )
            if path is None:
                yield None  # another run was quicker
                return
            restored = is_taken(connection, path)
            yield None if restored else path
            values = {"purged_at": now} | ({"restored_at": now} if restored else {})
            connection.execute(update(deletions).where(this).values(values))

    def take_turn(self, owner: str, *, until: dt.datetime, now: dt.datetime) -> bool:
        """Take the one turn there is at cleaning up, or keep it; False while another has it."""
        with writing(self.engine) as connection:
            return leases.take(connection, _TURN, owner, until=until, now=now)

    def end_turn(self, owner: str) -> None:
        """Give it back."""
        with writing(self.engine) as connection:
            leases.give_back(connection, _TURN, owner)


@dataclass(frozen=True, slots=True)
class _Buried:
    """A subject marked deleted: the file that is nobody's any more, and why nothing is lost."""

    path: str | None
    proof: dict[str, str]


def _live(table: Table) -> Select[Any]:
    """Live exports, or renditions, with what they could be made from again and who needs them."""
    settled = or_(
        uploads.c.state.in_([UploadState.VERIFIED, UploadState.REMOVED]),
        and_(uploads.c.state == UploadState.FAILED, uploads.c.rejected),
    )
    rows = select(func.count()).where(
        uploads.c.tenant_id == table.c.tenant_id, uploads.c.sha256 == table.c.sha256
    )
    known = exists().where(recipes.c.digest == table.c.recipe_digest)
    return select(
        table,
        blobs.c.path.label("blob_path"),
        images.c.sha256.label("source_sha256_now"),
        images.c.source,
        rows.where(~settled).scalar_subquery().label("unpublished"),
        rows.where(settled).scalar_subquery().label("settled"),
        announced(table).label("latest_target"),
        known.label("recipe_known"),
    ).select_from(
        table.join(blobs, blobs.c.id == table.c.blob_id)
        .join(designs, designs.c.id == table.c.design_id)
        .outerjoin(images, and_(images.c.id == designs.c.display_image_id, STORED))
    )


def announced(table: Table) -> ColumnElement[bool]:
    """Whether a latest key points at the export, or its store may still do so.

    That is every sequence after which none is known to have reached the store.
    """
    later = latest.alias("later")
    replaced = exists().where(
        later.c.tenant_id == latest.c.tenant_id,
        later.c.key == latest.c.key,
        later.c.sequence > latest.c.sequence,
        later.c.state == LatestState.PUBLISHED,
    )
    return exists().where(
        latest.c.tenant_id == table.c.tenant_id, latest.c.sha256 == table.c.sha256, ~replaced
    )


def _facts(row: Row[Any], subject: str, recipes: Collection[str]) -> ExportFacts:
    return ExportFacts(
        subject,
        f"{row.design_id} {row.recipe}.{row.format}",
        row.blob_path,
        row.size,
        row.created_at,
        source_stored=row.source_sha256_now is not None,
        recipe_known=bool(row.recipe_known) or row.recipe in recipes,
        pinned=row.pinned,
        latest_target=bool(row.latest_target),
        unpublished=row.unpublished,
        source=row.source or "",
        settled=row.settled,
        recipe=row.recipe,
    )


def _bury(connection: Connection, deletion: Row[Any]) -> _Buried | None:
    """Mark the subject deleted; None when something needs it."""
    match DeletionKind(deletion.kind):
        case DeletionKind.TEMPORARY:
            stored = connection.scalar(select(exists().where(blobs.c.path == deletion.path)))
            return None if stored else _Buried(deletion.path, {})
        case DeletionKind.EXPORT:
            return _expire(connection, *_row_of(deletion.subject))
        case DeletionKind.ORIGINAL:
            raise ValueError(f"{deletion.path}: an original goes by proof alone")


def _row_of(subject: str) -> tuple[Table, int]:
    beside = subject.startswith(_BESIDE)
    return renditions if beside else exports, int(subject.removeprefix(_BESIDE))


def _expire(connection: Connection, table: Table, number: int) -> _Buried | None:
    this = table.c.id == number
    blob_id = connection.scalar(select(table.c.blob_id).where(this))
    if blob_id is None:
        return None  # expired already
    path = bytes_in_store.hold(connection, blob_id)
    row = connection.execute(
        _live(table).where(this, table.c.blob_id == blob_id).with_for_update(of=table)
    ).one_or_none()
    if row is None or path is None:
        return None
    if row.pinned or row.latest_target or row.unpublished or row.source_sha256_now is None:
        return None
    gone: dict[str, Any] = {"blob_id": None} | ({"state": "expired"} if table is exports else {})
    connection.execute(update(table).where(this).values(gone))
    proof = {
        "design": row.design_id,
        "recipe": row.recipe,
        "format": row.format,
        "source_sha256": row.source_sha256_now,
    }
    return _Buried(path if bytes_in_store.forget(connection, blob_id) else None, proof)


def _owners(connection: Connection, plan: DeletionPlan) -> dict[str, tuple[int, str]]:
    """Tenant and content of the exports that go, by subject."""
    going = [v.subject for v in plan.going if v.kind is DeletionKind.EXPORT]
    owners: dict[str, tuple[int, str]] = {}
    for table, prefix in ((exports, ""), (renditions, _BESIDE)):
        numbers = [number for of, number in map(_row_of, going) if of is table]
        columns = (table.c.id, table.c.tenant_id, table.c.sha256)
        for portion in portions(numbers):
            rows = connection.execute(select(*columns).where(table.c.id.in_(portion)))
            owners.update((f"{prefix}{number}", (of, sha256)) for number, of, sha256 in rows)
    return owners


def _planned(
    verdict: Verdict, owner: tuple[int, str] | None, home: int, now: dt.datetime
) -> dict[str, Any]:
    tenant, sha256 = owner or (home, None)
    return {
        "tenant_id": tenant,
        "kind": verdict.kind,
        "subject": verdict.subject,
        "path": verdict.path,
        "sha256": sha256,
        "size": verdict.size,
        "reason": verdict.reason,
        "proof": {},
        "planned_at": now,
    }
