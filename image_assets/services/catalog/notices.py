"""The outbox of notifications: what happened, what each channel knows of it, what is being sent."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, and_, delete, func, or_, select, update

from image_assets.core.model import DEFAULT_TENANT
from image_assets.core.notices import Happening, Message, Notice, NoticeKind, shortened, shown
from image_assets.ports.notifications import Pace
from image_assets.services.catalog import leases
from image_assets.services.catalog.dialects import insert, lock
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.schema import tenants
from image_assets.services.catalog.telling import messages, notices, tellings
from image_assets.services.catalog.watching import (
    attempts_since,
    batches_since,
    changes_since,
    losses_since,
)

_KEPT = dt.timedelta(days=90)
_HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SqlNotices:
    """Fulfils `ports.notifications.NoticesCatalog`."""

    engine: Engine

    def tell(
        self, happenings: Sequence[Happening], *, now: dt.datetime, tenant: str = DEFAULT_TENANT
    ) -> None:
        """These happened; the same news is one row, and counted."""
        with writing(self.engine) as connection:
            for happening in happenings:
                _tell(connection, tenant, happening, now)

    def gather(self, *, now: dt.datetime) -> int:
        """Take from the ledger and the batches what is new there, and forget what is long over."""
        with writing(self.engine) as connection:
            lock(connection, "notices")
            looks = (attempts_since, changes_since, losses_since, batches_since)
            found = [news for look in looks for news in look(connection, now=now)]
            for tenant, happening in found:
                _tell(connection, tenant, happening, now)
            connection.execute(delete(notices).where(notices.c.last_at < now - _KEPT))
            connection.execute(delete(messages).where(messages.c.ended_at < now - _KEPT))
        return sum(happening.count for _, happening in found)

    def message(
        self,
        channel: str,
        address: str,
        kinds: Collection[NoticeKind],
        pace: Pace,
        *,
        now: dt.datetime,
    ) -> Message | None:
        """What is to be sent to a channel now; a new message and what it tells are one transaction."""
        with writing(self.engine) as connection:
            lock(connection, "notices")
            waiting = connection.execute(
                select(messages)
                .where(messages.c.channel == channel, messages.c.state == "waiting")
                .order_by(messages.c.id)
                .limit(1)
            ).one_or_none()
            if waiting is not None:
                return _message(waiting) if waiting.due_at <= now else None
            if not _has_turn(connection, channel, pace, now):
                return None
            rows = _untold(connection, channel, kinds, pace, now)
            if not rows:
                return None
            return _compose(connection, channel, address, rows, now)

    def sent(self, message: Message, *, now: dt.datetime) -> None:
        """The channel took it."""
        self._end(message, {"state": "sent", "reason": None, "ended_at": now})

    def put_off(self, message: Message, reason: str, *, until: dt.datetime) -> None:
        """It did not; it is tried again then."""
        self._end(message, {"reason": reason, "due_at": until})

    def given_up(self, message: Message, reason: str, *, gone: bool, now: dt.datetime) -> None:
        """It never will."""
        state = "gone" if gone else "failed"
        self._end(message, {"state": state, "reason": reason, "ended_at": now})

    def gone(self, channel: str, address: str) -> str | None:
        """Why the channel is not to be used any more while it leads there; None when it may."""
        with reading(self.engine) as connection:
            reason: str | None = connection.scalar(
                select(func.coalesce(messages.c.reason, "gone"))
                .where(
                    messages.c.channel == channel,
                    messages.c.address == address,
                    messages.c.state == "gone",
                )
                .order_by(messages.c.id.desc())
                .limit(1)
            )
            return reason

    def waiting(self, channel: str) -> int:
        """Messages that wait to be tried again."""
        with reading(self.engine) as connection:
            found = select(func.count()).where(
                messages.c.channel == channel, messages.c.state == "waiting"
            )
            return int(connection.scalar(found) or 0)

    def lease(self, name: str, owner: str, *, until: dt.datetime, now: dt.datetime) -> bool:
        """Take a named lease; False while another owner's is running."""
        with writing(self.engine) as connection:
            return leases.take(connection, name, owner, until=until, now=now)

    def release(self, name: str, owner: str) -> None:
        """Give a lease back before its time."""
        with writing(self.engine) as connection:
            leases.give_back(connection, name, owner)

    def _end(self, message: Message, values: dict[str, Any]) -> None:
        with writing(self.engine) as connection:
            connection.execute(
                update(messages)
                .where(messages.c.message_id == message.id)
                .values(values | {"tries": messages.c.tries + 1})
            )


def _tell(connection: Connection, tenant: str, happening: Happening, now: dt.datetime) -> None:
    told = {
        "subject": shortened(happening.subject, 200),
        "text": shortened(happening.text),
        "last_at": now,
    }
    row = {
        "tenant_id": tenant_id(connection, tenant),
        "identity": happening.identity,
        "kind": happening.kind,
        "total": happening.count,
        "first_at": now,
    }
    statement = insert(connection, notices).values(row | told)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "identity"],
            set_=told | {"total": notices.c.total + happening.count},
        )
    )


def _has_turn(connection: Connection, channel: str, pace: Pace, now: dt.datetime) -> bool:
    """Whether another message to the channel keeps its pace."""
    mine = messages.c.channel == channel
    last = connection.scalar(select(func.max(messages.c.created_at)).where(mine))
    hourly = connection.scalar(
        select(func.count()).where(mine, messages.c.created_at > now - _HOUR)
    )
    rested = last is None or last <= now - pace.digest
    return rested and int(hourly or 0) < pace.per_hour


def _untold(
    connection: Connection,
    channel: str,
    kinds: Collection[NoticeKind],
    pace: Pace,
    now: dt.datetime,
) -> Sequence[Row[Any]]:
    """News that the channel does not know yet, or that went on and was told long enough ago."""
    of_channel = and_(tellings.c.notice_id == notices.c.id, tellings.c.channel == channel)
    known = func.coalesce(tellings.c.total, 0)
    return connection.execute(
        select(
            notices,
            (notices.c.total - known).label("untold"),
            tellings.c.told_at,
            tenants.c.name.label("tenant"),
        )
        .join(tenants, tenants.c.id == notices.c.tenant_id)
        .outerjoin(tellings, of_channel)
        .where(
            notices.c.kind.in_([kind.value for kind in kinds]),
            notices.c.total > known,
            notices.c.last_at > now - pace.stale,
            or_(tellings.c.told_at.is_(None), tellings.c.told_at <= now - pace.quiet),
        )
        .order_by(notices.c.last_at, notices.c.id)
    ).all()


def _compose(
    connection: Connection, channel: str, address: str, rows: Sequence[Row[Any]], now: dt.datetime
) -> Message:
    chosen, left_out = shown([_notice(row) for row in rows])
    message = Message(f"msg_{uuid.uuid4().hex}", channel, now, chosen, left_out)
    connection.execute(
        messages.insert().values(
            message_id=message.id,
            channel=channel,
            address=address,
            notices=[_as_json(notice) for notice in chosen],
            left_out=left_out,
            state="waiting",
            created_at=now,
            due_at=now,
        )
    )
    for row in rows:
        known = {"total": row.total, "told_at": now}
        connection.execute(
            insert(connection, tellings)
            .values(notice_id=row.id, channel=channel, **known)
            .on_conflict_do_update(index_elements=["notice_id", "channel"], set_=known)
        )
    return message


def _notice(row: Row[Any]) -> Notice:
    since = row.told_at or row.first_at
    kind = NoticeKind(row.kind)
    return Notice(kind, row.subject, row.text, row.untold, row.tenant, since, row.last_at)


def _as_json(notice: Notice) -> dict[str, Any]:
    return {
        "kind": notice.kind,
        "subject": notice.subject,
        "text": notice.text,
        "count": notice.count,
        "tenant": notice.tenant,
        "since": notice.since.isoformat(),
        "at": notice.at.isoformat(),
    }


def _message(row: Row[Any]) -> Message:
    known = tuple(
        Notice(
            NoticeKind(one["kind"]),
            one["subject"],
            one["text"],
            one["count"],
            one["tenant"],
            dt.datetime.fromisoformat(one["since"]),
            dt.datetime.fromisoformat(one["at"]),
        )
        for one in row.notices
    )
    return Message(row.message_id, row.channel, row.created_at, known, row.left_out, row.tries)
