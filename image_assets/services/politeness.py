"""How long we keep trying and how little we bother the other side; time itself is an argument."""

import datetime as dt
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from image_assets.core.errors import TransientError


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance as HTTP services see them; tests give their own."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], dt.datetime] = _now
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random


class Deadline:
    """The moment by which something has ended; whoever waits asks what is left."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds

    def left(self) -> float:
        """Seconds left, at least 0."""
        return max(0.0, self._end - self._clock.monotonic())


@dataclass(frozen=True, slots=True)
class Retry:
    """Bounds of one call: attempts, and seconds in all, every wait and every attempt included.

    The pause before the second attempt is random between `floor` and `delay` seconds (full jitter);
    its upper end doubles with each attempt up to `ceiling`.
    """

    attempts: int = 3
    delay: float = 1.0
    seconds: float = 120.0
    ceiling: float = 30.0
    floor: float = 0.0

    def pause(self, attempt: int, clock: Clock, *, asked: float | None = None) -> float:
        """Seconds to wait after the failed `attempt` (1 is the first); never less than `asked`."""
        longest = min(self.ceiling, self.delay * 2.0 ** min(attempt - 1, 30))
        return max(self.floor, asked or 0.0, longest * clock.random())


class Politeness:
    """At most `connections` requests at a time and `requests` in any `per` seconds.

    The window slides: a token bucket of the same size would let nearly twice as many through in its
    first window, and plans count per window. One object may serve several clients of one site.
    """

    def __init__(
        self,
        connections: int = 2,
        *,
        requests: int | None = None,
        per: float = 60.0,
        clock: Clock | None = None,
    ) -> None:
        self.connections = connections
        self._slots = threading.BoundedSemaphore(connections)
        self._requests = requests
        self._per = per
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._begun: deque[float] = deque(maxlen=requests)

    @contextmanager
    def turn(self, deadline: Deadline, name: str) -> Iterator[None]:
        """Wait for a turn and hold it; `name` is who is asked, for messages.

        Raises:
            TransientError: no turn comes before the deadline; says when one would.
        """
        if not self._slots.acquire(timeout=deadline.left()):
            message = f"{name}: all {self.connections} connections stayed busy; try again later"
            raise TransientError(message)
        try:
            # Counted last: what is counted begins now, so no window ever holds more than it may.
            self._wait_for_rate(deadline, name)
            yield
        finally:
            self._slots.release()

    def _wait_for_rate(self, deadline: Deadline, name: str) -> None:
        wait = self._reserve(deadline.left(), name)
        if wait > 0:
            self._clock.sleep(wait)

    def _reserve(self, most: float, name: str) -> float:
        if self._requests is None:
            return 0.0
        with self._lock:
            now = self._clock.monotonic()
            full = len(self._begun) == self._requests
            begins = max(now, self._begun[0] + self._per) if full else now
            if begins - now > most:
                message = f"{name}: {self._requests} requests in {self._per:g} s are spoken for"
                raise TransientError(f"{message}; try again later", retry_after=begins - now)
            self._begun.append(begins)
            return begins - now
