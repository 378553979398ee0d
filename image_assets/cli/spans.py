"""Which days of which streams, and which batches, the commands on the archive speak of."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from image_assets.compose import Catalog
from image_assets.core import naming
from image_assets.core.batches import BatchAccount
from image_assets.core.errors import PermanentError
from image_assets.core.model import Partition
from image_assets.core.spans import Span
from image_assets.settings import Settings
from image_assets.sources import SourceSpec


@dataclass(frozen=True, slots=True)
class Asked:
    """What the operator asked for: days, streams, a source; None or nothing means all there is.

    Streams of an inbox are its shops, a batch's day is the one it was taken on. `batches` are keys, and
    then nothing else is meant.
    """

    first: dt.date | None = None
    last: dt.date | None = None
    streams: Sequence[str] = ()
    source: str | None = None
    batches: Sequence[str] = ()

    @property
    def narrowed(self) -> bool:
        """Whether some streams, one source or some batches were named."""
        return bool(self.streams or self.batches) or self.source is not None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What there is of it: spans of days with their sources, and batches."""

    spans: Sequence[tuple[SourceSpec, Span]]
    batches: Sequence[BatchAccount]


def wanted(
    settings: Settings, asked: Asked, catalog: Catalog, *, now: dt.datetime, drawn: bool = True
) -> Wanted:
    """The days and the batches that were asked for; with visualisations or without.

    Raises:
        PermanentError: the range is reversed or to come, or there is nothing that goes by these names.
    """
    _check(asked, now.date())
    inboxes = [spec for spec in _named(settings, asked) if not spec.dated]
    found = [
        account
        for spec in inboxes
        for account in catalog.archive.batches(spec.name)
        if _is_asked_for(asked, account.partition)
    ]
    keys = {naming.batch_key(account.partition) for account in found}
    if unknown := [key for key in asked.batches if key not in keys]:
        raise PermanentError(f"no batch {', '.join(unknown)}; image-assets batches shows them")
    if asked.batches or not any(spec.dated for spec in _named(settings, asked)):
        if asked.streams and not found:
            raise PermanentError(f"no batch of {', '.join(asked.streams)} in that time")
        return Wanted((), found)
    try:
        return Wanted(spans(settings, asked, now=now, drawn=drawn), found)
    except PermanentError:
        if not found:  # a shop's name is no stream's
            raise
        return Wanted((), found)


def _is_asked_for(asked: Asked, batch: Partition) -> bool:
    if asked.batches:
        return naming.batch_key(batch) in asked.batches
    day = naming.day_of_batch(batch.key)
    after = asked.first is None or (day is not None and asked.first <= day)
    before = asked.last is None or (day is not None and day <= asked.last)
    return after and before and (not asked.streams or batch.collection in asked.streams)


def _named(settings: Settings, asked: Asked) -> tuple[SourceSpec, ...]:
    return settings.sources if asked.source is None else (settings.source(asked.source),)


def spans(
    settings: Settings, asked: Asked, *, now: dt.datetime, drawn: bool = True
) -> list[tuple[SourceSpec, Span]]:
    """Each source that has some of it, with its span: to the last day that is closed, if not told.

    Raises:
        PermanentError: no source has such a stream, or any such day.
    """
    closed = (now - settings.grace).date() - dt.timedelta(days=1)
    dated = (spec for spec in _named(settings, asked) if spec.dated)
    sources = tuple(spec for spec in dated if drawn or not spec.drawn)
    wanted = [(spec, spec.named(asked.streams)) for spec in sources]
    if not any(streams for _, streams in wanted):
        known = ", ".join(collection for spec in sources for collection in spec.collections)
        raise PermanentError(f"no stream {', '.join(asked.streams)!r}; there are {known}")
    found = [
        (spec, Span(spec.name, streams, first, last))
        for spec, streams in wanted
        for first, last in [_days(spec, asked, closed)]
        if streams and first <= last
    ]
    if not found:
        begins = ", ".join(f"{spec.name} begins on {spec.start}" for spec in sources)
        raise PermanentError(f"no source has such a day: {begins}")
    return found


def check_range(first: dt.date | None, last: dt.date | None) -> None:
    """See that a range that is bounded on both sides is not reversed.

    Raises:
        PermanentError: it is.
    """
    if first and last and last < first:
        raise PermanentError(f"the range ends ({last}) before it begins ({first})")


def _check(asked: Asked, today: dt.date) -> None:
    check_range(asked.first, asked.last)
    for day in (asked.first, asked.last):
        if day is not None and day > today:
            raise PermanentError(f"{day} has not come yet; it is {today} (UTC)")


def _days(spec: SourceSpec, asked: Asked, closed: dt.date) -> tuple[dt.date, dt.date]:
    """The part of the range that the source has."""
    first, last = max(asked.first or spec.start, spec.start), asked.last or closed
    if spec.end is not None:
        last = min(last, spec.end - dt.timedelta(days=1))
    return first, last
