"""When published pictures were looked at, and what was found; what is due for another look."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, case, func, or_, select, update

from image_assets.core.looks import Finding, LookTerms
from image_assets.core.model import UploadState
from image_assets.ports import Link, LinkCounts, Look, Suspect
from image_assets.services.catalog.dialects import insert
from image_assets.services.catalog.engine import reading, writing
from image_assets.services.catalog.ledger import UPLOAD, upload_of
from image_assets.services.catalog.publishing import former_receipts
from image_assets.services.catalog.republishing import homes_of, rows_of
from image_assets.services.catalog.schema import destinations, tenants, uploads
from image_assets.services.catalog.shown import links

_RECEIPT = ("url", "host_id", "cid", "rendering", "level")
_VERIFIED = uploads.c.state == UploadState.VERIFIED
# A proof that is newer than the last look says more than it.
_STANDS: ColumnElement[bool] = links.c.looked_at >= uploads.c.verified_at
_last = case((_STANDS, links.c.looked_at), else_=uploads.c.verified_at)
_RESTLESS: ColumnElement[bool] = and_(_STANDS, links.c.finding != Finding.ALIVE)


@dataclass(frozen=True, slots=True)
class SqlLinks:
    """Fulfils `ports.LinksCatalog`."""

    engine: Engine

    def due(self, destination: str, terms: LookTerms, *, now: dt.datetime) -> Sequence[Link]:
        """Verified uploads that are due: those in question first, then the longest not looked at."""
        with reading(self.engine) as connection:
            rows = rows_of(
                connection,
                select(*UPLOAD, tenants.c.name.label("tenant"), links.c.size.label("shown"))
                .select_from(_joined().join(tenants, tenants.c.id == uploads.c.tenant_id))
                .where(destinations.c.name == destination, _VERIFIED, _is_due(terms, now))
                .order_by(case((_RESTLESS, 0), else_=1), _last, uploads.c.id)
                .limit(terms.most),
            )
        return tuple(Link(upload_of(row), row.tenant, row.shown) for row in rows)

    def look(self, upload_id: int, look: Look, *, now: dt.datetime) -> dt.datetime | None:
        """Record a look: since when its accusation stands, None where it is none.

        A look that found nobody there neither makes an accusation nor ends one.
        """
        with writing(self.engine) as connection:
            before = _before(connection, upload_id)
            accusation, since = _accusation(before, look, now)
            values = {
                "looked_at": now,
                "finding": look.finding,
                "reason": look.reason,
                "accusation": accusation,
                "since": since,
                "settled_at": None,
                "size": look.size or (before.size if before is not None else None),
                "looks": 1 + (before.looks if before is not None else 0),
            }
            connection.execute(
                insert(connection, links)
                .values(upload_id=upload_id, **values)
                .on_conflict_do_update(index_elements=["upload_id"], set_=values)
            )
        return since if look.finding.accuses else None

    def lose(self, upload_id: int, look: Look, *, now: dt.datetime) -> bool:
        """Tell the ledger that the host does not show it any more; False when the row has moved on.

        The receipt stays: the next run looks once more before it sends anything.
        """
        with writing(self.engine) as connection:
            row = connection.execute(
                select(uploads, _STANDS.label("stands"))
                .join(links, links.c.upload_id == uploads.c.id)
                .where(uploads.c.id == upload_id, _VERIFIED)
                .with_for_update(of=uploads)
            ).one_or_none()
            if row is None or not row.stands:
                return False
            kept = {name: row._mapping[name] for name in _RECEIPT}
            connection.execute(
                former_receipts.insert().values(upload_id=upload_id, replaced_at=now, **kept)
            )
            lost = {"state": UploadState.FAILED, "reason": f"{look.finding}: {look.reason}"}
            connection.execute(
                update(uploads)
                .where(uploads.c.id == upload_id)
                .values(lost | {"rejected": False, "updated_at": now})
            )
            connection.execute(
                update(links).where(links.c.upload_id == upload_id).values(settled_at=now)
            )
        return True

    def suspects(self, destination: str | None, *, most: int = 100) -> Sequence[Suspect]:
        """What was not well at its last look and is not published again since, the latest first."""
        settled = and_(uploads.c.state != UploadState.VERIFIED, links.c.settled_at.is_not(None))
        wanted = [or_(and_(_VERIFIED, _RESTLESS), settled)]
        if destination is not None:
            wanted.append(destinations.c.name == destination)
        seen = (links.c.finding, links.c.since, links.c.looked_at, links.c.reason.label("because"))
        with reading(self.engine) as connection:
            rows = rows_of(
                connection,
                select(
                    *UPLOAD,
                    *seen,
                    links.c.settled_at,
                    uploads.c.tenant_id,
                    tenants.c.name.label("tenant"),
                )
                .select_from(_joined().join(tenants, tenants.c.id == uploads.c.tenant_id))
                .where(*wanted)
                .order_by(links.c.looked_at.desc(), uploads.c.id)
                .limit(most),
            )
            return tuple(_suspect(connection, row) for row in rows)

    def counts(self, destination: str, terms: LookTerms, *, now: dt.datetime) -> LinkCounts:
        """How many there are, and how they are."""
        here = and_(destinations.c.name == destination, _VERIFIED)
        with reading(self.engine) as connection:
            total, never, due = connection.execute(
                select(
                    func.count(),
                    func.count().filter(or_(links.c.upload_id.is_(None), ~_STANDS)),
                    func.count().filter(_is_due(terms, now)),
                )
                .select_from(_joined())
                .where(here)
            ).one()
            rows = connection.execute(
                select(links.c.finding, func.count())
                .select_from(_joined())
                .where(here, _STANDS)
                .group_by(links.c.finding)
            ).all()
        return LinkCounts(total, never, due, {Finding(finding): n for finding, n in rows})

    def destinations(self) -> Sequence[str]:
        """Every destination at which something was published, by name."""
        given = select(uploads.c.id).where(
            uploads.c.destination_id == destinations.c.id, uploads.c.url.is_not(None)
        )
        with reading(self.engine) as connection:
            found = connection.scalars(
                select(destinations.c.name).where(given.exists()).order_by(destinations.c.name)
            )
            return tuple(found.all())


def _joined() -> Any:
    return uploads.join(destinations, destinations.c.id == uploads.c.destination_id).outerjoin(
        links, links.c.upload_id == uploads.c.id
    )


def _is_due(terms: LookTerms, now: dt.datetime) -> ColumnElement[bool]:
    return or_(_last <= now - terms.every, and_(_RESTLESS, _last <= now - terms.confirm))


def _before(connection: Connection, upload_id: int) -> Row[Any] | None:
    """The last look, with whether it still stands."""
    return connection.execute(
        select(links, _STANDS.label("stands"))
        .join(uploads, uploads.c.id == links.c.upload_id)
        .where(links.c.upload_id == upload_id)
        .with_for_update(of=links)
    ).one_or_none()


def _accusation(
    before: Row[Any] | None, look: Look, now: dt.datetime
) -> tuple[str | None, dt.datetime | None]:
    """What the host says after this look, and since when."""
    stood = before is not None and before.stands
    if look.finding is Finding.ALIVE:
        return None, None
    if look.finding is Finding.UNREACHABLE:
        return (before.accusation, before.since) if before is not None and stood else (None, None)
    if before is not None and stood and before.accusation == look.finding:
        return look.finding, before.since
    return look.finding, now


def _suspect(connection: Connection, row: Row[Any]) -> Suspect:
    upload = upload_of(row)
    return Suspect(
        upload,
        row.tenant,
        Finding(row.finding),
        row.since,
        row.looked_at,
        row.because,
        row.settled_at is not None,
        homes_of(connection, row.tenant_id, row.tenant, upload.content.sha256),
    )
