"""How a server's representation is known again (RFC 9110, sections 8.8 and 13.1)."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

Headers = Mapping[str, str]
"""Of an answer, by lower-case name."""


def for_rest(headers: Headers) -> str | None:
    """What If-Range may name, so that a rest never joins a part of another file; None if nothing."""
    etag = headers.get("etag", "")
    if etag.startswith('"'):  # a weak one promises no equal bytes
        return etag
    return headers["last-modified"] if _tells_seconds_apart(headers) else None


def for_repeat(headers: Headers) -> dict[str, str]:
    """The conditions under which a server may answer 304 instead of the same again; may be empty."""
    if etag := headers.get("etag"):
        return {"If-None-Match": etag}
    if _tells_seconds_apart(headers):
        return {"If-Modified-Since": headers["last-modified"]}
    return {}


def contradict(ours: Headers, theirs: Headers) -> bool:
    """Whether a partial answer comes of other bytes than the answer before it."""
    if for_rest(ours) == ours.get("etag"):
        return theirs.get("etag") != ours["etag"]  # a partial answer must repeat it
    return theirs.get("last-modified", ours["last-modified"]) != ours["last-modified"]


def _tells_seconds_apart(headers: Headers) -> bool:
    """Whether Last-Modified changes with the bytes: not if they may change twice in its second."""
    try:
        changed = parsedate_to_datetime(headers["last-modified"])
        sent = parsedate_to_datetime(headers["date"])
        return (sent - changed).total_seconds() >= 1
    except (KeyError, ValueError, TypeError):  # absent, no date, or one without a zone
        return False
