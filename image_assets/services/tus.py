"""Files in pieces by TUS 1.0 (tus.io): a break costs a piece, and the server says where to go on."""

import base64
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

from image_assets.core.errors import (
    ImageAssetsError,
    InDoubtError,
    PermanentError,
    TransientError,
)
from image_assets.services import origins
from image_assets.services.durable import disk_errors
from image_assets.services.http import Answer, Explain, Http, Retry
from image_assets.services.persistence import persist
from image_assets.services.politeness import Deadline

log = logging.getLogger(__name__)

_VERSION = {"Tus-Resumable": "1.0.0"}
_BUSY = frozenset({409, 423})  # other bytes are expected next, or another request holds the upload


@dataclass(frozen=True, slots=True)
class Pieces:
    """A service that takes files in pieces.

    Args:
        http: sends one piece; it is asked once, the pieces are sent again here.
        url: where uploads begin.
        retry: bounds of one piece.
        piece: its bytes at most.
        explain: the service's own reading of an error.
    """

    http: Http
    url: str
    retry: Retry
    piece: int
    explain: Explain | None = None

    def send(
        self, file: Path, size: int, told: Mapping[str, str], params: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Send a file whole, and give the headers of the last answer; none where it was lost.

        Args:
            file: what is sent.
            size: its bytes.
            told: what the service gets to know of it (`Upload-Metadata`).
            params: of the address that begins.

        Raises:
            InDoubtError: its last piece was sent and nobody knows whether it arrived.
        """
        session = self._begin(size, told, params)
        offset, headers = 0, dict[str, str]()
        while offset < size:
            try:
                offset, headers = self._advance(session, file, offset, size)
            except TransientError as error:
                if offset + self.piece >= size:
                    raise InDoubtError(f"{error}; it was the last piece") from error
                raise
            log.info("%s: %d of %d bytes sent to %s", file.name, offset, size, self.http.service)
        return headers

    def _begin(self, size: int, told: Mapping[str, str], params: Mapping[str, str]) -> str:
        encoded = {name: base64.b64encode(value.encode()).decode() for name, value in told.items()}
        metadata = ",".join(f"{name} {value}" for name, value in encoded.items())
        headers = {"Upload-Length": str(size), "Upload-Metadata": metadata}

        def begin(_attempt: int, _budget: Deadline) -> Answer:
            return self._ask("POST", self.url, headers, params=dict(params), check=_located)

        answer = persist(begin, self.retry, self.http.clock)
        session = urljoin(self.url, answer.headers["location"])
        ours = origins.parse(self.http.service, self.url)
        if origins.origin(origins.parse(self.http.service, session)) != origins.origin(ours):
            raise PermanentError(
                f"{answer.what}: leads to {origins.shown(session)}, which is not followed;"
                " check the configured address"
            )
        return session

    def _advance(
        self, session: str, file: Path, offset: int, size: int
    ) -> tuple[int, dict[str, str]]:
        """Send the next piece; how much has arrived after it, and what the answer said."""

        def send(attempt: int, _budget: Deadline) -> tuple[int, dict[str, str]]:
            # After a break only the server knows how much of the piece it has.
            start = offset if attempt == 1 else self._arrived(session, size)
            if start >= size:
                return size, {}
            return self._send_piece(session, file, start, size)

        return persist(send, self.retry, self.http.clock)

    def _send_piece(
        self, session: str, file: Path, start: int, size: int
    ) -> tuple[int, dict[str, str]]:
        with disk_errors(file), file.open("rb") as opened:
            opened.seek(start)
            piece = opened.read(self.piece)
        headers = {
            "Upload-Offset": str(start),
            "Content-Type": "application/offset+octet-stream",
        }
        try:
            answer = self._ask("PATCH", session, headers, content=piece, repeatable=False)
        except InDoubtError as error:
            raise TransientError(str(error)) from error  # it can be asked how much arrived
        reached = _offset(answer, default=start + len(piece))
        if not start < reached <= size:
            raise TransientError(f"{answer.what} with an offset that cannot be: {reached}")
        return reached, dict(answer.headers)

    def _arrived(self, session: str, size: int) -> int:
        answer = self._ask("HEAD", session, {})
        reached = _offset(answer)
        if not 0 <= reached <= size:
            raise TransientError(f"{answer.what} with an offset that cannot be: {reached}")
        return reached

    def _ask(self, method: str, url: str, headers: Mapping[str, str], **content: object) -> Answer:
        return self.http.request(
            method,
            url,
            headers=_VERSION | dict(headers),
            explain=self._explained,
            **content,  # type: ignore[arg-type]
        )

    def _explained(self, answer: Answer) -> ImageAssetsError | None:
        if answer.status in _BUSY:
            return TransientError(f"{answer.what}: {answer.excerpt}")
        return None if self.explain is None else self.explain(answer)


def _located(answer: Answer) -> None:
    if not answer.headers.get("location"):
        raise TransientError(f"{answer.what} without saying where the pieces go: {answer.excerpt}")


def _offset(answer: Answer, default: int | None = None) -> int:
    told = answer.headers.get("upload-offset")
    if told is None and default is not None:
        return default
    if told is None or not told.isascii() or not told.isdigit():
        raise TransientError(f"{answer.what} without an offset")
    return int(told)
