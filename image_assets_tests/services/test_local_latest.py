import pytest

from image_assets.core.errors import PermanentError, TransientError
from image_assets.services.local_latest import LocalLatestStore
from image_assets_tests.latest_contract import KEY, LatestContract


@pytest.fixture
def store(tmp_path):
    return LocalLatestStore(tmp_path / "latest")


class TestLocalLatestStore(LatestContract):
    pass


def test_a_key_is_one_file_in_the_folder(store, tmp_path):
    store.put(KEY, "value")

    (file,) = (tmp_path / "latest").iterdir()
    assert (file.name, file.read_text()) == ("apm%2Fin_gate%3Adaily%3Alatest", "value")


@pytest.mark.parametrize("key", ["../x", "..%2Fx", "/etc/passwd", "a\0b", "...", "~", "a\\b"])
def test_no_key_leads_out_of_the_folder(store, tmp_path, key):
    store.put(key, "value")

    assert store.get(key) == "value"
    assert [path.parent for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "latest"]


def test_a_value_that_is_no_text_is_named(store, tmp_path):
    store.put(KEY, "value")
    (file,) = (tmp_path / "latest").iterdir()
    file.write_bytes(b"\xff")

    with pytest.raises(PermanentError, match=file.name):
        store.get(KEY)


def test_a_write_that_fails_leaves_the_old_value_and_no_rest(store, tmp_path, monkeypatch):
    store.put(KEY, "old")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(TransientError, match="free space"):
        store.put(KEY, "new")
    monkeypatch.undo()

    assert (store.get(KEY), len(list((tmp_path / "latest").iterdir()))) == ("old", 1)
