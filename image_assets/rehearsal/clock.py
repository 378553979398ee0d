"""The rehearsal's own time: it runs on from where it is set, or stands still."""

import datetime as dt
import threading
import time


class Clock:
    """The time that all stand-ins share; thread-safe."""

    def __init__(self, now: dt.datetime | None = None) -> None:
        self._lock = threading.Lock()
        self._first = now
        self.reset()

    def reset(self) -> None:
        """Back to the time the rehearsal started with."""
        self.set(self._first or dt.datetime.now(dt.UTC))

    def set(self, now: dt.datetime, *, frozen: bool = False) -> None:
        """Make it `now`; `frozen` stops it there."""
        with self._lock:
            self._base = now.astimezone(dt.UTC)
            self._since = None if frozen else time.monotonic()

    def advance(self, seconds: float) -> None:
        """Jump ahead, running or standing as before."""
        with self._lock:
            self._base += dt.timedelta(seconds=seconds)

    def now(self) -> dt.datetime:
        """Aware UTC."""
        with self._lock:
            if self._since is None:
                return self._base
            return self._base + dt.timedelta(seconds=time.monotonic() - self._since)

    def epoch(self) -> float:
        """Seconds since 1970."""
        return self.now().timestamp()
