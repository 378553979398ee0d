"""A folder of old downloads, as organizing it needs to see it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from image_assets.core.organizing import Claim


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of the folder by its path in it; `problem` says why it is not to be opened."""

    file: str
    claim: Claim = field(default_factory=Claim)
    problem: str | None = None


class OldDownloads(Protocol):
    """Every file of a folder, once; no link is followed, nothing outside is opened."""

    def find(self) -> Sequence[FoundFile]:
        """Every file that is neither a sidecar nor ours already, in the order of a plan."""
        ...

    def digest(self, file: str) -> tuple[str, int]:
        """Hex SHA-256 and bytes of the file."""
        ...

    def readable(self, file: str) -> AbstractContextManager[Path]:
        """The file itself: read it, do not change it."""
        ...

    def bring(self, file: str, into: Path, *, sha256: str, copy: bool) -> None:
        """The file's bytes as the new file `into`, which shares them where a disk can and `copy` is off.

        Raises:
            TransientError: they are no longer those of `sha256`.
        """
        ...

    def is_at(self, file: str, path: Path) -> bool:
        """Whether `path` is the file's own place."""
        ...

    def remove(self, file: str) -> None:
        """Take the file away: its bytes are safe elsewhere.

        Raises:
            TransientError: it has other bytes than its digest was taken of; it stays.
        """
        ...
