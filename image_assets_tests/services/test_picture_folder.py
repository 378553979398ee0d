import hashlib
import os
from pathlib import Path

import pytest

from image_assets.core.errors import NotFoundError, PermanentError
from image_assets.services.picture_folder import PicturesBelow


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("b.JPG", "a.png", "sub/deep/c.webp", "notes.txt", ".hidden.png", ".git/d.png"):
        file = tmp_path / "pictures" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    return tmp_path / "pictures"


def names(root: Path, without: Path | None = None) -> list[str]:
    return [picture.name for picture in PicturesBelow(root, without).pictures()]


def test_pictures_come_by_name_with_those_of_the_folders_below(root):
    assert names(root) == ["a.png", "b.JPG", "sub/deep/c.webp"]


def test_what_cannot_be_read_is_named_as_a_picture_all_the_same(root):
    (root / "d.heic").write_bytes(b"")

    assert "d.heic" in names(root)


def test_where_the_exports_go_is_not_looked_into(root):
    assert names(root, without=root / "sub") == ["a.png", "b.JPG"]


def test_no_link_is_followed(root, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "e.png").write_bytes(b"e")
    (root / "folder").symlink_to(tmp_path / "elsewhere")
    (root / "file.png").symlink_to(tmp_path / "elsewhere" / "e.png")
    os.mkfifo(root / "pipe.png")

    assert names(root) == ["a.png", "b.JPG", "sub/deep/c.webp"]


def test_names_are_data(root):
    odd = ["a'b\"c.png", "$(id).png", "-n.png", "a\nb.png", os.fsdecode(b"\xff\xfe.png")]
    for name in odd:
        (root / name).write_bytes(b"x")

    assert set(odd) < set(names(root))


def test_a_hash_is_of_the_bytes(root):
    folder = PicturesBelow(root)

    found = folder.sha256(folder.pictures()[0])

    assert found == hashlib.sha256(b"a.png").hexdigest()


def test_what_became_a_link_meanwhile_is_not_read(root, tmp_path):
    folder = PicturesBelow(root)
    picture = folder.pictures()[0]
    picture.path.unlink()
    picture.path.symlink_to(tmp_path)

    with pytest.raises(PermanentError, match=r"a\.png"):
        folder.sha256(picture)


@pytest.mark.parametrize("name", ["absent", "a.png"])
def test_a_folder_that_is_none_is_named(root, name):
    with pytest.raises(NotFoundError, match=name):
        PicturesBelow(root / name).pictures()
