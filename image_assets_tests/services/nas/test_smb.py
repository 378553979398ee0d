"""SMB against a real samba, where there is one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from image_assets.core.errors import AuthenticationError, RejectedError, TransientError
from image_assets.services.nas import Share
from image_assets.services.nas.door import Door
from image_assets.services.nas.smb import SmbLine
from image_assets.services.politeness import Retry
from image_assets_tests.nas_contract import NasContract
from image_assets_tests.services.nas.servers import PASSWORD, SMBD, SMBPASSWD, free_port, samba

ONCE = Retry(1, 0, 20)
needs_samba = pytest.mark.skipif(
    SMBD is None or SMBPASSWD is None, reason="smbd and smbpasswd are not installed"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    share = tmp_path_factory.mktemp("share")
    with samba(tmp_path_factory.mktemp("samba"), share) as port:
        yield port, share


@pytest.fixture
def door(server: tuple[int, Path]) -> Door:
    return Door("127.0.0.1", server[0], "root", PASSWORD, timeout=10)


@needs_samba
class TestSmb(NasContract):
    @pytest.fixture
    def held(self, server: tuple[int, Path], tmp_path: Path) -> Path:
        base = server[1] / tmp_path.name
        base.mkdir()
        return base

    @pytest.fixture
    def share(self, door: Door, held: Path) -> Iterator[Share]:
        with Share(str(door), lambda: SmbLine(door, f"Graphics/{held.name}"), retry=ONCE) as share:
            yield share

    def test_a_name_that_smb_cannot_hold_is_refused(self, share: Share, tmp_path: Path):
        with pytest.raises(RejectedError, match="SMB allows none"):
            share.put(Path(__file__), "acme/2025-09-01T10:07:34.png")

    def test_a_wrong_password_names_the_settings(self, door: Door, held: Path):
        wrong = replace(door, password="canary-wrong")

        with pytest.raises(AuthenticationError, match="QNAP_PASSWORD") as refusal:
            Share(str(wrong), lambda: SmbLine(wrong, "Graphics"), retry=ONCE).files("acme")

        assert "canary" not in f"{refusal.value!r}"


def test_a_nas_that_is_down_is_told():
    away = Door("127.0.0.1", free_port(), "root", PASSWORD, timeout=2)

    with pytest.raises(TransientError):
        Share(str(away), lambda: SmbLine(away, "Graphics"), retry=ONCE).files("acme")
