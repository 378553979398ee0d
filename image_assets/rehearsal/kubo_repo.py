"""What a node of Kubo holds: bytes by identifier, and which of them it pins."""

import threading
from pathlib import Path

from image_assets.rehearsal.spool import Extent, Spool, Tape


class KuboRepo:
    """Blocks and pins; thread-safe. With a folder they are kept there.

    `most_bytes` is the room on its disk, None for any: what does not fit is not kept.
    """

    def __init__(self, folder: Path | None = None, *, most_bytes: int | None = None) -> None:
        self._lock = threading.RLock()
        self._most = most_bytes
        self._spool = Spool(folder and folder / "kubo.bytes")
        self._tape = Tape(folder and folder / "kubo.jsonl")
        self._held: dict[str, Extent] = {}
        self._pins: dict[str, str] = {}
        for event in self._tape.replay():
            self._replay(**event)

    def reset(self) -> None:
        """An empty node."""
        with self._lock:
            self._held.clear()
            self._pins.clear()
            self._tape.clear()
            self._spool.clear()

    def close(self) -> None:
        """Let go of the bytes."""
        self._spool.close()
        self._tape.close()

    def __len__(self) -> int:
        """How many things are pinned."""
        with self._lock:
            return len(self._pins)

    def keep(self, identifier: str, content: bytes) -> bool:
        """Keep the bytes, once; False when the disk is full."""
        with self._lock:
            if identifier in self._held:
                return True
            used = sum(extent.size for extent in self._held.values())
            if self._most is not None and used + len(content) > self._most:
                return False
            extent = self._held[identifier] = self._spool.add(content)
            self._tape.write({"held": [identifier, extent.start, extent.size]})
            return True

    def pin(self, identifier: str, name: str = "") -> bool:
        """Pin what is held; False when it is not."""
        with self._lock:
            if identifier not in self._held:
                return False
            self._pins[identifier] = name
            self._tape.write({"pinned": [identifier, name]})
            return True

    def unpin(self, identifier: str) -> bool:
        """Take a pin away; whether it was there. The bytes stay until `collect`."""
        with self._lock:
            self._tape.write({"unpinned": identifier})
            return self._pins.pop(identifier, None) is not None

    def pinned(self, identifier: str) -> str | None:
        """The name of a pin; None where there is none."""
        with self._lock:
            return self._pins.get(identifier)

    def pins(self) -> dict[str, str]:
        """Every pin, with its name."""
        with self._lock:
            return dict(self._pins)

    def read(self, identifier: str) -> bytes | None:
        """The bytes, pinned or not; None where they are not held."""
        with self._lock:
            extent = self._held.get(identifier)
            return None if extent is None else self._spool.read(extent)

    def swap(self, identifier: str, content: bytes) -> None:
        """Hold other bytes under an identifier: what a node must never do, and a broken disk does."""
        with self._lock:
            self._held[identifier] = self._spool.add(content)

    def collect(self) -> list[str]:
        """Forget the bytes that nothing pins; their identifiers."""
        with self._lock:
            gone = [identifier for identifier in self._held if identifier not in self._pins]
            for identifier in gone:
                del self._held[identifier]
                self._tape.write({"collected": identifier})
            return gone

    def _replay(
        self,
        held: list[str | int] | None = None,
        pinned: list[str] | None = None,
        unpinned: str = "",
        collected: str = "",
    ) -> None:
        if held is not None:
            identifier, start, size = held
            self._held[str(identifier)] = Extent(int(start), int(size))
        if pinned is not None:
            self._pins[pinned[0]] = pinned[1]
        self._pins.pop(unpinned, None)
        self._held.pop(collected, None)
