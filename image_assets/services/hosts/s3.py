"""A bucket that others read: content under its own hash, by a public address or by signed links.

A key stands for one content, so an upload in doubt is settled by looking the key up. Verification
reaches L3: the service compared the SHA-256 on arrival and keeps it, and what readers get is read
back. A public address is told as it is configured; that the bucket lets everybody read is its
owner's business, and reading back shows whether it does.
"""

import logging
import tempfile
from pathlib import Path
from urllib.parse import quote

from image_assets.core.errors import (
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
    UnreadableImageError,
    VerificationError,
)
from image_assets.core.model import Content, Level, Receipt
from image_assets.services.answers import Answer
from image_assets.services.http import Clock, Http, Retry
from image_assets.services.s3.bodies import Payload
from image_assets.services.s3.bucket import Bucket
from image_assets.services.s3.door import Door, Names
from image_assets.services.s3.held import Held
from image_assets.services.s3.links import LONGEST_LINK

log = logging.getLogger(__name__)

_MOST_BYTES = 5 * 1024**3  # in one request
_FOR_EVER = "public, max-age=31536000, immutable"
_SHORT = 300  # seconds of a link that only we use


class S3Host:
    """One bucket to publish in.

    Args:
        door: the bucket, and who we are there.
        base_url: where the world reads what lies below the bucket's prefix; signed links alone read
            it when not given.
        retry: bounds of one call.
        read_back: verifying reads what readers get; else what the service says is believed.
        clock: time and chance.
    """

    name = "s3"
    level = Level.L3
    max_bytes: int | None = _MOST_BYTES

    def __init__(
        self,
        door: Door,
        *,
        base_url: str | None = None,
        retry: Retry | None = None,
        read_back: bool = True,
        clock: Clock | None = None,
    ) -> None:
        retry, clock = retry or Retry(delay=2.0), clock or Clock()
        self._bucket = Bucket(door, retry=retry, clock=clock)
        self._base = base_url.rstrip("/") if base_url else None
        self._read_back = read_back
        self._timeout = door.timeout
        # Readers have no key: neither has this one. The endpoint is ours, the address configured.
        trusted = base_url or self._bucket.presigned("any", _SHORT)
        self._reader = Http(
            f"{self.name} reader", (trusted,), retry=retry, timeout=door.timeout, clock=clock
        )

    @property
    def deadline(self) -> float:
        """Every attempt and every wait of an upload, the last silence, and ten seconds for the file."""
        return self._bucket.calls.retry.seconds + self._timeout + 10.0

    @property
    def names(self) -> Names:
        """The settings that messages tell to check."""
        return self._bucket.door.names

    def close(self) -> None:
        """Close every connection."""
        self._bucket.close()
        self._reader.close()

    def upload(self, content: Content, file: Path) -> Receipt:
        """Store `file` under the content's name; the right bytes that are there already stay.

        Raises:
            PermanentError: `file` is not the content it is said to be; nothing is published.
            InDoubtError: it was sent and no usable answer came.
        """
        key = _plain(content.name)
        payload = Payload.of_file(file)
        if payload.sha256 != content.sha256:
            raise PermanentError(
                f"{content.name}: {file} holds other bytes (SHA-256 {payload.sha256});"
                " the store is damaged: nothing was published"
            )
        headers = {"ContentType": content.format.mime, "CacheControl": _FOR_EVER}
        created = self._bucket.put(key, payload, create=True, repeatable=False, headers=headers)
        if not created and self._bucket.sha256(key) != content.sha256:
            log.warning("%s/%s: held other bytes; published again", self._bucket.door, key)
            self._bucket.put(key, payload, create=False, repeatable=False, headers=headers)
        return self._receipt(content)

    def find(self, content: Content, file: Path) -> Receipt | None:
        """The content's receipt when exactly its bytes lie under its key."""
        held = self._bucket.sha256(_plain(content.name))
        return self._receipt(content) if held == content.sha256 else None

    def verify(self, content: Content, file: Path, receipt: Receipt) -> Level:
        """Ask for the checksum that the service keeps, then read what readers get."""
        key = _plain(content.name)
        held = self._bucket.look(key)
        if held is None:
            raise NotFoundError(f"{content.name}: not in {self._bucket.door}")
        self._compare(content, held)
        if self._read_back:
            self._compare_read(content, key)
        elif held.sha256 is None and self._bucket.sha256(key, reread=True) != content.sha256:
            raise VerificationError(f"{self._bucket.door}/{key}: other bytes than were sent")
        return Level.L3

    def look(self, content: Content, receipt: Receipt, size: int | None = None) -> Level:
        """Ask for size and checksum: L3, or L1 where the service keeps no checksum."""
        held = self._bucket.look(_plain(content.name))
        if held is None:
            raise NotFoundError(f"{content.name}: not in {self._bucket.door}")
        self._compare(content, held)
        return Level.L3 if held.sha256 is not None else Level.L1

    def remove(self, receipt: Receipt) -> None:
        """Delete the object."""
        if not receipt.host_id:
            raise RejectedError(f"{receipt.url}: its receipt names no key")
        self._bucket.delete(_plain(receipt.host_id))

    def presigned(self, receipt: Receipt, seconds: int = LONGEST_LINK) -> str:
        """A link to what was published for whoever has it, for a bucket that is not public.

        Raises:
            RejectedError: the receipt names no key.
        """
        if not receipt.host_id:
            raise RejectedError(f"{receipt.url}: its receipt names no key")
        return self._bucket.presigned(_plain(receipt.host_id), seconds)

    def _compare(self, content: Content, held: Held) -> None:
        if held.size != content.size or held.sha256 not in (None, content.sha256):
            raise VerificationError(
                f"{self._bucket.door}/{content.name}: {held.size} bytes, SHA-256 {held.sha256}, where"
                f" {content.size} bytes, {content.sha256}, were sent"
            )

    def _compare_read(self, content: Content, key: str) -> None:
        url = self.address(key) if self._base else self._bucket.presigned(key, _SHORT)
        place = url.partition("?")[0]  # a signature is a key to it
        try:
            with tempfile.TemporaryDirectory(prefix="image_assets-") as folder:
                read = self._reader.download(
                    url, Path(folder) / "read", limit=content.size + 1, explain=_explain
                )
        except NotFoundError as error:
            # It is in the bucket: what stands before it (a CDN) is late.
            raise TransientError(f"{content.name}: {place} does not show it yet") from error
        except UnreadableImageError as error:
            raise VerificationError(f"{content.name}: {place} serves more than was sent") from error
        if read.sha256 != content.sha256:
            raise VerificationError(f"{content.name}: {place} serves other bytes than were sent")

    def address(self, key: str) -> str:
        """Where readers find what is published under a key."""
        if self._base:
            return f"{self._base}/{quote(key)}"
        return self._bucket.presigned(key, _SHORT).partition("?")[0]

    def _receipt(self, content: Content) -> Receipt:
        return Receipt(self.address(content.name), host_id=content.name)


def _explain(answer: Answer) -> PermanentError | None:
    """Readers who are sent away are our bucket's doing, and no credential's."""
    if answer.status in (401, 403):
        return PermanentError(
            f"{answer.what}: readers are refused; check S3_PUBLISH_BASE_URL, and who may read the bucket"
        )
    return None


def _plain(name: str) -> str:
    """A name that is a key of its own and nothing else.

    Raises:
        RejectedError: it could be another place.
    """
    hidden = not name or name.startswith(".")
    if hidden or "/" in name or "\\" in name or not name.isprintable() or len(name.encode()) > 255:
        raise RejectedError(f"{name[:100]!r} cannot be the name of a published object")
    return name
