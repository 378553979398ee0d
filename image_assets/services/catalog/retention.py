"""What may go, what went, and why."""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
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
from image_assets.services.catalog.dialects import portions
from image_assets.services.catalog.engine import reading, tenant_id, writing
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


@dataclass(frozen=True, slots=True)
class SqlRetention:
    """Fulfils `ports.RetentionCatalog`."""

    engine: Engine

    def export_facts(self, recipes: Collection[str]) -> Iterable[ExportFacts]:
        """Every live export, with what decides whether it may go; `recipes` are those still known."""
        with reading(self.engine) as connection:
            rows = connection.execute(_live_exports().order_by(exports.c.id)).all()
        return [_facts(row, recipes) for row in rows]

    def record_plan(self, plan: DeletionPlan, *, now: dt.datetime) -> None:
        """Replace what was planned and not applied by this plan."""
        with writing(self.engine) as connection:
            connection.execute(delete(deletions).where(deletions.c.tombstoned_at.is_(None)))
            home = tenant_id(connection, DEFAULT_TENANT)
            owners = _owners(connection, plan)
            rows = [_planned(v, owners.get(v.subject), home, now) for v in plan.going]
            if rows:  # with `returning`, many rows go in one statement
                connection.execute(deletions.insert().returning(deletions.c.id), rows)

    def planned(self) -> Sequence[PlannedDeletion]:
        """Deletions planned and not tombstoned, oldest first."""
        return self._waiting(deletions.c.tombstoned_at.is_(None))

    def unpurged(self) -> Sequence[PlannedDeletion]:
        """Deletions tombstoned and not purged: a run was cut off before its file went."""
        # A path that holds something again since is left alone.
        taken = exists().where(blobs.c.path == deletions.c.path)
        return self._waiting(
            and_(deletions.c.tombstoned_at.is_not(None), deletions.c.purged_at.is_(None), ~taken)
        )

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

    def purged(self, deletion_id: int, *, now: dt.datetime) -> None:
        """The bytes are gone."""
        with writing(self.engine) as connection:
            connection.execute(
                update(deletions)
                .where(deletions.c.id == deletion_id, deletions.c.tombstoned_at.is_not(None))
                .values(purged_at=now)
            )

    def _waiting(self, where: ColumnElement[bool]) -> Sequence[PlannedDeletion]:
        with reading(self.engine) as connection:
            rows = connection.execute(
                select(deletions).where(where).order_by(deletions.c.planned_at, deletions.c.id)
            ).all()
        return tuple(
            PlannedDeletion(
                row.id, DeletionKind(row.kind), row.subject, row.path, row.size, row.reason
            )
            for row in rows
        )


@dataclass(frozen=True, slots=True)
class _Buried:
    """A subject marked deleted: the file that is nobody's any more, and why nothing is lost."""

    path: str | None
    proof: dict[str, str]


def _live_exports() -> Select[Any]:
    """Live exports with the bytes they could be made from again, and with who needs them."""
    settled = or_(
        uploads.c.state.in_([UploadState.VERIFIED, UploadState.REMOVED]),
        and_(uploads.c.state == UploadState.FAILED, uploads.c.rejected),
    )
    rows = select(func.count()).where(
        uploads.c.tenant_id == exports.c.tenant_id, uploads.c.sha256 == exports.c.sha256
    )
    return (
        select(
            exports,
            blobs.c.path,
            images.c.sha256.label("source_sha256"),
            images.c.source,
            rows.where(~settled).scalar_subquery().label("unpublished"),
            rows.where(settled).scalar_subquery().label("settled"),
            _announced().label("latest_target"),
        )
        .select_from(
            exports.join(blobs, blobs.c.id == exports.c.blob_id)
            .join(designs, designs.c.id == exports.c.design_id)
            .outerjoin(images, and_(images.c.id == designs.c.display_image_id, STORED))
        )
        .where(exports.c.state == "live")
    )


def _announced() -> ColumnElement[bool]:
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
        latest.c.tenant_id == exports.c.tenant_id, latest.c.sha256 == exports.c.sha256, ~replaced
    )


def _facts(row: Row[Any], recipes: Collection[str]) -> ExportFacts:
    return ExportFacts(
        row.id,
        f"{row.design_id} {row.recipe}.{row.format}",
        row.path,
        row.size,
        row.created_at,
        source_stored=row.source_sha256 is not None,
        recipe_known=row.recipe in recipes,
        pinned=row.pinned,
        latest_target=bool(row.latest_target),
        unpublished=row.unpublished,
        source=row.source or "",
        settled=row.settled,
    )


def _bury(connection: Connection, deletion: Row[Any]) -> _Buried | None:
    """Mark the subject deleted; None when something needs it."""
    match DeletionKind(deletion.kind):
        case DeletionKind.TEMPORARY:
            stored = connection.scalar(select(exists().where(blobs.c.path == deletion.path)))
            return None if stored else _Buried(deletion.path, {})
        case DeletionKind.EXPORT:
            return _expire(connection, int(deletion.subject))
        case DeletionKind.ORIGINAL:
            return None  # nothing here proves that an original is elsewhere


def _expire(connection: Connection, export_id: int) -> _Buried | None:
    this = exports.c.id == export_id
    blob_id = connection.scalar(select(exports.c.blob_id).where(this))
    if blob_id is None:
        return None  # expired already
    path = bytes_in_store.hold(connection, blob_id)
    row = connection.execute(
        _live_exports().where(this, exports.c.blob_id == blob_id).with_for_update(of=exports)
    ).one_or_none()
    if row is None or path is None:
        return None
    if row.pinned or row.latest_target or row.unpublished or row.source_sha256 is None:
        return None
    connection.execute(update(exports).where(this).values(state="expired", blob_id=None))
    proof = {
        "design": row.design_id,
        "recipe": row.recipe,
        "format": row.format,
        "source_sha256": row.source_sha256,
    }
    return _Buried(path if bytes_in_store.forget(connection, blob_id) else None, proof)


def _owners(connection: Connection, plan: DeletionPlan) -> dict[str, tuple[int, str]]:
    """Tenant and content of the exports that go, by subject."""
    going = [int(v.subject) for v in plan.going if v.kind is DeletionKind.EXPORT]
    owners: dict[str, tuple[int, str]] = {}
    for portion in portions(going):
        rows = connection.execute(
            select(exports.c.id, exports.c.tenant_id, exports.c.sha256).where(
                exports.c.id.in_(portion)
            )
        )
        owners.update((str(identity), (tenant, sha256)) for identity, tenant, sha256 in rows)
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
