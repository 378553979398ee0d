"""What hosts were seen to do with pictures, and which of it is a change."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Select, select, update

from image_assets.core.fidelity import Habit, Sighting, Treatment, change
from image_assets.core.model import ImageFormat
from image_assets.services.catalog.dialects import insert, lock
from image_assets.services.catalog.engine import reading, writing
from image_assets.services.catalog.schema import destinations
from image_assets.services.catalog.shown import fidelity


@dataclass(frozen=True, slots=True)
class SqlFidelity:
    """Fulfils `ports.FidelityCatalog`."""

    engine: Engine

    def learn(
        self, destination: str, sightings: Sequence[Sighting], *, now: dt.datetime
    ) -> Sequence[Habit]:
        """Add what was seen; the habits of it that are a change, and new."""
        if not sightings:
            return ()
        with writing(self.engine) as connection:
            lock(connection, "fidelity", destination)
            known = _habits(connection, destination)
            at = select(destinations.c.id).where(destinations.c.name == destination)
            number = connection.execute(at).scalar_one()
            changes = set()
            for sighting in sightings:
                if (instead_of := change(known, sighting)) is not None:
                    changes.add((sighting.format, sighting.treatment))
                self._add(connection, number, sighting, instead_of, now)
            found = _habits(connection, destination)
        return tuple(habit for habit in found if (habit.format, habit.treatment) in changes)

    def habits(self, destination: str) -> Sequence[Habit]:
        """The profile of a destination, by format, then by how often."""
        with reading(self.engine) as connection:
            return _habits(connection, destination)

    def accept(self, destination: str, *, now: dt.datetime) -> int:
        """Take note of every change: how many there were."""
        mine = select(destinations.c.id).where(destinations.c.name == destination)
        with writing(self.engine) as connection:
            changed = connection.execute(
                update(fidelity)
                .where(
                    fidelity.c.destination_id == mine.scalar_subquery(),
                    fidelity.c.instead_of.is_not(None),
                    fidelity.c.accepted_at.is_(None),
                )
                .values(accepted_at=now)
            )
        return int(changed.rowcount)

    @staticmethod
    def _add(
        connection: Connection,
        destination: int,
        sighting: Sighting,
        instead_of: str | None,
        now: dt.datetime,
    ) -> None:
        row = insert(connection, fidelity).values(
            destination_id=destination,
            format=sighting.format,
            treatment=sighting.treatment,
            seen=sighting.count,
            example=sighting.example,
            instead_of=instead_of,
            first_at=now,
            last_at=now,
        )
        connection.execute(
            row.on_conflict_do_update(
                index_elements=["destination_id", "format", "treatment"],
                set_={
                    "seen": fidelity.c.seen + row.excluded.seen,
                    "example": row.excluded.example,
                    "last_at": row.excluded.last_at,
                },
            )
        )


def _habits(connection: Connection, destination: str) -> tuple[Habit, ...]:
    rows = connection.execute(_of(destination)).all()
    return tuple(
        Habit(
            ImageFormat(row.format),
            Treatment(row.treatment),
            row.seen,
            row.example,
            row.instead_of,
            row.accepted_at is not None,
        )
        for row in rows
    )


def _of(destination: str) -> Select[tuple[object, ...]]:
    return (
        select(fidelity)
        .join(destinations, destinations.c.id == fidelity.c.destination_id)
        .where(destinations.c.name == destination)
        .order_by(fidelity.c.format, fidelity.c.seen.desc(), fidelity.c.treatment)
    )
