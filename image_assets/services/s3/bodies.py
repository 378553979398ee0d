"""What is sent to a bucket: hashed once, opened for every attempt, and over in time."""

import base64
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from image_assets.core.errors import RejectedError
from image_assets.services.durable import disk_errors
from image_assets.services.politeness import Deadline

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Payload:
    """A file or bytes to send, with its size and hashes."""

    source: Path | bytes
    size: int
    sha256: str
    md5: bytes

    @classmethod
    def of_file(cls, file: Path) -> "Payload":
        """The payload of a plain file.

        Raises:
            RejectedError: it is a link, or no file.
        """
        with _opened(file) as opened, disk_errors(file):
            return cls(file, *_hashes(opened))

    @classmethod
    def of_bytes(cls, content: bytes) -> "Payload":
        """The payload of bytes in memory."""
        return cls(content, *_hashes(io.BytesIO(content)))

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Its bytes, from the beginning."""
        if isinstance(self.source, bytes):
            yield io.BytesIO(self.source)
        else:
            with _opened(self.source) as opened:
                yield opened


class Timed:
    """A body that ends with an error when it is still being read at its deadline.

    botocore bounds the silence of a connection and not its whole time: a lease on what is being sent
    needs a moment by which it is over.
    """

    def __init__(self, body: BinaryIO, deadline: Deadline) -> None:
        self._body = body
        self._deadline = deadline

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        if self._deadline.left() <= 0:
            raise TimeoutError("the time for sending it is over")
        return self._body.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place in it."""
        return self._body.seek(offset, whence)

    def tell(self) -> int:
        """The place in it."""
        return self._body.tell()


def base64_of(sha256: str) -> str:
    """A hash as S3 spells it in checksums."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def hex_of(checksum: str | None) -> str | None:
    """A whole object's SHA-256 out of S3's spelling; None of a checksum of parts, and of none."""
    if not checksum or "-" in checksum:
        return None
    try:
        raw = base64.b64decode(checksum, validate=True)
    except ValueError:
        return None
    return raw.hex() if len(raw) == hashlib.sha256().digest_size else None


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    with disk_errors(file):
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise RejectedError(f"{file}: not a plain file")
    with os.fdopen(handle, "rb") as opened:
        yield opened


def _hashes(content: Any) -> tuple[int, str, bytes]:
    size, sha256 = 0, hashlib.sha256()
    md5 = hashlib.md5(usedforsecurity=False)  # what the oldest services compare on the way
    while chunk := content.read(CHUNK):
        size += len(chunk)
        sha256.update(chunk)
        md5.update(chunk)
    return size, sha256.hexdigest(), md5.digest()
