"""Which days of which streams the commands on the archive speak of."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from image_assets.core.errors import PermanentError
from image_assets.core.spans import Span
from image_assets.settings import Settings
from image_assets.sources import SourceSpec


@dataclass(frozen=True, slots=True)
class Asked:
    """What the operator asked for: days, streams, a source; None or nothing means all there is."""

    first: dt.date | None = None
    last: dt.date | None = None
    streams: Sequence[str] = ()
    source: str | None = None

    @property
    def narrowed(self) -> bool:
        """Whether some streams or one source were named."""
        return bool(self.streams) or self.source is not None


def spans(settings: Settings, asked: Asked, *, now: dt.datetime) -> list[tuple[SourceSpec, Span]]:
    """Each source that has some of it, with its span: to the last day that is closed, if not told.

    Raises:
        PermanentError: the range is reversed or to come, no source has such a stream, or any such day.
    """
    closed = (now - settings.grace).date() - dt.timedelta(days=1)
    _check(asked, now.date())
    sources = settings.sources if asked.source is None else (settings.source(asked.source),)
    sources = tuple(spec for spec in sources if spec.dated)
    if not sources:
        raise PermanentError(f"source {asked.source} has no days; image-assets batches shows it")
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


def _check(asked: Asked, today: dt.date) -> None:
    if asked.first and asked.last and asked.last < asked.first:
        raise PermanentError(f"the range ends ({asked.last}) before it begins ({asked.first})")
    for day in (asked.first, asked.last):
        if day is not None and day > today:
            raise PermanentError(f"{day} has not come yet; it is {today} (UTC)")


def _days(spec: SourceSpec, asked: Asked, closed: dt.date) -> tuple[dt.date, dt.date]:
    """The part of the range that the source has."""
    first, last = max(asked.first or spec.start, spec.start), asked.last or closed
    if spec.end is not None:
        last = min(last, spec.end - dt.timedelta(days=1))
    return first, last
