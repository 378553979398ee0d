"""Pinata: content on IPFS under its content identifier, which is computed here too and compared.

The API is version 3 alone: the older one keeps another list of files. Uploading the same bytes twice
gives the same file, so an upload in doubt is settled by asking. Verification reaches L4: Pinata lists
the identifier that we computed for these bytes; with `read_back` the gateway's bytes are compared too.
"""

import hashlib
import json
import logging
from pathlib import Path
from typing import Any, TypeGuard
from urllib.parse import quote

from image_assets.core import cid
from image_assets.core.cid import Profile
from image_assets.core.errors import (
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
    VerificationError,
)
from image_assets.core.model import Content, Level, Receipt
from image_assets.services.durable import disk_errors
from image_assets.services.http import Answer, Clock, Http, Politeness, Retry

log = logging.getLogger(__name__)

_MOST_BYTES = 100_000_000  # larger files need another protocol (TUS)
_NETWORK = "public"


class PinataHost:
    """One account.

    Args:
        jwt: a key with the right to write and list files.
        group_id: the group that new files join.
        uploads_url: where files are sent.
        api_url: where files are listed.
        gateway_url: where files are read.
        requests_per_minute: the plan's limit.
        retry: bounds of one call.
        timeout: seconds one attempt may take.
        read_back: also compare what the gateway serves; new content may be late there.
        clock: time and chance.
    """

    name = "pinata"
    level = Level.L4
    max_bytes: int | None = _MOST_BYTES

    def __init__(
        self,
        *,
        jwt: str,
        group_id: str | None = None,
        uploads_url: str = "https://uploads.pinata.cloud",
        api_url: str = "https://api.pinata.cloud",
        gateway_url: str = "https://gateway.pinata.cloud",
        requests_per_minute: int = 60,
        retry: Retry | None = None,
        timeout: float = 30.0,
        read_back: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self._group = group_id
        self._files = f"{uploads_url.rstrip('/')}/v3/files"
        self._list = f"{api_url.rstrip('/')}/v3/files/{_NETWORK}"
        self._gateway = gateway_url.rstrip("/")
        self._read_back = read_back
        clock, retry = clock or Clock(), retry or Retry(delay=2.0)
        rate = Politeness(4, requests=requests_per_minute, per=60.0, clock=clock)
        self._http = Http(
            self.name,
            (uploads_url, api_url),
            politeness=rate,
            retry=retry,
            timeout=timeout,
            headers={"Authorization": f"Bearer {jwt}"},
            credential="PINATA_JWT",
            clock=clock,
        )
        # A gateway is another's server: it never sees the key.
        self._reader = Http(
            f"{self.name} gateway", (gateway_url,), retry=retry, timeout=timeout, clock=clock
        )

    @property
    def deadline(self) -> float:
        """Every attempt and every wait of an upload, and ten seconds for reading the file."""
        return self._http.retry.seconds + 10.0

    def close(self) -> None:
        """Close every connection."""
        self._http.close()
        self._reader.close()

    def upload(self, content: Content, file: Path) -> Receipt:
        """Send `file` to the public network; the receipt's identifier equals the one computed here.

        Raises:
            InDoubtError: it was sent whole and no usable answer came.
            VerificationError: Pinata's identifier is of other bytes.
        """
        if content.size > _MOST_BYTES:
            raise RejectedError(
                f"{content.name}: {content.size:,} bytes; Pinata takes {_MOST_BYTES:,} in one piece"
            )
        own = self._identifier(content, file)
        with disk_errors(file), file.open("rb") as opened:
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
        log.debug("%s: stored as %s (%s)", content.name, found["cid"], found["id"])
        self._compare(content, file, own, found["cid"])
        return self._receipt(found)

    def find(self, content: Content, file: Path) -> Receipt | None:
        """Ask for every identifier these bytes can have; the oldest file counts."""
        own = self._identifier(content, file)
        others = (self._computed(file, profile) for profile in (Profile.V0, Profile.UNIXFS_V1_2025))
        for identifier in dict.fromkeys((own, *others)):
            found = self._listed(identifier)
            if found:
                return self._receipt(found[0])
        return None

    def verify(self, content: Content, file: Path, receipt: Receipt) -> Level:
        """Ask whether Pinata lists the identifier that these bytes have."""
        own = self._identifier(content, file)
        identifier = receipt.cid or own
        self._compare(content, file, own, identifier)
        if not self._listed(identifier):
            raise NotFoundError(f"{content.name}: Pinata does not list {identifier}")
        if self._read_back:
            self._compare_bytes(content, identifier)
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

    def _fields(self, content: Content) -> dict[str, str]:
        fields = {
            "network": _NETWORK,  # Pinata's own default is private
            "cid_version": Profile.V1.value,
            "name": content.name,
            "keyvalues": json.dumps({"sha256": content.sha256}),
        }
        return fields | ({"group_id": self._group} if self._group else {})

    def _identifier(self, content: Content, file: Path) -> str:
        """The v1 identifier of `file`, once it is known to be the content."""
        with disk_errors(file), file.open("rb") as opened:
            held = hashlib.file_digest(opened, "sha256").hexdigest()
        if held != content.sha256:
            raise PermanentError(
                f"{content.name}: {file} holds other bytes (SHA-256 {held}); the store is damaged"
            )
        return self._computed(file, Profile.V1)

    @staticmethod
    def _computed(file: Path, profile: Profile) -> str:
        with disk_errors(file):
            return cid.compute_file(file, profile)

    @staticmethod
    def _compare(content: Content, file: Path, own: str, theirs: str) -> None:
        """See that an identifier is of our bytes, in whichever profile.

        Raises:
            VerificationError: it is of other bytes.
        """
        if theirs == own:
            return
        with disk_errors(file):
            profile = cid.matching_profile(file, theirs)
        if profile is None:
            raise VerificationError(
                f"{content.name}: Pinata has {theirs} where these bytes are {own};"
                " that is other content, under no profile is it ours"
            )
        log.warning(
            "%s: Pinata used the profile %s (%s), not v1 (%s)", content.name, profile, theirs, own
        )

    def _compare_bytes(self, content: Content, identifier: str) -> None:
        url = f"{self._gateway}/ipfs/{identifier}"
        try:
            answer = self._reader.request("GET", url, limit=content.size + 1)
        except NotFoundError as error:
            # Listed and not served yet: content reaches gateways in its own time.
            raise TransientError(f"{content.name}: {error}; listed, not served yet") from error
        if hashlib.sha256(answer.body).hexdigest() != content.sha256:
            raise VerificationError(f"{content.name}: {url} serves other bytes than were sent")

    def _listed(self, identifier: str) -> list[dict[str, Any]]:
        """The account's files with this identifier, the oldest first."""
        asked = {"cid": identifier, "order": "ASC"}
        answer = self._http.request(
            "GET", self._list, params=asked, check=_files, explain=_explain_list
        )
        return [file for file in _files(answer) if file["cid"] == identifier]

    def _receipt(self, file: dict[str, Any]) -> Receipt:
        url = f"{self._gateway}/ipfs/{file['cid']}"
        return Receipt(url, host_id=file["id"], cid=file["cid"])

    def _explain(self, answer: Answer) -> PermanentError | None:
        """A wrong group is our setting's fault, not the content's: it must not be refused for ever."""
        wrong_group = answer.status in (400, 404, 422) and "group" in answer.excerpt.lower()
        if self._group and wrong_group:
            return PermanentError(f"{answer.what}: {answer.excerpt}; check PINATA_GROUP_ID")
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
