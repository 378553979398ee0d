"""Stores as the web application reads them: from a disk by us, from a bucket past us."""

from io import BufferedReader
from typing import Protocol

from image_assets.core.errors import NotFoundError
from image_assets.ports import FileStore, Presigning, Shelf


class LocalOutlet:
    """Fulfils `ports.Outlet` over a store on this machine's disk."""

    def __init__(self, store: Shelf) -> None:
        self._store = store

    def open(self, key: str) -> BufferedReader:
        """The file of `key` itself; no link on the way to it is followed."""
        return self._store.open(key)

    def address(self, key: str, seconds: int) -> None:
        """None: it is given out here."""


class Bucket(FileStore, Shelf, Presigning, Protocol):
    """A store whose files others may fetch past us."""


class BucketOutlet:
    """Fulfils `ports.Outlet` over a store that signs links of its own."""

    def __init__(self, store: Bucket) -> None:
        self._store = store

    def open(self, key: str) -> BufferedReader:
        """A copy of the file; it goes from the disk when it is closed."""
        return self._store.open(key)

    def address(self, key: str, seconds: int) -> str:
        """A link that the store signed.

        Raises:
            NotFoundError: nothing is stored under `key`.
        """
        if self._store.size(key) is None:
            raise NotFoundError(f"{key}: not in the store")
        return self._store.presigned(key, seconds)
