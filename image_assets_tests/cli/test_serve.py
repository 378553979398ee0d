"""`image-assets serve` as a process."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from image_assets.settings import isolated_environment
from image_assets_tests.drawing import picture

PROGRAM = Path(sys.executable).with_name("image-assets")
SECRET = "8f1c0d6b7a5e4f3929d0c1b2a3f4e5d6c7b8a9f0e1d2c3b4"


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


@contextmanager
def serving(
    folder: Path, *options: str, **variables: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    port = free_port()
    process = subprocess.Popen(
        [PROGRAM, "serve", "--port", str(port), *options],
        cwd=folder,
        env=isolated_environment({"IMAGE_ASSETS_DATA_DIR": str(folder / "data")} | variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield f"http://127.0.0.1:{port}", process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with its workers
        process.communicate()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    with serving(tmp_path) as server:
        yield server


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
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = subprocess.run(
            [PROGRAM, "serve", "--port", str(port)],
            cwd=tmp_path,
            env=isolated_environment({}),
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert result.returncode != 0
    assert "address already in use" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_signed_address_of_the_command_is_opened_and_its_signature_is_in_no_log(tmp_path):
    (tmp_path / "data/exports").mkdir(parents=True)
    (tmp_path / "data/exports/a.jpg").write_bytes(picture(1))
    signing = {"SIGN_URLS": "true", "SIGNING_SECRET": SECRET}
    with serving(tmp_path, **signing) as (address, process):
        fetched(f"{address}/healthz")
        url = signed("a.jpg", tmp_path, PUBLIC_BASE_URL=address, **signing)

        served = fetched(url)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)

    assert served == picture(1)
    assert "GET /api/download/a.jpg 200" in said
    assert "signature" not in said
    assert url.partition("signature=")[2] not in said


def signed(name: str, folder: Path, **variables: str) -> str:
    return subprocess.run(
        [PROGRAM, "sign", name, "--expires-in", "60"],
        cwd=folder,
        env=isolated_environment({"IMAGE_ASSETS_DATA_DIR": str(folder / "data")} | variables),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    ).stdout.strip()


def test_several_workers_answer_and_end_together(tmp_path):
    with serving(tmp_path, "--workers", "2", SIGNING_SECRET=SECRET) as (address, process):
        assert fetched(f"{address}/healthz") == b'{"status":"ok"}'

        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)

    assert "Traceback" not in said
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{address}/healthz", timeout=5)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_weak_secret_does_not_start(tmp_path, workers):
    with serving(
        tmp_path, "--workers", workers, SIGN_URLS="true", SIGNING_SECRET="default-secret"
    ) as (_, process):
        said, _ = process.communicate(timeout=30)

    assert process.returncode == 1
    assert "SIGNING_SECRET is shorter than 32 bytes" in said
    assert "openssl rand -hex 32" in said
    assert "default-secret" not in said
