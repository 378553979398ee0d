"""Giving the producer's folder back its room: a file goes once its own bytes provably are elsewhere.

First they are at every destination, one of them off this disk; then the latest key is as new; then the
file is put away, and after the time in which that can be undone it is purged.
"""

import datetime as dt
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from image_assets.core.errors import RejectedError, TransientError
from image_assets.core.model import (
    DEFAULT_TENANT,
    SETTLED,
    Entry,
    ImageState,
    LatestState,
    Partition,
)
from image_assets.core.originals import OriginalsPolicy
from image_assets.ports import LatestCatalog, LatestEntry, Plots, PlotsCatalog, PutAway, Standing
from image_assets.stages.report import Clock, Outcome, Report, each

log = logging.getLogger(__name__)

_HAD = (ImageState.STORED, ImageState.EXPIRED)


@dataclass(frozen=True, slots=True)
class HandOver:
    """The rooms that a producer's folder and its catalog need, together.

    `latest_key` gives the key that announces a collection, None where none does. `policy` is that of
    originals: whether files go at all, what proves them and how long that can be undone.
    """

    plots: Plots
    catalog: PlotsCatalog
    latest: LatestCatalog
    destinations: Collection[str]
    latest_key: Callable[[str], str | None]
    clock: Clock
    policy: OriginalsPolicy
    tenant: str = DEFAULT_TENANT

    def unpublished(self) -> Mapping[Partition, tuple[Entry, ...]]:
        """What lies in the folder and has something left to be done with, by partition."""
        found = {}
        for partition, listing in self.plots.waiting().items():
            known = self.catalog.standings(partition)
            entries = (e for e in listing.entries if self._is_open(known.get(e.item_key)))
            found[partition] = tuple(entries)
        return {partition: entries for partition, entries in found.items() if entries}

    def due(self) -> tuple[str, ...]:
        """What `tidy` would put away or purge, by name; nothing when there is nothing to do."""
        expired = (file.name for file in self._expired())
        return (*(entry.name for entry, _ in self._proven()), *expired)

    def tidy(self) -> Report:
        """Put away what is published and announced, and purge what was put away long enough ago."""
        proven = list(self._proven())
        report = each(proven, self._put_away, workers=1, name=lambda one: one[0].name)
        return report + each(
            list(self._expired()), self._purge, workers=1, name=lambda file: file.name
        )

    def _is_open(self, known: Standing | None) -> bool:
        if known is None or known.state not in SETTLED:
            return True
        return known.state is ImageState.STORED and not known.settled.issuperset(self.destinations)

    def _proven(self) -> Iterator[tuple[Entry, Standing]]:
        """What lies in the folder, is proven at every destination, and announced or overtaken."""
        if not self.policy.on:
            return
        for partition, listing in self.plots.waiting().items():
            known = self.catalog.standings(partition)
            key = self.latest_key(partition.collection)
            current = self.latest.current(self.tenant, key) if key is not None else None
            for entry in listing.entries:
                standing = known.get(entry.item_key)
                if standing is None or standing.state not in _HAD:
                    continue
                announced = key is None or _is_announced(current, entry, standing)
                if announced and self._is_proven(standing.proven):
                    yield entry, standing

    def _is_proven(self, proven: Mapping[str, dt.datetime]) -> bool:
        """Whether every destination was lately shown to hold the bytes themselves, one of them elsewhere."""
        since = self.clock() - self.policy.fresh
        own = {place for place, at in proven.items() if at >= since}
        return own.issuperset(self.destinations) and bool(own.difference(self.policy.never_counted))

    def _put_away(self, one: tuple[Entry, Standing]) -> Outcome:
        entry, standing = one
        if self.plots.sha256(entry) != standing.sha256:
            raise TransientError(f"{entry.name}: its bytes are not those that were published")
        self.plots.put_away(entry, now=self.clock())
        return Outcome("put_away", entry.size or 0)

    def _expired(self) -> Iterator[PutAway]:
        before = self.clock() - self.policy.undo
        away = self.plots.away() if self.policy.on else ()
        return (file for file in away if file.put_away_at <= before)

    def _purge(self, file: PutAway) -> Outcome:
        """What was put away is looked at once more: what went on in the meantime may need it."""
        sha256 = self.plots.sha256_away(file)
        if not self._is_proven(self.catalog.proven(self.tenant, sha256)):
            raise RejectedError(
                f"{file.name}: its bytes are not proven at {', '.join(self.destinations)} any more; it"
                " stays. Look at the links, publish it again, or bring it back to where it was"
            )
        self.plots.purge(file)
        return Outcome("purged")


def _is_announced(current: LatestEntry | None, entry: Entry, standing: Standing) -> bool:
    """Whether the key, as its store was read back, shows this picture or one of a later moment."""
    if current is None or current.state is not LatestState.PUBLISHED or entry.captured_at is None:
        return False
    return entry.captured_at < current.captured_at or current.sha256 == standing.sha256
