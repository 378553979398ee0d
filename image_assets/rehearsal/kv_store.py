"""Keys and values as an edge of the network sees them: everything a while after it was written."""

import base64
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from image_assets.rehearsal.clock import Clock
from image_assets.rehearsal.spool import Tape


@dataclass(frozen=True, slots=True)
class Entry:
    """What one write put under a key; times in seconds since 1970. A deletion has no value."""

    written_at: float
    value: bytes | None = field(default=None, repr=False)
    metadata: Any = None
    expiration: int | None = None

    def lives(self, at: float) -> bool:
        """Whether a reader at that time finds it."""
        expired = self.expiration is not None and self.expiration <= at
        return self.value is not None and not expired


class KVStore:
    """One namespace. Reads are `staleness` seconds late; thread-safe."""

    def __init__(self, clock: Clock, staleness: float, folder: Path | None = None) -> None:
        self._clock, self._staleness = clock, staleness
        self._lock = threading.Lock()
        self._writes: dict[str, list[Entry]] = {}
        self._tape = Tape(folder and folder / "kv.jsonl")
        for event in self._tape.replay():
            value = event["value"]
            known = None if value is None else base64.b64decode(value)
            self._append(event["key"], Entry(**event["entry"], value=known))

    def reset(self) -> None:
        """An empty namespace."""
        with self._lock:
            self._writes.clear()
            self._tape.clear()

    def close(self) -> None:
        """The end of the store."""
        self._tape.close()

    def write(
        self,
        key: str,
        value: bytes,
        *,
        metadata: Any,
        expiration: int | None,
        not_within: float,
    ) -> bool:
        """Put a value under a key; False, and nothing done, within so many seconds of the last one."""
        now = self._clock.epoch()
        with self._lock:
            entries = self._writes.get(key, [])
            last = entries[-1] if entries else None
            if last and last.value is not None and 0 <= now - last.written_at < not_within:
                return False
            self._record(key, Entry(now, value, metadata, expiration))
            return True

    def delete(self, key: str) -> None:
        """Take a key away; nothing happens when it is not there."""
        with self._lock:
            if key in self._writes:
                self._record(key, Entry(self._clock.epoch()))

    def read(self, key: str) -> Entry | None:
        """What a reader finds under the key now."""
        with self._lock:
            return self._visible(key, self._clock.epoch() - self._staleness)

    def select(self, prefix: str) -> Iterator[tuple[str, Entry]]:
        """The keys a reader finds now, in the order of their UTF-8 bytes."""
        at = self._clock.epoch() - self._staleness
        with self._lock:
            keys = sorted((k for k in self._writes if k.startswith(prefix)), key=str.encode)
            found = [(key, entry) for key in keys if (entry := self._visible(key, at))]
        return iter(found)

    def _visible(self, key: str, at: float) -> Entry | None:
        past = [entry for entry in self._writes.get(key, ()) if entry.written_at <= at]
        return past[-1] if past and past[-1].lives(at) else None

    def _record(self, key: str, entry: Entry) -> None:
        self._append(key, entry)
        about = {
            "written_at": entry.written_at,
            "metadata": entry.metadata,
            "expiration": entry.expiration,
        }
        value = None if entry.value is None else base64.b64encode(entry.value).decode()
        self._tape.write({"key": key, "value": value, "entry": about})

    def _append(self, key: str, entry: Entry) -> None:
        # What no reader can see any more is let go: all but the last of what is old enough.
        seen = entry.written_at - self._staleness
        entries = [*self._writes.get(key, ()), entry]
        while len(entries) > 1 and entries[1].written_at <= seen:
            entries.pop(0)
        self._writes[key] = entries
