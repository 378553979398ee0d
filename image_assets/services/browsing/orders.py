"""What parent and browser process say to each other: one line of JSON each way, never pickle."""

import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

MOST_ADDRESSES = 20_000
MOST_ADDRESS = 2048


class Failure(StrEnum):
    """Why there is no list, by what the reader can do."""

    TRANSIENT = "transient"  # look again
    MISSING = "missing"  # the site does not offer that day
    PERMANENT = "permanent"  # change the settings


class LookError(Exception):
    """A look at a page that gave no list."""

    def __init__(self, kind: Failure, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Launch:
    """How the browser runs: its program, and whose addresses it may reach at all.

    `idle` is the seconds after which it ends when nobody asks; `zone` is what its clocks show.
    """

    executable: str
    origins: tuple[str, ...]
    user_agent: str
    zone: str = "UTC"
    headless: bool = True
    sandbox: bool = True
    idle: float = 120.0


@dataclass(frozen=True, slots=True)
class Look:
    """One page on one day (ISO), within so many seconds; the rest as `sites.BrowserSpec` says it."""

    url: str
    day: str
    picker: str
    pictures: str
    after: str | None
    loading: str
    empty: str | None
    seconds: float


def resolver_rules(origins: Iterable[str]) -> str:
    """Chromium's own guard: every name and address but the configured ones does not exist.

    It holds below everything a page can do: redirects, frames, workers, sockets, prefetching.
    """
    hosts = dict.fromkeys(_host(origin) for origin in origins)
    return ", ".join([*(f"MAP {host} {host}" for host in hosts), "MAP * ~NOTFOUND"])


def origin(url: str) -> str:
    """Scheme, host and port of an address, as one text."""
    return f"{urllib.parse.urlsplit(url).scheme}://{_host(url)}"


def _host(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or {"http": 80, "https": 443, "ws": 80, "wss": 443}.get(parts.scheme, 0)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
