"""The inbox: what has settled is taken in batches, whatever else lies there, and nothing is lost."""

import datetime as dt
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from image_assets.core.errors import NotFoundError, TransientError, UnreadableImageError
from image_assets.core.model import Listing, Partition, Variant
from image_assets.services import drops
from image_assets.services.inbox import InboxFolder, _move
from image_assets_tests.source_contract import SourceBench, SourceContract

SETTLE = dt.timedelta(seconds=5)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "inbox"


@pytest.fixture
def drop(root: Path) -> Callable[..., Path]:
    def drop(name: str, content: bytes = b"design", shop: str = "acme") -> Path:
        file = root / shop / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file

    return drop


def inbox(root: Path, *shops: str, batch_bytes: int = 1000) -> InboxFolder:
    return InboxFolder(
        "inbox", root, shops, settle=SETTLE, batch_bytes=batch_bytes, max_bytes=10_000
    )


def later(seconds: float = 6) -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)


def names(listing: Listing) -> list[str]:
    return [entry.name for entry in listing.entries]


def taken(root: Path, **of: int) -> list[list[str]]:
    """The files of each batch that is taken once everything has settled."""
    folder = inbox(root, **of)
    return [names(folder.list(batch)) for batch in folder.take(later())]


class TestInbox(SourceContract):
    @pytest.fixture
    def bench(self, root, drop) -> SourceBench:
        contents = {f"{n}.png": b"picture %d" % n for n in range(4)}
        for name, content in contents.items():
            drop(name, content)
        folder = inbox(root)
        (batch,) = folder.take(later())
        where = root / ".batches/acme" / batch.key
        by_key = {f"{batch.key}/{name}": content for name, content in contents.items()}
        return SourceBench(folder, by_key, lambda entry: (where / entry.name).unlink(), batch)


def test_a_file_is_left_alone_until_it_has_settled(root, drop):
    drop("a.png")

    first, then = inbox(root).take(dt.datetime.now(dt.UTC)), inbox(root).take(later())

    assert (len(first), len(then)) == (0, 1)


def test_a_file_that_somebody_has_open_for_writing_is_left_alone_whatever_its_age(root, drop):
    with drop("slow.png").open("ab") as writer:
        waiting = inbox(root).take(later())
        writer.write(b"the rest")

    assert waiting == []
    assert taken(root) == [["slow.png"]]


def test_an_old_time_that_a_copy_brought_with_it_does_not_count(root, drop):
    os.utime(drop("copied.png"), (1, 1))

    assert inbox(root).take(dt.datetime.now(dt.UTC)) == []


def test_folders_are_dropped_whole_and_leave_nothing_behind(root, drop):
    drop("summer/blue/1.png")
    drop("summer/2.png")

    assert taken(root) == [["summer/2.png", "summer/blue/1.png"]]
    assert sorted(path.name for path in (root / "acme").iterdir()) == []


def test_a_batch_that_would_grow_beyond_becomes_the_next_one(root, drop):
    for name in "abcde":
        drop(name, b"x" * 400)

    assert taken(root, batch_bytes=1000) == [["a", "b"], ["c", "d"], ["e"]]


def test_a_file_larger_than_a_batch_is_a_batch(root, drop):
    drop("large", b"x" * 3000)
    drop("small")

    assert taken(root, batch_bytes=1000) == [["large"], ["small"]]


def test_a_full_batch_goes_while_others_still_arrive_and_the_rest_waits_for_them(root, drop):
    drop("a", b"x" * 600)
    drop("b", b"x" * 600)

    with drop("c").open("ab"):
        folder = inbox(root, batch_bytes=1000)
        batches = [names(folder.list(batch)) for batch in folder.take(later())]

    assert batches == [["a"]]


def test_the_rest_does_not_wait_for_ever(root, drop):
    drop("a")

    with drop("b").open("ab"):
        batches = inbox(root).take(later(60))

    assert len(batches) == 1


def test_a_batch_has_so_many_files_at_most(root, drop, monkeypatch):
    monkeypatch.setattr(drops, "MOST_FILES", 2)
    for name in "abc":
        drop(name)

    assert taken(root) == [["a", "b"], ["c"]]


def test_each_shop_has_batches_and_a_tenant_of_its_own(root, drop):
    drop("a.png", shop="acme")
    drop("a.png", shop="bolt")

    batches = inbox(root).take(later())

    assert [(b.collection, b.tenant) for b in batches] == [("acme", "acme"), ("bolt", "bolt")]


def test_where_shops_are_named_others_are_told_and_left_alone(root, drop):
    drop("a.png", shop="acme")
    drop("a.png", shop="stranger")

    folder = inbox(root, "acme")

    assert [batch.collection for batch in folder.take(later())] == ["acme"]
    assert folder.troubles() == [
        "'stranger' is no shop of the sources file, which names 1",
    ]


def test_what_lies_in_no_shop_is_told(root, drop):
    drop("a.png")
    (root / "loose.png").write_bytes(b"")
    (root / "$(sleep 10)").mkdir()

    assert [trouble.split(" is ")[0] for trouble in inbox(root).troubles()] == [
        "'$(sleep 10)'",
        "'loose.png'",
    ]


@pytest.mark.parametrize(
    "name", [".DS_Store", "Thumbs.db", "__MACOSX/x", ".a.png.X1f", "a.png.part", "b.CRDOWNLOAD"]
)
def test_litter_and_what_is_unfinished_by_its_name_is_left_alone(root, drop, name):
    drop(name)

    assert taken(root) == []


def test_a_name_dropped_again_is_a_batch_of_its_own(root, drop):
    drop("a.png", b"first")
    (first,) = inbox(root).take(later())
    drop("a.png", b"second")
    (second,) = inbox(root).take(later())

    entries = [inbox(root).list(batch).entries[0].item_key for batch in (first, second)]

    assert first != second
    assert len(set(entries)) == 2


def test_what_was_moved_when_a_taking_was_cut_off_is_a_batch(root, drop):
    drop("b.png")
    cut = root / ".batches/acme/20260101-000000-001"
    cut.mkdir(parents=True)
    (cut / "a.png").write_bytes(b"moved before the kill")
    (root / ".batches/acme/20260101-000000-002").mkdir()

    inbox(root).take(later())

    waiting = [names(inbox(root).list(batch)) for batch in inbox(root).waiting()]
    assert waiting == [["a.png"], ["b.png"]]


def test_a_batch_that_is_done_is_put_away_and_can_be_put_away_again(root, drop):
    drop("a.png")
    folder = inbox(root)
    (batch,) = folder.take(later())

    folder.finish(batch)
    folder.finish(batch)

    assert folder.waiting() == ()
    assert (root / ".done/acme" / batch.key / "a.png").read_bytes() == b"design"


def test_a_batch_whose_files_are_nowhere_is_not_found(root, drop):
    drop("a.png")
    folder = inbox(root)
    (batch,) = folder.take(later())
    folder.finish(batch)
    shutil.rmtree(root / ".done")

    with pytest.raises(NotFoundError, match=r"neither in .*\.batches.* nor in .*\.done"):
        folder.list(batch)


def test_a_number_that_is_taken_is_not_given_again(root, drop):
    now = later()
    drop("a.png")
    folder = inbox(root)
    (first,) = folder.take(now)
    folder.finish(first)
    drop("b.png")

    (second,) = folder.take(now)

    assert (first.key[-3:], second.key[-3:]) == ("001", "002")


@pytest.fixture
def batch(root: Path, drop) -> Partition:
    drop("a.png", b"a secret elsewhere")
    (batch,) = inbox(root).take(later())
    return batch


def test_a_link_is_refused_and_never_followed(root, batch, tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"not ours to read")
    folder = root / ".batches/acme" / batch.key
    (folder / "link.png").symlink_to(outside)
    (folder / "folder").symlink_to(tmp_path)
    found = inbox(root).list(batch).entries

    for entry in [e for e in found if e.name in ("link.png", "folder")]:
        with pytest.raises(UnreadableImageError) as refused:
            inbox(root).fetch(entry, tmp_path / "new")
        assert refused.value.reason == "a_link"

    assert [entry.name for entry in found] == ["a.png", "folder", "link.png"]
    assert not (tmp_path / "new").exists()


def test_a_pipe_is_refused_and_never_opened(root, batch, tmp_path):
    os.mkfifo(root / ".batches/acme" / batch.key / "pipe.png")
    (pipe,) = [e for e in inbox(root).list(batch).entries if e.name == "pipe.png"]

    with pytest.raises(UnreadableImageError) as refused:
        inbox(root).fetch(pipe, tmp_path / "new")

    assert refused.value.reason == "not_a_plain_file"


def test_a_taken_file_that_is_still_being_written_may_be_whole_later(root, batch, tmp_path):
    file = root / ".batches/acme" / batch.key / "a.png"
    (entry,) = inbox(root).list(batch).entries

    with file.open("ab"), pytest.raises(TransientError, match="somebody is writing it"):
        inbox(root).fetch(entry, tmp_path / "new")

    assert inbox(root).fetch(entry, tmp_path / "new").size == 18


def test_a_name_that_ends_like_a_thumbnails_is_only_a_name(root, drop, tmp_path):
    drop("a-thumbnail.png")
    (batch,) = inbox(root).take(later())
    (entry,) = inbox(root).list(batch).entries

    assert inbox(root).fetch(entry, tmp_path / "new").variant is Variant.FULL


def test_names_that_are_no_text_have_keys_of_their_own(root, drop):
    long = "x" * 250
    for name in (b"\xff.png", b"\xfe.png", b"a\nb.png"):
        drop(os.fsdecode(name))
    drop(f"{long}/{long}.png")

    (batch,) = inbox(root).take(later())

    keys = [entry.item_key for entry in inbox(root).list(batch).entries]
    assert len(set(keys)) == 4
    assert all(key.isprintable() and len(key) < 300 for key in keys)


def deep(root: Path, length: int) -> str:
    """A file whose whole path has so many letters, made step by step: no call takes it at once."""
    (root / "acme").mkdir(parents=True)
    left = length - len(str(root / "acme")) - len("/a.png")
    handle = os.open(root / "acme", os.O_RDONLY)
    parts = ["d" * min(200, left - 1 - start) for start in range(0, left - 1, 201)]
    for part in parts:
        os.mkdir(part, dir_fd=handle)
        handle, above = os.open(part, os.O_RDONLY, dir_fd=handle), handle
        os.close(above)
    os.close(os.open("a.png", os.O_CREAT | os.O_WRONLY, dir_fd=handle))
    os.close(handle)
    return "/".join([*parts, "a.png"])


@pytest.mark.parametrize("length", [4085, 4200])  # in its batch, or where it lies, it is too long
def test_a_path_that_is_too_long_keeps_no_other_file_waiting(root, drop, length, caplog):
    deep(root, length)
    drop("b.png")

    first, second = taken(root), taken(root)

    assert (first, second) == ([["b.png"]], [])
    assert "File name too long" in caplog.text
    assert list((root / ".batches/acme").iterdir()) == [root / ".batches/acme" / first_batch(root)]


def first_batch(root: Path) -> str:
    (batch,) = inbox(root).waiting()
    return batch.key


def test_what_became_a_link_since_it_was_looked_at_is_not_followed(root, drop, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    secret = tmp_path / "elsewhere" / "secret.png"
    secret.write_bytes(b"not yours")
    drop("a.png")
    (root / "acme" / "swapped").symlink_to(secret.parent)
    (batch := root / ".batches/acme/1").mkdir(parents=True)

    moved = _move(root / "acme", batch, [drops.Dropped("swapped/secret.png", 9, 0.0)])

    assert (moved, secret.read_bytes()) == ([], b"not yours")


def test_files_that_vanish_with_their_folders_leave_no_batch_behind(root, drop):
    drop("summer/1.png")
    folder = inbox(root)
    batch = root / ".batches/acme/1"

    moved = _move(root / "acme", batch, [drops.Dropped("winter/1.png", 9, 0.0)])
    folder.take(dt.datetime.now(dt.UTC))

    assert (moved, folder.waiting()) == ([], ())


def test_a_batch_that_was_put_away_is_still_found_under_the_same_addresses(root, drop, tmp_path):
    drop("a.png", b"design")
    folder = inbox(root)
    (batch,) = folder.take(later())
    before = folder.list(batch)

    folder.finish(batch)

    (entry,) = folder.list(batch).entries
    assert folder.list(batch) == before
    assert folder.fetch(entry, tmp_path / "copy").size == 6
    assert folder.waiting() == ()
