"""Asking again after what waiting cures, for as long as the bounds of one call allow."""

import logging
from collections.abc import Callable
from typing import TypeVar

from image_assets.core.errors import NoSpaceError, TransientError
from image_assets.services.politeness import Clock, Deadline, Retry

log = logging.getLogger(__name__)

T = TypeVar("T")


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
        clock.sleep(pause)
        attempt += 1
