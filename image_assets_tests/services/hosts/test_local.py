import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from image_assets.core.errors import TransientError
from image_assets.core.model import Content, Receipt
from image_assets.services.hosts.local import LocalHost
from image_assets_tests.host_contract import HostContract


@dataclass
class LocalBench:
    folder: Path

    def __post_init__(self) -> None:
        self.host = LocalHost(self.folder, "http://127.0.0.1:8000/")

    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]

    def held(self) -> int:
        return len(self.files())

    def lose(self, receipt: Receipt) -> None:
        (self.folder / receipt.host_id).unlink()

    def mangle(self, content: Content, receipt: Receipt) -> None:
        (self.folder / receipt.host_id).write_bytes(b"other")


class TestLocalHost(HostContract):
    @pytest.fixture
    def bench(self, tmp_path):
        return LocalBench(tmp_path / "public")

    def test_the_address_is_the_base_files_and_the_name(self, host, make):
        content, file = make()

        receipt = host.upload(content, file)

        assert receipt == Receipt(f"http://127.0.0.1:8000/files/{content.name}", content.name)

    def test_the_copy_survives_whatever_happens_to_the_stores_file(self, host, make):
        content, file = make()
        receipt = host.upload(content, file)
        file.write_bytes(b"overwritten in place")
        file.unlink()

        assert host.verify(content, file, receipt) is host.level

    def test_a_link_into_the_store_is_replaced_by_a_copy(self, bench, make):
        content, file = make()
        bench.folder.mkdir()
        (bench.folder / content.name).hardlink_to(file)

        bench.host.upload(content, file)

        assert file.stat().st_nlink == 1

    def test_a_symbolic_link_in_the_folder_is_neither_read_nor_written_through(self, bench, make):
        content, file = make()
        bench.folder.mkdir()
        (bench.folder / content.name).symlink_to(file)
        before = bench.host.find(content, file)

        bench.host.upload(content, file)

        assert before is None
        assert not (bench.folder / content.name).is_symlink()

    def test_damaged_bytes_are_published_again(self, bench, make):
        content, file = make()
        receipt = bench.host.upload(content, file)
        bench.mangle(content, receipt)

        bench.host.upload(content, file)

        assert bench.host.verify(content, file, receipt) is bench.host.level

    def test_what_is_there_is_not_written_again(self, bench, make):
        content, file = make()
        bench.host.upload(content, file)
        before = (bench.folder / content.name).stat()
        bench.host.upload(content, file)

        assert (bench.folder / content.name).stat().st_ino == before.st_ino

    def test_a_full_disk_is_transient_and_leaves_nothing(self, bench, make, monkeypatch):
        def fail(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(TransientError, match="free space"):
            bench.host.upload(*make())

        assert bench.files() == []

    def test_what_a_killed_upload_left_goes_with_a_later_one(self, bench, make):
        parts = bench.folder / ".parts"
        parts.mkdir(parents=True)
        for name, age in (("old", 2 * 24 * 3600), ("young", 60)):
            (parts / name).write_bytes(b"")
            os.utime(parts / name, (time.time() - age, time.time() - age))

        bench.host.upload(*make())

        assert [path.name for path in parts.iterdir()] == ["young"]
