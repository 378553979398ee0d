from pathlib import Path

import pytest

from image_assets.core.errors import PermanentError, TransientError
from image_assets.services.nas import Share
from image_assets.services.nas.mounted import MARKER, MountedLine
from image_assets.services.politeness import Retry
from image_assets_tests.nas_contract import NasContract

ONCE = Retry(1, 0, 10)


class TestMounted(NasContract):
    @pytest.fixture
    def held(self, tmp_path: Path) -> Path:
        base = tmp_path / "nas"
        base.mkdir()
        (base / MARKER).touch()
        return base

    @pytest.fixture
    def share(self, held: Path) -> Share:
        return Share("nas", lambda: MountedLine(held), retry=ONCE)

    def test_a_mount_that_is_away_is_down_and_nothing_is_written(self, tmp_path: Path):
        (tmp_path / "away").mkdir()
        away = Share("nas", lambda: MountedLine(tmp_path / "away"), retry=ONCE)

        with pytest.raises(TransientError, match="not mounted"):
            away.put(Path(__file__), "acme/x.png")

        assert list((tmp_path / "away").iterdir()) == []

    def test_a_folder_that_may_be_another_is_not_written_to(self, tmp_path: Path):
        (tmp_path / "homework").touch()
        other = Share("nas", lambda: MountedLine(tmp_path), retry=ONCE)

        with pytest.raises(PermanentError, match=r"touch .*\.image_assets_nas"):
            other.files("acme")

    def test_links_are_neither_listed_nor_followed(self, share: Share, held: Path, tmp_path: Path):
        (held / "acme").mkdir()
        (held / "acme/link.png").symlink_to(__file__)

        assert share.files("acme") == []
        assert share.find("acme/link.png") is None

    def test_a_mount_without_links_takes_the_name_first(
        self, share: Share, held: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        def refuse(self: Path, target: Path) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(Path, "hardlink_to", refuse)
        file = tmp_path / "design.png"
        file.write_bytes(b"a design")

        assert share.put(file, "acme/design.png")
        assert not share.put(file, "acme/design.png")
        assert (held / "acme/design.png").read_bytes() == b"a design"
