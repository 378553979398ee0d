"""What every file store promises. Subclass it and give a `store` that is empty."""

import datetime as dt
import hashlib
import threading
from pathlib import Path

import pytest

from image_assets.core.errors import NotFoundError, RejectedError
from image_assets.ports import FileStore

KEY = "images/2025-09-01/in_gate/20250901100000_in_gate.jpg"

HOSTILE_KEYS = [
    "", "/", "/etc/passwd", "//x", "..", "../x", "a/../../x", "a/..", ".", "./x", "a/./x", "a//b",
    "a/", "a\0b", "a/\0", "a\nb", "a\x1b[31mb", "a\x7fb", "a\\..\\..\\x", "\\\\host\\share", "C:\\x",
    "a\u202egpj.exe", "a\u200bb", "a\ud800b", "\ufeffa", "a\u0085b", "x" * 256, "é" * 128,
    "a/" * 512 + "b", "a/" + "y" * 300 + "/b",
]  # fmt: skip

ODD_KEYS = [
    "a b", "-rf", "~", "$(x)", "`x`", "'; DROP TABLE x", '"', "*", "%2e%2e", "%00", "CON", "aux.jpg",
    "...", ".hidden", "a:b", "a?b", "a#b", "é", "e\u0301", "日本", "x" * 255, "a|b", "a;b", "-", "a\u00f1o",
]  # fmt: skip


class StoreContract:
    """The promises of `ports.FileStore`."""

    def file(self, scratch: Path, content: bytes = b"content") -> Path:
        path = scratch / "new"
        path.write_bytes(content)
        return path

    def read(self, store: FileStore, key: str) -> bytes:
        with store.local(key) as path:
            return path.read_bytes()

    def test_what_is_put_can_be_read(self, store):
        with store.scratch() as scratch:
            taken = store.put(self.file(scratch), KEY)

        assert (taken, self.read(store, KEY), store.size(KEY)) == (True, b"content", 7)

    def test_what_is_put_has_its_hash_and_what_is_not_there_has_none(self, store):
        store.put_bytes(b"content", KEY)

        digest = hashlib.sha256(b"content").hexdigest()
        assert (store.sha256(KEY), store.sha256("images/none.jpg")) == (digest, None)

    def test_putting_moves_the_file(self, store):
        with store.scratch() as scratch:
            file = self.file(scratch)
            store.put(file, KEY)

            assert not file.exists()

    def test_a_key_that_is_taken_is_never_overwritten(self, store):
        store.put_bytes(b"first", KEY)
        with store.scratch() as scratch:
            file = self.file(scratch, b"second")
            taken = store.put(file, KEY)

            assert (taken, file.read_bytes()) == (False, b"second")
        assert self.read(store, KEY) == b"first"

    def test_of_many_who_put_at_once_one_is_told_that_it_did(self, store):
        told: list[bool] = []

        def put(number: int) -> None:
            with store.scratch() as scratch:
                told.append(store.put(self.file(scratch, b"%d" % number), KEY))

        threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(told) == [False] * 7 + [True]

    def test_bytes_replace_what_was_there(self, store):
        store.put_bytes(b"first", KEY)
        store.put_bytes(b"second", KEY)

        assert self.read(store, KEY) == b"second"

    def test_an_empty_file_is_a_file(self, store):
        store.put_bytes(b"", KEY)

        assert (store.size(KEY), self.read(store, KEY)) == (0, b"")

    def test_keys_share_folders(self, store):
        store.put_bytes(b"1", "a/b/c")
        store.put_bytes(b"2", "a/b/d")
        store.put_bytes(b"3", "a/e")

        assert [self.read(store, key) for key in ("a/b/c", "a/b/d", "a/e")] == [b"1", b"2", b"3"]

    def test_what_is_not_there_has_no_size(self, store):
        store.put_bytes(b"x", "a/b")

        assert [store.size(key) for key in ("nothing", "a/nothing", "a/b/below")] == [None] * 3

    def test_what_is_not_there_cannot_be_read(self, store):
        store.put_bytes(b"x", "other")

        with pytest.raises(NotFoundError), store.local(KEY):
            pass

    def test_what_is_deleted_is_gone(self, store):
        store.put_bytes(b"x", KEY)
        store.delete(KEY)

        assert store.size(KEY) is None

    def test_deleting_what_is_not_there_is_nothing(self, store):
        store.put_bytes(b"x", "a/b")
        store.delete(KEY)
        store.delete("a/b/below")

        assert store.size("a/b") == 1

    def test_a_key_can_be_taken_again_after_it_was_deleted(self, store):
        store.put_bytes(b"x", KEY)
        store.delete(KEY)
        with store.scratch() as scratch:
            assert store.put(self.file(scratch), KEY)

    def test_a_scratch_folder_is_private_and_ends(self, store):
        with store.scratch() as one, store.scratch() as other:
            (one / "x").write_bytes(b"")
            (one / "folder").mkdir()

            assert list(other.iterdir()) == []
        assert not one.exists()

    def test_a_scratch_folder_ends_when_its_work_fails(self, store):
        with pytest.raises(FileExistsError), store.scratch() as scratch:
            self.file(scratch).touch(exist_ok=False)

        assert not scratch.exists()

    def test_scratch_files_are_listed_with_size_and_time_and_can_be_deleted(self, store):
        with store.scratch() as scratch:
            self.file(scratch)
            (left,) = store.temporary_files()
            age = dt.datetime.now(dt.UTC) - left.modified_at
            store.delete(left.path)

            assert (left.size, age < dt.timedelta(minutes=5)) == (7, True)
            assert list(store.temporary_files()) == []

    def test_stored_files_are_not_temporary(self, store):
        store.put_bytes(b"x", KEY)

        assert list(store.temporary_files()) == []

    @pytest.mark.parametrize("key", HOSTILE_KEYS)
    def test_a_key_that_could_lead_elsewhere_is_refused_by_every_method(self, store, key):
        with store.scratch() as scratch:
            file = self.file(scratch)
            with pytest.raises(RejectedError):
                store.put(file, key)
            assert file.exists()
        with pytest.raises(RejectedError):
            store.put_bytes(b"x", key)
        with pytest.raises(RejectedError):
            store.size(key)
        with pytest.raises(RejectedError):
            store.delete(key)
        with pytest.raises(RejectedError), store.local(key):
            pass

    @pytest.mark.parametrize("name", ODD_KEYS)
    def test_an_odd_name_is_just_a_name(self, store, name):
        store.put_bytes(b"x", f"odd/{name}")

        assert self.read(store, f"odd/{name}") == b"x"
