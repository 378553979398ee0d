"""Kubo: our own node of IPFS, spoken to by its RPC, where content is pinned under its identifier.

Adding the same bytes twice pins one identifier, and a pin can be asked for: that settles an upload in
doubt. A status of 200 precedes the work, and what failed after it stands in a trailer that nobody
shows us, so an identifier alone is no receipt: the pin is. Verification reaches L4 by the identifier
that is computed here, and reads the bytes of the node's own blocks back.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from image_assets.core import cid, naming
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

log = logging.getLogger(__name__)

_ADD = {
    # All of them: what is not said, the node's configuration says, and then identifiers differ.
    "cid-version": "1",
    "raw-leaves": "true",
    "chunker": "size-262144",
    "max-file-links": "174",
    "hash": "sha2-256",
    "trickle": "false",
    "inline": "false",
    "nocopy": "false",
    "wrap-with-directory": "false",
    "progress": "false",
    "pin": "true",
}
_NOT_PINNED = "not pinned"
_NOBODYS = b"image_assets doctor"


class KuboHost:
    """One node.

    Args:
        api_url: where its RPC listens; `/api/v0` is added.
        gateway_url: where readers find what is pinned; `/ipfs/{cid}` is added.
        authorization: the header's value, where the node asks for one.
        retry: bounds of one call.
        timeout: seconds one attempt may take.
        read_back: verifying reads the bytes from the node; else its pin is believed.
        clock: time and chance.
    """

    name = "kubo"
    level = Level.L4
    max_bytes: int | None = None

    def __init__(
        self,
        *,
        api_url: str,
        gateway_url: str,
        authorization: str | None = None,
        retry: Retry | None = None,
        timeout: float = 30.0,
        read_back: bool = True,
        clock: Clock | None = None,
    ) -> None:
        self._commands = f"{api_url.rstrip('/')}/api/v0"
        self._gateway = gateway_url.rstrip("/")
        self._read_back = read_back
        self._http = Http(
            self.name,
            (api_url,),
            politeness=Politeness(4, clock=clock),
            retry=retry or Retry(delay=2.0),
            timeout=timeout,
            headers={} if authorization is None else {"Authorization": authorization},
            credential="KUBO_AUTHORIZATION",
            clock=clock,
        )

    @property
    def deadline(self) -> float:
        """Every attempt and every wait of adding and of asking for the pin, ten seconds for the file."""
        return 2 * self._http.retry.seconds + 10.0

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def upload(self, content: Content, file: Path) -> Receipt:
        """Add and pin `file`; the receipt's identifier equals the one computed here.

        Raises:
            InDoubtError: it was sent whole, and nobody knows whether it is pinned.
            TransientError: it was added and is not pinned.
            VerificationError: the node's identifier is of other bytes.
        """
        ours = Identified.of(content, file)
        with outgoing.opened(content, file) as body:
            # A name with slashes would become folders around the file.
            sent = content.sha256, body, "application/octet-stream"
            named = {"pin-name": naming.segment(content.name)}
            answer = self._ask("add", _ADD | named, check=_added, repeatable=False, file=sent)
        identifier = _added(answer)
        ours.compare("Kubo", identifier)
        self._see_pinned(content, identifier)
        return self._receipt(identifier)

    def find(self, content: Content, file: Path) -> Receipt | None:
        """Ask for the pin of every identifier these bytes can have."""
        pinned = (i for i in Identified.of(content, file).all() if self._is_pinned(i))
        found = next(pinned, None)
        return None if found is None else self._receipt(found)

    def verify(self, content: Content, file: Path, receipt: Receipt) -> Level:
        """Ask for the pin of the identifier that these bytes have, and read them."""
        ours = Identified.of(content, file)
        identifier = receipt.cid or ours.own
        ours.compare("Kubo", identifier)
        if not self._is_pinned(identifier):
            raise NotFoundError(f"{content.name}: the node does not pin {identifier}")
        if self._read_back:
            self._compare_bytes(content, identifier)
        return Level.L4

    def look(self, content: Content, receipt: Receipt, size: int | None = None) -> Level:
        """Ask for the pin of the identifier that was proven: L4, or L0 where none is known."""
        if receipt.cid is None:
            return Level.L0
        if not self._is_pinned(receipt.cid):
            raise NotFoundError(f"{content.name}: the node does not pin {receipt.cid}")
        return Level.L4

    def remove(self, receipt: Receipt) -> None:
        """Take the pin away; the node's garbage collection frees the space."""
        if not receipt.host_id:
            raise RejectedError(f"{receipt.url}: its receipt names no identifier")
        try:
            self._ask("pin/rm", {"arg": receipt.host_id}, check=_pins)
        except NotFoundError:
            log.debug("%s: not pinned any more", receipt.host_id)

    def probe(self) -> None:
        """See that the node lets us add, and computes as we do: only a hash is asked for."""
        sent = "doctor", _NOBODYS, "application/octet-stream"
        answer = self._ask("add", _ADD | {"only-hash": "true"}, check=_added, file=sent)
        if _added(answer) != cid.compute(_NOBODYS):
            raise PermanentError(
                f"{answer.what}: another identifier than ours; check KUBO_API_URL: is it Kubo?"
            )

    def _see_pinned(self, content: Content, identifier: str) -> None:
        try:
            pinned = self._is_pinned(identifier)
        except TransientError as error:
            raise InDoubtError(
                f"{content.name}: added as {identifier}; whether it is pinned is not known: {error}"
            ) from error
        if not pinned:
            raise TransientError(
                f"{content.name}: added as {identifier}, and not pinned: the node failed after its"
                " first answer; look at its log and its disk"
            )

    def _is_pinned(self, identifier: str) -> bool:
        """Whether the node pins it; an absence only where the node itself says so."""
        wanted = {"arg": identifier, "type": "recursive"}
        try:
            self._ask("pin/ls", wanted, check=lambda answer: _pinned(answer, identifier))
        except NotFoundError:
            return False
        return True

    def _compare_bytes(self, content: Content, identifier: str) -> None:
        # Offline: what this node lacks it must not fetch from others to please us.
        answer = self._ask("cat", {"arg": identifier, "offline": "true"}, limit=content.size + 1)
        if hashlib.sha256(answer.body).hexdigest() != content.sha256:
            raise VerificationError(
                f"{content.name}: the node serves other bytes as {identifier} than were sent"
            )

    def _ask(
        self,
        command: str,
        options: Mapping[str, str],
        *,
        file: tuple[str, Any, str] | None = None,
        **how: Any,
    ) -> Answer:
        """Every command is a POST: a GET is refused."""
        return self._http.request(
            "POST",
            f"{self._commands}/{command}",
            params={**options, "cid-base": "base32"},
            files={"file": file} if file is not None else {},
            explain=lambda answer: _explain(answer, command, options.get("arg", "")),
            **how,
        )

    def _receipt(self, identifier: str) -> Receipt:
        return Receipt(f"{self._gateway}/ipfs/{identifier}", host_id=identifier, cid=identifier)


def _explain(answer: Answer, command: str, identifier: str) -> PermanentError | None:
    """Every failure of a command is 500 with a message: its words decide."""
    if answer.status == 500 and _tells_absence(_said(answer), command, identifier):
        return NotFoundError(f"{answer.what}: {answer.excerpt}")
    if answer.status in (404, 405, 410):  # no such command: nothing is said about pins
        return PermanentError(f"{answer.what}: {answer.excerpt}; check KUBO_API_URL")
    return None


def _tells_absence(said: str, command: str, identifier: str) -> bool:
    """Whether a message says that this is not pinned; who unpins is not told its name again."""
    if command == "pin/rm" and said.startswith(_NOT_PINNED):
        return True
    return bool(identifier) and _NOT_PINNED in said and identifier in said


def _said(answer: Answer) -> str:
    """The message of an error; empty where the body holds none."""
    try:
        body = answer.json()
    except TransientError:
        return ""
    told = isinstance(body, dict) and body.get("Type") == "error"
    return str(body.get("Message", "")) if told else ""


def _added(answer: Answer) -> str:
    """The identifier of the one file that was added; lines of progress have none."""
    found = []
    for line in answer.body.splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            raise TransientError(f"{answer.what}, not in lines of JSON: {answer.excerpt}") from None
        if isinstance(told, dict) and isinstance(told.get("Hash"), str):
            found.append(told["Hash"])
    if len(found) != 1:
        raise TransientError(f"{answer.what} without one file's identifier: {answer.excerpt}")
    return str(found[0])


def _pinned(answer: Answer, identifier: str) -> None:
    """See that an answer tells of this pin: one about another says nothing."""
    body = answer.json()
    keys = body.get("Keys") if isinstance(body, dict) else None
    if not isinstance(keys, dict) or not any(cid.same(key, identifier) for key in keys):
        raise TransientError(f"{answer.what} without the pin that was asked for: {answer.excerpt}")


def _pins(answer: Answer) -> None:
    body = answer.json()
    if not isinstance(body, dict) or not isinstance(body.get("Pins"), list):
        raise TransientError(f"{answer.what} without saying what is unpinned: {answer.excerpt}")
