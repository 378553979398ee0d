"""Addresses and whom they belong to: which origin a URL has, what it may be shown as, what it is sent."""

import re
from collections.abc import Mapping

import httpx

from image_assets.core.errors import AuthenticationError, RejectedError

Origin = tuple[str, str, int]
"""Scheme, host and port."""

_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")  # a name or IPv4, or IPv6
_PORTS = {"http": 80, "https": 443}
_NO_SECRET = frozenset({"user-agent", "accept"})


def parse(service: str, url: str) -> httpx.URL:
    """A URL that can be asked for.

    Raises:
        RejectedError: it is none, or not of http.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise RejectedError(f"{service}: {shown(url)!r} is no address") from None
    named = _HOST.fullmatch(parsed.raw_host.decode())
    if parsed.scheme not in _PORTS or not named or not 0 < (parsed.port or 80) < 65536:
        raise RejectedError(f"{service}: {shown(url)!r} is no http address")
    return parsed


def origin(url: httpx.URL) -> Origin:
    """The origin of a URL that `parse` gave."""
    return url.scheme, url.raw_host.decode(), url.port or _PORTS.get(url.scheme, 0)


def shown(url: str) -> str:
    """A URL for messages: without user, query and fragment, at most 300 characters."""
    bare = url.partition("#")[0].partition("?")[0]
    scheme, mark, rest = bare.partition("//")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"[:300]


def own(service: str, credential: str | None, headers: Mapping[str, str]) -> dict[str, str]:
    """Headers by lower-case name, all of them fit to be sent.

    Raises:
        AuthenticationError: one holds what no header can carry; the value is not repeated.
    """
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable() and value == value.strip()):
            what = credential or f"the header {name}"
            raise AuthenticationError(
                f"{service}: {what} holds spaces or characters that cannot be sent; set it again"
            )
    return {name.lower(): value for name, value in headers.items()}


def for_strangers(headers: Mapping[str, str]) -> dict[str, str]:
    """What an address that we did not configure gets to know of us."""
    return {name: value for name, value in headers.items() if name == "user-agent"}


def secrets_in(headers: Mapping[str, str]) -> list[str]:
    """The texts among header values that no message may hold: `Bearer x` is one, and so is `x`."""
    values = [value for name, value in headers.items() if name not in _NO_SECRET]
    return [*values, *(value.split(" ", 1)[1] for value in values if " " in value)]
