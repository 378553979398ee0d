"""A NAS by SMB: a share of a server, signed and, where the server can, encrypted."""

import datetime as dt
import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import smbclient
from smbprotocol import exceptions

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    NoSpaceError,
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
)
from image_assets.ports import NasFile
from image_assets.services.nas.door import Door

_REFUSED = (
    exceptions.LogonFailure,
    exceptions.AccessDenied,
    exceptions.SMBAuthenticationError,
)
_FORBIDDEN_NAMES = '<>:"|?*'


class SmbLine:
    """Fulfils `line.Line` below `base` of a share; `base` begins with the share's name."""

    def __init__(self, door: Door, base: str) -> None:
        self._door = door
        self._base = PurePosixPath("/" + base.strip("/"))
        self._lines: dict[str, Any] = {}  # of this line alone: smbclient's own cache is shared
        with self._errors(""):
            smbclient.register_session(
                door.host,
                username=door.username,
                password=door.password,
                port=door.port,
                connection_timeout=door.timeout,
                connection_cache=self._lines,
            )
        try:
            if not self._is_folder("."):
                raise PermanentError(f"{door}: {base} is not there; check NAS_BASE_PATH")
        except ImageAssetsError:
            self.close()
            raise

    def find(self, path: str) -> NasFile | None:
        """The plain file there is under a path."""
        try:
            with self._errors(path):
                found = smbclient.lstat(self._at(path), **self._how)
        except NotFoundError:
            return None
        return None if found.st_mode & 0o170000 != 0o100000 else _file(path, found)

    def files(self, folder: str) -> Iterator[NasFile]:
        """Every plain file below a folder; none when there is no such folder."""
        waiting = [folder]
        while waiting:
            below = waiting.pop()
            for found in self._entries(below):
                path = f"{below}/{found.name}"
                if found.name.startswith("."):
                    continue
                if found.is_dir():
                    waiting.append(path)
                elif (file := self.find(path)) is not None:
                    yield file

    def make_folder(self, folder: str) -> None:
        """Create a folder and what it lies in."""
        with self._errors(folder):
            smbclient.makedirs(self._at(folder), exist_ok=True, **self._how)

    def send(self, file: Path, path: str) -> None:
        """Write a new file."""
        with (
            self._errors(path),
            file.open("rb") as source,
            smbclient.open_file(self._at(path), mode="xb", **self._how) as target,
        ):
            shutil.copyfileobj(source, target, 1 << 20)

    def receive(self, path: str, into: Path) -> None:
        """Read a file into a new local one."""
        with (
            self._errors(path),
            smbclient.open_file(self._at(path), mode="rb", share_access="r", **self._how) as source,
            into.open("xb") as target,
        ):
            shutil.copyfileobj(source, target, 1 << 20)

    def rename(self, path: str, new: str) -> bool:
        """Give a file its name in one step; False when the name is taken."""
        try:
            with self._errors(new):
                smbclient.rename(self._at(path), self._at(new), **self._how)
        except RejectedError:
            if self.find(new) is None:
                raise
            return False
        return True

    def remove(self, path: str) -> None:
        """Remove a file; nothing happens when it is not there."""
        try:
            with self._errors(path):
                smbclient.remove(self._at(path), **self._how)
        except NotFoundError:
            return

    def close(self) -> None:
        """End the connection."""
        smbclient.reset_connection_cache(fail_on_error=False, connection_cache=self._lines)

    @property
    def _how(self) -> dict[str, Any]:
        return {
            "username": self._door.username,
            "password": self._door.password,
            "port": self._door.port,
            "connection_cache": self._lines,
        }

    def _at(self, path: str) -> str:
        if any(letter in _FORBIDDEN_NAMES for letter in path):
            raise RejectedError(f"{path}: SMB allows none of {_FORBIDDEN_NAMES} in a name")
        below = str(self._base / path).replace("/", "\\")
        return f"\\\\{self._door.host}{below}"

    def _entries(self, folder: str) -> list[Any]:
        try:
            with self._errors(folder):
                return list(smbclient.scandir(self._at(folder), **self._how))
        except NotFoundError:
            return []

    def _is_folder(self, path: str) -> bool:
        try:
            with self._errors(path):
                return bool(smbclient.stat(self._at(path), **self._how).st_mode & 0o040000)
        except NotFoundError:
            return False

    @contextmanager
    def _errors(self, path: str) -> Iterator[None]:
        """Speak of what happens in our words."""
        place = f"{self._door} {path}".rstrip()
        try:
            yield
        except exceptions.SMBOSError as error:
            raise _translated(error, place) from error
        except _REFUSED:
            raise AuthenticationError(
                f"{self._door} refuses us; check QNAP_USERNAME and QNAP_PASSWORD"
            ) from None
        except (exceptions.SMBException, ValueError, OSError) as error:
            # smbprotocol says ValueError where it cannot connect.
            raise TransientError(f"{place}: the connection broke ({error})") from error


def _translated(error: OSError, place: str) -> ImageAssetsError:
    if error.errno == errno.ENOENT:
        return NotFoundError(f"{place}: not there")
    if error.errno == errno.EEXIST:
        return RejectedError(f"{place}: the name is taken")
    if error.errno == errno.EACCES:
        return PermanentError(f"{place}: not allowed; check the rights of QNAP_USERNAME there")
    if error.errno == errno.ENOSPC:
        return NoSpaceError(f"{place}: no space left; free some on the NAS")
    return PermanentError(f"{place}: the NAS refuses ({error})")


def _file(path: str, found: Any) -> NasFile:
    modified = dt.datetime.fromtimestamp(int(found.st_mtime), dt.UTC)
    return NasFile(path, found.st_size, modified)
