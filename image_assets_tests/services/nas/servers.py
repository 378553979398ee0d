"""Real servers of SFTP and SMB on loopback, each of a house of its own."""

import asyncio
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh

USER, PASSWORD = "shop", "correct horse"


class _Server(asyncssh.SSHServer):
    def __init__(
        self, connections: list[asyncssh.SSHServerConnection], password: str = PASSWORD
    ) -> None:
        self._connections = connections
        self._password = password

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connections.append(conn)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, self._password)


class SftpThread(threading.Thread):
    """The server's event loop, which must not be ours; `speaks` is what it does with files."""

    def __init__(
        self,
        root: Path,
        key: asyncssh.SSHKey,
        port: int = 0,
        *,
        password: str = PASSWORD,
        speaks: type[asyncssh.SFTPServer] = asyncssh.SFTPServer,
    ) -> None:
        super().__init__(daemon=True)
        self._root, self._key, self._wanted = root, key, port
        self._password, self._speaks = password, speaks
        self.port = 0
        self._connections: list[asyncssh.SSHServerConnection] = []
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._over: asyncio.Event | None = None

    def run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        root = str(self._root).encode()
        acceptor = await asyncssh.listen(
            "127.0.0.1",
            self._wanted,
            server_factory=self._made,
            server_host_keys=[self._key],
            sftp_factory=lambda channel: self._speaks(channel, chroot=root),
        )
        self.port = acceptor.get_port()
        self._ready.set()
        await self._over.wait()
        acceptor.close()
        for connection in self._connections:
            connection.abort()
            await connection.wait_closed()
        await acceptor.wait_closed()

    @property
    def connections(self) -> int:
        return len(self._connections)

    def _made(self) -> _Server:
        return _Server(self._connections, self._password)

    def __enter__(self) -> "SftpThread":
        self.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._over is not None
        self._loop.call_soon_threadsafe(self._over.set)
        self.join(10)


def known_hosts(file: Path, port: int, key: asyncssh.SSHKey) -> Path:
    line = key.export_public_key("openssh").decode()
    file.write_text(f"[127.0.0.1]:{port} {line}")
    return file


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


SMBD, SMBPASSWD = shutil.which("smbd"), shutil.which("smbpasswd")


@contextmanager
def samba(folder: Path, share: Path) -> Iterator[int]:
    """A samba of our own, without installing anything; its user is root, as Unix knows no other."""
    assert SMBD is not None
    assert SMBPASSWD is not None
    port, conf = free_port(), folder / "smb.conf"
    own = "".join(
        f"{name} directory = {folder}\n" for name in ("private", "lock", "state", "cache", "pid")
    )
    conf.write_text(
        f"[global]\n{own}ncalrpc dir = {folder}/ncalrpc\nsmb ports = {port}\ninterfaces = 127.0.0.1\n"
        f"bind interfaces only = yes\npassdb backend = tdbsam:{folder}/passdb.tdb\n"
        f"log file = {folder}/log\nserver role = standalone server\n"
        f"[Graphics]\npath = {share}\nread only = no\n"
    )
    answer = f"{PASSWORD}\n{PASSWORD}\n"
    subprocess.run(
        [SMBPASSWD, "-c", conf, "-L", "-s", "-a", "root"], input=answer, text=True, check=True
    )
    # It ends its whole process group when it is told to.
    server = subprocess.Popen(
        [SMBD, "-F", "-s", conf, "--no-process-group"], start_new_session=True
    )
    try:
        _wait(port)
        yield port
    finally:
        server.terminate()
        server.wait(10)


def _wait(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
