"""How far a batch of designs is: four steps under the names that people know, weighted by bytes."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """What becomes of a batch, in order."""

    CHECKING = "Checking for duplicates"
    PROCESSING = "Processing and formatting images"
    MOCKUPS = "Creating product mockups"
    LISTING = "Uploading to Etsy store"


class StepState(StrEnum):
    """Where a step stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    NOT_CONFIGURED = "not_configured"  # its service is not there; nothing waits for it


@dataclass(frozen=True, slots=True)
class StepProgress:
    """How far one step is. Bytes are those of the files that were dropped; `message` is for people."""

    step: Step
    state: StepState
    items_done: int = 0
    items_total: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    message: str | None = None

    @property
    def share(self) -> float:
        """0 to 1, by bytes; files without any are done when their step is."""
        if self.state is StepState.DONE:
            return 1.0
        return min(1.0, self.bytes_done / self.bytes_total) if self.bytes_total else 0.0


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """How far a batch is. `key` is `{shop}:{batch}`; `updated_at` when anything was last heard."""

    source: str
    key: str
    steps: tuple[StepProgress, ...]
    updated_at: dt.datetime

    @property
    def wanted(self) -> tuple[StepProgress, ...]:
        """The steps whose services are there."""
        return tuple(s for s in self.steps if s.state is not StepState.NOT_CONFIGURED)

    @property
    def state(self) -> StepState:
        """Failed if a step is, done when all are, else running or waiting."""
        states = {step.state for step in self.wanted}
        if StepState.FAILED in states:
            return StepState.FAILED
        if len(states) > 1:
            return StepState.RUNNING
        return next(iter(states), StepState.DONE)

    @property
    def share(self) -> float:
        """0 to 1 of all steps that are to be done; each weighs the bytes of the batch."""
        wanted = self.wanted
        return sum(step.share for step in wanted) / len(wanted) if wanted else 1.0
