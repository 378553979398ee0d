"""What is left of an app's requests of 24 hours: told by the service's headers, and counted by ourselves."""

import datetime as dt
import fcntl
import json
import os
import threading
from collections.abc import Iterator, MutableSequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from image_assets.core.errors import QuotaExhaustedError
from image_assets.services.durable import disk_errors, make_folder
from image_assets.services.http import Answer, Clock
from image_assets.services.politeness import Window

_HOURS = 24
_SECONDS = 3600


class DayBudget:
    """The requests of a sliding day, of every process that shares the file; thread-safe.

    They are counted by the hour, so that the file stays small: a request counts until the end of its hour
    a day later, which is never too short.

    Args:
        file: where they are counted.
        most: requests in 24 hours.
        clock: time.
    """

    def __init__(self, file: Path, most: int, clock: Clock) -> None:
        self._file, self._most, self._clock = file, most, clock
        self._lock = threading.Lock()
        self._closed_until: dt.datetime | None = None

    def take(self) -> None:
        """Count one request that is about to be made.

        Raises:
            QuotaExhaustedError: the day has none left; nothing was counted.
        """
        now = self._clock.now()
        if self._closed_until is not None and now < self._closed_until:
            raise QuotaExhaustedError(self._spent(self._closed_until))
        with self._counts(now) as counts:
            if sum(counts.values()) >= self._most:
                oldest = min(counts) + _HOURS + 1
                raise QuotaExhaustedError(
                    self._spent(dt.datetime.fromtimestamp(oldest * _SECONDS, dt.UTC))
                )
            hour = _hour(now)
            counts[hour] = counts.get(hour, 0) + 1

    def read(self, answer: Answer) -> None:
        """Learn from an answer's headers; whatever else asks with the same key is counted there."""
        told = answer.headers.get("x-remaining-today", "").strip()
        if told.isdecimal() and int(told) == 0:
            # The window slides: some of it is free again within the hour.
            self._closed_until = self._clock.now() + dt.timedelta(hours=1)

    @property
    def used(self) -> int:
        """Requests of the last 24 hours, as we counted them."""
        with self._counts(self._clock.now()) as counts:
            return sum(counts.values())

    def _spent(self, until: dt.datetime) -> str:
        return (
            f"etsy: the app's {self._most} requests of 24 hours are spent; nothing was sent, the rest"
            f" waits until {until:%Y-%m-%d %H:%M} UTC (ETSY_REQUESTS_PER_DAY)"
        )

    @contextmanager
    def _counts(self, now: dt.datetime) -> Iterator[dict[int, int]]:
        with self._lock, disk_errors(self._file):
            make_folder(self._file.parent)
            handle = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                counts = _recent(_parsed(os.read(handle, 10_000)), now)
                yield counts
                text = json.dumps(counts).encode()
                os.ftruncate(handle, 0)
                os.pwrite(handle, text, 0)
            finally:
                os.close(handle)


@dataclass(frozen=True, slots=True)
class Counted:
    """A window of requests each of which is one of the day's. Fulfils `politeness.Window`."""

    window: Window
    day: DayBudget

    @contextmanager
    def open(self) -> Iterator[MutableSequence[float]]:
        """They, for one more request, which the day allows."""
        self.day.take()
        with self.window.open() as begun:
            yield begun


def _hour(now: dt.datetime) -> int:
    return int(now.timestamp() // _SECONDS)


def _recent(counts: dict[int, int], now: dt.datetime) -> dict[int, int]:
    """Those that count: an hour is over a day after its end."""
    return {hour: count for hour, count in counts.items() if hour >= _hour(now) - _HOURS}


def _parsed(text: bytes) -> dict[int, int]:
    """What the file says; a file that was cut says nothing."""
    try:
        told = json.loads(text or b"{}")
        return {int(hour): int(count) for hour, count in told.items()}
    except (ValueError, AttributeError, TypeError):
        return {}
