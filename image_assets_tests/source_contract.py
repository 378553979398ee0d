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


class SourceContract:
    """The promises of `ports.ImageSource`."""

    @pytest.fixture
    def source(self, bench) -> ImageSource:
        return bench.source

    def test_a_listing_names_every_picture_once(self, bench):
        keys = [entry.item_key for entry in bench.source.list(DAY).entries]

        assert sorted(keys) == sorted(bench.contents)

    def test_a_key_tells_when_the_picture_was_taken(self, source):
        for entry in source.list(DAY).entries:
            assert naming.captured_at(entry.item_key) == entry.captured_at

    def test_asked_again_it_lists_the_same(self, source):
        assert source.list(DAY) == source.list(DAY)

    def test_a_picture_arrives_whole_and_hashed(self, bench, tmp_path):
        for entry in bench.source.list(DAY).entries:
            fetched = bench.source.fetch(entry, tmp_path / entry.item_key)
            content = (tmp_path / entry.item_key).read_bytes()

            assert content == bench.contents[entry.item_key]
            assert fetched.sha256 == hashlib.sha256(content).hexdigest()
            assert fetched.size == len(content)

    def test_a_picture_can_be_got_again(self, source, tmp_path):
        entry = source.list(DAY).entries[0]

        first, again = (source.fetch(entry, tmp_path / name) for name in ("first", "again"))

        assert first == again

    def test_a_picture_that_is_not_there_is_not_found_and_leaves_no_file(self, bench, tmp_path):
        entry = bench.source.list(DAY).entries[0]
        bench.lose(entry)

        with pytest.raises(NotFoundError):
            bench.source.fetch(entry, tmp_path / "new")

        assert not (tmp_path / "new").exists()

    def test_a_file_that_is_there_is_never_overwritten(self, source, tmp_path):
        (tmp_path / "mine").write_bytes(b"mine")

        with pytest.raises(PermanentError):
            source.fetch(source.list(DAY).entries[0], tmp_path / "mine")

        assert (tmp_path / "mine").read_bytes() == b"mine"
