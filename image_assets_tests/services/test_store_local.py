import errno
import os

import pytest

from image_assets.core.errors import PermanentError, RejectedError, TransientError
from image_assets.services.store.local import LocalStore
from image_assets_tests.store_contract import KEY, StoreContract


@pytest.fixture
def store(tmp_path):
    return LocalStore(tmp_path / "data" / "store")


@pytest.fixture
def root(tmp_path):
    return tmp_path / "data" / "store"


class TestLocalStore(StoreContract):
    pass


class TestLocalStoreOnADiskWithoutLinks(StoreContract):
    @pytest.fixture(autouse=True)
    def no_links(self, monkeypatch):
        monkeypatch.setattr(os, "link", full(errno.EOPNOTSUPP))


def full(number: int):
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE])
def test_a_full_or_failing_disk_is_transient_and_nothing_appears(store, root, monkeypatch, number):
    store.put_bytes(b"x", "other")
    with store.scratch() as scratch:
        (scratch / "new").write_bytes(b"content")
        monkeypatch.setattr(os, "fsync", full(number))
        with pytest.raises(TransientError, match=str(root)):
            store.put(scratch / "new", KEY)
        monkeypatch.undo()

    assert store.size(KEY) is None


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_disk_that_may_not_be_written_is_ours_to_mend(store, monkeypatch, number):
    monkeypatch.setattr(os, "fsync", full(number))

    with pytest.raises(PermanentError, match="check its owner"):
        store.put_bytes(b"x", KEY)


def test_a_store_that_is_not_mounted_says_nothing_about_its_keys(store):
    with pytest.raises(PermanentError, match="is not there"):
        store.size(KEY)
    with pytest.raises(PermanentError, match="is not there"):
        store.delete(KEY)


def test_a_file_and_its_new_folders_are_synced_before_put_returns(store, root, monkeypatch):
    synced = []
    sync = os.fsync

    def note(handle: int) -> None:
        synced.append(os.path.realpath(f"/proc/self/fd/{handle}"))
        sync(handle)

    with store.scratch() as scratch:
        (scratch / "new").write_bytes(b"content")
        monkeypatch.setattr(os, "fsync", note)
        store.put(scratch / "new", "a/b/c")

    (new,) = [path for path in synced if path.endswith("/new")]
    assert synced == [str(root), str(root / "a"), new, str(root / "a" / "b")]


@pytest.mark.parametrize("target", ["outside", "inside"])
def test_a_folder_that_is_a_link_is_never_followed(store, root, tmp_path, target):
    (tmp_path / "outside").mkdir()
    store.put_bytes(b"x", "inside/x")
    (root / "images").symlink_to(tmp_path / "outside" if target == "outside" else root / "inside")

    for attempt in (lambda: store.put_bytes(b"x", KEY), lambda: store.size(KEY),
                    lambda: store.delete(KEY)):  # fmt: skip
        with pytest.raises(RejectedError, match="a link"):
            attempt()

    assert list((tmp_path / "outside").iterdir()) == []


def test_a_link_in_the_place_of_a_file_is_neither_read_nor_written_through(store, root, tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    store.put_bytes(b"x", "a/other")
    (root / "a" / "link").symlink_to(tmp_path / "secret")

    with pytest.raises(RejectedError), store.local("a/link"):
        pass
    store.put_bytes(b"mine", "a/link")

    assert ((tmp_path / "secret").read_bytes(), store.size("a/link")) == (b"secret", 4)


def test_a_link_that_is_offered_as_a_file_is_refused(store, tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    with store.scratch() as scratch:
        (scratch / "new").symlink_to(tmp_path / "secret")
        with pytest.raises(RejectedError):
            store.put(scratch / "new", KEY)

    assert store.size(KEY) is None


def test_a_scratch_folder_that_is_a_link_is_refused(store, root, tmp_path):
    store.put_bytes(b"x", "other")
    (root / "tmp").rmdir()
    (root / "tmp").symlink_to(tmp_path)

    with pytest.raises(RejectedError), store.scratch():
        pass


def test_a_folder_where_a_file_should_be_is_an_error_and_stays(store, root):
    store.put_bytes(b"x", f"{KEY}/below")

    with pytest.raises(PermanentError):
        store.put_bytes(b"y", KEY)
    with pytest.raises(PermanentError):
        store.delete(KEY)

    assert store.size(f"{KEY}/below") == 1


def test_the_root_itself_may_be_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "disk")
    LocalStore(tmp_path / "data").put_bytes(b"x", "a/b")

    assert (tmp_path / "disk" / "a" / "b").read_bytes() == b"x"


def test_stored_files_can_be_read_by_others_as_the_umask_says(store, root):
    store.put_bytes(b"x", "a")

    assert (root / "a").stat().st_mode & 0o777 == 0o666 & ~_umask()


def test_deleting_the_last_file_of_a_scratch_folder_removes_the_folder(store, root):
    with store.scratch() as scratch:
        (scratch / "left").write_bytes(b"x")
        store.delete(f"tmp/{scratch.name}/left")

        assert not scratch.exists()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
