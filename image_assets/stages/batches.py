"""Telling how far a batch is: each stage is a leg of one of the four steps, weighted by bytes."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from image_assets.core.batches import Step, StepProgress, StepState
from image_assets.core.errors import ImageAssetsError
from image_assets.core.model import Partition
from image_assets.core.recipes import Recipe
from image_assets.ports import BatchesCatalog, Reached
from image_assets.stages.report import Cause, Clock, Report

_EVERY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Leg:
    """The part of a step that one stage goes, and how far a batch is on it: pictures and bytes."""

    step: Step
    start: float
    end: float
    reached: Callable[[Reached], tuple[int, int]]

    @property
    def is_first(self) -> bool:
        """Whether it brings the files in: only then their number is not known from the catalog."""
        return self.start == 0 and self.end < 1


LEGS: Mapping[str, Leg] = {
    "images": Leg(Step.CHECKING, 0.0, 0.5, lambda r: (r.stored, r.stored_bytes)),
    "designs": Leg(Step.CHECKING, 0.5, 1.0, lambda r: (r.designed, r.designed_bytes)),
    "thumbnails": Leg(Step.PROCESSING, 0.0, 1.0, lambda r: (r.exported, r.exported_bytes)),
    "mockups": Leg(Step.MOCKUPS, 0.0, 1.0, lambda r: (r.mocked, r.mocked_bytes)),
    "etsy_listings": Leg(Step.LISTING, 0.0, 1.0, lambda r: (r.listed, r.listed_bytes)),
}


def opening(items: int, size: int, lacking: Mapping[Step, str]) -> tuple[StepProgress, ...]:
    """The four steps of a new batch of so many files and bytes; `lacking` says which cannot be, and why."""
    return tuple(
        StepProgress(step, StepState.NOT_CONFIGURED, message=lacking[step])
        if step in lacking
        else StepProgress(step, StepState.WAITING, 0, items, 0, size)
        for step in Step
    )


@dataclass(slots=True)
class Tracker:
    """Records one stage's leg of a batch, from what the catalog holds: a resumed batch goes on there.

    `tell` hears of every record. `notes` are for people, kept beside the step.
    """

    catalog: BatchesCatalog
    partition: Partition
    leg: Leg
    recipes: Collection[Recipe]
    clock: Clock
    tell: Callable[[StepProgress], None]
    notes: str | None = None
    templates: Collection[str] = ()
    _last: float = 0.0

    @contextmanager
    def following(self) -> Iterator[None]:
        """The leg's work; what ends it with an error is told as the step's failure."""
        self._record(StepState.RUNNING)
        try:
            yield
        except ImageAssetsError as error:
            self._record(StepState.FAILED, str(error))
            raise

    def progress(self, report: Report, total: int) -> None:
        """Fulfils `stages.report.Progress`: every other second the record is renewed."""
        if time.monotonic() - self._last >= _EVERY_SECONDS:
            self._record(StepState.RUNNING)

    def ended(self, report: Report) -> None:
        """The leg is over; the step with its last leg, and with a failure as well.

        Where only a day's budget is spent the step waits.
        """
        if set(report.causes) == {Cause.QUOTA}:
            self._record(StepState.WAITING, report.failures[0].reason)
        elif report.failed:
            self._record(StepState.FAILED, f"{report.failed} failed: {report.failures[0].reason}")
        else:
            self._record(StepState.DONE if self.leg.end >= 1 else StepState.RUNNING, over=True)

    def _record(self, state: StepState, message: str | None = None, *, over: bool = False) -> None:
        self._last = time.monotonic()
        before = self._before()
        if before is None:
            return
        reached = self.catalog.reached(self.partition, self.recipes, self.templates)
        now = replace(self._along(before, reached, over), state=state)
        if message or self.notes:
            now = replace(now, message="; ".join(filter(None, (message, self.notes))))
        self.catalog.record(self.partition, now, now=self.clock())
        self.tell(now)

    def _along(self, before: StepProgress, reached: Reached, over: bool) -> StepProgress:
        """The step as far as the catalog's records say; refused files weigh nothing once it is known."""
        items, size = self.leg.reached(reached)
        there = before.bytes_total if self.leg.is_first else reached.stored_bytes
        share = 1.0 if over else min(1.0, size / there) if there else 0.0
        along = self.leg.start + (self.leg.end - self.leg.start) * share
        done = replace(before, bytes_done=round(before.bytes_total * along))
        if self.leg.is_first:
            return replace(done, items_done=0, message=f"{items} of {before.items_total} stored")
        return replace(done, items_done=items, items_total=reached.stored, message=None)

    def _before(self) -> StepProgress | None:
        batch = self.catalog.progress(self.partition)
        steps = batch.steps if batch is not None else ()
        return next((step for step in steps if step.step is self.leg.step), None)
