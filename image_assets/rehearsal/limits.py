"""Counting what a plan allows: so many in a sliding window, so many in a UTC day."""

import threading
from collections import deque

from image_assets.rehearsal.clock import Clock

DAY = 86_400


class Window:
    """At most `limit` requests in any `seconds`; refused requests do not count. Thread-safe.

    With `blocks_when_full` one request too many closes it for the whole of `seconds`.
    """

    def __init__(
        self, clock: Clock, limit: int | None, seconds: float, *, blocks_when_full: bool = False
    ) -> None:
        self._clock, self._limit, self._seconds = clock, limit, seconds
        self._blocks = blocks_when_full
        self._lock = threading.Lock()
        self._taken: deque[float] = deque()
        self._closed_until = 0.0

    def reset(self) -> None:
        """As if nobody had asked."""
        with self._lock:
            self._taken.clear()
            self._closed_until = 0.0

    def take(self) -> float:
        """Seconds to wait before the next one is allowed; 0 when this one is, and is counted."""
        if self._limit is None:
            return 0.0
        now = self._clock.epoch()
        with self._lock:
            while self._taken and not now - self._seconds < self._taken[0] <= now:
                self._taken.popleft()
            if self._closed_until > now:
                return self._closed_until - now
            if len(self._taken) >= self._limit:
                if self._blocks:
                    self._closed_until = now + self._seconds
                return max(self._closed_until, self._taken[0] + self._seconds) - now
            self._taken.append(now)
            return 0.0

    def left(self) -> tuple[int, int]:
        """Requests left, and seconds until the window is empty; a lot where there is no limit."""
        if self._limit is None:
            return 1200, 0
        with self._lock:
            last = self._taken[-1] if self._taken else 0.0
            left = self._limit - len(self._taken)
        return max(0, left), max(0, round(last + self._seconds - self._clock.epoch()))


class Daily:
    """At most `limit` of something in a UTC day. Thread-safe."""

    def __init__(self, clock: Clock, limit: int | None) -> None:
        self._clock, self._limit = clock, limit
        self._lock = threading.Lock()
        self._day = self._used = 0

    def reset(self) -> None:
        """As at the day's beginning."""
        with self._lock:
            self._used = 0

    def take(self, count: int = 1) -> bool:
        """Whether `count` more are within the day's budget; if so they are spent."""
        day = int(self._clock.epoch() // DAY)
        with self._lock:
            if day != self._day:
                self._day, self._used = day, 0
            if self._limit is not None and self._used + count > self._limit:
                return False
            self._used += count
            return True

    @property
    def used(self) -> int:
        """How much of today's budget is spent."""
        with self._lock:
            return self._used if int(self._clock.epoch() // DAY) == self._day else 0
