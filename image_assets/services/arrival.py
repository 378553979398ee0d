"""A file on its way in: what of it is here, and how the rest is asked for (RFC 9110, section 14).

A part lives as long as the call that fetches it. A picture is some 100 to 400 KB, so that a run that
is cut off loses about one of them a connection: less than it would cost to prove in the next run whose
part it is and of which file.
"""

import errno
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import httpx

from image_assets.core.errors import TransientError, UnreadableImageError
from image_assets.services import validators
from image_assets.services.connections import Reply
from image_assets.services.durable import disk_errors

_HEAD = 64
_RANGE = re.compile(r"bytes (\d{1,15})-\d{1,15}/(\d{1,15})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Download:
    """A file that arrived whole. `head` is its first bytes, at most 64; `what` is for messages."""

    what: str
    url: str
    sha256: str
    size: int
    head: bytes
    headers: Mapping[str, str]


@contextmanager
def arriving(path: Path, limit: int) -> Iterator["Part"]:
    """A file beside `path` that takes its name at the end of the block, and is gone after an error.

    Args:
        path: what must not exist; nobody else may make it meanwhile.
        limit: bytes the file may have.
    """
    beside = path.with_name(f"{path.name}.part")
    with disk_errors(path):
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        file = beside.open("xb", buffering=0)
    try:
        with file:
            yield Part(file, beside, limit)
        with disk_errors(path):
            beside.rename(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


class Part:
    """What is here of a file, over the attempts of one call.

    Each attempt sends `headers`, calls `begin` with a success, `add` with its body and `finish`.
    """

    def __init__(self, file: BinaryIO, path: Path, limit: int) -> None:
        self._file, self._path, self._limit = file, path, limit
        self.forget()

    def forget(self) -> None:
        """Begin anew: what is here is not the beginning of what is asked for."""
        self._size = 0
        self._head = b""
        self._digest: Any = hashlib.sha256()
        self._total: int | None = None
        self._about: Mapping[str, str] = {}

    @property
    def headers(self) -> dict[str, str]:
        """The conditions of the next attempt: only the rest, if there is a part and a way to tell
        that the rest belongs to it.
        """
        validator = validators.for_rest(self._about)
        if not self._size or validator is None:
            return {}
        return {"Range": f"bytes={self._size}-", "If-Range": validator}

    def begin(self, what: str, reply: Reply) -> None:
        """Make ready for the body of a 200 or a 206.

        Raises:
            TransientError: it is not the rest of this part; the part is forgotten.
        """
        if reply.status == httpx.codes.PARTIAL_CONTENT:
            self._check_rest(what, reply)
        else:
            self.forget()
            self._about = reply.headers
            length = reply.headers.get("content-length", "")
            chunked = "transfer-encoding" in reply.headers
            self._total = int(length) if length.isdecimal() and not chunked else None
        with disk_errors(self._path):
            # An attempt that failed to write may have left bytes that were never counted.
            self._file.seek(self._size)
            self._file.truncate()

    def add(self, what: str, chunk: memoryview) -> None:
        """The next bytes.

        Raises:
            UnreadableImageError: they are more than the limit.
        """
        if self._size + len(chunk) > self._limit:
            message = f"{what} with more than {self._limit} bytes"
            raise UnreadableImageError("too_large", message)
        rest = chunk
        with disk_errors(self._path):
            while rest:
                rest = rest[self._file.write(rest) :]
        self._digest.update(chunk)
        self._head = (self._head + bytes(chunk[:_HEAD]))[:_HEAD]
        self._size += len(chunk)

    def finish(self, what: str, reply: Reply, *, expected: int | None) -> Download:
        """The whole file.

        Raises:
            TransientError: it is not whole: by what the server said or, where it said nothing, by
                what was `expected`.
        """
        total = self._total
        if total is None and "transfer-encoding" not in reply.headers:
            total = expected  # chunks say themselves that they are all
        if total is not None and self._size != total:
            raise TransientError(f"{what} with {self._size} bytes of {total}")
        digest = self._digest.hexdigest()
        url = str(reply.request.url)
        return Download(what, url, digest, self._size, self._head, reply.headers)

    def _check_rest(self, what: str, reply: Reply) -> None:
        given = _RANGE.fullmatch(reply.headers.get("content-range", ""))
        fits = (
            "range" in reply.request.headers
            and given is not None
            and int(given[1]) == self._size
            and int(given[2]) == (self._total or int(given[2]))
            and not validators.contradict(self._about, reply.headers)
        )
        if not fits or given is None:
            self.forget()
            raise TransientError(f"{what} with another part than was asked for")
        self._total = int(given[2])
