"""What was asked of the stand-ins: counts and the last requests, never headers or bodies."""

import threading
import time
from collections import Counter, deque
from typing import Any

KEPT = 10_000


class Journal:
    """Requests as they were answered; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()
        self.reset()

    def reset(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._counts: Counter[tuple[str, str, str]] = Counter()
            self._peaks: Counter[str] = Counter()
            self._last: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def begin(self, service: str) -> None:
        """A request to `service` has come in."""
        with self._lock:
            self._under_way[service] += 1
            self._peaks[service] = max(self._peaks[service], self._under_way[service])

    def end(
        self,
        service: str,
        method: str,
        path: str,
        *,
        route: str,
        status: int | None,
        fault: str,
        began: float,
        retry_after: str | None,
    ) -> None:
        """It is over; `status` is None when the connection was dropped, `began` a monotonic time."""
        with self._lock:
            self._under_way[service] -= 1
            self._counts[service, method, route] += 1
            entry = {"method": method, "path": path, "status": status, "began": began}
            more = {"ended": time.monotonic(), "fault": fault, "retry_after": retry_after}
            self._last.append(entry | {name: value for name, value in more.items() if value})

    def report(self) -> dict[str, Any]:
        """`total`; `counts` by service, method and route; `peaks` of simultaneous requests; the last `requests`.

        Of each: method, path, status (null when dropped), `began` and `ended` in seconds of one clock, and
        what there was of `fault` and `retry_after`.
        """
        with self._lock:
            return {
                "total": self._counts.total(),
                "counts": [
                    {"service": service, "method": method, "route": route, "count": count}
                    for (service, method, route), count in sorted(self._counts.items())
                ],
                "peaks": dict(self._peaks),
                "requests": list(self._last),
            }
