"""Letting go of originals that others have, provably: plan, tombstone, purge after the undo window, undo."""

import datetime as dt
import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from image_assets.core import originals
from image_assets.core.errors import NotFoundError
from image_assets.core.model import UploadState
from image_assets.core.originals import Copy, OriginalsPolicy
from image_assets.core.retention import DeletionPlan, Outlook
from image_assets.ports import (
    FileStore,
    ImageHost,
    OriginalsCatalog,
    PlannedDeletion,
    UploadsCatalog,
)
from image_assets.stages.report import Outcome, Progress, Report, each

log = logging.getLogger(__name__)

_TOGETHER = 1000


@dataclass(frozen=True, slots=True)
class Originals:
    """The rooms that retention of originals needs, together.

    `approved` says that a person looked at the plan: the breaker lets it pass.
    """

    catalog: OriginalsCatalog
    store: FileStore
    policy: OriginalsPolicy
    approved: bool = False

    def look(self, *, now: dt.datetime) -> Outlook:
        """Decide about every original; nothing is remembered and nothing removed."""
        outlook = Outlook()
        for plan in self._plans(now):
            outlook.add(plan)
        self._break(outlook)
        return outlook

    def plan(self, *, now: dt.datetime) -> Outlook:
        """Decide, and remember what goes in place of what was planned before."""
        outlook = Outlook()
        self.catalog.forget_plan()
        for plan in self._plans(now):
            self.catalog.record_plan(plan, now=now)
            outlook.add(plan)
        if reason := self._break(outlook):
            self.catalog.forget_plan()
            log.warning("retention: %s", reason)
        log.info("retention: %d of %d originals may go", outlook.going.total(), outlook.considered)
        return outlook

    @staticmethod
    def refused(outlook: Outlook) -> str | None:
        """Why the breaker refused a plan; None when it did not."""
        return next((reason for reason in outlook.kept if originals.is_excess(reason)), None)

    def apply(self, *, now: dt.datetime, progress: Progress | None = None) -> Report:
        """Tombstone what the last plan said, and purge what was tombstoned an undo window ago."""
        purged = Report()
        for due in self._tombstoned(before=now - self.policy.undo):
            purged += each(
                due, lambda one: self._purge(one, now), workers=1, name=_name, progress=progress
            )
        report, after = Report(), 0
        while planned := self.catalog.planned(after=after, most=_TOGETHER):
            report += each(
                planned, lambda one: self._bury(one, now), workers=1, name=_name, progress=progress
            )
            after = planned[-1].id
        return purged + report

    def prove(
        self,
        hosts: Mapping[str, ImageHost],
        uploads: UploadsCatalog,
        *,
        now: dt.datetime,
        workers: int = 1,
        progress: Progress | None = None,
    ) -> Report:
        """Have hosts prove again what they proved too long ago, where that lets an original go.

        What is not proven stays as it is: the original stays as well.
        """
        old = [
            copy
            for facts in self.catalog.facts(self.policy.sources)
            for copy in originals.renewable(facts, self.policy, now=now)
        ]

        def prove(copy: Copy) -> Outcome:
            upload = uploads.upload(copy.upload)
            if upload.receipt is None or upload.state is not UploadState.VERIFIED:
                return Outcome("withdrawn")  # somebody found it lacking meanwhile
            host = hosts.get(copy.destination)
            if host is None:
                raise NotFoundError(f"{copy.destination}: no such destination is set up")
            with self.store.local(upload.content.path) as file:
                level = host.verify(upload.content, file, upload.receipt)
            uploads.verified(upload.id, level, now=now)
            return Outcome("proven", upload.content.size)

        return each(old, prove, workers=workers, name=_copy_name, progress=progress)

    def removed(self) -> Iterator[PlannedDeletion]:
        """The originals that went and can be brought back, the oldest first."""
        for some in self._tombstoned():
            yield from some

    def restore(self, paths: Collection[str] | None, *, now: dt.datetime) -> Report:
        """Bring back the originals of these store keys, or all that can be."""
        chosen = [one for one in self.removed() if paths is None or one.path in paths]
        report = each(chosen, lambda one: self._restore(one, now), workers=1, name=_name)
        log.info("retention: %d originals brought back", report.counts.get("restored", 0))
        return report

    def _plans(self, now: dt.datetime) -> Iterator[DeletionPlan]:
        if not self.policy.sources:
            return
        facts = iter(self.catalog.facts(self.policy.sources))
        while some := list(islice(facts, _TOGETHER)):
            yield originals.plan(some, self.policy, now=now)

    def _break(self, outlook: Outlook) -> str | None:
        """Refuse all of a plan that is too much at once; why."""
        going = outlook.going.total()
        if self.approved or not going:
            return None
        known = self.catalog.known(self.policy.sources)
        reason = originals.excess(going, known, self.policy)
        if reason is not None:
            outlook.refuse(reason)
        return reason

    def _tombstoned(self, before: dt.datetime | None = None) -> Iterator[list[PlannedDeletion]]:
        after = 0
        while some := self.catalog.tombstoned(before=before, after=after, most=_TOGETHER):
            yield list(some)
            after = some[-1].id

    def _bury(self, deletion: PlannedDeletion, now: dt.datetime) -> Outcome:
        gone = self.catalog.tombstone(deletion.id, self.policy, now=now)
        return Outcome("original_tombstoned" if gone else "withdrawn")

    def _purge(self, deletion: PlannedDeletion, now: dt.datetime) -> Outcome:
        with self.catalog.purging(deletion.id, self.policy, now=now) as purge:
            if purge.path is None:
                return Outcome(purge.kept)
            self.store.delete(purge.path)
        return Outcome("original_deleted", deletion.size)

    def _restore(self, deletion: PlannedDeletion, now: dt.datetime) -> Outcome:
        if self.store.size(deletion.path) != deletion.size:
            raise NotFoundError(
                f"{deletion.path}: its bytes are not in the store any more; where it was published"
                " they still are"
            )
        back = self.catalog.restore(deletion.id, now=now)
        return Outcome("restored" if back else "too_late", deletion.size)


def _copy_name(copy: Copy) -> str:
    return f"{copy.destination}: upload {copy.upload}"


def _name(deletion: PlannedDeletion) -> str:
    return deletion.path
