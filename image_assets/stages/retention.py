"""Removing what may go: plan, then tombstone, then purge. Of originals it asks `stages/originals.py`."""

import datetime as dt
import logging
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from image_assets.core import retention
from image_assets.core.retention import DeletionPlan, Outlook, RetentionPolicy
from image_assets.ports import FileStore, PlannedDeletion, RetentionCatalog
from image_assets.stages.originals import Originals
from image_assets.stages.report import Clock, Outcome, Report, each

log = logging.getLogger(__name__)

LEASE = dt.timedelta(minutes=15)
"""How long a clean-up that was killed keeps the next one away; one at work renews it."""

_TOGETHER = 1000
"""Files that are decided about at a time: memory does not grow with the store."""

_RENEWED_EVERY = 200
"""Deletions after which it does."""


class Waiting(Protocol):
    """Deletions that wait, from the one after `after`."""

    def __call__(self, *, after: int, most: int) -> Sequence[PlannedDeletion]: ...


def _utc() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Retention:
    """The rooms that retention needs, together.

    `originals` decides about these; without it they all stay. `recipes` are the names we can still render, `destinations` at how many places each source
    publishes its exports: what is not published everywhere yet stays. Exports by the recipes in
    `kept` stay however old.
    """

    catalog: RetentionCatalog
    store: FileStore
    policy: RetentionPolicy
    recipes: Collection[str]
    destinations: Mapping[str, int] = field(default_factory=dict)
    kept: Collection[str] = ()
    originals: Originals | None = None
    clock: Clock = _utc
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)

    def look(self, *, now: dt.datetime) -> Outlook:
        """Decide about every file; nothing is remembered and nothing removed."""
        outlook = Outlook()
        for plan in self._plans(now):
            outlook.add(plan)
        if self.originals is not None:
            outlook.join(self.originals.look(now=now))
        return outlook

    def plan(self, *, now: dt.datetime) -> Outlook:
        """Decide, and remember what goes in place of what was planned before."""
        outlook = Outlook()
        self.catalog.forget_plan()
        for plan in self._plans(now):
            self.catalog.record_plan(plan, now=now)
            outlook.add(plan)
        if self.originals is not None:
            outlook.join(self.originals.plan(now=now))
        going = outlook.going.total()
        log.info("retention: %d of %d files may go", going, outlook.considered)
        return outlook

    def _plans(self, now: dt.datetime) -> Iterator[DeletionPlan]:
        """A plan for each portion of what there is."""
        exports = iter(self.catalog.export_facts(self.recipes))
        temporary = iter(self.store.temporary_files())
        while True:
            facts, files = list(islice(exports, _TOGETHER)), list(islice(temporary, _TOGETHER))
            if not facts and not files:
                return
            yield retention.plan(
                facts,
                files,
                self.policy,
                now=now,
                destinations=self.destinations,
                kept=self.kept,
            )

    def apply(self, *, now: dt.datetime) -> Report:
        """Remove what the last plan said, but for what came to be needed since."""
        interrupted = self._all(self.catalog.unpurged, lambda deletion: self._purge(deletion, now))
        planned = self._all(self.catalog.planned, lambda deletion: self._remove(deletion, now))
        report = interrupted + planned
        if self.originals is not None:
            # After the exports: one that shares an original's bytes needs no second look.
            report += self.originals.apply(now=now, progress=self._renewed)
        return report

    def _all(self, waiting: Waiting, work: Callable[[PlannedDeletion], Outcome]) -> Report:
        """Do the work for every deletion that waits, a portion at a time."""
        report, after = Report(), 0
        while deletions := waiting(after=after, most=_TOGETHER):
            report += each(deletions, work, workers=1, name=_name, progress=self._renewed)
            after = deletions[-1].id
        return report

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Whether this clean-up may begin: one at a time, over all processes and machines."""
        mine = self._take_turn()
        try:
            yield mine
        finally:
            if mine:
                self.catalog.end_turn(self.owner)

    def _take_turn(self) -> bool:
        now = self.clock()
        return self.catalog.take_turn(self.owner, until=now + LEASE, now=now)

    def _renewed(self, report: Report, _: int) -> None:
        if (report.done + report.failed) % _RENEWED_EVERY == 0:
            self._take_turn()

    def _remove(self, deletion: PlannedDeletion, now: dt.datetime) -> Outcome:
        if self.catalog.tombstone(deletion.id, now=now) is None:
            return Outcome("withdrawn")
        return self._purge(deletion, now)

    def _purge(self, deletion: PlannedDeletion, now: dt.datetime) -> Outcome:
        # While the file goes, nobody records anything at its path: see `ports.ExportsDesk`.
        with self.catalog.purging(deletion.id, now=now) as path:
            if path is None:
                return Outcome("restored")
            self.store.delete(path)
        return Outcome(f"{deletion.kind}_deleted", deletion.size)


def _name(deletion: PlannedDeletion) -> str:
    return deletion.path
