"""A NAS by SFTP, as the QNAP of original 2; a host whose key is not known is refused."""

import base64
import datetime as dt
import errno
import hashlib
import logging
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import paramiko

from image_assets.core.errors import (
    AuthenticationError,
    ImageAssetsError,
    NoSpaceError,
    NotFoundError,
    PermanentError,
    TransientError,
)
from image_assets.ports import NasFile
from image_assets.services.answers import Redactor
from image_assets.services.nas.door import Door

log = logging.getLogger(__name__)

_NO_CONNECTION = paramiko.ssh_exception.NoValidConnectionsError
_EXISTS = frozenset({errno.EEXIST, None})
"""Servers of SFTP 3 have one word for most failures: whether the name is taken has to be looked up."""


class SftpLine:
    """Fulfils `line.Line` below `base` of the server."""

    def __init__(self, door: Door, base: str) -> None:
        self._door = door
        self._redactor = Redactor([door.password] if door.password else [])
        self._base = PurePosixPath(base)
        self._client = _known_hosts(door)
        try:
            with self._errors(""):
                self._client.connect(
                    door.host,
                    door.port,
                    door.username,
                    door.password,
                    key_filename=str(door.key_file) if door.key_file else None,
                    timeout=door.timeout,
                    banner_timeout=door.timeout,
                    auth_timeout=door.timeout,
                    allow_agent=False,
                    look_for_keys=False,
                )
                self._sftp = self._client.open_sftp()
                self._sftp.get_channel().settimeout(door.timeout)
            self._refuse_absent_base()
        except ImageAssetsError:
            self._client.close()
            raise

    def find(self, path: str) -> NasFile | None:
        """The plain file there is under a path."""
        try:
            with self._errors(path):
                found = self._sftp.lstat(self._at(path))
        except NotFoundError:
            return None
        return _file(path, found) if stat.S_ISREG(found.st_mode or 0) else None

    def files(self, folder: str) -> Iterator[NasFile]:
        """Every plain file below a folder; none when there is no such folder."""
        waiting = [folder]
        while waiting:
            below = waiting.pop()
            for found in self._entries(below):
                path = f"{below}/{found.filename}"
                if found.filename.startswith("."):
                    continue
                if stat.S_ISDIR(found.st_mode or 0):
                    waiting.append(path)
                elif stat.S_ISREG(found.st_mode or 0):
                    yield _file(path, found)

    def make_folder(self, folder: str) -> None:
        """Create a folder and what it lies in."""
        place = PurePosixPath(folder)
        for below in (*reversed(place.parents), place):
            if str(below) == "." or self._is_folder(str(below)):
                continue
            try:
                with self._errors(str(below)):
                    self._sftp.mkdir(self._at(str(below)))
            except PermanentError:
                if not self._is_folder(str(below)):  # another one was quicker
                    raise

    def send(self, file: Path, path: str) -> None:
        """Write a new file; the server says at the end how much it has."""
        with self._errors(path), file.open("rb") as source:
            self._sftp.putfo(source, self._at(path), file.stat().st_size)

    def receive(self, path: str, into: Path) -> None:
        """Read a file into a new local one."""
        with self._errors(path):
            self._sftp.get(self._at(path), str(into))

    def rename(self, path: str, new: str) -> bool:
        """Give a file its name in one step: SFTP 3 refuses a name that is taken."""
        try:
            with self._errors(new):
                self._sftp.rename(self._at(path), self._at(new))
        except PermanentError:
            if self.find(new) is None:
                raise
            return False
        return True

    def remove(self, path: str) -> None:
        """Remove a file; nothing happens when it is not there."""
        try:
            with self._errors(path):
                self._sftp.remove(self._at(path))
        except NotFoundError:
            return

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def _at(self, path: str) -> str:
        return str(self._base / path)

    def _entries(self, folder: str) -> list[paramiko.SFTPAttributes]:
        try:
            with self._errors(folder):
                return list(self._sftp.listdir_attr(self._at(folder)))
        except NotFoundError:
            return []

    def _is_folder(self, path: str) -> bool:
        try:
            with self._errors(path):
                return stat.S_ISDIR(self._sftp.stat(self._at(path)).st_mode or 0)
        except NotFoundError:
            return False

    def _refuse_absent_base(self) -> None:
        if not self._is_folder("."):
            raise PermanentError(
                f"{self._door}: {self._base} is not there; check NAS_BASE_PATH and the NAS's volumes"
            )

    @contextmanager
    def _errors(self, path: str) -> Iterator[None]:
        """Speak of what happens in our words."""
        place = f"{self._door} {path}".rstrip()
        try:
            yield
        except paramiko.BadHostKeyException as error:
            raise PermanentError(
                f"{self._door} shows another key than the known one ({_print(error.key)}): somebody"
                " may be in between. If the NAS was set up anew, replace its line in NAS_KNOWN_HOSTS"
            ) from None
        except (paramiko.AuthenticationException, paramiko.PasswordRequiredException):
            raise AuthenticationError(
                f"{self._door} refuses us; check QNAP_USERNAME and QNAP_PASSWORD or NAS_KEY_FILE"
            ) from None
        # A server may repeat what it was given: its own words go no further than this.
        except (paramiko.SSHException, EOFError, _NO_CONNECTION) as error:
            said = self._redactor.clean(str(error))
            raise TransientError(f"{place}: the connection broke ({said})") from None
        except OSError as error:
            said = self._redactor.clean(error.strerror or str(error))
            raise _translated(error, place, said or "no answer in time") from None


class _Refuse(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    """Nobody that we do not know gets a password."""

    def missing_host_key(
        self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey
    ) -> None:
        """Say which key it is, and how it becomes known."""
        host, _, port = hostname.strip("[").partition("]:")
        scan = f"ssh-keyscan -p {port or 22} {host}"
        raise PermanentError(
            f"{hostname} is not a known host; its key is {_print(key)}. Compare that with the NAS's"
            f" own page, then: {scan} >> the file that NAS_KNOWN_HOSTS names (~/.ssh/known_hosts)"
        )


def _known_hosts(door: Door) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(_Refuse())
    file = door.known_hosts or Path.home() / ".ssh" / "known_hosts"
    if file.is_file():
        client.load_host_keys(str(file))
    elif door.known_hosts is not None:
        raise PermanentError(f"NAS_KNOWN_HOSTS: {file} is not there")
    return client


def _print(key: paramiko.PKey) -> str:
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    return f"{key.get_name()} SHA256:{digest}"


def _translated(error: OSError, place: str, said: str) -> ImageAssetsError:
    if error.errno == errno.ENOENT:
        return NotFoundError(f"{place}: not there")
    if error.errno == errno.EACCES:
        return PermanentError(f"{place}: {said}; check the rights of QNAP_USERNAME there")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpaceError(f"{place}: {said}; free space on the NAS")
    if isinstance(error, TimeoutError | ConnectionError) or error.errno not in _EXISTS:
        return TransientError(f"{place}: {said}")
    if "closed" in said.lower():
        return TransientError(f"{place}: {said}")
    return PermanentError(f"{place}: the NAS refuses ({said})")


def _file(path: str, found: paramiko.SFTPAttributes) -> NasFile:
    modified = dt.datetime.fromtimestamp(found.st_mtime or 0, dt.UTC)
    return NasFile(path, found.st_size or 0, modified)
