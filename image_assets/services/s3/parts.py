"""Objects too large for one request: sent in parts, which become an object at once or never.

What a killed process leaves behind is not readable and costs money: it is listed, and thrown away by
whoever tidies up.
"""

import datetime as dt
import hashlib
import io
import logging
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from image_assets.core.errors import ImageAssetsError
from image_assets.services.politeness import Deadline
from image_assets.services.s3.bodies import Payload, Timed
from image_assets.services.s3.bucket import Bucket
from image_assets.services.s3.calls import StrangeAnswerError
from image_assets.services.s3.failures import NO_SUCH_UPLOAD, code_of, is_taken

log = logging.getLogger(__name__)

_MOST_PARTS = 10_000
LEAST_PART = 5 * 1024 * 1024
"""Bytes of a part, but for the last: no service takes fewer."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """An upload in parts that was begun and neither ended nor given up; `key` is the bucket's."""

    key: str
    upload_id: str
    began_at: dt.datetime

    @property
    def name(self) -> str:
        """A name of its own that is a plain file name."""
        return hashlib.sha256(f"{self.key}\0{self.upload_id}".encode()).hexdigest()[:32]


class Parts:
    """Uploads in parts to one bucket."""

    def __init__(self, bucket: Bucket, size: int) -> None:
        self._bucket = bucket
        self._size = max(size, LEAST_PART)

    def put(self, key: str, payload: Payload, *, create: bool, headers: dict[str, str]) -> bool:
        """Store a payload; False, and nothing changed, where `create` found something.

        Whatever ends it before the object is there takes the parts back.
        """
        if create and self._bucket.look(key) is not None:
            return False  # known before anything is sent
        writer = uuid.uuid4().hex
        where = self._begin(key, payload, writer, headers)
        try:
            parts = self._send_all(key, payload, where)
            stored = self._finish(key, where, parts, writer, create=create)
        except BaseException:
            self._give_up(key, where)
            raise
        if not stored:
            self._give_up(key, where)
        return stored

    def leftovers(self) -> Iterator[Leftover]:
        """What was begun below our prefix and is not over: under way, or left by a killed process."""
        asked: dict[str, Any] = {
            "Bucket": self._bucket.door.bucket,
            "Prefix": self._bucket.full(""),
        }
        while True:
            page = self._bucket.calls("LIST uploads", "", lambda _, __: self._page(asked))
            for found in page.get("Uploads", ()):
                yield Leftover(
                    found["Key"], found["UploadId"], found["Initiated"].astimezone(dt.UTC)
                )
            if not page.get("IsTruncated"):
                return
            asked["KeyMarker"] = page["NextKeyMarker"]
            asked["UploadIdMarker"] = page["NextUploadIdMarker"]

    def discard(self, name: str) -> None:
        """Throw a leftover away, by its name; nothing happens when it is over."""
        for left in self.leftovers():
            if left.name == name:
                self._abort(left.key, self._named(left.key, left.upload_id))

    def _named(self, full: str, upload_id: str) -> dict[str, str]:
        return {"Bucket": self._bucket.door.bucket, "Key": full, "UploadId": upload_id}

    def _begin(
        self, key: str, payload: Payload, writer: str, headers: dict[str, str]
    ) -> dict[str, str]:
        asked = {
            **self._bucket.where(key),
            **headers,
            **({"ChecksumAlgorithm": "SHA256"} if self._bucket.door.checksums else {}),
            "Metadata": self._bucket.labels(payload, writer),
        }

        def send(_: int, __: Deadline) -> str:
            answer = self._bucket.client.create_multipart_upload(**asked)
            if not answer.get("UploadId"):
                raise StrangeAnswerError("an upload without an id")
            return str(answer["UploadId"])

        # Begun twice is a leftover more, and no harm.
        upload_id = self._bucket.calls("begin", key, send)
        return {**self._bucket.where(key), "UploadId": upload_id}

    def _send_all(self, key: str, payload: Payload, where: dict[str, str]) -> list[dict[str, Any]]:
        size = max(self._size, -(-payload.size // _MOST_PARTS))
        parts: list[dict[str, Any]] = []
        with payload.open() as body:
            while content := body.read(size):
                parts.append(self._send(key, content, where, len(parts) + 1))
        return parts

    def _send(self, key: str, content: bytes, where: dict[str, str], number: int) -> dict[str, Any]:
        part = Payload.of_bytes(content)
        integrity = self._bucket.integrity(part)
        asked = {**where, **integrity, "PartNumber": number, "ContentLength": len(content)}

        def send(_: int, deadline: Deadline) -> str:
            body = Timed(io.BytesIO(content), deadline)
            answer = self._bucket.client.upload_part(Body=body, **asked)
            if not answer.get("ETag"):
                raise StrangeAnswerError("a part without an ETag")
            return str(answer["ETag"])

        etag = self._bucket.calls(f"PUT part {number} of", key, send)
        checksum = {n: value for n, value in integrity.items() if n == "ChecksumSHA256"}
        return {"PartNumber": number, "ETag": etag, **checksum}

    def _finish(
        self,
        key: str,
        where: dict[str, str],
        parts: list[dict[str, Any]],
        writer: str,
        *,
        create: bool,
    ) -> bool:
        condition = self._bucket.condition(create=create)

        def send(attempt: int, _: Deadline) -> bool:
            try:
                answer = self._bucket.client.complete_multipart_upload(
                    **where, **condition, MultipartUpload={"Parts": parts}
                )
            except ClientError as error:
                if create and is_taken(error):
                    return attempt > 1 and self._bucket.is_by(key, writer)
                # An attempt before may have ended it: then it is there, and it is ours.
                over = attempt > 1 and code_of(error) == NO_SUCH_UPLOAD
                if over and self._bucket.is_by(key, writer):
                    return True
                raise
            if not answer.get("ETag"):
                raise StrangeAnswerError("a success without an ETag")
            return True

        return self._bucket.calls("finish", key, send)

    def _give_up(self, key: str, where: dict[str, str]) -> None:
        """Take the parts back; where that fails, they are a leftover that retention finds."""
        try:
            self._abort(key, where)
        except ImageAssetsError as error:
            log.warning("%s: its parts stay until retention takes them: %s", key, error)

    def _abort(self, key: str, where: dict[str, str]) -> None:
        def send(_: int, __: Deadline) -> None:
            try:
                self._bucket.client.abort_multipart_upload(**where)
            except ClientError as error:
                if code_of(error) != NO_SUCH_UPLOAD:
                    raise

        self._bucket.calls("abort", key, send)

    def _page(self, asked: dict[str, Any]) -> Any:
        page = self._bucket.client.list_multipart_uploads(**asked)
        if page.get("Bucket") != self._bucket.door.bucket:
            raise StrangeAnswerError("a listing of no bucket")
        return page
