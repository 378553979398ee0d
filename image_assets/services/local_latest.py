"""Latest values as files: one a key, for demos, tests and sites that serve a folder."""

import datetime as dt
import urllib.parse
from collections.abc import Collection, Mapping
from pathlib import Path

from image_assets.core.errors import PermanentError, RejectedError
from image_assets.ports.latest import Statement
from image_assets.services import durable
from image_assets.services.durable import disk_errors

_MOST_NAME = 255  # bytes of a file's name


class LocalLatestStore:
    """A folder with one file a key, named by the key in percent-encoding; reads are never stale.

    A value stands alone: what is known about it beside is in the catalog.
    """

    name = "local"
    staleness = dt.timedelta(0)
    deadline = dt.timedelta(seconds=60)  # of a disk that is busy
    lifetime = None
    rest = dt.timedelta(0)

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> str | None:
        """The value of `key`; None when it was never written."""
        file = self._file(key)
        with disk_errors(file):
            try:
                return file.read_text("utf-8")
            except FileNotFoundError:
                return None
            except UnicodeDecodeError as error:
                raise PermanentError(f"{file}: not a text of ours; remove it") from error

    def get_many(self, keys: Collection[str]) -> Mapping[str, str]:
        """The values of those of these keys that have one."""
        found = ((key, self.get(key)) for key in keys)
        return {key: value for key, value in found if value is not None}

    def put(self, key: str, value: str, about: Mapping[str, str | int] | None = None) -> None:
        """Write `value` durably; a reader sees the old one or the new one, whole."""
        file = self._file(key)
        with disk_errors(file):
            durable.make_folder(self._folder)
            durable.write(file, [value.encode()])

    def put_many(self, values: Mapping[str, Statement]) -> frozenset[str]:
        """Write them one after another."""
        for key, statement in values.items():
            self.put(key, statement.value)
        return frozenset()

    def _file(self, key: str) -> Path:
        try:
            name = urllib.parse.quote(key, safe="")
        except UnicodeEncodeError as error:
            raise RejectedError(f"{key!r} is no latest key: it is not text") from error
        # A dot at the front would hide the file.
        name = name.replace(".", "%2E", 1) if name.startswith(".") else name
        if key in ("", ".", "..") or len(name) > _MOST_NAME:
            raise RejectedError(
                f"{key[:100]!r} is no latest key: empty, dots, or too long for a file"
            )
        return self._folder / name
