"""What a host shows at the address it gave, held against what it was sent.

For hosts that cannot be asked for a hash: the address is read as anybody reads it. Equal bytes are
proof of everything (L3); hosts that encode pictures anew are held to type of content, size in pixels
and look (L2). An address in a receipt is data: only configured origins are trusted.
"""

import logging
import tempfile
from collections.abc import Iterable
from pathlib import Path

from image_assets.core.errors import (
    PermanentError,
    TransientError,
    UnreadableImageError,
    VerificationError,
)
from image_assets.core.fidelity import Shown, Treatment
from image_assets.core.model import Content, Level, Picture
from image_assets.core.sameness import moved
from image_assets.services.decoding import DecodingPool
from image_assets.services.http import Clock, Download, Http, Politeness, Retry

log = logging.getLogger(__name__)

_GROWN = 4  # times its size that a picture encoded anew may have, and a megabyte
_LONGEST_ADDRESS = 2000
_PAGES = ("text/html", "application/xhtml+xml")


class Served:
    """Reads and compares; threads may share it.

    Args:
        host: its name, for messages.
        trusted: the configured addresses of the host.
        pool: decodes what was read; closed with this.
        retry: bounds of one reading.
        timeout: seconds one attempt may take.
        at_once: pictures that are read at a time.
        clock: time and chance.
    """

    def __init__(
        self,
        host: str,
        trusted: Iterable[str],
        pool: DecodingPool,
        *,
        at_once: int = 4,
        retry: Retry | None = None,
        timeout: float = 30.0,
        clock: Clock | None = None,
    ) -> None:
        self._host, self._pool = host, pool
        # Whoever shows pictures may be another than who takes them: it never sees a key.
        self._http = Http(
            f"{host} reader",
            trusted,
            politeness=Politeness(at_once, clock=clock),
            retry=retry,
            timeout=timeout,
            clock=clock,
        )

    def close(self) -> None:
        """Close every connection and end the decoding processes."""
        self._http.close()
        self._pool.close()

    def prove(self, content: Content, file: Path, url: str) -> Level:
        """How much of `file` is shown at `url`: L3 or L2; errors as of `show`."""
        return self.show(content, file, url).level

    def show(self, content: Content, file: Path, url: str) -> Shown:
        """What is shown at `url` of `file`, and what the host made of it: L3 or L2.

        Raises:
            VerificationError: it is something else.
            NotFoundError: the host answers that nothing is there.
            RejectedError: the address may not be contacted.
        """
        with tempfile.TemporaryDirectory(prefix="image_assets-") as folder:
            shown = Path(folder) / "shown"
            try:
                got = self._http.download(
                    url, shown, limit=_GROWN * content.size + 1_000_000, check=_no_page
                )
            except UnreadableImageError as error:
                raise VerificationError(f"{content.name}: {error}; it is not ours") from error
            if got.sha256 == content.sha256:
                return Shown.proven(content, Level.L3)
            treatments = self._compare(content, file, shown, url)
        return Shown(Level.L2, content.format, treatments, got.size)

    def look(self, content: Content, url: str, size: int | None = None) -> Level:
        """See that a picture is shown at `url`, without reading it: L1, or L0 where nobody says.

        Args:
            content: what should be there, for messages.
            url: where.
            size: bytes that were shown there before; nothing is compared when not known.

        Raises:
            VerificationError: it is no picture, or has another length.
            NotFoundError: the host answers that nothing is there.
        """
        try:
            answer = self._http.request("HEAD", url)
        except PermanentError:
            # Not everybody answers HEAD as he would GET: an absence is too much to take from it.
            return self._read(content, url, size)
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in _PAGES:
            raise TransientError(f"{answer.what} with a page where a picture was asked for")
        if kind and not kind.startswith("image/"):
            raise VerificationError(f"{content.name}: {url} is of the type {kind}")
        length = answer.headers.get("content-length")
        if size is not None and length is not None and length != str(size):
            raise VerificationError(f"{content.name}: {url} has {length} bytes where {size} were")
        return Level.L1 if kind and length is not None else Level.L0

    def _read(self, content: Content, url: str, size: int | None) -> Level:
        with tempfile.TemporaryDirectory(prefix="image_assets-") as folder:
            shown, most = Path(folder) / "shown", _GROWN * content.size + 1_000_000
            try:
                got = self._http.download(url, shown, limit=most, check=_no_page)
            except UnreadableImageError as error:
                raise VerificationError(f"{content.name}: {error}; it is not ours") from error
        if got.sha256 == content.sha256:
            return Level.L3
        if size is not None and got.size != size:
            raise VerificationError(f"{content.name}: {url} has {got.size} bytes where {size} were")
        return Level.L1

    def _compare(self, content: Content, file: Path, shown: Path, url: str) -> frozenset[Treatment]:
        ours = self._pool.inspect(file)
        try:
            theirs = self._pool.inspect(shown)
            look = self._pool.fingerprint(shown)
        except UnreadableImageError as error:
            raise VerificationError(
                f"{content.name}: {url} shows what cannot be decoded ({error.reason})",
                Treatment.BROKEN,
            ) from error
        if _size(ours) != _size(theirs):
            raise VerificationError(
                f"{content.name}: {url} shows {_size(theirs)} pixels where {_size(ours)} were sent",
                Treatment.RESIZED,
            )
        own = self._pool.fingerprint(file)
        if not moved(own, look).by_encoding:
            raise VerificationError(f"{content.name}: {url} shows another picture than was sent")
        if ours.format is not theirs.format:
            log.warning("%s: sent as %s, shown as %s", content.name, ours.format, theirs.format)
        same = own.pixel_hash == look.pixel_hash
        found = {Treatment.SAME_PIXELS if same else Treatment.ENCODED_ANEW}
        if ours.format is not theirs.format:
            found.add(Treatment.CONVERTED)
        if ours.exif and not theirs.exif:
            found.add(Treatment.STRIPPED)
        return frozenset(found)


def plain_address(url: object, what: str) -> str:
    """An address that a host tells of, fit to be written down and shown.

    Raises:
        TransientError: it is none.
    """
    plain = isinstance(url, str) and url.isascii() and url.isprintable()
    if not plain or len(str(url)) > _LONGEST_ADDRESS or set(str(url)) & set(' "<>\\^`{|}'):
        raise TransientError(f"{what} without a usable address of the picture")
    told = str(url)
    if told.startswith("//"):
        told = f"https:{told}"
    if not told.startswith(("http://", "https://")):
        raise TransientError(f"{what} with an address that is not of the web")
    return told


def _no_page(got: Download) -> None:
    """A page where a picture was asked for says nothing of the picture: a check of browsers, an error."""
    kind = got.headers.get("content-type", "").partition(";")[0].strip().lower()
    start = got.head.lstrip().lower()
    if kind in _PAGES or start.startswith((b"<!doctype", b"<html")):
        raise TransientError(f"{got.what} with a page where a picture was asked for")


def _size(picture: Picture) -> str:
    return f"{picture.width} x {picture.height}"
