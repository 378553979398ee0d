"""How long we keep trying and how little we bother the other side; time itself is an argument."""

import datetime as dt
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, MutableSequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from image_assets.core.errors import TransientError

_GULP = 512 * 1024
_LEAST_SIP = 1400
_SMOOTH_SECONDS = 0.1  # of the bandwidth, taken at a time


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

    def __init__(self, seconds: float, clock: Clock, *, whole: "Deadline | None" = None) -> None:
        self._clock = clock
        self._whole = whole
        self._end = clock.monotonic() + seconds

    def part(self, seconds: float) -> "Deadline":
        """A deadline within this one."""
        return Deadline(min(seconds, self.left()), self._clock, whole=self)

    def left(self) -> float:
        """Seconds left, at least 0."""
        return max(0.0, self._end - self._clock.monotonic())

    def put_off(self, seconds: float) -> None:
        """End so much later, and what this is a part of too: we were the ones who waited."""
        self._end += seconds
        if self._whole is not None:
            self._whole.put_off(seconds)


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
    """How much one site is asked; one object may serve several clients of it.

    The window of requests slides: a token bucket of the same size would let nearly twice as many
    through in its first window, and plans count per window.

    Args:
        connections: requests at a time.
        requests: how many may begin in any `per` seconds; any number when not given.
        bandwidth: bytes a second over all connections; no bound when not given.
        rest: seconds of silence that `rest` keeps.
        shared: counts the requests of other processes too; the same numbers as here.
        patient: wait for a connection for as long as those who have one take. More of us than there
            are connections is our doing: no picture fails because others of its day are large.
        clock: time.
    """

    def __init__(
        self,
        connections: int = 2,
        *,
        requests: int | None = None,
        per: float = 60.0,
        bandwidth: float | None = None,
        rest: float = 0.0,
        shared: "Window | None" = None,
        patient: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self.connections = connections
        self._slots = threading.BoundedSemaphore(connections)
        self._requests = requests
        self._per = per
        self._bandwidth = bandwidth
        self._rest = rest
        self._patient = patient
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._window = shared or _OwnWindow(requests or 0)
        self._paid_until = 0.0
        self._last: float | None = None

    @property
    def sip(self) -> int:
        """Bytes to take at a time: so few that a bounded stream stays smooth, so many that one
        without a bound costs little.
        """
        if self._bandwidth is None:
            return _GULP
        return int(min(_GULP, max(_LEAST_SIP, self._bandwidth * _SMOOTH_SECONDS)))

    @contextmanager
    def turn(self, deadline: Deadline, name: str) -> Iterator[None]:
        """Wait for a turn and hold it; `name` is who is asked, for messages.

        Raises:
            TransientError: no turn comes before the deadline; says when one would.
        """
        began = self._clock.monotonic()
        if not self._slots.acquire(timeout=None if self._patient else deadline.left()):
            message = f"{name}: all {self.connections} connections stayed busy; try again later"
            raise TransientError(message)
        if self._patient:
            deadline.put_off(self._clock.monotonic() - began)
        try:
            # Counted last: what is counted begins now, so no window ever holds more than it may.
            self._wait(self._reserve(deadline.left(), name))
            yield
        finally:
            self._last = self._clock.monotonic()
            self._slots.release()

    def pay(self, size: int, deadline: Deadline) -> None:
        """Wait until `size` bytes that arrived fit the bandwidth.

        The wait is ours and not the site's: it puts the deadline off.
        """
        if self._bandwidth is None:
            return
        with self._lock:
            now = self._clock.monotonic()
            self._paid_until = max(now, self._paid_until) + size / self._bandwidth
            wait = self._paid_until - now
        self._wait(wait)
        deadline.put_off(wait)

    def rest(self) -> None:
        """Wait until the site had its silence since the last request; before the first, none."""
        if self._last is not None:
            self._wait(self._last + self._rest - self._clock.monotonic())

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self._clock.sleep(seconds)

    def _reserve(self, most: float, name: str) -> float:
        if self._requests is None:
            return 0.0
        with self._lock:
            now = self._clock.monotonic()
            with self._window.open() as begun:
                full = len(begun) >= self._requests
                begins = max(now, begun[-self._requests] + self._per) if full else now
                if begins - now > most:
                    message = f"{name}: {self._requests} requests in {self._per:g} s are spoken for"
                    raise TransientError(f"{message}; try again later", retry_after=begins - now)
                begun.append(begins)
            return begins - now


class Window(Protocol):
    """When requests began, or will begin: the last of them, in order."""

    def open(self) -> AbstractContextManager[MutableSequence[float]]:
        """They, for whoever holds the block alone; what he adds is kept. Seconds of one clock."""
        ...


class _OwnWindow:
    """The window of one object."""

    def __init__(self, requests: int) -> None:
        self._begun: deque[float] = deque(maxlen=requests)

    @contextmanager
    def open(self) -> Iterator[MutableSequence[float]]:
        yield self._begun
