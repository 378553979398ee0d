"""Cloudinary: content under its own hash as the public id, which nothing overwrites.

So the same bytes sent twice are one asset, and an upload in doubt is settled by asking for its public
id. Cloudinary answers with the MD5 and the size of what it stored, and verification reads that back
from where everybody does: L3. Requests are signed; the secret itself is never sent. The look-up is
the upload API's `explicit`, which has no hourly limit and needs no secret, unlike the admin API's.
"""

import datetime as dt
import email.utils
import functools
import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from image_assets.core import naming
from image_assets.core.cloudinary_signature import CloudinaryAccount
from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    InDoubtError,
    NotDoneError,
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
    VerificationError,
)
from image_assets.core.fidelity import Shown
from image_assets.core.model import ACCEPTED, Content, ImageFormat, Level, Receipt
from image_assets.core.taking import Takes
from image_assets.services import outgoing
from image_assets.services.durable import disk_errors
from image_assets.services.http import Answer, Clock, Http, Politeness, Retry
from image_assets.services.served import Served, plain_address

log = logging.getLogger(__name__)

_FREE_PLAN = 10_000_000  # bytes of one picture
_WRONG_CLOCK = 60.0  # seconds from which on a clock explains a stale request
_NOBODYS = "image_assets-doctor"
_ABSENT = "Resource not found"
_REMOVED = ("ok", "not found")
_md5 = functools.partial(hashlib.md5, usedforsecurity=False)  # what Cloudinary tells of a file


class _StaleError(AuthenticationError):
    """The request's time was refused, and the host's own time is known now."""


class CloudinaryHost:
    """One cloud.

    Args:
        account: the cloud and a key to it.
        served: reads what it shows.
        api_url: where requests go.
        max_bytes: the plan's limit of one picture.
        retry: bounds of one call.
        timeout: seconds one attempt may take.
        clock: time and chance.
    """

    name = "cloudinary"
    level = Level.L3

    def __init__(
        self,
        account: CloudinaryAccount,
        served: Served,
        *,
        api_url: str = "https://api.cloudinary.com",
        max_bytes: int = _FREE_PLAN,
        retry: Retry | None = None,
        timeout: float = 30.0,
        clock: Clock | None = None,
    ) -> None:
        clock, retry = clock or Clock(), retry or Retry(delay=2.0)
        self.takes = Takes.alike((*ACCEPTED, ImageFormat.AVIF), max_bytes)
        self._account = account
        self._actions = f"{api_url.rstrip('/')}/v1_1/{account.cloud_name}/image"
        self._clock = clock
        self._ahead = 0.0  # seconds by which Cloudinary's clock is ahead of ours
        self._http = Http(
            self.name,
            (api_url,),
            politeness=Politeness(4, clock=clock),
            retry=retry,
            timeout=timeout,
            credential="CLOUDINARY_API_SECRET",
            secrets=(account.api_secret, account.api_key),
            clock=clock,
        )
        self._served = served

    @property
    def deadline(self) -> float:
        """Every attempt and every wait of an upload, signed twice, and ten seconds for the file."""
        return 2 * self._http.retry.seconds + 10.0

    def close(self) -> None:
        """Close every connection."""
        self._http.close()
        self._served.close()

    def upload(self, content: Content, file: Path) -> Receipt:
        """Send `file` to the public id that its hash is; what is there already stays.

        Raises:
            PermanentError: `file` is not the content it is said to be; nothing is published.
            InDoubtError: it was sent whole and no usable answer came.
            VerificationError: Cloudinary's answer is of other bytes.
        """
        self.takes.admit(content, "Cloudinary")
        wanted = {"public_id": _public_id(content), "overwrite": "false", "type": "upload"}
        with outgoing.opened(content, file) as body:
            sent = content.name, body, content.format.mime
            answer = self._call("upload", wanted, file=sent, check=_asset)
        asset = _asset(answer)
        self._compare(content, file, asset)
        log.debug("%s: version %s at Cloudinary", content.name, asset.get("version"))
        return _receipt(asset)

    def find(self, content: Content, file: Path) -> Receipt | None:
        """The content's receipt when exactly its bytes have its public id."""
        asset = self._look(_public_id(content))
        if asset is None or _difference(content, file, asset):
            return None
        return _receipt(asset)

    def verify(self, content: Content, file: Path, receipt: Receipt) -> Level:
        """Ask what Cloudinary stored, then read what readers get."""
        return self.show(content, file, receipt).level

    def show(self, content: Content, file: Path, receipt: Receipt) -> Shown:
        """The same, and what became of the picture on the way."""
        asset = self._there(content)
        # What is shown is looked at first: it tells more of what went wrong.
        with self._late(content, receipt.url):
            shown = self._served.show(content, file, receipt.url)
        self._compare(content, file, asset)
        return shown

    def look(self, content: Content, receipt: Receipt, size: int | None = None) -> Level:
        """Ask what Cloudinary stored, then see that it is shown, without reading it."""
        self._there(content)
        with self._late(content, receipt.url):
            return self._served.look(content, receipt.url, size)

    def remove(self, receipt: Receipt) -> None:
        """Destroy the asset, and what caches hold of it."""
        if not receipt.host_id:
            raise RejectedError(f"{receipt.url}: its receipt names no public id")
        wanted = {"public_id": receipt.host_id, "invalidate": "true", "type": "upload"}
        self._call("destroy", wanted, check=_destroyed, repeatable=True)

    def probe(self) -> None:
        """See that cloud, key and secret are good, by asking for what nobody has."""
        self._look(_NOBODYS)

    def _look(self, public_id: str) -> dict[str, Any] | None:
        """What Cloudinary tells of a public id; None only when it answers that there is nothing."""
        try:
            answer = self._call(
                "explicit",
                {"public_id": public_id, "type": "upload"},
                check=lambda answer: _asset_or_absence(answer, public_id),
                repeatable=True,
            )
        except NotFoundError:
            return None
        asset = _asset(answer)
        if asset["public_id"] != public_id:
            raise TransientError(f"{answer.what} about another asset: {answer.excerpt}")
        return asset

    def _there(self, content: Content) -> dict[str, Any]:
        asset = self._look(_public_id(content))
        if asset is None:
            raise NotFoundError(f"{content.name}: Cloudinary has no {_public_id(content)}")
        return asset

    @staticmethod
    @contextmanager
    def _late(content: Content, url: str) -> Iterator[None]:
        try:
            yield
        except NotFoundError as error:
            # It is stored: what stands before it is late.
            raise TransientError(f"{content.name}: {url} does not show it yet") from error

    def _call(
        self,
        action: str,
        parameters: Mapping[str, str],
        *,
        check: Callable[[Answer], object],
        file: tuple[str, BinaryIO, str] | None = None,
        repeatable: bool = False,
    ) -> Answer:
        def ask() -> Answer:
            ahead = self._ahead
            return self._http.request(
                "POST",
                f"{self._actions}/{action}",
                repeatable=repeatable,
                data=self._signed(parameters, ahead),
                files={"file": file} if file is not None else {},
                check=check,
                explain=lambda answer: self._explain(answer, parameters["public_id"], ahead),
            )

        try:
            return ask()
        except _StaleError as error:
            log.warning("%s; signed again by Cloudinary's clock", error)
            return ask()

    def _signed(self, parameters: Mapping[str, str], ahead: float) -> dict[str, str]:
        now = self._clock.now().timestamp() + ahead
        signed = {**parameters, "timestamp": str(int(now))}
        who = {"api_key": self._account.api_key, "signature": self._account.signature(signed)}
        return signed | who

    def _compare(self, content: Content, file: Path, asset: Mapping[str, Any]) -> None:
        """See that an answer is Cloudinary's, and about our bytes.

        Raises:
            VerificationError: it is not.
        """
        if difference := _difference(content, file, asset):
            raise VerificationError(f"{content.name}: Cloudinary has {difference}")
        signature, version = asset.get("signature"), str(asset.get("version", ""))
        if isinstance(signature, str) and not self._account.has_signed(
            signature, public_id=_public_id(content), version=version
        ):
            raise VerificationError(
                f"{content.name}: the answer is not signed with our secret, so it is not"
                " Cloudinary's; check CLOUDINARY_API_URL"
            )

    def _explain(self, answer: Answer, public_id: str, ahead: float) -> ImageAssetsError | None:
        """What Cloudinary's own words add to a status."""
        said = _said(answer)
        told = f"{answer.what}: {answer.excerpt}"
        match answer.status:
            case 401 if "Stale request" in said:
                return self._stale(answer, told, ahead)
            case 401 if "api_key" in said.lower():
                return AuthenticationError(f"{told}; check CLOUDINARY_API_KEY")
            case 401 | 404 if "cloud_name" in said.lower():
                return AuthenticationError(f"{told}; check CLOUDINARY_CLOUD_NAME")
            case 404 if _tells_absence(said, public_id):
                return NotFoundError(told)
            case 404 | 410:
                return PermanentError(f"{told}; check CLOUDINARY_API_URL and CLOUDINARY_CLOUD_NAME")
            case 409:
                return InDoubtError(f"{told}; something has this public id")
            case 420 | 423:  # its older way to say 429, and "still at work on that asset"
                return NotDoneError(told, retry_after=answer.retry_after)
        return None

    def _stale(self, answer: Answer, told: str, ahead: float) -> AuthenticationError:
        """Learn the host's time from an answer that refuses ours, which was `ahead` of this machine's."""
        theirs = _time_of(answer)
        found = 0.0 if theirs is None else (theirs - self._clock.now()).total_seconds()
        if abs(found - ahead) < _WRONG_CLOCK:
            return AuthenticationError(f"{told}; check this machine's clock")
        self._ahead = found
        return _StaleError(f"{told}; this machine's clock is {-found:+.0f} s off")


def _public_id(content: Content) -> str:
    """The content's public id: its name, which is its hash (and the recipe's, of a rendering)."""
    return naming.segment(content.name.rpartition(".")[0] or content.name or content.sha256)


def _difference(content: Content, file: Path, asset: Mapping[str, Any]) -> str | None:
    """What an asset has that is not ours, in words; None when nothing is."""
    with disk_errors(file), file.open("rb") as opened:
        md5 = hashlib.file_digest(opened, _md5).hexdigest()
    ours = {"public_id": _public_id(content), "bytes": content.size, "etag": md5}
    # An answer may leave out the MD5, never whose and how long it is.
    theirs = {name: asset.get(name) for name in ours if name != "etag" or asset.get("etag")}
    other = [f"{name} {value!r} (ours: {ours[name]!r})" for name, value in theirs.items()
             if value != ours[name]]  # fmt: skip
    return ", ".join(other) or None


def _asset(answer: Answer) -> dict[str, Any]:
    """The asset that an answer tells of."""
    body = answer.json()
    if not isinstance(body, dict) or not isinstance(body.get("public_id"), str):
        raise TransientError(f"{answer.what} without an asset: {answer.excerpt}")
    return body | {"secure_url": plain_address(body.get("secure_url"), answer.what)}


def _asset_or_absence(answer: Answer, public_id: str) -> None:
    # The SDKs know an absence by its words alone: it comes under 404, and came under 200.
    if _tells_absence(_said(answer), public_id):
        raise NotFoundError(f"{answer.what}: {answer.excerpt}")
    _asset(answer)


def _destroyed(answer: Answer) -> None:
    body = answer.json()
    if not isinstance(body, dict) or body.get("result") not in _REMOVED:
        raise TransientError(f"{answer.what} without saying that it is gone: {answer.excerpt}")


def _said(answer: Answer) -> str:
    """The message of an error; empty where the body holds none."""
    try:
        body = answer.json()
    except TransientError:
        return ""
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return message if isinstance(message, str) else ""


def _tells_absence(said: str, public_id: str) -> bool:
    return said.startswith(_ABSENT) and public_id in said


def _time_of(answer: Answer) -> dt.datetime | None:
    """When the host gave an answer, by its own clock."""
    try:
        told = email.utils.parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return told if told.tzinfo else told.replace(tzinfo=dt.UTC)


def _receipt(asset: Mapping[str, Any]) -> Receipt:
    return Receipt(asset["secure_url"], host_id=asset["public_id"])
