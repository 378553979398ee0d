"""The ledger's rows at one destination, and the values they become."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from image_assets.core.model import Content, ImageFormat, Level, Receipt, UploadState
from image_assets.ports import Upload
from image_assets.services.catalog.dialects import insert, portions
from image_assets.services.catalog.schema import destinations, uploads

UPLOAD = (
    uploads.c.id,
    uploads.c.sha256,
    uploads.c.path,
    uploads.c.size,
    uploads.c.format,
    uploads.c.name,
    uploads.c.state,
    uploads.c.url,
    uploads.c.host_id,
    uploads.c.cid,
    uploads.c.level,
    uploads.c.lease_until,
    uploads.c.reason,
    uploads.c.rejected,
    uploads.c.rendering,
)
"""What `upload_of` makes an upload from."""


def upload_of(row: Row[Any], content: Content | None = None) -> Upload:
    """The value of a row that begins with `UPLOAD`; its bytes, and what is told of it, as in `content`."""
    identity, sha256, known_path, size, format, name, state, *answer = row[: len(UPLOAD)]
    url, host_id, cid, level, lease_until, reason, rejected, rendering = answer
    return Upload(
        identity,
        Content(
            sha256,
            content.path if content else known_path,
            size,
            ImageFormat(format),
            name,
            content.labels if content else {},
        ),
        UploadState(state),
        Receipt(url, host_id, cid, rendering) if url is not None else None,
        Level(level) if level is not None else None,
        lease_until,
        reason,
        rejected,
    )


@dataclass(frozen=True, slots=True)
class Ledger:
    """A tenant's rows at one destination."""

    connection: Connection
    tenant: int
    destination: str

    def rows(self, hashes: Sequence[str]) -> dict[str, Row[Any]]:
        """The rows there are for these contents."""
        found: dict[str, Row[Any]] = {}
        for portion in portions(hashes):
            rows = self.connection.execute(
                at(self.tenant, self.destination, *UPLOAD).where(uploads.c.sha256.in_(portion))
            )
            found.update((row.sha256, row) for row in rows)
        return found

    def intend(self, contents: Sequence[Content], *, now: dt.datetime) -> None:
        """Intent rows for contents that have none yet; the destination is made on first sight."""
        destination = self._destination(now)
        # One order for all: two writers of the same contents wait for each other at most once.
        ordered = sorted(contents, key=lambda content: content.sha256)
        rows = [
            {
                "tenant_id": self.tenant,
                "destination_id": destination,
                "sha256": content.sha256,
                "path": content.path,
                "size": content.size,
                "format": content.format,
                "name": content.name,
                "state": UploadState.INTENT,
                "created_at": now,
                "updated_at": now,
            }
            for content in ordered
        ]
        self.connection.execute(
            insert(self.connection, uploads)
            .on_conflict_do_nothing(index_elements=["tenant_id", "sha256", "destination_id"])
            .returning(uploads.c.id),  # with it, many rows go in one statement
            rows,
        )

    def _destination(self, now: dt.datetime) -> int:
        self.connection.execute(
            insert(self.connection, destinations)
            .values(name=self.destination, host=self.destination, created_at=now)
            .on_conflict_do_nothing(index_elements=["name"])
        )
        found = self.connection.execute(
            select(destinations.c.id).where(destinations.c.name == self.destination)
        )
        return int(found.scalar_one())


def at(tenant: int, destination: str, *columns: Any) -> Any:
    """A selection among a tenant's rows at a destination."""
    return (
        select(*columns)
        .join_from(uploads, destinations, destinations.c.id == uploads.c.destination_id)
        .where(uploads.c.tenant_id == tenant, destinations.c.name == destination)
    )
