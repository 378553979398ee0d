"""What lies in the store is listed as it is, and a folder that cannot be read is not an empty one."""

import hashlib

import pytest

from image_assets.core.errors import NotFoundError, PermanentError, RejectedError
from image_assets.core.naming import quarantine_path
from image_assets.services.store.inventory import LocalInventory


@pytest.fixture
def store(tmp_path):
    for name in ("images/2025-09-01/in_gate/b.jpg", "images/2025-09-01/in_gate/a.jpg", "tmp/x"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    return LocalInventory(tmp_path)


def paths(store: LocalInventory, folder: str = "images") -> list[str]:
    return [file.path for file in store.files(folder)]


def test_files_are_listed_by_key_with_their_size(store):
    found = list(store.files("images/2025-09-01"))

    assert [(file.path, file.size) for file in found] == [
        ("images/2025-09-01/in_gate/a.jpg", 31),
        ("images/2025-09-01/in_gate/b.jpg", 31),
    ]
    assert all(file.modified_at.tzinfo is not None for file in found)


def test_a_folder_that_is_not_there_has_no_files(store):
    assert paths(store, "images/1999-01-01") == []


def test_a_store_that_is_not_there_says_nothing_of_files(tmp_path):
    with pytest.raises(PermanentError, match="IMAGE_ASSETS_DATA_DIR"):
        LocalInventory(tmp_path / "nowhere").files("images")


def test_links_are_shown_and_not_followed(store, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_bytes(b"")
    (tmp_path / "images/link").symlink_to(tmp_path / "outside")

    assert "images/link" in paths(store)
    assert not [path for path in paths(store) if "secret" in path]


@pytest.mark.parametrize("folder", ["..", "images/../tmp", "/etc", ""])
def test_no_folder_leads_out_of_the_store(store, folder):
    with pytest.raises(RejectedError):
        store.files(folder)


def test_a_file_set_aside_lies_in_quarantine_under_its_hash(store, tmp_path):
    key = "images/2025-09-01/in_gate/a.jpg"
    content = (tmp_path / key).read_bytes()

    aside = store.set_aside(key)

    assert aside == quarantine_path(hashlib.sha256(content).hexdigest())
    assert (tmp_path / aside).read_bytes() == content
    assert key not in paths(store)


def test_the_same_bytes_can_be_set_aside_again(store, tmp_path):
    key = "images/2025-09-01/in_gate/a.jpg"
    content = (tmp_path / key).read_bytes()
    first = store.set_aside(key)
    (tmp_path / key).write_bytes(content)

    assert store.set_aside(key) == first
    assert not (tmp_path / key).exists()


def test_what_cannot_be_kept_stays(store, tmp_path):
    key = "images/2025-09-01/in_gate/a.jpg"
    taken = tmp_path / quarantine_path(hashlib.sha256((tmp_path / key).read_bytes()).hexdigest())
    taken.parent.mkdir(parents=True)
    taken.write_bytes(b"other bytes")

    with pytest.raises(PermanentError, match="stays"):
        store.set_aside(key)

    assert (tmp_path / key).exists()
    assert taken.read_bytes() == b"other bytes"


def test_nothing_is_set_aside_where_nothing_is(store):
    with pytest.raises(NotFoundError):
        store.set_aside("images/nothing.jpg")
