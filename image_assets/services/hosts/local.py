"""A folder that some web server shows, ours or another: content under its own hash.

Verification re-reads the bytes: L3. The copy is a file of its own, never a link into the store: it
must survive what happens there.
"""

import hashlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from image_assets.core.errors import NotFoundError, PermanentError, RejectedError, VerificationError
from image_assets.core.model import Content, Level, Receipt
from image_assets.services import durable
from image_assets.services.durable import disk_errors

log = logging.getLogger(__name__)

_PARTS = ".parts"
_CHUNK = 1 << 20
_OLD_PART = 24 * 3600.0  # seconds after which nobody is still writing it


class LocalHost:
    """Publishes into `folder`, which is reached at `{base_url}/files/`."""

    name = "local"
    level = Level.L3
    deadline = 120.0
    max_bytes: int | None = None

    def __init__(self, folder: Path, base_url: str) -> None:
        self._folder = folder
        self._base = base_url.rstrip("/")

    def upload(self, content: Content, file: Path) -> Receipt:
        """Copy `file` into the folder durably; the right bytes that are there already stay.

        Raises:
            PermanentError: `file` is not the content it is said to be; nothing is published.
        """
        public = self._public(content)
        with disk_errors(public):
            if self._is_published(public, content, file):
                log.debug("%s: already in %s", content.name, self._folder)
                return self._receipt(content)
            parts = self._folder / _PARTS
            durable.make_folder(parts)
            durable.write(public, _checked(file, content), beside=parts)
            _sweep(parts)
        return self._receipt(content)

    def find(self, content: Content, file: Path) -> Receipt | None:
        """The content's receipt when exactly its bytes are in the folder."""
        public = self._public(content)
        with disk_errors(public):
            held = _sha256(public)
        return self._receipt(content) if held == content.sha256 else None

    def verify(self, content: Content, file: Path, receipt: Receipt) -> Level:
        """Re-read the published file."""
        public = self._public(content)
        with disk_errors(public):
            held = _sha256(public)
        if held is None:
            raise NotFoundError(f"{content.name}: not in {self._folder}")
        if held != content.sha256:
            raise VerificationError(f"{public}: its SHA-256 is {held}, not {content.sha256}")
        return Level.L3

    def look(self, content: Content, receipt: Receipt, size: int | None = None) -> Level:
        """Re-read the published file: that needs nothing but its hash."""
        return self.verify(content, self._public(content), receipt)

    def remove(self, receipt: Receipt) -> None:
        """Remove the published file."""
        if not receipt.host_id:
            raise RejectedError(f"{receipt.url}: its receipt names no file")
        public = self._folder / _plain(receipt.host_id)
        with disk_errors(public):
            public.unlink(missing_ok=True)
            if self._folder.is_dir():
                durable.sync_folder(self._folder)

    def _is_published(self, public: Path, content: Content, file: Path) -> bool:
        held = _sha256(public)
        if held is None:
            return False
        if held != content.sha256:
            log.warning("%s: held other bytes; published again", public)
            return False
        # The same file under two names is one file: what befalls one befalls the other.
        return not public.samefile(file)

    def _public(self, content: Content) -> Path:
        return self._folder / _plain(content.name)

    def _receipt(self, content: Content) -> Receipt:
        return Receipt(f"{self._base}/files/{quote(content.name)}", host_id=content.name)


def _plain(name: str) -> str:
    """A name that is a file of the folder and nothing else.

    Raises:
        RejectedError: it could be another place.
    """
    hidden = not name or name.startswith(".")
    if hidden or "/" in name or "\\" in name or not name.isprintable() or len(name.encode()) > 255:
        raise RejectedError(f"{name[:100]!r} cannot be the name of a published file")
    return name


def _checked(file: Path, content: Content) -> Iterator[bytes]:
    """The bytes of `file`; fails at the end, before anything is published, when they are others."""
    digest = hashlib.sha256()
    for chunk in _chunks(file):
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != content.sha256:
        raise PermanentError(
            f"{content.name}: {file} holds other bytes (SHA-256 {digest.hexdigest()});"
            " the store is damaged: nothing was published"
        )


def _sha256(file: Path) -> str | None:
    """The hash of a plain file; None when there is none."""
    if file.is_symlink() or not file.is_file():
        return None
    digest = hashlib.sha256()
    for chunk in _chunks(file):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            yield chunk


def _sweep(parts: Path) -> None:
    """Remove what a killed upload left behind; the folder is nearly always empty."""
    for part in parts.iterdir():
        try:
            if time.time() - part.stat().st_mtime > _OLD_PART:
                part.unlink()
        except FileNotFoundError:
            continue  # its upload has just published it
