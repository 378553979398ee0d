"""One address that takes posts and is a secret itself: neither its path nor its query is ever shown."""

import hashlib
import re
import urllib.parse
from collections.abc import Callable, Mapping

from image_assets.core.errors import (
    ImageAssetsError,
    NotFoundError,
    PermanentError,
    RejectedError,
)
from image_assets.services import origins
from image_assets.services.answers import Answer
from image_assets.services.http import Clock, Explain, Http, Politeness, Retry

_LEAST = 8  # letters of a part that could be a secret


class SecretLine:
    """An address with its own client.

    Args:
        name: the channel's, for messages.
        setting: the variable that holds the address, for messages.
        url: the address, a secret.
        secrets: what else is never shown.
        timeout: seconds one exchange may take.
        clock: time.

    Raises:
        PermanentError: the address is none; it is not repeated.
    """

    def __init__(
        self,
        name: str,
        setting: str,
        url: str,
        *,
        secrets: tuple[str, ...] = (),
        timeout: float,
        clock: Clock | None = None,
    ) -> None:
        self.setting = setting
        self.deadline = timeout
        self.address = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        self._url = url
        try:
            origins.parse(name, url)
        except RejectedError:
            raise PermanentError(f"{setting} is no http address; set it again") from None
        self._http = Http(
            name,
            (url,),
            politeness=Politeness(1),
            # The outbox tries again: with its own pauses, and over restarts.
            retry=Retry(attempts=1, seconds=timeout),
            timeout=timeout,
            secrets=(*secrets, *parts_of(url)),
            clock=clock,
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def post(
        self,
        body: bytes,
        headers: Mapping[str, str],
        *,
        explain: Explain,
        check: Callable[[Answer], object] | None = None,
    ) -> Answer:
        """Send a body of JSON once."""
        return self.ask("POST", body, headers, explain=explain, check=check)

    def ask(
        self,
        method: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        explain: Explain,
        check: Callable[[Answer], object] | None = None,
    ) -> Answer:
        """One exchange."""
        kind = {"content-type": "application/json"} if body is not None else {}
        return self._http.request(
            method,
            self._url,
            content=body,
            headers={**kind, **headers},
            explain=explain,
            check=check,
            limit=64 * 1024,
        )


def parts_of(url: str) -> tuple[str, ...]:
    """What behind an address's host could be a secret, the longest first: the end of its path from
    anywhere on, what looks drawn by lot in it, its query, who we are.
    """
    split = urllib.parse.urlsplit(url)
    segments = split.path.strip("/").split("/")
    ends = {"/".join(segments[start:]) for start in range(len(segments))}
    drawn = {part for part in segments if re.search(r"[A-Z\d]", part)}
    queries = {split.query, *(value for _, value in urllib.parse.parse_qsl(split.query))}
    users = {split.netloc.rpartition("@")[0], split.username or "", split.password or ""}
    found = {part for part in (*ends, *drawn, *queries, *users) if len(part) >= _LEAST}
    return tuple(sorted(found, key=len, reverse=True))


def gone(answer: Answer, setting: str) -> ImageAssetsError:
    """The error of an address that nobody listens at any more."""
    return NotFoundError(f"{answer.what}: {answer.excerpt}; it is not used again: set {setting}")
