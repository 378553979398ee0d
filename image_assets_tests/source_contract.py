"""What every image source promises. Subclass it and give a `bench` with a day of four pictures."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from image_assets.core import naming
from image_assets.core.errors import NotFoundError, PermanentError
from image_assets.core.model import Entry, Partition
from image_assets.ports import ImageSource

DAY = Partition("archive", "apm/in_gate", "2025-09-01")


@dataclass(frozen=True)
class SourceBench:
    """A source, the pictures that `DAY` has there by item key, and how it loses one."""

    source: ImageSource
    contents: Mapping[str, bytes]
    lose: Callable[[Entry], object]
    partition: Partition = DAY


class SourceContract:
    """The promises of `ports.ImageSource`."""

    def test_a_listing_names_every_picture_once(self, bench):
        keys = [entry.item_key for entry in bench.source.list(bench.partition).entries]

        assert sorted(keys) == sorted(bench.contents)

    def test_the_key_of_a_dated_picture_tells_when_it_was_taken(self, bench):
        dated = [e for e in bench.source.list(bench.partition).entries if e.captured_at]
        for entry in dated:
            assert naming.captured_at(entry.item_key) == entry.captured_at

    def test_asked_again_it_lists_the_same(self, bench):
        assert bench.source.list(bench.partition) == bench.source.list(bench.partition)

    def test_a_picture_arrives_whole_and_hashed(self, bench, tmp_path):
        for entry in bench.source.list(bench.partition).entries:
            file = tmp_path / entry.item_key.replace("/", "_")
            fetched = bench.source.fetch(entry, file)
            content = file.read_bytes()

            assert content == bench.contents[entry.item_key]
            assert fetched.sha256 == hashlib.sha256(content).hexdigest()
            assert fetched.size == len(content)

    def test_a_picture_can_be_got_again(self, bench, tmp_path):
        entry = bench.source.list(bench.partition).entries[0]

        first, again = (bench.source.fetch(entry, tmp_path / name) for name in ("first", "again"))

        assert first == again

    def test_a_picture_that_is_not_there_is_not_found_and_leaves_no_file(self, bench, tmp_path):
        entry = bench.source.list(bench.partition).entries[0]
        bench.lose(entry)

        with pytest.raises(NotFoundError):
            bench.source.fetch(entry, tmp_path / "new")

        assert not (tmp_path / "new").exists()

    def test_a_file_that_is_there_is_never_overwritten(self, bench, tmp_path):
        (tmp_path / "mine").write_bytes(b"mine")

        with pytest.raises(PermanentError):
            bench.source.fetch(bench.source.list(bench.partition).entries[0], tmp_path / "mine")

        assert (tmp_path / "mine").read_bytes() == b"mine"
