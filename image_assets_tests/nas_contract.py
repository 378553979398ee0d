"""What every way to a NAS keeps, whatever it speaks; a way passes it whole."""

import hashlib
import threading
from pathlib import Path

import pytest

from image_assets.core.errors import NotFoundError, RejectedError, TransientError
from image_assets.ports import NasFile
from image_assets.services.nas import Share

CONTENT = b"a design " * 1000


class NasContract:
    """Subclasses give `share`, and `held`: the NAS's base as a folder of this machine."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        file = tmp_path / "design.png"
        file.write_bytes(CONTENT)
        return file

    def test_a_file_is_stored_whole_with_its_folders(self, share: Share, held: Path, file: Path):
        assert share.put(file, "acme/new/design.png")

        assert (held / "acme/new/design.png").read_bytes() == CONTENT
        assert [p.name for p in (held / "acme/new").iterdir()] == ["design.png"]

    def test_the_same_bytes_are_there_already(self, share: Share, held: Path, file: Path):
        share.put(file, "acme/design.png")

        assert not share.put(file, "acme/design.png")

    @pytest.mark.parametrize("other", [b"shorter", CONTENT[:-1] + b"!"])
    def test_other_bytes_are_never_replaced(
        self, share: Share, held: Path, file: Path, other: bytes
    ):
        (held / "acme").mkdir()
        (held / "acme/design.png").write_bytes(other)

        with pytest.raises(RejectedError, match="other bytes, which are never replaced"):
            share.put(file, "acme/design.png")

        assert (held / "acme/design.png").read_bytes() == other
        assert [p.name for p in (held / "acme").iterdir()] == ["design.png"]

    def test_an_empty_file_under_the_name_is_told_with_its_remedy(
        self, share: Share, held: Path, file: Path
    ):
        (held / "acme").mkdir()
        (held / "acme/design.png").touch()

        with pytest.raises(RejectedError, match="is empty; remove it"):
            share.put(file, "acme/design.png")

    def test_a_probe_leaves_nothing(self, share: Share, held: Path):
        before = sorted(held.iterdir())

        share.probe()

        assert sorted(held.iterdir()) == before

    def test_files_are_listed_with_size_and_time(self, share: Share, held: Path, file: Path):
        share.put(file, "acme/b/two.png")
        share.put(file, "acme/one.png")
        (held / "acme/.hidden").write_text("half a file")

        found = share.files("acme")

        assert [f.path for f in found] == ["acme/b/two.png", "acme/one.png"]
        assert {f.size for f in found} == {len(CONTENT)}
        assert share.find("acme/one.png") == found[1]
        seconds = found[1].modified_at.timestamp() - (held / "acme/one.png").stat().st_mtime
        assert abs(seconds) <= 1

    def test_a_folder_that_is_not_there_holds_nothing(self, share: Share):
        assert share.files("nobody") == []
        assert share.find("nobody/x.png") is None

    def test_a_file_is_read_whole(self, share: Share, file: Path, tmp_path: Path):
        share.put(file, "acme/design.png")

        found = share.fetch("acme/design.png", tmp_path / "copy")

        assert (tmp_path / "copy").read_bytes() == CONTENT
        assert found == hashlib.sha256(CONTENT).hexdigest()

    def test_a_file_that_is_gone_is_not_found(self, share: Share, tmp_path: Path):
        with pytest.raises(NotFoundError):
            share.fetch("acme/design.png", tmp_path / "copy")

    @pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "", "a\\b", "a\0b"])
    def test_no_path_leads_out_of_the_base(self, share: Share, file: Path, path: str):
        with pytest.raises(RejectedError, match="not a path below the base"):
            share.put(file, path)

    def test_names_of_people_are_kept(self, share: Share, held: Path, file: Path):
        share.put(file, "Ärmel & Söhne/Motiv ' $(x) 日本.png")

        assert (held / "Ärmel & Söhne/Motiv ' $(x) 日本.png").read_bytes() == CONTENT
        assert len(share.files("Ärmel & Söhne")) == 1

    def test_of_many_who_put_one_name_one_stores_it(self, share: Share, held: Path, file: Path):
        stored: list[bool] = []
        threads = [
            threading.Thread(target=lambda: stored.append(share.put(file, "acme/design.png")))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

        assert sorted(stored) == [False] * 5 + [True]
        assert [p.name for p in (held / "acme").iterdir()] == ["design.png"]

    def test_what_arrives_cut_is_not_stored(
        self, share: Share, held: Path, file: Path, monkeypatch: pytest.MonkeyPatch
    ):
        """A NAS that says it has less than was sent."""
        with share._line() as line:
            sees = type(line).find
        monkeypatch.setattr(type(line), "find", lambda self, path: _less(sees(self, path)))

        with pytest.raises(TransientError, match="of 9000 bytes 8999 bytes arrived"):
            share.put(file, "acme/design.png")

        assert list((held / "acme").iterdir()) == []


def _less(found: NasFile | None) -> NasFile | None:
    return found and NasFile(found.path, found.size - 1, found.modified_at)
