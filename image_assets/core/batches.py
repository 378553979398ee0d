"""How far a batch of designs is, in four steps under the names that people know; and when it is tried again."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from image_assets.core.model import ImageState, Partition


@dataclass(frozen=True, slots=True)
class BatchAccount:
    """What the catalog holds of a batch: its files by state, and how many of them were stored once.

    `sealed`: every file had its verdict. `lost` are among the missing ones: they were here.
    """

    partition: Partition
    sealed: bool
    states: Mapping[ImageState, int]
    lost: int = 0

    @property
    def files(self) -> int:
        """All files that have a record."""
        return sum(self.states.values())


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
    def asked_at(self) -> dt.datetime | None:
        """When it was taken, or last asked for by a person, where nothing was done with it since."""
        waits = self.steps[0].state is StepState.WAITING
        return self.updated_at if waits else None

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


MOST_TRIES = 6
"""Runs of a batch that begin by themselves; after that people ask."""

_LONGEST_PAUSE = dt.timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Try:
    """A run of a batch that is over. `hopeless`: it failed for what waiting does not cure."""

    ended_at: dt.datetime
    hopeless: bool = False


class Turn(StrEnum):
    """Whether a batch that is not done has its turn."""

    NOW = "now"
    LATER = "later"
    NEVER = "never"  # by itself


def turn(
    tries: Sequence[Try],
    *,
    pause: dt.timedelta,
    now: dt.datetime,
    asked_at: dt.datetime | None = None,
) -> Turn:
    """Whether a batch that is not done is tried again, by its runs so far, in any order.

    After `pause`, then after four times as long each time, but for what waiting does not cure, and no
    more than `MOST_TRIES` times. Runs before `asked_at` count for nothing.
    """
    counted = [one for one in tries if asked_at is None or one.ended_at > asked_at]
    if not counted:
        return Turn.NOW
    last = max(counted, key=lambda one: one.ended_at)
    if last.hopeless or len(counted) >= MOST_TRIES:
        return Turn.NEVER
    wait = min(_LONGEST_PAUSE, pause * 4 ** (len(counted) - 1))
    return Turn.NOW if now - last.ended_at >= wait else Turn.LATER
