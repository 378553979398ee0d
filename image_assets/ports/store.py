"""Where bytes live."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, runtime_checkable

from image_assets.core.retention import TemporaryFile


class FileStore(Protocol):
    """Files by key (`/`-separated, from `core.naming`). What `put` returned from survives a crash."""

    def scratch(self) -> AbstractContextManager[Path]:
        """A private folder for files on their way in, beside the store; removed at the end."""
        ...

    def put(self, file: Path, key: str) -> bool:
        """Move a scratch file to `key` durably; False, and nothing changed, when `key` is taken."""
        ...

    def put_bytes(self, content: bytes, key: str) -> None:
        """Write `content` to `key` durably, replacing what was there."""
        ...

    def local(self, key: str) -> AbstractContextManager[Path]:
        """A readable local file with the content of `key`.

        Raises:
            NotFoundError: nothing is stored under `key`.
        """
        ...

    def size(self, key: str) -> int | None:
        """Bytes under `key`; None when the store answers that nothing is there."""
        ...

    def sha256(self, key: str) -> str | None:
        """Hex SHA-256 of what is under `key`; None when the store answers that nothing is there."""
        ...

    def delete(self, key: str) -> None:
        """Remove `key`; nothing happens when it is not there."""
        ...

    def temporary_files(self) -> Iterable[TemporaryFile]:
        """Scratch files left behind, by whomever."""
        ...


@runtime_checkable
class Presigning(Protocol):
    """What a store can do beside, whose files others may fetch from where they lie, past us."""

    def presigned(self, key: str, seconds: int) -> str:
        """A link that gives the file to whoever has it, for so many seconds (1 to 7 days); nothing is asked.

        Raises:
            PermanentError: no link holds that long, or none can be made.
        """
        ...
