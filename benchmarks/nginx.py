"""nginx on loopback that gives out a folder: at once, or each answer 20 ms later."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_CONFIGURATION = """\
{user}
daemon off;
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 768; }}
http {{
    sendfile on;
    tcp_nopush on;
    types {{ image/jpeg jpeg; application/json json; }}
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    root {files};
    upstream waiting {{ server 127.0.0.1:{waiting}; keepalive 16; }}
    server {{ listen 127.0.0.1:{port}; }}
    server {{
        listen 127.0.0.1:{late};
        auth_request /_wait;
        location = /_wait {{
            internal;
            proxy_pass http://waiting/;
            proxy_pass_request_body off;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Nginx:
    """A running server: the same files at both addresses, at `late` each answer 20 ms later."""

    address: str
    late: str
    log: Path

    def requests(self) -> int:
        """How many were answered so far."""
        return self.log.read_bytes().count(b"\n")


def tool(name: str) -> str | None:
    """Where a program is, daemons' folders included."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def version() -> str:
    said = subprocess.run([_nginx(), "-v"], capture_output=True, text=True, check=True).stderr
    return said.strip()


@contextmanager
def serving(files: Path, folder: Path) -> Iterator[Nginx]:
    """Nginx over `files` until the end of the block; what it writes lies in `folder`."""
    folder.mkdir()
    port, late, waiting = free_ports(3)
    configuration = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    configuration.write_text(
        _CONFIGURATION.format(
            user=user, folder=folder, files=files, port=port, late=late, waiting=waiting
        )
    )
    nginx = [_nginx(), "-p", str(folder), "-c", str(configuration), "-e", str(folder / "error.log")]
    waiter = [sys.executable, "-m", "benchmarks.waiting", str(waiting)]
    with running(waiter, [waiting]), running(nginx, [port, late]):
        yield Nginx(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{late}", folder / "access.log")


@contextmanager
def running(
    command: list[str],
    ports: list[int],
    environment: dict[str, str] | None = None,
    *,
    quiet: bool = False,
) -> Iterator[None]:
    """A server that listens at these ports until the end of the block; quiet, its log is not kept."""
    log = subprocess.DEVNULL if quiet else None
    with subprocess.Popen(command, env=environment, stderr=log) as process:
        try:
            for port in ports:
                _reach(port, process)
            yield
        finally:
            process.terminate()


def _nginx() -> str:
    found = tool("nginx")
    assert found is not None, "nginx is not installed"
    return found


def free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def _reach(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert process.poll() is None, f"{process.args!r} did not start"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"nothing listens at {port}")
