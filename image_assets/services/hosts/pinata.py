"""Pinata: content on IPFS under its content identifier, which is computed here too and compared.

The API is version 3 alone: the older one keeps another list of files. Uploading the same bytes twice
gives the same file, so an upload in doubt is settled by asking. Verification reaches L4: Pinata lists
the identifier that we computed for these bytes; with `read_back` the gateway's bytes are compared too,
on the private network by a link that is signed for it. Large files travel in pieces (TUS).
"""

import hashlib
import json
import logging
from pathlib import Path
from typing import Any, Literal, TypeGuard
from urllib.parse import quote

from image_assets.core.cid import Profile
from image_assets.core.errors import (
    InDoubtError,
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
    VerificationError,
)
from image_assets.core.model import Content, Level, Receipt
from image_assets.services import outgoing
from image_assets.services.http import Answer, Clock, Http, Politeness, Retry
from image_assets.services.identifiers import Identified
from image_assets.services.tus import Pieces

log = logging.getLogger(__name__)

LARGE = 94_371_840
"""Bytes from which on a file travels in pieces; Pinata refuses larger ones whole."""

_MOST_BYTES = 25 * 1000**3
_PIECE = 40 * 1024 * 1024  # Pinata takes less than 50 MB
_MOST_PAIRS = 10
_LINK_SECONDS = 300


class PinataHost:
    """One account.

    Args:
        jwt: a key with the right to write and list files.
        network: where files go: to everybody on IPFS, or to whom a link is signed.
        group_id: the group of that network that new files join.
        uploads_url: where files are sent.
        api_url: where files are listed.
        gateway_url: where files are read.
        pace: how much is asked at a time, and how often: the plan's limit.
        retry: bounds of one call.
        timeout: seconds one attempt may take.
        read_back: also compare what the gateway serves; new content may be late there.
        most: bytes of the largest file that will come.
        large: bytes from which on it comes in pieces.
        piece: bytes of one.
        clock: time and chance.
    """

    name = "pinata"
    level = Level.L4

    def __init__(
        self,
        *,
        jwt: str,
        network: Literal["public", "private"] = "public",
        group_id: str | None = None,
        uploads_url: str = "https://uploads.pinata.cloud",
        api_url: str = "https://api.pinata.cloud",
        gateway_url: str = "https://gateway.pinata.cloud",
        pace: Politeness | None = None,
        retry: Retry | None = None,
        timeout: float = 30.0,
        read_back: bool = False,
        most: int = LARGE,
        large: int = LARGE,
        piece: int = _PIECE,
        clock: Clock | None = None,
    ) -> None:
        self.max_bytes: int | None = min(most, _MOST_BYTES)
        self._network, self._group = network, group_id
        self._large, self._piece, self._timeout = large, piece, timeout
        self._files = f"{uploads_url.rstrip('/')}/v3/files"
        self._api = f"{api_url.rstrip('/')}/v3"
        self._list = f"{self._api}/files/{network}"
        self._gateway = f"{gateway_url.rstrip('/')}/{'ipfs' if network == 'public' else 'files'}"
        self._read_back = read_back
        clock, retry = clock or Clock(), retry or Retry(delay=2.0)
        pace = pace or Politeness(4, requests=60, per=60.0, clock=clock)

        def account(retry: Retry) -> Http:
            return Http(
                self.name,
                (uploads_url, api_url),
                politeness=pace,
                retry=retry,
                timeout=timeout,
                headers={"Authorization": f"Bearer {jwt}"},
                credential="PINATA_JWT",
                clock=clock,
            )

        self._http, self._once = account(retry), account(Retry(1, seconds=timeout))
        self._pieces = Pieces(self._once, self._files, retry, piece, self._explain)
        # A gateway is another's server: it never sees the key.
        self._reader = Http(
            f"{self.name} gateway", (gateway_url,), retry=retry, timeout=timeout, clock=clock
        )

    @property
    def deadline(self) -> float:
        """Every attempt and every wait of the largest upload, and ten seconds for reading the file."""
        most = self.max_bytes or 0
        pieces = -(-most // self._piece) if most > self._large else 0
        # A piece is asked about and sent once more when its time is nearly over.
        each = self._http.retry.seconds + 2 * self._timeout
        return self._http.retry.seconds + (pieces + 1 if pieces else 0) * each + 10.0

    def close(self) -> None:
        """Close every connection."""
        self._http.close()
        self._once.close()
        self._reader.close()

    def upload(self, content: Content, file: Path) -> Receipt:
        """Send `file`; the receipt's identifier equals the one computed here.

        Raises:
            InDoubtError: it was sent whole and no usable answer came.
            PermanentError: it is larger than was said of any; nothing is sent.
            VerificationError: Pinata's identifier is of other bytes.
        """
        if self.max_bytes is not None and content.size > self.max_bytes:
            raise PermanentError(
                f"{content.name}: {content.size:,} bytes; at most {self.max_bytes:,} are expected"
                " here (IMAGE_ASSETS_MAX_BYTES); not sent"
            )
        ours = Identified.of(content, file)
        if content.size > self._large:
            return self._send_in_pieces(ours)
        with outgoing.opened(content, file) as opened:
            answer = self._http.request(
                "POST",
                self._files,
                repeatable=False,
                data=self._fields(content),
                files={"file": (content.name, opened, content.format.mime)},
                check=_uploaded,
                explain=self._explain,
            )
        found = _uploaded(answer)
        ours.compare("Pinata", found["cid"])
        if found.get("is_duplicate"):
            log.warning("%s: Pinata had it already (%s)", content.name, found["id"])
        return self._receipt(found)

    def find(self, content: Content, file: Path) -> Receipt | None:
        """Ask for every identifier these bytes can have; the oldest file counts."""
        for identifier in Identified.of(content, file).all():
            found = self._listed(identifier)
            if found:
                return self._receipt(found[0])
        return None

    def verify(self, content: Content, file: Path, receipt: Receipt) -> Level:
        """Ask whether Pinata lists the identifier that these bytes have."""
        ours = Identified.of(content, file)
        identifier = receipt.cid or ours.own
        ours.compare("Pinata", identifier)
        if not self._listed(identifier):
            raise NotFoundError(f"{content.name}: Pinata does not list {identifier}")
        if self._read_back:
            self._compare_bytes(content, identifier)
        return Level.L4

    def look(self, content: Content, receipt: Receipt, size: int | None = None) -> Level:
        """Ask whether Pinata lists the identifier that was proven: L4, or L0 where none is known."""
        if receipt.cid is None:
            return Level.L0
        if not self._listed(receipt.cid):
            raise NotFoundError(f"{content.name}: Pinata does not list {receipt.cid}")
        return Level.L4

    def remove(self, receipt: Receipt) -> None:
        """Delete the file by its id at Pinata."""
        if not receipt.host_id:
            raise RejectedError(
                f"{receipt.url}: its receipt names no file id, and Pinata needs one"
            )
        try:
            self._http.request("DELETE", f"{self._list}/{quote(receipt.host_id, safe='')}")
        except NotFoundError:
            log.debug("%s: not at Pinata any more", receipt.host_id)

    def probe(self) -> None:
        """See that the key may list, and that the group is there.

        Pinata's own test of a key lets keys in that may do nothing.
        """
        self._http.request(
            "GET", self._list, params={"limit": "1"}, check=_files, explain=_explain_list
        )
        if self._group:
            path = f"{self._api}/groups/{self._network}/{quote(self._group, safe='')}"
            self._http.request("GET", path, explain=self._explain_group)

    def _send_in_pieces(self, ours: Identified) -> Receipt:
        content = ours.content
        told = self._fields(content)
        about = {"filename": told.pop("name"), "filetype": content.format.mime, **told}
        option = {"X-Upload-Option-Cid-Version": told["cid_version"]}
        headers = self._pieces.send(ours.file, content.size, about, option)
        identifier = headers.get("upload-cid") or ours.own
        ours.compare("Pinata", identifier)
        try:
            found = self._listed(identifier)
        except TransientError as error:
            raise InDoubtError(f"{content.name}: sent whole as {identifier}; {error}") from error
        if not found:
            raise InDoubtError(f"{content.name}: sent whole; Pinata does not list {identifier} yet")
        return self._receipt(found[0])

    def _fields(self, content: Content) -> dict[str, str]:
        pairs = {"sha256": content.sha256, **content.labels}
        fields = {
            "network": self._network,  # Pinata's own default is private
            "cid_version": Profile.V1.value,
            "name": content.name,
            "keyvalues": json.dumps(dict(list(pairs.items())[:_MOST_PAIRS])),
        }
        return fields | ({"group_id": self._group} if self._group else {})

    def _compare_bytes(self, content: Content, identifier: str) -> None:
        url = f"{self._gateway}/{identifier}"
        link = url if self._network == "public" else self._signed(url)
        try:
            answer = self._reader.request("GET", link, limit=content.size + 1)
        except NotFoundError as error:
            # Listed and not served yet: content reaches gateways in its own time.
            raise TransientError(f"{content.name}: {error}; listed, not served yet") from error
        if hashlib.sha256(answer.body).hexdigest() != content.sha256:
            raise VerificationError(f"{content.name}: {url} serves other bytes than were sent")

    def _signed(self, url: str) -> str:
        """A link by which whoever has it reads a private file for a while; no message shows it."""
        order = {
            "url": url,
            "expires": _LINK_SECONDS,
            "date": int(self._http.clock.now().timestamp()),
            "method": "GET",
        }
        answer = self._http.request(
            "POST", f"{self._api}/files/private/download_link", json=order, explain=_explain_link
        )
        body = answer.json()
        link = body.get("data") if isinstance(body, dict) else None
        if not isinstance(link, str) or link.partition("?")[0] != url:
            raise TransientError(f"{answer.what} without a link to {url}")
        return link

    def _listed(self, identifier: str) -> list[dict[str, Any]]:
        """The account's files with this identifier, the oldest first."""
        asked = {"cid": identifier, "order": "ASC"}
        answer = self._http.request(
            "GET", self._list, params=asked, check=_files, explain=_explain_list
        )
        return [file for file in _files(answer) if file["cid"] == identifier]

    def _receipt(self, file: dict[str, Any]) -> Receipt:
        url = f"{self._gateway}/{file['cid']}"
        return Receipt(url, host_id=file["id"], cid=file["cid"])

    def _explain(self, answer: Answer) -> PermanentError | None:
        """A wrong group is our setting's fault, not the content's: it must not be refused for ever."""
        wrong_group = answer.status in (400, 404, 422) and "group" in answer.excerpt.lower()
        if self._group and wrong_group:
            return PermanentError(f"{answer.what}: {answer.excerpt}; check PINATA_GROUP_ID")
        return None

    def _explain_group(self, answer: Answer) -> PermanentError | None:
        if answer.status in (400, 404, 410):
            where = f"the {self._network} network has no such group"
            return PermanentError(
                f"{answer.what}: {where}; check PINATA_GROUP_ID and PINATA_NETWORK"
            )
        return None


def _explain_link(answer: Answer) -> PermanentError | None:
    """A link that is not signed says nothing about the file."""
    if answer.status in (400, 404, 410, 422):
        return PermanentError(f"{answer.what}: {answer.excerpt}; check PINATA_GATEWAY_URL")
    return None


def _explain_list(answer: Answer) -> PermanentError | None:
    """A list that is not there says nothing about the files: an absence it is not."""
    if answer.status in (404, 410):
        return PermanentError(f"{answer.what}: {answer.excerpt}; check PINATA_API_URL")
    return None


def _uploaded(answer: Answer) -> dict[str, Any]:
    """The file that an upload's answer tells of."""
    body = answer.json()
    file = body.get("data") if isinstance(body, dict) else None
    if not _is_file(file):
        raise TransientError(f"{answer.what} without a file's id and cid: {answer.excerpt}")
    return dict(file)


def _files(answer: Answer) -> list[dict[str, Any]]:
    """The files that a listing's answer tells of; an absent list is an empty one only as null."""
    body = answer.json()
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, dict) or "files" not in data:
        raise TransientError(f"{answer.what} without a list of files: {answer.excerpt}")
    return [dict(file) for file in data["files"] or () if _is_file(file)]


def _is_file(file: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(file, dict) and all(
        isinstance(file.get(name), str) and file[name] for name in ("id", "cid")
    )
