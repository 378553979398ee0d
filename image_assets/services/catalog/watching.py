"""What is new in the ledger, of hosts and batches since somebody looked last; each row is seen once."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select, update

from image_assets.core.batches import Step, StepState
from image_assets.core.fidelity import Habit, Treatment
from image_assets.core.model import DEFAULT_TENANT, ImageFormat
from image_assets.core.notices import Happening, NoticeKind
from image_assets.services.catalog.dialects import insert
from image_assets.services.catalog.schema import attempts, destinations, tenants, uploads
from image_assets.services.catalog.shops import batches
from image_assets.services.catalog.shown import fidelity, links
from image_assets.services.catalog.telling import watches

_MOST = 10_000
"""Rows that one look takes: the next one takes the rest."""

_SETTLING = dt.timedelta(seconds=15)
"""Younger rows are left to the next look: one that was numbered earlier may still be committed."""

_KINDS = {
    "success": NoticeKind.UPLOAD_SUCCEEDED,
    "found": NoticeKind.UPLOAD_SUCCEEDED,
    "in_doubt": NoticeKind.UPLOAD_IN_DOUBT,
    "failure": NoticeKind.UPLOAD_FAILED,
}
_OVER = (StepState.DONE, StepState.FAILED)

News = tuple[str, Happening]
"""A tenant, and what happened there."""


def attempts_since(connection: Connection, *, now: dt.datetime) -> list[News]:
    """Uploads that were tried, by tenant, destination and outcome; the look moves on."""
    newest = select(func.coalesce(func.max(attempts.c.id), 0))
    position = _position(connection, "attempts", connection.scalar(newest) or 0)
    rows = connection.execute(
        select(
            attempts.c.id,
            attempts.c.upload_id,
            attempts.c.started_at,
            attempts.c.seconds,
            attempts.c.outcome,
            attempts.c.error,
            uploads.c.name,
            destinations.c.name.label("destination"),
            tenants.c.name.label("tenant"),
        )
        .join(uploads, uploads.c.id == attempts.c.upload_id)
        .join(destinations, destinations.c.id == uploads.c.destination_id)
        .join(tenants, tenants.c.id == uploads.c.tenant_id)
        .where(attempts.c.id > position)
        .order_by(attempts.c.id)
        .limit(_MOST)
    ).all()
    settled = list(_settled(rows, now))
    if settled:
        _move(connection, "attempts", settled[-1].id)
    return _uploads(settled)


def _settled(rows: Iterable[Any], now: dt.datetime) -> Iterator[Any]:
    for row in rows:
        if row.started_at + dt.timedelta(seconds=row.seconds) > now - _SETTLING:
            return
        yield row


def _uploads(rows: Sequence[Row[Any]]) -> list[News]:
    """By upload, not by try: one that was repeated and went well is no failure."""
    counts: Counter[tuple[str, NoticeKind, str, str]] = Counter()
    last: dict[tuple[str, NoticeKind, str, str], Row[Any]] = {}
    for row in {row.upload_id: row for row in rows}.values():
        kind = _KINDS.get(row.outcome, NoticeKind.UPLOAD_FAILED)
        cause = Happening(kind, row.destination, row.error or "").identity
        group = (row.tenant, kind, row.destination, cause)
        counts[group] += 1
        last[group] = row
    return [
        (tenant, Happening(kind, destination, _told(last[group]), count, f"{destination} {cause}"))
        for group, count in counts.items()
        for tenant, kind, destination, cause in [group]
    ]


def _told(row: Row[Any]) -> str:
    return f"{row.name}: {row.error}" if row.error else f"the last: {row.name}"


def changes_since(connection: Connection, *, now: dt.datetime) -> list[News]:
    """What hosts were seen to do differently; the look moves on."""
    newest = connection.scalar(select(func.coalesce(func.max(fidelity.c.id), 0)))
    position = _position(connection, "fidelity", newest or 0)
    rows = connection.execute(
        select(fidelity, destinations.c.name.label("destination"))
        .join(destinations, destinations.c.id == fidelity.c.destination_id)
        .where(fidelity.c.id > position, fidelity.c.first_at <= now - _SETTLING)
        .order_by(fidelity.c.id)
    ).all()
    if rows:
        _move(connection, "fidelity", rows[-1].id)
    return [(DEFAULT_TENANT, _changed(row)) for row in rows if row.instead_of is not None]


def _changed(row: Row[Any]) -> Happening:
    treated = ImageFormat(row.format), Treatment(row.treatment)
    text = Habit(*treated, row.seen, row.example, row.instead_of).said
    key = f"{row.destination} {row.format} {row.treatment}"
    return Happening(NoticeKind.HOST_CHANGED, row.destination, text, key=key)


def losses_since(connection: Connection, *, now: dt.datetime) -> list[News]:
    """What hosts do not show any more, as two looks agree; the look moves on."""
    rows = connection.execute(
        select(
            tenants.c.name.label("tenant"),
            destinations.c.name.label("destination"),
            links.c.finding,
            func.count().label("lost"),
            func.min(uploads.c.name).label("example"),
        )
        .select_from(links)
        .join(uploads, uploads.c.id == links.c.upload_id)
        .join(destinations, destinations.c.id == uploads.c.destination_id)
        .join(tenants, tenants.c.id == uploads.c.tenant_id)
        .where(_in_sight(connection, links.c.settled_at, "links", now))
        .group_by(tenants.c.name, destinations.c.name, links.c.finding)
    ).all()
    return [(row.tenant, _lost(row)) for row in rows]


def _lost(row: Any) -> Happening:
    text = f"published pictures are {row.finding} there, one of them: {row.example}"
    key = f"{row.destination} {row.finding}"
    return Happening(NoticeKind.HOST_CHANGED, row.destination, text, row.lost, key)


def batches_since(connection: Connection, *, now: dt.datetime) -> list[News]:
    """Batches that came to an end, well or not; the look moves on."""
    changed = (
        select(batches.c.tenant_id, batches.c.source, batches.c.key)
        .where(_in_sight(connection, batches.c.updated_at, "batches", now))
        .distinct()
        .subquery()
    )
    rows = connection.execute(
        select(batches, tenants.c.name.label("tenant"))
        .join(tenants, tenants.c.id == batches.c.tenant_id)
        .join(
            changed,
            (changed.c.tenant_id == batches.c.tenant_id)
            & (changed.c.source == batches.c.source)
            & (changed.c.key == batches.c.key),
        )
        .where(batches.c.state != StepState.NOT_CONFIGURED)
    ).all()
    groups: dict[tuple[str, str, str], list[Row[Any]]] = {}
    for row in rows:
        groups.setdefault((row.tenant, row.source, row.key), []).append(row)
    return [
        (tenant, told)
        for (tenant, source, key), steps in groups.items()
        if (told := _batch(source, key, steps)) is not None
    ]


def _batch(source: str, key: str, steps: Sequence[Row[Any]]) -> Happening | None:
    """How a batch ended; None while it has not."""
    failed = [step for step in steps if step.state == StepState.FAILED]
    if not failed and any(step.state not in _OVER for step in steps):
        return None
    what = f"failed at {failed[0].step!r}: {failed[0].message}" if failed else _pictures(steps)
    return Happening(NoticeKind.BATCH_FINISHED, f"{source} {key}", what, key=f"{key} {what}")


def _pictures(steps: Sequence[Row[Any]]) -> str:
    exported = next((step for step in steps if step.step == Step.PROCESSING), steps[-1])
    return f"done: {exported.items_done} of {exported.items_total} pictures"


def _in_sight(
    connection: Connection, column: ColumnElement[Any], name: str, now: dt.datetime
) -> ColumnElement[bool]:
    """What happened, by that time, after the last look and has settled; the look moves on."""
    until = _microseconds(now - _SETTLING)
    position = _position(connection, name, until)
    _move(connection, name, max(position, until))
    return and_(column > _moment(position), column <= _moment(until))


def _position(connection: Connection, name: str, first: int) -> int:
    """How far somebody looked; who looks for the first time sees nothing old."""
    connection.execute(
        insert(connection, watches)
        .values(name=name, position=first)
        .on_conflict_do_nothing(index_elements=["name"])
    )
    return int(connection.scalar(select(watches.c.position).where(watches.c.name == name)) or 0)


def _move(connection: Connection, name: str, position: int) -> None:
    connection.execute(update(watches).where(watches.c.name == name).values(position=position))


def _microseconds(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def _moment(microseconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=microseconds)
