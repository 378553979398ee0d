import errno
import hashlib
import os

import pytest

from image_assets.core.errors import NotFoundError, RejectedError, TransientError
from image_assets.core.file_filter import FileFilter
from image_assets.core.model import Content, ImageFormat
from image_assets.services.local_folder import InPlace, PlainFolder
from image_assets.services.store.local import LocalStore

BODY = b"a picture"
HOSTILE = (
    b"-rf.png",
    b"=1+1.png",
    b"a\nb.png",
    b"\xff\xfe.png",
    "\u202egnp.exe.png".encode(),
    b"CON.png",
    b"a b %20 #?.png",
    b"back\\slash.png",
    b"x" * 251 + b".png",
    "\u00e9.png".encode(),
    "e\u0301.png".encode(),
)


@pytest.fixture
def folder(tmp_path) -> PlainFolder:
    (tmp_path / "ready").mkdir()
    return PlainFolder(tmp_path / "ready", tmp_path / "generated")


def add(folder: PlainFolder, name: str | bytes, body: bytes = BODY) -> None:
    path = folder.root / os.fsdecode(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def names(folder: PlainFolder, *, recursive: bool = False) -> list[str]:
    return [file.name for file in folder.look(FileFilter(), recursive=recursive).files]


def only(folder: PlainFolder):
    [file] = folder.look(FileFilter(), recursive=True).files
    return file


def content(body: bytes = BODY) -> Content:
    sha256 = hashlib.sha256(body).hexdigest()
    return Content(sha256, "", len(body), ImageFormat.PNG, f"{sha256}.png")


def test_pictures_by_name_and_those_below_where_they_are_asked_for(folder):
    for name in ("b.png", "a.JPG", "sub/c.webp", "notes.txt", ".hidden.png", ".git/d.png"):
        add(folder, name)

    assert names(folder) == ["a.JPG", "b.png"]
    assert names(folder, recursive=True) == ["a.JPG", "b.png", "sub/c.webp"]


def test_no_link_is_followed_and_each_is_counted(folder, tmp_path):
    add(folder, "a.png")
    (tmp_path / "elsewhere").mkdir()
    (folder.root / "b.png").symlink_to(folder.root / "a.png")
    (folder.root / "c").symlink_to(tmp_path / "elsewhere")

    found = folder.look(FileFilter(), recursive=True)

    assert ([file.name for file in found.files], found.left_out) == (["a.png"], {"a link": 2})


def test_where_files_are_moved_to_is_not_looked_at(tmp_path):
    folder = PlainFolder(tmp_path, tmp_path / "generated")
    add(folder, "generated/a.png")
    add(folder, "b.png")

    assert names(folder, recursive=True) == ["b.png"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(NotFoundError, match="img/ready"):
        PlainFolder(tmp_path / "img/ready").look(FileFilter(), recursive=False)


@pytest.mark.parametrize("name", HOSTILE)
def test_every_name_has_an_address_and_the_way_back(folder, name, tmp_path):
    add(folder, name)
    file = only(folder)

    with InPlace(LocalStore(tmp_path)).local(file.address) as found:
        assert (os.fsencode(found.name), found.read_bytes()) == (name, BODY)
    assert file.address.isascii()
    assert file.address == file.path.as_uri()


@pytest.mark.parametrize("name", HOSTILE)
def test_every_name_can_be_moved_and_stays_below(folder, name, tmp_path):
    add(folder, name)

    there = folder.move(only(folder), content())

    assert there.parent == tmp_path / "generated"
    assert (there.read_bytes(), names(folder)) == (BODY, [])


def test_a_file_moves_to_its_place_below(folder, tmp_path):
    add(folder, "shop/a.png")

    assert folder.move(only(folder), content()) == tmp_path / "generated/shop/a.png"


def test_nothing_is_ever_overwritten(folder, tmp_path):
    add(folder, "a.png")
    there = tmp_path / "generated/a.png"
    there.parent.mkdir()
    there.write_bytes(b"other")

    moved = folder.move(only(folder), content())

    assert (there.read_bytes(), moved.read_bytes()) == (b"other", BODY)
    assert moved.name == f"a~{content().sha256[:8]}.png"


def test_where_the_same_bytes_are_the_file_only_goes(folder, tmp_path):
    add(folder, "a.png")
    there = tmp_path / "generated/a.png"
    there.parent.mkdir()
    there.write_bytes(BODY)

    assert folder.move(only(folder), content()) == there
    assert (there.read_bytes(), names(folder)) == (BODY, [])


def test_a_move_to_another_disk_is_a_copy_first(folder, monkeypatch):
    real = os.link

    def other_disk(source, target, **options):
        if "copy" not in str(source):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(source, target, **options)

    add(folder, "a.png")
    monkeypatch.setattr(os, "link", other_disk)

    there = folder.move(only(folder), content())

    assert (there.read_bytes(), names(folder)) == (BODY, [])


def test_a_file_that_changed_meanwhile_is_neither_hashed_nor_moved(folder):
    add(folder, "a.png")
    file = only(folder)
    add(folder, "a.png", b"something else")

    with pytest.raises(TransientError, match="run again"):
        folder.sha256(file)
    with pytest.raises(TransientError, match="run again"):
        folder.move(file, content())

    assert names(folder) == ["a.png"]


def test_a_link_in_the_folder_it_is_moved_to_is_not_followed(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "generated").mkdir()
    (tmp_path / "generated/sub").symlink_to(tmp_path / "elsewhere")
    add(folder, "sub/a.png")

    with pytest.raises(RejectedError):
        folder.move(only(folder), content())

    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert names(folder, recursive=True) == ["sub/a.png"]


def test_a_pipe_in_the_place_of_a_picture_is_no_file(folder):
    os.mkfifo(folder.root / "a.png")

    assert names(folder) == []
