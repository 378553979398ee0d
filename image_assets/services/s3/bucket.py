"""One bucket: put, look, fetch, delete, list and sign, each bounded and told in our errors.

Every object carries its SHA-256 twice: as metadata, which any service keeps, and as S3's checksum,
which the service compares with what arrives. Contract: https://docs.aws.amazon.com/AmazonS3/latest/API/
"""

import base64
import datetime as dt
import hashlib
import os
import uuid
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from image_assets.core.errors import (
    NotFoundError,
    TransientError,
    VerificationError,
)
from image_assets.services.answers import Redactor
from image_assets.services.durable import disk_errors
from image_assets.services.politeness import Clock, Deadline, Retry
from image_assets.services.s3.bodies import CHUNK, Payload, Timed, base64_of, hex_of
from image_assets.services.s3.calls import Calls, StrangeAnswerError
from image_assets.services.s3.door import Door, connect
from image_assets.services.s3.failures import (
    NO_SUCH_KEY,
    Failures,
    code_of,
    is_taken,
    status_of,
)
from image_assets.services.s3.held import SHA256, WRITER, Held, Listed, held_of
from image_assets.services.s3.links import Links


class Bucket:
    """One bucket, with a client of its own that threads share."""

    def __init__(
        self, door: Door, *, retry: Retry | None = None, clock: Clock | None = None
    ) -> None:
        self.door = door
        failures = Failures(door.names, Redactor(door.secrets))
        self.calls = Calls(str(door), failures, retry or Retry(), clock or Clock())
        self.client = connect(door)
        self._links = Links(door, self.calls)
        # A bucket that is forgotten leaves no socket open.
        self._finalize = weakref.finalize(self, self.client.close)

    def close(self) -> None:
        """Close every connection."""
        self._finalize()

    def where(self, key: str) -> dict[str, str]:
        """An object's place, as every call names it."""
        return {"Bucket": self.door.bucket, "Key": self.full(key)}

    def full(self, key: str) -> str:
        """A key of ours as the bucket spells it."""
        return f"{self.door.prefix}/{key}" if self.door.prefix else key

    def put(
        self,
        key: str,
        payload: Payload,
        *,
        create: bool,
        repeatable: bool = True,
        headers: dict[str, str] | None = None,
    ) -> bool:
        """Store a payload in one request: the whole of it is there durably, or nothing of it.

        Args:
            key: under which key.
            payload: what.
            create: only where nothing is; False is given when something was.
            repeatable: a lost answer is followed by another attempt, which finds out whose object is
                there; else the doubt is told.
            headers: `ContentType`, `CacheControl`.

        Raises:
            InDoubtError: not repeatable, and no usable answer came.
            VerificationError: the service says that it keeps other bytes.
        """
        if create and not self.door.conditional and self.look(key) is not None:
            return False
        writer = uuid.uuid4().hex
        asked = {
            **self.where(key),
            **self.integrity(payload),
            **self.condition(create=create),
            **(headers or {}),
            "Metadata": self.labels(payload, writer),
            "ContentLength": payload.size,
        }

        def send(attempt: int, deadline: Deadline) -> bool:
            try:
                with payload.open() as body:
                    answer = self.client.put_object(Body=Timed(body, deadline), **asked)
            except ClientError as error:
                if not (create and is_taken(error)):
                    raise
                return attempt > 1 and self.is_by(key, writer)
            self._check_stored(key, payload, answer)
            return True

        stored = self.calls("PUT", key, send, repeatable=repeatable)
        return stored and (not create or self.door.conditional or self.is_by(key, writer))

    def look(self, key: str) -> Held | None:
        """What is said of the object; None only where the service says that there is no such key.

        A HEAD has no body, so its 404 may speak of the bucket or be a proxy's: a GET tells.
        """

        def ask(_: int, __: Deadline) -> Held | None:
            try:
                answer = self.client.head_object(**self.where(key), **self._with_checksum())
            except ClientError as error:
                if status_of(error) != 404:
                    raise
                self._prove_absent(key)
                return None
            return held_of(answer)

        return self.calls("HEAD", key, ask)

    def fetch(self, key: str, into: Path, *, compare: bool = True) -> str:
        """Write the object to a file, which gets its time of change; gives its SHA-256.

        Raises:
            NotFoundError: there is no such key.
            VerificationError: `compare`, and the bytes are not those that its writer stored.
        """

        def get(_: int, __: Deadline) -> str:
            with disk_errors(into):
                file = into.open("wb")
            with file:
                sha256, held = self._read(
                    key, lambda chunk: _write(file, chunk, into), compare=compare
                )
                with disk_errors(into):
                    file.flush()
            with disk_errors(into):
                os.utime(into, (held.modified_at.timestamp(),) * 2)
            return sha256

        return self.calls("GET", key, get)

    def sha256(self, key: str, *, reread: bool = False) -> str | None:
        """The object's SHA-256; None where there is no such key.

        It is the checksum that the service compared on arrival and keeps; where it keeps none, and to
        `reread`, the bytes are read to their end.
        """
        if self.door.checksums and not reread:
            held = self.look(key)
            if held is None or held.sha256 is not None:
                return None if held is None else held.sha256
        try:
            read = self.calls("GET", key, lambda _, __: self._read(key, _discard, compare=False))
        except NotFoundError:
            return None
        return read[0]

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens when it is not there."""
        self.calls("DELETE", key, lambda _, __: self.client.delete_object(**self.where(key)))

    def list(self, folder: str) -> Iterator[Listed]:
        """Every object below a folder, by key."""
        asked: dict[str, Any] = {"Bucket": self.door.bucket, "Prefix": f"{self.full(folder)}/"}
        while True:
            page = self.calls("LIST", folder, lambda _, __: self._page(asked))
            for found in page.get("Contents", ()):
                if not found["Key"].endswith("/"):  # a folder, as consoles make them
                    key = found["Key"].removeprefix(self.full(""))
                    yield Listed(key, found["Size"], found["LastModified"].astimezone(dt.UTC))
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = page["NextContinuationToken"]

    def presigned(self, key: str, seconds: int) -> str:
        """A link that gives the object to whoever has it, for so many seconds.

        Raises:
            PermanentError: signatures hold for 1 second to 7 days.
        """
        return self._links.signed(key, self.where(key), seconds)

    def is_by(self, key: str, writer: str) -> bool:
        """Whether the object that is there is that writer's."""
        held = self.look(key)
        return held is not None and held.writer == writer

    def condition(self, *, create: bool) -> dict[str, str]:
        """What lets the service refuse to replace something, where it knows that."""
        return {"IfNoneMatch": "*"} if create and self.door.conditional else {}

    def labels(self, payload: Payload, writer: str) -> dict[str, str]:
        """The metadata of an object: whose it is, and what."""
        return {SHA256: payload.sha256, WRITER: writer}

    def integrity(self, payload: Payload) -> dict[str, str]:
        """What the service compares with the bytes that arrive."""
        if self.door.checksums:
            return {"ChecksumSHA256": base64_of(payload.sha256)}
        return {"ContentMD5": base64.b64encode(payload.md5).decode()}

    def _with_checksum(self) -> dict[str, str]:
        return {"ChecksumMode": "ENABLED"} if self.door.checksums else {}

    def _prove_absent(self, key: str) -> None:
        try:
            answer = self.client.get_object(**self.where(key), Range="bytes=0-0")
        except ClientError as error:
            if code_of(error) == NO_SUCH_KEY:
                return
            raise
        answer["Body"].close()
        raise TransientError(f"{self.door}/{key}: came while it was looked for")

    def _read(
        self, key: str, take: Callable[[bytes], None], *, compare: bool = True
    ) -> tuple[str, Held]:
        answer = self.client.get_object(**self.where(key))
        held = held_of(answer)
        digest, size = hashlib.sha256(), 0
        with closing(answer["Body"]) as body:
            for chunk in body.iter_chunks(CHUNK):
                digest.update(chunk)
                size += len(chunk)
                take(chunk)
        found = digest.hexdigest()
        if size != held.size:
            raise StrangeAnswerError(f"{size} of {held.size} bytes came")
        if compare and held.claimed not in (None, found):
            raise VerificationError(
                f"{self.door}/{key}: its SHA-256 is {found}, its writer stored {held.claimed}"
            )
        return found, held

    def _page(self, asked: dict[str, Any]) -> Any:
        page = self.client.list_objects_v2(**asked)
        # An empty answer says nothing of what is there.
        if page.get("Name") != self.door.bucket:
            raise StrangeAnswerError("a listing of no bucket")
        return page

    def _check_stored(self, key: str, payload: Payload, answer: Any) -> None:
        if not answer.get("ETag"):
            raise StrangeAnswerError("a success without an ETag")
        kept = hex_of(answer.get("ChecksumSHA256"))
        if kept not in (None, payload.sha256):
            raise VerificationError(
                f"{self.door}/{key}: the service keeps {kept} where {payload.sha256} was sent"
            )


def _write(file: Any, chunk: bytes, place: Path) -> None:
    # Only this: errors of botocore's reading are OSErrors too.
    with disk_errors(place):
        file.write(chunk)


def _discard(chunk: bytes) -> None:
    """What is hashed alone goes nowhere."""
