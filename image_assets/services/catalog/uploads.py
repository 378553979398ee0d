"""The ledger: what is, or is on its way to be, published where."""

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, func, select, update

from image_assets.core.errors import RejectedError, TransientError
from image_assets.core.model import (
    Content,
    Level,
    Partition,
    Publishes,
    Receipt,
    UploadState,
)
from image_assets.core.recipes import Recipe
from image_assets.ports import Attempt, Published, Upload, UploadStanding
from image_assets.services.catalog import attempts, withdrawing
from image_assets.services.catalog import contents as partition_contents
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.ledger import UPLOAD, Ledger, at, upload_of
from image_assets.services.catalog.publishing import former_receipts
from image_assets.services.catalog.schema import uploads
from image_assets.services.catalog.together import Together

# Spelled once: to build a statement takes longer than to carry it out.
_ROW = uploads.c.id == bindparam("row")
_STANDS: Any = (
    select(uploads.c.state, uploads.c.owner, uploads.c.lease_until, uploads.c.rejected)
    .where(_ROW)
    .with_for_update()
)
_CHANGED = update(uploads).where(_ROW)
_ENDED = _CHANGED.where(
    uploads.c.state == UploadState.SENDING, uploads.c.owner == bindparam("holder")
)
_PROVEN = _CHANGED.where(uploads.c.state.in_([UploadState.RECEIPT, UploadState.VERIFIED]))

_STANDINGS = {
    UploadStanding.PUBLISHED: (UploadState.VERIFIED,),
    UploadStanding.WITHDRAWN: (UploadState.REMOVED,),
    UploadStanding.IN_DOUBT: (UploadState.IN_DOUBT, UploadState.SENDING),
}


@dataclass(frozen=True, slots=True)
class SqlUploads:
    """Fulfils `ports.UploadsCatalog`."""

    engine: Engine
    together: Together

    def publishable(
        self, partition: Partition, publishes: Publishes, recipe: Recipe
    ) -> Sequence[Content]:
        """The partition's distinct live contents that a destination should hold, in a fixed order."""
        with reading(self.engine) as connection:
            tenant = tenant_id(connection, partition.tenant)
            return partition_contents.live(connection, tenant, partition, publishes, recipe)

    def register(
        self, destination: str, tenant: str, contents: Sequence[Content], *, now: dt.datetime
    ) -> Sequence[Upload]:
        """Intent rows for what is new, and the ledger's rows for all of `contents`.

        Equal bytes have one row. What is registered already costs no write.
        """
        wanted = {content.sha256: content for content in contents}
        with reading(self.engine) as connection:
            ledger = Ledger(connection, tenant_id(connection, tenant), destination)
            rows = ledger.rows(list(wanted))
        if new := [content for sha256, content in wanted.items() if sha256 not in rows]:
            with writing(self.engine) as connection:
                ledger = Ledger(connection, tenant_id(connection, tenant), destination)
                ledger.intend(new, now=now)
                rows |= ledger.rows([content.sha256 for content in new])
        # The name is what the host knows; the path is where the bytes are now.
        return tuple(upload_of(rows[sha256], content) for sha256, content in wanted.items())

    def begin(
        self, upload_id: int, owner: str, *, lease_until: dt.datetime, now: dt.datetime
    ) -> UploadState | None:
        """Take the row to send it: the state it was taken from, None when it cannot be taken."""

        def take(connection: Connection) -> UploadState | None:
            row = connection.execute(_STANDS, {"row": upload_id}).one()
            if not _takable(row, now) and not _is_ours(row, owner, lease_until):
                return None
            taken = {"state": UploadState.SENDING, "owner": owner, "lease_until": lease_until}
            connection.execute(_CHANGED, {"row": upload_id, "updated_at": now} | taken)
            return UploadState(row.state)

        return self.together.write(take)

    def receive(
        self,
        upload_id: int,
        owner: str,
        receipt: Receipt,
        *,
        attempt: Attempt,
        tries: Sequence[Attempt] = (),
        now: dt.datetime,
    ) -> int:
        """The host gave its receipt."""
        values = {
            "state": UploadState.RECEIPT,
            "url": receipt.url,
            "host_id": receipt.host_id,
            "cid": receipt.cid,
            "rendering": receipt.rendering,
            "reason": None,
        }
        return self._end_attempt(upload_id, owner, values, [*tries, attempt], now)

    def doubt(
        self,
        upload_id: int,
        owner: str,
        *,
        attempt: Attempt,
        tries: Sequence[Attempt] = (),
        now: dt.datetime,
    ) -> int:
        """Nobody knows whether the host has it; only asking settles it."""
        values = {"state": UploadState.IN_DOUBT, "reason": attempt.error}
        return self._end_attempt(upload_id, owner, values, [*tries, attempt], now)

    def fail(
        self,
        upload_id: int,
        owner: str,
        *,
        attempt: Attempt,
        rejected: bool,
        tries: Sequence[Attempt] = (),
        now: dt.datetime,
    ) -> int:
        """It is not there; a later run tries again, unless the host refuses this content."""
        values = {"state": UploadState.FAILED, "reason": attempt.error, "rejected": rejected}
        return self._end_attempt(upload_id, owner, values, [*tries, attempt], now)

    def verified(self, upload_id: int, level: Level, *, now: dt.datetime) -> None:
        """The host was shown to hold the content, at `level`."""
        proven = {"state": UploadState.VERIFIED, "level": level, "verified_at": now}

        def prove(connection: Connection) -> None:
            changed = connection.execute(_PROVEN, {"row": upload_id, "updated_at": now} | proven)
            if not changed.rowcount:
                raise RejectedError(f"upload {upload_id}: without a receipt nothing is verified")

        self.together.write(prove)

    def upload(self, upload_id: int) -> Upload:
        """The row as it stands now."""
        row: Any = select(*UPLOAD).where(uploads.c.id == upload_id)
        with reading(self.engine) as connection:
            return upload_of(connection.execute(row).one())

    def standings(self, destination: str, tenant: str) -> Mapping[UploadStanding, frozenset[str]]:
        """The hashes of contents that stand somehow at a destination; all others are open there."""
        with reading(self.engine) as connection:
            hashes = at(tenant_id(connection, tenant), destination, uploads.c.sha256)
            found = {
                standing: frozenset(
                    connection.scalars(hashes.where(uploads.c.state.in_(states))).all()
                )
                for standing, states in _STANDINGS.items()
            }
            refused = frozenset(connection.scalars(hashes.where(uploads.c.rejected)).all())
        return found | {UploadStanding.REFUSED: refused}

    def reopen(self, upload_id: int, *, now: dt.datetime) -> None:
        """Have it sent again, whatever is known of it; its receipt is kept beside."""
        with writing(self.engine) as connection:
            row = connection.execute(
                select(uploads).where(uploads.c.id == upload_id).with_for_update()
            ).one()
            if row.state == UploadState.SENDING and row.lease_until > now:
                raise TransientError(
                    f"{row.name}: another run is sending it; run again in a few minutes"
                )
            if row.url is not None:
                _keep_receipt(connection, row, now)
            again = {"state": UploadState.INTENT, "rejected": False, "reason": None}
            gone = dict.fromkeys(("url", "host_id", "cid", "rendering", "level", "verified_at"))
            connection.execute(
                update(uploads)
                .where(uploads.c.id == upload_id)
                .values(again | gone | {"owner": None, "lease_until": None, "updated_at": now})
            )

    def removing(self, upload_id: int, *, now: dt.datetime) -> AbstractContextManager[None]:
        """Within the block the host is told to take it down; refused where others live on it."""
        return withdrawing.removing(self.engine, upload_id, now=now)

    def counts(self, partition: Partition, destination: str) -> Mapping[UploadState, int]:
        """The ledger's rows at a destination for anything the partition has, by state."""
        with reading(self.engine) as connection:
            tenant = tenant_id(connection, partition.tenant)
            had = partition_contents.had(tenant, partition).subquery("had")
            rows = connection.execute(
                at(tenant, destination, uploads.c.state, func.count(uploads.c.id.distinct()))
                .join(had, had.c.sha256 == uploads.c.sha256)
                .group_by(uploads.c.state)
            ).all()
        return {UploadState(state): number for state, number in rows}

    def published(self, partition: Partition, destination: str) -> Sequence[Published]:
        """The partition's verified uploads at a destination, by item key, then format."""
        with reading(self.engine) as connection:
            tenant = tenant_id(connection, partition.tenant)
            had = partition_contents.had(tenant, partition).subquery("had")
            first = (
                select(had.c.sha256, func.min(had.c.item_key).label("item_key"))
                .group_by(had.c.sha256)
                .subquery("first")
            )
            rows = connection.execute(
                at(tenant, destination, *UPLOAD, first.c.item_key)
                .join(first, first.c.sha256 == uploads.c.sha256)
                .where(uploads.c.state == UploadState.VERIFIED)
                .order_by(first.c.item_key, uploads.c.format, uploads.c.id)
            ).all()
        return tuple(Published(row.item_key, upload_of(row)) for row in rows)

    def in_doubt(self, destination: str, tenant: str) -> Sequence[Upload]:
        """Rows of which nobody knows whether the host has the content, oldest first."""
        with reading(self.engine) as connection:
            rows = connection.execute(
                at(tenant_id(connection, tenant), destination, *UPLOAD)
                .where(uploads.c.state == UploadState.IN_DOUBT)
                .order_by(uploads.c.created_at, uploads.c.id)
            ).all()
        return tuple(upload_of(row) for row in rows)

    def _end_attempt(
        self,
        upload_id: int,
        owner: str,
        values: Mapping[str, Any],
        tried: Sequence[Attempt],
        now: dt.datetime,
    ) -> int:
        """The outcome and its attempts, together; only he who took the row last may tell it.

        An expired lease that nobody took over still lets its owner tell what he knows.
        """

        def end(connection: Connection) -> int:
            over = {"owner": None, "lease_until": None, "updated_at": now}
            where = {"row": upload_id, "holder": owner}
            ended = connection.execute(_ENDED, where | over | dict(values))
            if not ended.rowcount:
                return attempts.told_before(connection, upload_id, tried[-1])
            return attempts.add(connection, upload_id, tried)

        return self.together.write(end)


def _keep_receipt(connection: Connection, row: Row[Any], now: dt.datetime) -> None:
    connection.execute(
        former_receipts.insert().values(
            upload_id=row.id,
            url=row.url,
            host_id=row.host_id,
            cid=row.cid,
            rendering=row.rendering,
            level=row.level,
            replaced_at=now,
        )
    )


def _is_ours(row: Row[Any], owner: str, lease_until: dt.datetime) -> bool:
    """Whether this very call took it before: a commit came to something whose answer got lost."""
    sending = bool(row.state == UploadState.SENDING and row.owner == owner)
    return sending and bool(row.lease_until == lease_until)


def _takable(row: Row[Any], now: dt.datetime) -> bool:
    match UploadState(row.state):
        case UploadState.INTENT | UploadState.IN_DOUBT:
            return True
        case UploadState.FAILED:
            return not row.rejected
        case UploadState.SENDING:
            return bool(row.lease_until <= now)
        case _:
            return False
