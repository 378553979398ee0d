"""What a stage did, and `each`, the one place where items are done side by side."""

import datetime as dt
import itertools
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    InDoubtError,
    MissingSettingError,
    NoSpaceError,
    QuotaExhaustedError,
    TransientError,
)

log = logging.getLogger(__name__)

SHOWN_FAILURES = 50
"""Failures listed in a report; the counts go on, so memory does not grow with the partition."""

_CONCERNS_ALL = (AuthenticationError, MissingSettingError, NoSpaceError, QuotaExhaustedError)
"""Errors that every further item would meet as well: the rest is not tried."""

Item = TypeVar("Item")
Clock = Callable[[], dt.datetime]


class Cause(StrEnum):
    """Why an item failed, by what the reader can do."""

    TRANSIENT = "transient"
    QUOTA = "quota"
    IN_DOUBT = "in_doubt"
    PERMANENT = "permanent"

    @classmethod
    def of(cls, error: ImageAssetsError) -> "Cause":
        """The class an error belongs to."""
        if isinstance(error, TransientError):
            return cls.TRANSIENT
        if isinstance(error, QuotaExhaustedError):
            return cls.QUOTA
        return cls.IN_DOUBT if isinstance(error, InDoubtError) else cls.PERMANENT


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item that did not fail; `note` is counted in the report (`stored` …)."""

    note: str
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class ItemFailure:
    """One item that failed, and why."""

    item: str
    cause: Cause
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a stage did with a partition.

    `counts` are items by outcome, `causes` failures by cause, `bytes` those that were moved or
    made, `failures` the first `SHOWN_FAILURES` of them. `busy` are the seconds of all workers
    together in which they worked.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    causes: Mapping[Cause, int] = field(default_factory=dict)
    bytes: int = 0
    seconds: float = 0.0
    failures: tuple[ItemFailure, ...] = ()
    busy: float = 0.0

    @property
    def failed(self) -> int:
        """Items that failed."""
        return sum(self.causes.values())

    @property
    def done(self) -> int:
        """Items that did not."""
        return sum(self.counts.values())

    @property
    def transient_only(self) -> bool:
        """Whether waiting may cure every failure there is."""
        return self.failed > 0 and set(self.causes) == {Cause.TRANSIENT}

    def __add__(self, other: "Report") -> "Report":
        """Both together."""
        return Report(
            Counter(self.counts) + Counter(other.counts),
            Counter(self.causes) + Counter(other.causes),
            self.bytes + other.bytes,
            self.seconds + other.seconds,
            (self.failures + other.failures)[:SHOWN_FAILURES],
            self.busy + other.busy,
        )

    def worker_use(self, workers: int) -> float:
        """Share of the time of so many workers in which they worked, 0 to 1."""
        time_there_was = self.seconds * workers
        return min(1.0, self.busy / time_there_was) if time_there_was else 0.0


Progress = Callable[[Report, int], None]
"""Told after each item: what is done so far, and of how many."""


def nothing(note: str, count: int = 1) -> Report:
    """The report of a stage that had nothing to do, and why."""
    return Report({note: count})


def each(
    items: Sequence[Item],
    work: Callable[[Item], Outcome],
    *,
    workers: int,
    name: Callable[[Item], str] = str,
    progress: Progress | None = None,
) -> Report:
    """Do `work` for every item, `workers` at a time; one item's failure stops no other.

    Our own errors become failures in the report. Anything else is a bug: it escapes, after the items
    under way have ended. An error that concerns the whole batch (a credential, a spent quota) ends
    it: the items not begun are reported as failed for the same reason.
    """
    started = time.monotonic()
    tally, working = _Tally(), _Halting(work)
    for item, future in _completed(items, working, workers):
        tally.take(name(item), future)
        tally.busy = working.busy
        if progress is not None:
            progress(tally.report(time.monotonic() - started), len(items))
    tally.not_tried(len(items))
    return tally.report(time.monotonic() - started)


class _NotBegunError(Exception):
    """The batch ended before this item's turn."""


class _Halting:
    """Work that begins nothing more once an error concerned the whole batch, or was a bug."""

    def __init__(self, work: Callable[[Any], Outcome]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self.over = threading.Event()
        self.busy = 0.0

    def __call__(self, item: Any) -> Outcome:
        if self.over.is_set():
            raise _NotBegunError
        began = time.monotonic()
        try:
            return self._work(item)
        except BaseException as error:
            if isinstance(error, _CONCERNS_ALL) or not isinstance(error, ImageAssetsError):
                self.over.set()  # here, not where it is counted: the next item begins at once
            raise
        finally:
            with self._lock:
                self.busy += time.monotonic() - began


def _completed(
    items: Sequence[Item], work: _Halting, workers: int
) -> Iterator[tuple[Item, Future[Outcome]]]:
    """Items with their results in the order of completion; never more queued than can run soon."""
    waiting = iter(items)
    running: dict[Future[Outcome], Item] = {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        try:
            while True:
                for item in itertools.islice(waiting, 2 * workers - len(running)):
                    running[pool.submit(work, item)] = item
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future
                if work.over.is_set():
                    waiting = iter(())
        finally:
            # An interrupted run (Dagster's cancel, a bug in one item) begins nothing more.
            work.over.set()


class _Tally:
    """A report in the making."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.causes: Counter[Cause] = Counter()
        self.bytes = 0
        self.busy = 0.0
        self.failures: list[ItemFailure] = []
        self.stopped: ImageAssetsError | None = None

    def take(self, item: str, future: Future[Outcome]) -> None:
        try:
            outcome = future.result()
        except _NotBegunError:
            return  # counted at the end, with the items that were never queued
        except ImageAssetsError as error:
            self.fail(item, error)
        else:
            log.debug("%s: %s", item, outcome.note, extra={"item": item, "outcome": outcome.note})
            self.counts[outcome.note] += 1
            self.bytes += outcome.bytes

    def fail(self, item: str, error: ImageAssetsError) -> None:
        cause = Cause.of(error)
        log.error("%s: %s: %s", item, cause, error, extra={"item": item, "cause": cause.value})
        self.causes[cause] += 1
        if len(self.failures) < SHOWN_FAILURES:
            self.failures.append(ItemFailure(item, cause, str(error)))
        if isinstance(error, _CONCERNS_ALL):
            self.stopped = error

    def not_tried(self, total: int) -> None:
        left = total - sum(self.counts.values()) - sum(self.causes.values())
        if left and self.stopped is not None:
            cause = Cause.of(self.stopped)
            log.error("%d items not tried: %s", left, self.stopped)
            self.causes[cause] += left
            self.failures.append(ItemFailure(f"{left} items not tried", cause, str(self.stopped)))

    def report(self, seconds: float) -> Report:
        return Report(
            dict(self.counts),
            dict(self.causes),
            self.bytes,
            seconds,
            tuple(self.failures),
            self.busy,
        )
