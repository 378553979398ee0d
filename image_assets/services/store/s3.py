"""The store of bytes in a bucket of S3, or of a service that speaks like it.

An object is there durably, and whole, once its PUT was answered. Scratch files and the reports that
the web application shows stay on this machine's disk.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from image_assets.core import naming
from image_assets.core.errors import NotFoundError, PermanentError, RejectedError
from image_assets.core.model import ImageFormat
from image_assets.core.retention import TemporaryFile
from image_assets.services.durable import disk_errors
from image_assets.services.s3.bodies import Payload
from image_assets.services.s3.bucket import Bucket
from image_assets.services.s3.parts import Parts
from image_assets.services.store.keys import MOST_BYTES, segments
from image_assets.services.store.local import LocalStore

_HERE = frozenset({naming.TEMPORARY, naming.REPORTS})
_LEFTOVERS = f"{naming.TEMPORARY}/parts"
_PROBE = ".creates_once"
_TYPES = {f".{format.extension}": format.mime for format in ImageFormat}


class S3Store:
    """Fulfils `ports.FileStore`, `ports.Shelf` and `ports.Presigning` in a bucket.

    Args:
        bucket: where objects lie.
        here: what stays on this machine.
        part_bytes: larger files are sent in parts of this size.
        reread: `sha256` reads every object, instead of believing the checksum that the service
            compared on arrival and keeps.
    """

    def __init__(
        self,
        bucket: Bucket,
        here: LocalStore,
        *,
        part_bytes: int = 64 * 1024 * 1024,
        reread: bool = False,
    ) -> None:
        self.bucket = bucket
        self._here = here
        self._parts = Parts(bucket, part_bytes)
        self._part_bytes = part_bytes
        self._reread = reread
        self._lock = threading.Lock()
        self._proven = False

    def close(self) -> None:
        """Close every connection."""
        self.bucket.close()

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A private folder on this machine for files on their way in; removed at the end."""
        with self._here.scratch() as folder:
            yield folder

    def put(self, file: Path, key: str) -> bool:
        """Move a scratch file to `key`: when this returns True, a crash does not undo it.

        False, and nothing changed, when `key` is taken.
        """
        if self._is_here(key):
            return self._here.put(file, key)
        self._prove()
        if not self._store(Payload.of_file(file), key, create=True):
            return False
        file.unlink(missing_ok=True)
        return True

    def put_bytes(self, content: bytes, key: str) -> None:
        """Write `content` to `key`, replacing what was there: a crash does not undo it."""
        if self._is_here(key):
            self._here.put_bytes(content, key)
        else:
            self._store(Payload.of_bytes(content), key, create=False)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """A copy of the object on this machine, removed at the end.

        Raises:
            NotFoundError: nothing is stored under `key`.
            VerificationError: what is there is not what was stored.
        """
        if self._is_here(key):
            with self._here.local(key) as file:
                yield file
            return
        with self.scratch() as folder:
            file = folder / "content"
            try:
                self.bucket.fetch(key, file)
            except NotFoundError:
                raise NotFoundError(f"{key}: not in the store at {self.bucket.door}") from None
            yield file

    def open(self, key: str) -> BufferedReader:
        """A copy of the object, opened; it is gone when it is closed.

        Raises:
            NotFoundError: nothing is stored under `key`.
        """
        if self._is_here(key):
            return self._here.open(key)
        with self.local(key) as file, disk_errors(file):
            return file.open("rb")

    def size(self, key: str) -> int | None:
        """Bytes under `key`; None when the service says that there is no such key."""
        if self._is_here(key):
            return self._here.size(key)
        held = self.bucket.look(key)
        return None if held is None else held.size

    def sha256(self, key: str) -> str | None:
        """Hex SHA-256 of what is under `key`; None when the service says that nothing is."""
        if self._is_here(key):
            return self._here.sha256(key)
        return self.bucket.sha256(key, reread=self._reread)

    def delete(self, key: str) -> None:
        """Remove `key`; nothing happens when it is not there."""
        leftover = key.removeprefix(f"{_LEFTOVERS}/")
        if self._is_here(key) and leftover == key:
            self._here.delete(key)
        elif leftover == key:
            self.bucket.delete(key)
        else:
            self._parts.discard(leftover)

    def temporary_files(self) -> Iterator[TemporaryFile]:
        """Scratch files of this machine, and uploads in parts that never ended."""
        yield from self._here.temporary_files()
        for left in self._parts.leftovers():
            yield TemporaryFile(f"{_LEFTOVERS}/{left.name}", 0, left.began_at)

    def presigned(self, key: str, seconds: int) -> str:
        """A link that gives the object to whoever has it, for so many seconds, 7 days at most."""
        if self._is_here(key):
            raise PermanentError(f"{key}: lies on this machine, not in {self.bucket.door}")
        return self.bucket.presigned(key, seconds)

    def _is_here(self, key: str) -> bool:
        """Whether the key is of this machine's disk, once it is known to be a key.

        Raises:
            RejectedError: it is none, or too long for the bucket.
        """
        if segments(key)[0] in _HERE:
            return True
        if len(self.bucket.full(key).encode()) > MOST_BYTES:
            raise RejectedError(
                f"{key[:100]!r} is no key of {self.bucket.door}: more than {MOST_BYTES} bytes"
            )
        return False

    def _store(self, payload: Payload, key: str, *, create: bool) -> bool:
        headers = {"ContentType": _TYPES.get(Path(key).suffix, "application/octet-stream")}
        if payload.size > self._part_bytes:
            return self._parts.put(key, payload, create=create, headers=headers)
        return self.bucket.put(key, payload, create=create, headers=headers)

    def _prove(self) -> None:
        """See once that the service refuses to write where something is: some ignore the question.

        Raises:
            PermanentError: it writes all the same. Nothing of ours was touched.
        """
        if not self.bucket.door.conditional:
            return
        with self._lock:
            if not self._proven and self._creates() and self._creates():
                raise PermanentError(
                    f"{self.bucket.door}: the service overwrites what it was asked not to"
                    " (If-None-Match); set S3_CREATES=checked, and let one machine write at a time"
                )
            self._proven = True

    def _creates(self) -> bool:
        return self.bucket.put(_PROBE, Payload.of_bytes(b""), create=True)
