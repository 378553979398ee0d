"""What is known of spans of days, for those who look for gaps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from sqlalchemy import ColumnElement, Connection, Engine, Integer, cast, extract, func, select

from image_assets.core.cadence import HOURS, HourCounts
from image_assets.core.gaps import Frame
from image_assets.core.model import ImageState, Partition, Variant
from image_assets.core.spans import Span
from image_assets.ports import Day
from image_assets.services.catalog.engine import reading, tenant_id
from image_assets.services.catalog.schema import days, images
from image_assets.services.catalog.selections import of_span

# A year is a hundred thousand pictures: an enum's own look-up takes longer than the database.
_STATES = {state.value: state for state in ImageState}
_VARIANTS = {variant.value: variant for variant in Variant}


@dataclass(frozen=True, slots=True)
class SqlCompleteness:
    """Fulfils `ports.CompletenessCatalog`."""

    engine: Engine

    def days(self, span: Span) -> Mapping[Partition, Day]:
        """The listings of the days that were ever listed."""
        of = days.c
        with reading(self.engine) as connection:
            rows = connection.execute(
                select(
                    of.collection,
                    of.partition_key,
                    of.listed_at,
                    of.listed,
                    of.complete,
                    of.sealed_at,
                    of.limited_to,
                )
                .where(of_span(days, tenant_id(connection, span.tenant), span))
                .order_by(of.collection, of.partition_key)
            ).all()
        return {_partition(span, row[0], row[1]): Day(*row[2:]) for row in rows}

    def frames(self, span: Span) -> Mapping[Partition, Sequence[Frame]]:
        """Every record by its day, in the order of capture; days without any are not named."""
        of = images.c
        with reading(self.engine) as connection:
            rows = connection.execute(
                select(
                    of.collection,
                    of.partition_key,
                    of.captured_at,
                    of.state,
                    of.reason,
                    of.variant,
                    of.stale,
                    of.conflict,
                )
                .where(of_span(images, tenant_id(connection, span.tenant), span))
                .order_by(of.collection, of.partition_key, of.item_key)
            ).all()
        return {
            _partition(span, *key): tuple(
                Frame(at, _STATES[state], reason, _VARIANTS[variant], stale, conflict)
                for _, _, at, state, reason, variant, stale, conflict in group
            )
            for key, group in groupby(rows, key=itemgetter(0, 1))
        }

    def hours(self, span: Span) -> Mapping[Partition, HourCounts]:
        """How many pictures the source listed in each UTC hour of each sealed day."""
        of = images.c
        with reading(self.engine) as connection:
            tenant = tenant_id(connection, span.tenant)
            hour = _utc_hour(connection)
            sealed = connection.execute(
                select(days.c.collection, days.c.partition_key).where(
                    of_span(days, tenant, span), days.c.sealed_at.is_not(None)
                )
            ).all()
            rows = connection.execute(
                select(of.collection, of.partition_key, hour, func.count())
                .where(of_span(images, tenant, span), of.captured_at.is_not(None), ~of.conflict)
                .group_by(of.collection, of.partition_key, hour)
            ).all()
        counts = {(collection, key): [0] * HOURS for collection, key in sealed}
        for collection, key, at, number in rows:
            if (collection, key) in counts:
                counts[collection, key][at] = number
        return {_partition(span, *day): tuple(taken) for day, taken in counts.items()}


def _utc_hour(connection: Connection) -> ColumnElement[int]:
    # PostgreSQL answers in the session's time zone; SQLite keeps what it was given, which is UTC.
    if connection.dialect.name == "postgresql":
        return cast(extract("hour", func.timezone("UTC", images.c.captured_at)), Integer)
    return extract("hour", images.c.captured_at)


def _partition(span: Span, collection: str, key: str) -> Partition:
    return Partition(span.source, collection, key, span.tenant)
