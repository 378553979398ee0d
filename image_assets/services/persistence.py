"""Asking again after what waiting cures, for as long as the bounds of one call allow."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from image_assets.core.errors import NoSpaceError, TransientError
from image_assets.ports import Attempt, Repeated
from image_assets.services.politeness import Clock, Deadline, Retry

log = logging.getLogger(__name__)

T = TypeVar("T")
_seen: ContextVar[Repeated | None] = ContextVar("_seen", default=None)


@contextmanager
def watched() -> Iterator[Repeated]:
    """Every try that this thread's calls repeat in the block. Fulfils `ports.Tries`."""
    repeated = Repeated()
    token = _seen.set(repeated)
    try:
        yield repeated
    finally:
        _seen.reset(token)


def begun(clock: Clock) -> None:
    """A try is let in now: what it waited for before was its turn."""
    seen = _seen.get()
    if seen is not None and seen.began is None:
        seen.began = clock.now()


def persist(send: Callable[[int, Deadline], T], retry: Retry, clock: Clock) -> T:
    """What `send` gives, which is told the number of the attempt and the end of them all.

    Raises:
        TransientError: of the last attempt that the bounds allow.
        NoSpaceError: at once: the disk is ours, and asking again would only load the other side.
    """
    budget = Deadline(retry.seconds, clock)
    attempt = 1
    while True:
        try:
            return send(attempt, budget)
        except NoSpaceError:
            raise
        except TransientError as error:
            pause = retry.pause(attempt, clock, asked=error.retry_after)
            if attempt >= retry.attempts or pause >= budget.left():
                raise
            most = retry.attempts
            log.warning("%s; attempt %d of %d, again in %.1f s", error, attempt, most, pause)
            _remember(error, clock)
        clock.sleep(pause)
        attempt += 1


def _remember(error: TransientError, clock: Clock) -> None:
    seen = _seen.get()
    if seen is None:
        return
    now = clock.now()
    began, seen.began = seen.began or now, None
    seconds = (now - began).total_seconds()
    seen.tries.append(Attempt(began, seconds, "failure", str(error)))
