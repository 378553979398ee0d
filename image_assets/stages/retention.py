"""Removing what may go: plan, then tombstone, then purge. Originals are never touched here."""

import datetime as dt
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from image_assets.core import retention
from image_assets.core.retention import DeletionPlan, RetentionPolicy
from image_assets.ports import FileStore, PlannedDeletion, RetentionCatalog
from image_assets.stages.report import Outcome, Report, each

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retention:
    """The rooms that retention needs, together.

    `recipes` are the names we can still render, `destinations` at how many places each source
    publishes its exports: what is not published everywhere yet stays.
    """

    catalog: RetentionCatalog
    store: FileStore
    policy: RetentionPolicy
    recipes: Collection[str]
    destinations: Mapping[str, int] = field(default_factory=dict)

    def plan(self, *, now: dt.datetime) -> DeletionPlan:
        """Decide about every derived file and remember what goes; nothing is removed yet."""
        plan = retention.plan(
            self.catalog.export_facts(self.recipes),
            self.store.temporary_files(),
            self.policy,
            now=now,
            destinations=self.destinations,
        )
        self.catalog.record_plan(plan, now=now)
        log.info("retention: %d of %d files may go", len(plan.going), len(plan.verdicts))
        return plan

    def apply(self, *, now: dt.datetime) -> Report:
        """Remove what the last plan said, but for what came to be needed since."""
        interrupted = each(
            self.catalog.unpurged(), lambda deletion: self._purge(deletion, deletion.path, now),
            workers=1, name=_name,
        )  # fmt: skip
        planned = each(
            self.catalog.planned(), lambda deletion: self._remove(deletion, now),
            workers=1, name=_name,
        )  # fmt: skip
        return interrupted + planned

    def _remove(self, deletion: PlannedDeletion, now: dt.datetime) -> Outcome:
        path = self.catalog.tombstone(deletion.id, now=now)
        if path is None:
            return Outcome("withdrawn")
        return self._purge(deletion, path, now)

    def _purge(self, deletion: PlannedDeletion, path: str, now: dt.datetime) -> Outcome:
        self.store.delete(path)
        self.catalog.purged(deletion.id, now=now)
        return Outcome(f"{deletion.kind}_deleted", deletion.size)


def _name(deletion: PlannedDeletion) -> str:
    return deletion.path
