"""Requests for pictures as the work on them needs them: leases before every call, arrivals at once."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, select, update

from image_assets.core import naming
from image_assets.core.errors import NotFoundError, RejectedError
from image_assets.core.generation import AspectRatio, RequestState, VariationState
from image_assets.core.model import Blob, ImageFormat, Partition
from image_assets.ports import Arrival, Asked, Claim, Variation
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.happenings import held, tell
from image_assets.services.catalog.schema import blobs, images, tenants
from image_assets.services.catalog.selections import of_partition
from image_assets.services.catalog.shops import requests, variations

_NOBODY = {"owner": None, "lease_until": None}
_UNTOLD = (
    "whoever asked for it never told what came of it; it may have been drawn and paid for,"
    " and is not asked for again"
)


@dataclass(frozen=True, slots=True)
class SqlGeneration:
    """Fulfils `ports.GenerationCatalog`."""

    engine: Engine

    def due(self, *, now: dt.datetime, limit: int) -> Sequence[tuple[str, str, dt.datetime]]:
        """Tenant, key and time of the requests that somebody should see to, the oldest first."""
        with reading(self.engine) as connection:
            rows = connection.execute(
                select(tenants.c.name, requests.c.key, requests.c.due_at)
                .join_from(requests, tenants, tenants.c.id == requests.c.tenant_id)
                .where(requests.c.due_at <= now)
                .order_by(requests.c.due_at, requests.c.id)
                .limit(limit)
            ).all()
        return tuple((name, key, due_at) for name, key, due_at in rows)

    def asked(self, partition: Partition) -> Asked:
        """The request of a partition.

        Raises:
            NotFoundError: there is no such request.
        """
        with reading(self.engine) as connection:
            found = asked(connection, partition.tenant, partition.key)
        if found is None:
            raise NotFoundError(f"{partition}: no such request in the catalog")
        return found

    def claim(
        self,
        partition: Partition,
        number: int,
        owner: str,
        *,
        lease_until: dt.datetime,
        now: dt.datetime,
    ) -> Claim:
        """Write down that a variation is about to be asked for; only after that may it be."""
        with writing(self.engine) as connection:
            request = held(connection, partition.tenant, partition.key)
            row = _variation(connection, request.id, number)
            state = VariationState(row.state)
            if state.is_settled:
                return Claim.SETTLED
            if state is VariationState.SENDING:
                if row.lease_until > now:
                    return Claim.BUSY
                values = _NOBODY | {"state": VariationState.IN_DOUBT, "reason": _UNTOLD}
                _change(connection, row.id, values | {"ended_at": now})
                tell(connection, request.id, "in_doubt", variation=number, reason=_UNTOLD, now=now)
                return Claim.DOUBTED
            _send(connection, row.id, owner, lease_until, now)
            tell(
                connection,
                request.id,
                "sending",
                variation=number,
                state=RequestState.GENERATING,
                now=now,
            )
            return Claim.GRANTED

    def receive(
        self, partition: Partition, number: int, owner: str, arrival: Arrival, *, now: dt.datetime
    ) -> None:
        """The variation came; its bytes are in the store.

        Raises:
            RejectedError: it is not `owner`'s any more.
        """
        drawing = arrival.drawing
        values = {
            "state": VariationState.RECEIVED,
            "reason": None,
            "path": arrival.path,
            "sha256": arrival.sha256,
            "size": arrival.size,
            "model": drawing.model,
            "model_version": drawing.model_version,
            "response_id": drawing.response_id,
            "ended_at": now,
        }
        with writing(self.engine) as connection:
            self._end(connection, partition, number, owner, values, now=now)

    def spare(self, partition: Partition, owner: str, *, now: dt.datetime) -> int | None:
        """Claim a variation that waits, for a picture that came unasked; None when none waits."""
        with writing(self.engine) as connection:
            request = held(connection, partition.tenant, partition.key)
            row = connection.execute(
                select(variations.c.id, variations.c.number)
                .where(
                    variations.c.request_id == request.id,
                    variations.c.state == VariationState.WAITING,
                )
                .order_by(variations.c.number.desc())  # the next in turn is about to be asked for
                .limit(1)
            ).one_or_none()
            if row is None:
                return None
            _send(connection, row.id, owner, now, now)
            return int(row.number)

    def settle(
        self,
        partition: Partition,
        number: int,
        owner: str | None,
        state: VariationState,
        reason: str,
        *,
        now: dt.datetime,
    ) -> None:
        """The variation will not be asked for again, and why; `owner` None: it had come already."""
        values = {"state": state, "reason": reason, "path": None, "ended_at": now}
        with writing(self.engine) as connection:
            self._end(connection, partition, number, owner, values, now=now)

    def release(
        self, partition: Partition, number: int, owner: str, reason: str, *, now: dt.datetime
    ) -> None:
        """The variation was not carried out: it waits again."""
        values = {"state": VariationState.WAITING, "reason": reason}
        with writing(self.engine) as connection:
            self._end(connection, partition, number, owner, values, now=now)

    def stored(self, partition: Partition, number: int, facts: Mapping[str, str]) -> None:
        """The variation is a picture of its partition now; `facts` join what is known of it."""
        key = naming.variation_key(partition.key, number)
        with writing(self.engine) as connection:
            request = held(connection, partition.tenant, partition.key)
            this = of_partition(request.tenant_id, partition) & (images.c.item_key == key)
            known = connection.scalar(select(images.c.exif).where(this))
            connection.execute(update(images).where(this).values(exif={**(known or {}), **facts}))
            row = _variation(connection, request.id, number)
            _change(connection, row.id, {"path": None})

    def advance(
        self,
        partition: Partition,
        state: RequestState,
        *,
        reason: str | None = None,
        due_at: dt.datetime | None = None,
        recipe: str | None = None,
        now: dt.datetime,
    ) -> None:
        """The request is that far; `due_at` is when somebody should see to it again."""
        changes: dict[str, Any] = {"state": state, "due_at": due_at}
        if recipe is not None:
            changes["recipe"] = recipe
        if state in (RequestState.WAITING, RequestState.HELD):
            changes["postponed"] = requests.c.postponed + 1
        with writing(self.engine) as connection:
            request = held(connection, partition.tenant, partition.key)
            if request.state == state and state.is_over and recipe in (None, request.recipe):
                return  # a run that found nothing to do is no news
            connection.execute(
                update(requests).where(requests.c.id == request.id).values(reason=reason)
            )
            tell(connection, request.id, state.value, reason=reason, now=now, **changes)

    def _end(
        self,
        connection: Connection,
        partition: Partition,
        number: int,
        owner: str | None,
        values: Mapping[str, Any],
        *,
        now: dt.datetime,
    ) -> None:
        """The outcome of a call; only he who asked last may tell it, also after his lease."""
        request = held(connection, partition.tenant, partition.key)
        mine = variations.c.owner == owner if owner is not None else variations.c.owner.is_(None)
        told = connection.execute(
            update(variations)
            .where(variations.c.request_id == request.id, variations.c.number == number, mine)
            .values(dict(values) | _NOBODY)
        )
        state = VariationState(values["state"])
        if not told.rowcount:
            raise RejectedError(
                f"{partition}: variation {number} is another run's by now; {state} is not recorded"
            )
        kind = "not_done" if state is VariationState.WAITING else state.value
        reason = values["reason"]
        tell(connection, request.id, kind, variation=number, reason=reason, now=now)


def asked(connection: Connection, tenant: str, key: str) -> Asked | None:
    """A request with its variations; None when there is none of that key."""
    row = connection.execute(
        select(
            requests,
            *(blobs.c[name].label(f"base_{name}") for name in _BASE),
        )
        .join_from(requests, blobs, blobs.c.id == requests.c.base_blob_id, isouter=True)
        .where(requests.c.tenant_id == tenant_id(connection, tenant), requests.c.key == key)
    ).one_or_none()
    if row is None:
        return None
    found = connection.execute(
        select(variations).where(variations.c.request_id == row.id).order_by(variations.c.number)
    ).all()
    return Asked(
        row.key,
        row.prompt,
        row.model,
        AspectRatio(row.aspect_ratio),
        _base(row),
        RequestState(row.state),
        row.reason,
        row.created_at,
        row.updated_at,
        row.postponed,
        row.revision,
        row.recipe,
        tuple(map(_told, found)),
    )


_BASE = ("sha256", "path", "size", "format", "width", "height")


def _base(row: Row[Any]) -> Blob | None:
    if row.base_sha256 is None:
        return None
    return Blob(
        row.base_sha256,
        row.base_path,
        row.base_size,
        ImageFormat(row.base_format),
        row.base_width,
        row.base_height,
    )


def _told(row: Row[Any]) -> Variation:
    return Variation(
        row.number,
        VariationState(row.state),
        row.reason,
        row.path,
        row.sha256,
        row.size,
        row.model,
        row.model_version,
        row.response_id,
        row.ended_at,
    )


def _variation(connection: Connection, request_id: int, number: int) -> Row[Any]:
    return connection.execute(
        select(variations).where(
            variations.c.request_id == request_id, variations.c.number == number
        )
    ).one()


def _send(
    connection: Connection,
    variation_id: int,
    owner: str,
    lease_until: dt.datetime,
    now: dt.datetime,
) -> None:
    values = {
        "state": VariationState.SENDING,
        "owner": owner,
        "lease_until": lease_until,
        "asked_at": now,
    }
    _change(connection, variation_id, values)


def _change(connection: Connection, variation_id: int, values: Mapping[str, Any]) -> None:
    connection.execute(
        update(variations).where(variations.c.id == variation_id).values(dict(values))
    )
