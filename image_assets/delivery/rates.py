"""How often one client may ask, in this process: a sliding minute for each, and a bound on how many wait."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_MINUTE = 60.0
_CLIENTS = 10_000
"""Clients that are remembered; of more, those that were silent longest are forgotten."""


class Rates:
    """At most `most` requests of one client in any minute."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._begun: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, client: str, count: int = 1) -> float:
        """Seconds until the client may ask so many times; 0 when it may now, and then it is counted."""
        now = self._clock()
        begun = self._begun.setdefault(client, deque())
        self._begun.move_to_end(client)
        while len(self._begun) > _CLIENTS:
            self._begun.popitem(last=False)
        while begun and begun[0] <= now - _MINUTE:
            begun.popleft()
        if len(begun) + count <= self._most:
            begun.extend([now] * count)
            return 0.0
        # The moment at which enough of the older ones are a minute old.
        leaving = max(0, min(len(begun), len(begun) + count - self._most) - 1)
        return max(0.1, begun[leaving] + _MINUTE - now) if begun else _MINUTE


class Seats:
    """At most `most` that wait at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0

    @property
    def full(self) -> bool:
        """Whether all are taken."""
        return self._taken >= self._most

    @contextmanager
    def one(self) -> Iterator[bool]:
        """Whether there is a seat; it is kept until the block ends."""
        there = not self.full
        self._taken += there
        try:
            yield there
        finally:
            self._taken -= there
