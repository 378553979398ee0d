"""The nginx installed here with the example of deploy/nginx, on ports of its own."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "deploy/nginx/image_assets.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")

_WHOLE = """\
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{example}
}}
"""


@contextmanager
def in_front(upstream: int, data: Path, folder: Path) -> Iterator[int]:
    """The port of nginx before the application at `upstream`; what it writes lies in `folder`."""
    assert NGINX is not None  # callers skip without it
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    configuration = folder / "nginx.conf"
    configuration.write_text(_configuration(upstream, data, folder, port))
    command = [NGINX, "-p", str(folder), "-c", str(configuration), "-e", str(folder / "early.log")]
    with subprocess.Popen(command) as process:
        try:
            _reach(port, process)
            yield port
        finally:
            process.terminate()


def _configuration(upstream: int, data: Path, folder: Path, port: int) -> str:
    example = EXAMPLE.read_text()
    for ours, here in (
        ("server 127.0.0.1:8000;", f"server 127.0.0.1:{upstream};"),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("/srv/image_assets/data", str(data)),
        ("/var/log/nginx/", f"{folder}/"),
    ):
        assert ours in example, ours
        example = example.replace(ours, here)
    user = "user root;" if os.geteuid() == 0 else ""
    return _WHOLE.format(user=user, folder=folder, example=re.sub(r"(?m)^(?=.)", "    ", example))


def _reach(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(400):
        assert process.poll() is None, "nginx did not start"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"nginx does not listen at {port}")
