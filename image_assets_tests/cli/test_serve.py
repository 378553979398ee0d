"""`image-assets serve` as a process."""

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_assets.settings import isolated_environment
from image_assets_tests.drawing import picture


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetched(url: str) -> bytes:
    """What is at `url`, as soon as somebody answers there."""
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                content: bytes = answer.read()
                return content
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    port = free_port()
    program = Path(sys.executable).with_name("image-assets")
    process = subprocess.Popen(
        [program, "serve", "--port", str(port)],
        cwd=tmp_path,
        env=isolated_environment({"IMAGE_ASSETS_DATA_DIR": str(tmp_path / "data")}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield f"http://127.0.0.1:{port}", process
    process.kill()
    process.communicate()


def test_it_serves_what_is_published_until_it_is_told_to_end(server, tmp_path):
    address, process = server
    assert fetched(f"{address}/healthz") == b'{"status":"ok"}'
    (tmp_path / "data/public/a.jpg").write_bytes(picture(1))

    served = fetched(f"{address}/files/a.jpg")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)

    assert served == picture(1)
    assert address in said
    assert "Traceback" not in said


def test_a_port_that_is_taken_is_no_traceback(tmp_path):
    program = Path(sys.executable).with_name("image-assets")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = subprocess.run(
            [program, "serve", "--port", str(port)],
            cwd=tmp_path,
            env=isolated_environment({}),
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert result.returncode != 0
    assert "address already in use" in result.stderr
    assert "Traceback" not in result.stderr
