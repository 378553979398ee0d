import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from image_assets.rehearsal import Profile, Rehearsal, environment
from image_assets.settings import Settings

INDEX = "/draydog/index/apm/in_gate/2025-09-01.json"


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.168.1.5", "example.org"])
def test_it_never_listens_beyond_this_machine(host: str):
    with pytest.raises(ValueError, match="loopback only"):
        Rehearsal(host=host)


def test_its_environment_is_settings_that_exist_and_point_at_it():
    with Rehearsal() as rehearsal:
        told = rehearsal.environment()

        assert told == environment(rehearsal.address, Profile())
        assert {name.lower() for name in told} <= set(Settings.model_fields)
        addresses = [value for name, value in told.items() if name.endswith("_URL")]
        assert len(addresses) >= 8
        assert all(address.startswith(rehearsal.address) for address in addresses)


def test_keys_are_not_shown():
    assert "canary" not in repr(Profile(pinata_jwt="canary", cloudflare_api_token="canary"))


def test_one_connection_carries_many_requests(rehearsal: Rehearsal):
    where = urlsplit(rehearsal.address)
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        answers = connection.makefile("rb")
        for _ in range(3):
            connection.sendall(f"HEAD {INDEX} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            status = answers.readline()
            while answers.readline().strip():
                pass

            assert status == b"HTTP/1.1 200 OK\r\n"


def test_many_clients_are_served_at_once(client: httpx.Client, rehearsal: Rehearsal):
    rehearsal.inject("GET", {"kind": "delay", "seconds": 0.3})
    threads = [
        threading.Thread(target=httpx.get, args=[rehearsal.address + INDEX]) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert rehearsal.requests()["peaks"]["draydog/index"] > 1


def test_a_body_may_come_in_chunks(client: httpx.Client, rehearsal: Rehearsal):
    def pieces() -> Iterator[bytes]:
        yield b'{"advance"'
        yield b": 60}"

    client.post("/_control/clock", content=pieces()).raise_for_status()

    assert client.get("/_control/clock").json() == {"now": "2025-09-03T12:01:00+00:00"}


def test_a_body_beyond_100_mb_is_413_and_not_kept(client: httpx.Client):
    def pieces() -> Iterator[bytes]:
        for _ in range(101):
            yield bytes(1_000_000)

    announced = {"Content-Length": "100000001"}

    assert client.put("/x", content=pieces()).status_code == 413
    assert client.put("/x", content=bytes(100_000_001), headers=announced).status_code == 413


@pytest.mark.parametrize(
    "length", [b"Content-Length: -5", b"Content-Length: x", b"Transfer-Encoding: chunked"]
)
def test_a_body_without_a_sensible_length_ends_the_connection(rehearsal: Rehearsal, length: bytes):
    where = urlsplit(rehearsal.address)
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        connection.sendall(
            b"POST /_control/reset HTTP/1.1\r\nHost: x\r\n" + length + b"\r\n\r\nzz\r\n"
        )

        assert connection.recv(100) == b""


def test_latency_is_added_to_every_answer():
    with Rehearsal(Profile(latency=0.1)) as rehearsal:
        started = time.monotonic()
        httpx.get(f"{rehearsal.address}/draydog/app")

        assert time.monotonic() - started >= 0.1


def test_after_the_end_open_connections_are_dead():
    with httpx.Client() as client:
        with Rehearsal() as rehearsal:
            address = f"{rehearsal.address}/draydog/app"
            client.get(address).raise_for_status()

        with pytest.raises(httpx.TransportError):
            client.get(address)


def test_nobody_is_behind_an_unknown_address(client: httpx.Client):
    assert client.get("/imgur/3/image").status_code == 404


def test_state_outlives_a_rehearsal_that_has_a_folder(tmp_path: Path):
    profile = Profile()
    with Rehearsal(profile, state=tmp_path) as rehearsal:
        cid = _publish(rehearsal)

    with Rehearsal(profile, state=tmp_path) as rehearsal:
        content = httpx.get(f"{rehearsal.address}/pinata/gateway/ipfs/{cid}").content
        again = _publish(rehearsal)

        assert content == b"bytes"
        assert again == cid
        assert _latest(rehearsal).text == cid


def test_a_tape_that_broke_off_is_read_up_to_there(tmp_path: Path):
    with Rehearsal(state=tmp_path) as rehearsal:
        cid = _publish(rehearsal)
    with (tmp_path / "pinata.jsonl").open("ab") as tape:
        tape.write(b'{"file": {"id"')

    with Rehearsal(state=tmp_path) as rehearsal:
        assert httpx.get(f"{rehearsal.address}/pinata/gateway/ipfs/{cid}").status_code == 200
        assert _publish(rehearsal) == cid


@contextmanager
def process(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    file = folder / "address"
    file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "image_assets.rehearsal", "--address-file", str(file)]
    with subprocess.Popen([*command, *arguments], stdout=subprocess.DEVNULL) as started:
        try:
            deadline = time.monotonic() + 60
            while not file.exists() and started.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            yield started, file.read_text().strip()
        finally:
            started.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_as_a_process_it_announces_itself_and_ends_when_told(
    tmp_path: Path, number: signal.Signals
):
    with process(tmp_path) as (started, address):
        status = httpx.get(f"{address}/draydog/app").status_code
        started.send_signal(number)

        assert (status, started.wait(20)) == (200, 0)


def test_a_process_that_keeps_its_state_keeps_its_address(tmp_path: Path):
    state = ("--state", str(tmp_path / "state"))
    with process(tmp_path, *state) as (started, first):
        started.terminate()
        started.wait(20)

    with process(tmp_path, *state) as (_, second):
        assert second == first


def test_a_process_refuses_another_host_and_says_why():
    command = [sys.executable, "-m", "image_assets.rehearsal", "--host", "0.0.0.0"]

    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.returncode == 2
    assert "loopback only" in ended.stderr


def _publish(rehearsal: Rehearsal) -> str:
    """Upload bytes and point a key at them."""
    profile = rehearsal.profile
    reply = httpx.post(
        f"{rehearsal.address}/pinata/uploads/v3/files",
        headers={"Authorization": f"Bearer {profile.pinata_jwt}"},
        files={"file": ("a.png", b"bytes")},
        data={"network": "public"},
    )
    cid = str(reply.json()["data"]["cid"])
    headers = {"Authorization": f"Bearer {profile.cloudflare_api_token}"}
    httpx.put(_key(rehearsal), headers=headers, content=cid.encode())
    return cid


def _latest(rehearsal: Rehearsal) -> httpx.Response:
    headers = {"Authorization": f"Bearer {rehearsal.profile.cloudflare_api_token}"}
    return httpx.get(_key(rehearsal), headers=headers)


def _key(rehearsal: Rehearsal) -> str:
    profile = rehearsal.profile
    account, namespace = profile.cloudflare_account_id, profile.kv_namespace_id
    base = f"{rehearsal.address}/cloudflare/client/v4/accounts/{account}"
    return f"{base}/storage/kv/namespaces/{namespace}/values/latest"
