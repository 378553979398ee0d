"""Giving files out."""

from io import BufferedReader
from typing import Protocol


class Shelf(Protocol):
    """Files by key, to be read."""

    def open(self, key: str) -> BufferedReader:
        """The file of `key`, opened; no link on the way to it is followed.

        Raises:
            NotFoundError: nothing is stored under `key`.
            RejectedError: it is no key of a store, or no plain file.
        """
        ...


class Outlet(Shelf, Protocol):
    """Files by key, to be given out: read here, or fetched where they lie."""

    def address(self, key: str, seconds: int) -> str | None:
        """Where the file is fetched from past us, for so many seconds; None where we give it out.

        Raises:
            NotFoundError: nothing is stored under `key`.
        """
        ...


class Rebuilder(Protocol):
    """What makes an expired export again when it is asked for."""

    def rebuild(self, key: str, tenant: str | None) -> str | None:
        """Make the export of this key again from its source and recipe; gives the key it now has.

        None where no export of the tenant ever had that key, or it cannot be made any more. Without
        a tenant it is whosever it is: its address is open to all. Several threads may call at once.
        """
        ...
