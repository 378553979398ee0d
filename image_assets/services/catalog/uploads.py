"""The ledger: what is, or is on its way to be, published where."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Row, func, select, update

from image_assets.core.errors import RejectedError
from image_assets.core.model import (
    Content,
    Level,
    Partition,
    Publishes,
    Receipt,
    UploadState,
)
from image_assets.core.recipes import Recipe
from image_assets.ports import Attempt, Published, Upload
from image_assets.services.catalog import contents as partition_contents
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.ledger import UPLOAD, Ledger, at, upload_of
from image_assets.services.catalog.schema import attempts, uploads


@dataclass(frozen=True, slots=True)
class SqlUploads:
    """Fulfils `ports.UploadsCatalog`."""

    engine: Engine

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
        return tuple(upload_of(rows[sha256], content.path) for sha256, content in wanted.items())

    def begin(
        self, upload_id: int, owner: str, *, lease_until: dt.datetime, now: dt.datetime
    ) -> UploadState | None:
        """Take the row to send it: the state it was taken from, None when it cannot be taken."""
        with writing(self.engine) as connection:
            row = connection.execute(
                select(uploads).where(uploads.c.id == upload_id).with_for_update()
            ).one()
            if not _takable(row, now):
                return None
            connection.execute(
                update(uploads)
                .where(uploads.c.id == upload_id)
                .values(
                    state=UploadState.SENDING, owner=owner, lease_until=lease_until, updated_at=now
                )
            )
            return UploadState(row.state)

    def receive(
        self, upload_id: int, owner: str, receipt: Receipt, *, attempt: Attempt, now: dt.datetime
    ) -> None:
        """The host gave its receipt."""
        values = {
            "state": UploadState.RECEIPT,
            "url": receipt.url,
            "host_id": receipt.host_id,
            "cid": receipt.cid,
            "rendering": receipt.rendering,
            "reason": None,
        }
        self._end_attempt(upload_id, owner, values, attempt, now)

    def doubt(self, upload_id: int, owner: str, *, attempt: Attempt, now: dt.datetime) -> None:
        """Nobody knows whether the host has it; only asking settles it."""
        values = {"state": UploadState.IN_DOUBT, "reason": attempt.error}
        self._end_attempt(upload_id, owner, values, attempt, now)

    def fail(
        self, upload_id: int, owner: str, *, attempt: Attempt, rejected: bool, now: dt.datetime
    ) -> None:
        """It is not there; a later run tries again, unless the host refuses this content."""
        values = {"state": UploadState.FAILED, "reason": attempt.error, "rejected": rejected}
        self._end_attempt(upload_id, owner, values, attempt, now)

    def verified(self, upload_id: int, level: Level, *, now: dt.datetime) -> None:
        """The host was shown to hold the content, at `level`."""
        proven = {"state": UploadState.VERIFIED, "level": level, "verified_at": now}
        with writing(self.engine) as connection:
            changed = connection.execute(
                update(uploads)
                .where(
                    uploads.c.id == upload_id,
                    uploads.c.state.in_([UploadState.RECEIPT, UploadState.VERIFIED]),
                )
                .values(proven | {"updated_at": now})
            )
            if not changed.rowcount:
                raise RejectedError(f"upload {upload_id}: without a receipt nothing is verified")

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
        attempt: Attempt,
        now: dt.datetime,
    ) -> None:
        """The outcome and its attempt, together; only he who took the row last may tell it.

        An expired lease that nobody took over still lets its owner tell what he knows.
        """
        with writing(self.engine) as connection:
            ended = connection.execute(
                update(uploads)
                .where(
                    uploads.c.id == upload_id,
                    uploads.c.state == UploadState.SENDING,
                    uploads.c.owner == owner,
                )
                .values(dict(values) | {"owner": None, "lease_until": None, "updated_at": now})
            )
            if not ended.rowcount:
                raise RejectedError(
                    f"upload {upload_id}: another run took it over while this one had it"
                    f" ({attempt.outcome} is not recorded); look for a second copy at the host"
                )
            tried = select(func.count()).where(attempts.c.upload_id == upload_id)
            connection.execute(
                attempts.insert().values(
                    upload_id=upload_id,
                    number=tried.scalar_subquery() + 1,
                    started_at=attempt.started_at,
                    seconds=attempt.seconds,
                    outcome=attempt.outcome,
                    error=attempt.error,
                )
            )


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
