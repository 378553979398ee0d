"""SFTP against asyncssh, which shares nothing with paramiko."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from image_assets.core.errors import AuthenticationError, PermanentError, TransientError
from image_assets.services.nas import Share
from image_assets.services.nas.door import Door
from image_assets.services.nas.sftp import SftpLine
from image_assets.services.politeness import Retry
from image_assets_tests.nas_contract import NasContract
from image_assets_tests.services.nas.servers import (
    PASSWORD,
    USER,
    SftpThread,
    free_port,
    known_hosts,
)

KEY = asyncssh.generate_private_key("ssh-ed25519")
ONCE, TWICE = Retry(1, 0, 20), Retry(2, 0, 20)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpThread]:
    with SftpThread(tmp_path_factory.mktemp("sftp"), KEY) as running:
        yield running


@pytest.fixture
def held(server: SftpThread, tmp_path: Path) -> Path:
    base = server._root / tmp_path.name
    base.mkdir(exist_ok=True)
    return base


@pytest.fixture
def door(server: SftpThread, tmp_path: Path) -> Door:
    trusted = known_hosts(tmp_path / "known_hosts", server.port, KEY)
    return Door("127.0.0.1", server.port, USER, PASSWORD, known_hosts=trusted, timeout=10)


def share_of(door: Door, held: Path, retry: Retry = ONCE, connections: int = 4) -> Share:
    line = lambda: SftpLine(door, f"/{held.name}")  # noqa: E731
    return Share(str(door), line, retry=retry, connections=connections)


class TestSftp(NasContract):
    @pytest.fixture
    def share(self, door: Door, held: Path) -> Iterator[Share]:
        with share_of(door, held) as share:
            yield share


def test_an_unknown_host_gets_no_password_and_is_told_how_it_becomes_known(
    door: Door, held: Path, tmp_path: Path
):
    (tmp_path / "nobody").touch()
    strange = replace(door, known_hosts=tmp_path / "nobody")

    with pytest.raises(PermanentError, match=rf"ssh-keyscan -p {door.port} 127.0.0.1") as refusal:
        share_of(strange, held).files("acme")

    assert KEY.get_fingerprint() in str(refusal.value)


def test_a_host_with_another_key_is_refused(door: Door, held: Path, tmp_path: Path):
    other = asyncssh.generate_private_key("ssh-ed25519")
    known_hosts(tmp_path / "known_hosts", door.port, other)

    with pytest.raises(PermanentError, match="another key than the known one"):
        share_of(door, held).files("acme")


def test_a_wrong_password_names_the_settings_and_not_itself(door: Door, held: Path):
    wrong = replace(door, password="canary-wrong")

    with pytest.raises(AuthenticationError, match="QNAP_PASSWORD") as refusal:
        share_of(wrong, held).files("acme")

    assert "canary" not in f"{refusal.value} {refusal.value!r} {wrong} {wrong!r}"


def test_a_nas_that_is_down_is_asked_again_and_then_told(door: Door, held: Path):
    away = replace(door, port=free_port())
    opened = []

    def connect() -> SftpLine:
        opened.append(1)
        return SftpLine(away, "/x")

    with pytest.raises(TransientError):
        Share(str(away), connect, retry=TWICE).files("acme")

    assert len(opened) == 2


def test_a_base_that_is_not_there_is_told(door: Door):
    with pytest.raises(PermanentError, match="NAS_BASE_PATH"):
        share_of(door, Path("nowhere")).files("acme")


def test_connections_are_kept(server: SftpThread, door: Door, held: Path, tmp_path: Path):
    before = server.connections
    (tmp_path / "x.png").write_bytes(b"x")

    with share_of(door, held, connections=1) as share:
        for number in range(5):
            share.put(tmp_path / "x.png", f"acme/{number}.png")

    assert server.connections == before + 1


def test_lines_that_broke_together_cost_one_attempt(tmp_path: Path):
    root, port = tmp_path / "root", free_port()
    (root / "base").mkdir(parents=True)
    trusted = known_hosts(tmp_path / "known_hosts", port, KEY)
    door = Door("127.0.0.1", port, USER, PASSWORD, known_hosts=trusted, timeout=10)
    with share_of(door, Path("base"), TWICE) as share:
        with SftpThread(root, KEY, port), ExitStack() as busy:
            for _ in range(3):
                busy.enter_context(share._line())
        with SftpThread(root, KEY, port):
            found = share.files("acme")

    assert found == []


def test_a_line_that_broke_while_idle_is_replaced(tmp_path: Path):
    root, port = tmp_path / "root", free_port()
    (root / "base").mkdir(parents=True)
    (tmp_path / "x.png").write_bytes(b"x")
    trusted = known_hosts(tmp_path / "known_hosts", port, KEY)
    door = Door("127.0.0.1", port, USER, PASSWORD, known_hosts=trusted, timeout=10)
    with share_of(door, Path("base"), TWICE) as share:
        with SftpThread(root, KEY, port):
            share.put(tmp_path / "x.png", "acme/1.png")
        with SftpThread(root, KEY, port):
            share.put(tmp_path / "x.png", "acme/2.png")

    assert sorted(p.name for p in (root / "base/acme").iterdir()) == ["1.png", "2.png"]
