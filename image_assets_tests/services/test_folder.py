import csv
import datetime as dt
import hashlib
import os
import random
import struct
import threading
from pathlib import Path

import pytest

from image_assets.core.errors import (
    NotFoundError,
    PermanentError,
    RejectedError,
    TransientError,
    UnreadableImageError,
)
from image_assets.core.model import Entry, Listing, Partition, Variant
from image_assets.services import capture_times
from image_assets.services.folder import FolderSource
from image_assets_tests.source_contract import SourceBench, SourceContract

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "camera"
DAY = "2025-09-01"


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "frames"
    root.mkdir()
    return root


@pytest.fixture
def add(root):
    def add(name: str, content: bytes = b"frame") -> Path:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return add


@pytest.fixture
def index(root):
    def index(*lines: str, columns: str = "file,stream,timestamp") -> None:
        (root / "frames.csv").write_text("\n".join([columns, *lines, ""]))

    return index


def listing(root: Path, collection: str = "in_gate", day: str = DAY) -> Listing:
    return FolderSource(root).list(Partition("archive", collection, day))


def keys(root: Path, collection: str = "in_gate", day: str = DAY) -> list[str]:
    return [entry.item_key for entry in listing(root, collection, day).entries]


def everything(source: FolderSource) -> list[tuple[str, Entry]]:
    return [
        (collection, entry)
        for collection in source.collections()
        for day in source.days(collection)
        for entry in source.list(Partition("archive", collection, day.isoformat())).entries
    ]


class TestFolderSource(SourceContract):
    @pytest.fixture
    def bench(self, root, add):
        contents = {f"202509011{hour}0000": b"picture %d" % hour for hour in range(4)}
        for key, content in contents.items():
            add(f"apm/{key}_in_gate.jpg", content)
        return SourceBench(FolderSource(root), contents, lambda entry: (root / entry.name).unlink())


@pytest.mark.parametrize(
    ("name", "collection", "key"),
    [
        ("20250901100734_in_gate.jpg", "in_gate", "20250901100734"),
        ("20250901T100734_in_gate.jpg", "in_gate", "20250901100734"),
        ("2025-09-01T10:07:34-in_gate.jpeg", "in_gate", "20250901100734"),
        ("2025-09-01T10:07:34-in_gate-thumbnail.jpeg", "in_gate", "20250901100734"),
        ("20250901100734-2_in_gate.jpg", "in_gate", "20250901100734-2"),
        ("2025-09-01__10-07-34(3).JPG", "frames", "20250901100734-3"),
        ("yard/2025-09-01__10-07-34(1).JPG", "yard", "20250901100734"),
        ("cams/StationA__2025-09-01__10-07-34(2).JPG", "cams/StationA", "20250901100734-2"),
        ("gate/gate_2025_09_01_100734.jpg", "gate", "20250901100734"),
        ("c2/1756721254.Mon.Sep.01_10_07_34.GMT.2025.c2.jpg", "c2", "20250901100734"),
        ("c2/1756721254123.jpg", "c2", "20250901100734"),
        ("gate/2025-09-01.png", "gate", "20250901000000"),
        ("gate/20250901.webp", "gate", "20250901000000"),
        ("2025-09-01_gate.gif", "gate", "20250901000000"),
        ("2025-09-01/in_gate/20250901100734_in_gate.jpg", "in_gate", "20250901100734"),
        ("2025/09/01/in_gate/20250901100734_in_gate.bmp", "in_gate", "20250901100734"),
        ("apm/2025-09-01/in_gate/20250901100734_in_gate.jpg", "apm/in_gate", "20250901100734"),
        ("apm/in_gate/2025-09-01/20250901100734.jpg", "apm/in_gate", "20250901100734"),
    ],
)
def test_a_name_tells_time_and_stream(root, add, name, collection, key):
    add(name)

    assert [(c, entry.item_key) for c, entry in everything(FolderSource(root))] == [
        (collection, key)
    ]


@pytest.mark.parametrize(
    "stem",
    ["IMG_1234", "20251301100734_in_gate", "20250230_in_gate", "99999999999999", "20250901250000",
     "18991231235959", "15967251_212831_19242645_x", "image", "", "٢0250901100734"],
)  # fmt: skip
def test_digits_that_are_no_time_are_none(stem):
    assert capture_times.from_name(stem) is None


def test_a_frame_of_no_known_camera_answers_to_any_cameras_name(root, add):
    add("20250901100734_in_gate.jpg")

    assert keys(root, "apm/in_gate") == ["20250901100734"]
    assert FolderSource(root).days("apm/in_gate") == [dt.date(2025, 9, 1)]


def test_a_frame_of_another_camera_does_not(root, add):
    add("berth/20250901100734_in_gate.jpg")

    assert keys(root, "apm/in_gate") == []


def test_an_entry_tells_name_time_place_and_size(root, add):
    add("apm/in_gate/20250901100734_in_gate.jpg", b"12345")

    (entry,) = listing(root, "apm/in_gate").entries

    name = "apm/in_gate/20250901100734_in_gate.jpg"
    at = dt.datetime(2025, 9, 1, 10, 7, 34, tzinfo=dt.UTC)
    assert entry == Entry("20250901100734", name, at, name, 5)


def test_a_day_without_frames_is_an_empty_listing(root):
    assert listing(root) == Listing((), complete=False)


def test_a_folder_is_never_complete(root, add):
    """A card may be emptied weeks later: a sealed day would lose its frames."""
    add("20250901100734_in_gate.jpg")

    assert not listing(root).complete


def test_the_index_rules_over_names(root, add, index):
    add("x/20250901100734_in_gate.jpg")
    index("x/20250901100734_in_gate.jpg,yard,2025-09-02T01:02:03Z")

    assert keys(root) == []
    assert keys(root, "yard", "2025-09-02") == ["20250902010203"]


@pytest.mark.parametrize(
    ("stamp", "key"),
    [
        ("2025-09-01T10:07:34", "20250901100734"),
        ("2025-09-01T10:07:34Z", "20250901100734"),
        ("2025-09-01 10:07:34.900", "20250901100734"),
        ("2025-09-01T03:07:34-07:00", "20250901100734"),
        (" 2025-09-01 ", "20250901000000"),
    ],
)
def test_an_index_time_is_utc_unless_it_says_otherwise(root, add, index, stamp, key):
    add("a.jpg")
    index(f"a.jpg,in_gate,{stamp}")

    assert keys(root) == [key]


def test_the_index_may_name_cameras_and_carry_other_columns(root, add, index):
    add("a.jpg")
    index("c1,7,a.jpg,in_gate,2025-09-01", columns="camera,weather,file,stream,timestamp")

    assert keys(root, "c1/in_gate") == ["20250901000000"]


def test_what_the_index_leaves_open_the_name_tells(root, add, index):
    add("20250901100734_in_gate.jpg")
    add("a.jpg")
    index("a.jpg,,2025-09-01")

    assert FolderSource(root).collections() == ["frames", "in_gate"]


def test_the_index_may_have_a_mark_at_its_beginning(root, add):
    add("a.jpg")
    (root / "frames.csv").write_text("\ufefffile,stream,timestamp\na.jpg,in_gate,2025-09-01\n")

    assert keys(root) == ["20250901000000"]


@pytest.mark.parametrize("text", ["", "file,stream,timestamp\n" + "x" * 200_000 + ",a,b\n"])
def test_an_index_that_is_no_table_is_named(root, text):
    (root / "frames.csv").write_text(text)

    with pytest.raises(PermanentError, match=r"frames\.csv: "):
        listing(root)


def test_an_index_without_its_columns_is_named_with_them(root):
    (root / "frames.csv").write_text("path,time\n")

    with pytest.raises(
        PermanentError, match=r"frames\.csv: lacks the columns file, stream, timestamp"
    ):
        listing(root)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("gone.jpg,in_gate,2025-09-01", "named in frames.csv, and not there"),
        ("../outside.jpg,in_gate,2025-09-01", "named in frames.csv, and not there"),
        ("/etc/passwd,in_gate,2025-09-01", "named in frames.csv, and not there"),
        ("b.jpg,in_gate,yesterday", "no time in frames.csv"),
        ("b.jpg,in_gate,", "no time in frames.csv"),
        ("b.jpg,in_gate", "no time in frames.csv"),
        ("b.jpg,in_gate,9999-12-31T23:59:59-12:00", "no time in frames.csv"),
        ("a.jpg,in_gate,2025-09-02", "named twice in frames.csv; its first line counts"),
        ("./a.jpg,in_gate,2025-09-02", "named twice in frames.csv; its first line counts"),
        ("folder.jpg,in_gate,2025-09-01", "named in frames.csv, and not there"),
    ],
)
def test_a_line_that_leads_to_no_frame_is_told(root, add, index, line, reason):
    add("a.jpg")
    if line.startswith("b.jpg"):
        add("b.jpg")
    (root / "folder.jpg").mkdir()
    (root.parent / "outside.jpg").write_bytes(b"x")
    index("a.jpg,in_gate,2025-09-01", line)

    assert [misfit.reason.startswith(reason) for misfit in listing(root).misfits] == [True]


def exif(at: bytes, offset: bytes = b"", order: str = "<") -> bytes:
    """A JPEG's beginning with DateTimeOriginal, and OffsetTimeOriginal where given."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    texts = [(0x9003, at + b"\0"), (0x9011, offset + b"\0")][: 2 if offset else 1]
    ifd0 = struct.pack(f"{order}IHHHIII", 8, 1, 0x8769, 4, 1, 26, 0)
    place = 26 + 2 + 12 * len(texts) + 4
    entries, data = struct.pack(f"{order}H", len(texts)), b""
    for tag, text in texts:
        entries += struct.pack(f"{order}HHII", tag, 2, len(text), place + len(data))
        data += text
    block = b"Exif\0\0" + mark + ifd0 + entries + bytes(4) + data
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", len(block) + 2) + block + b"\xff\xda"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("offset", "key"),
    [(b"", "20250901100734"), (b"+02:00", "20250901080734"), (b"-07:00", "20250901170734")],
)
def test_without_a_time_in_its_name_a_frame_has_that_of_its_exif(root, add, order, offset, key):
    add("in_gate/IMG_1234.JPG", exif(b"2025:09:01 10:07:34", offset, order))

    assert keys(root) == [key]


def test_a_time_in_the_name_comes_first(root, add):
    add("in_gate/2025-09-01T10:07:34.jpg", exif(b"2019:01:01 00:00:00"))

    assert keys(root) == ["20250901100734"]


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xd8", exif(b"0000:00:00 00:00:00"), exif(b"2025:09:01 10:07:34")[:60],
     exif(b"0001:01:01 00:00:00", b"+14:00"), exif(b"9999:12:31 23:59:59", b"-14:00"),
     exif(b"\xff" * 19), b"\x89PNG\r\n\x1a\n", exif(b"")],
)  # fmt: skip
def test_a_frame_without_any_time_is_told_on_every_day_of_its_stream(root, add, content):
    add("in_gate/IMG_1234.jpg", content)

    for day in (DAY, "2031-01-01"):
        (misfit,) = listing(root, day=day).misfits
        assert (misfit.name, misfit.reason) == (
            "in_gate/IMG_1234.jpg",
            "no capture time in index, name or EXIF; put it into the index or the name",
        )
    assert FolderSource(root).misfits() == [misfit]


def test_no_exif_block_breaks_the_reader():
    chance = random.Random(1)
    whole = exif(b"2025:09:01 10:07:34", b"+02:00")
    for _ in range(5000):
        spoilt = bytearray(whole[: chance.randrange(len(whole) + 1)])
        for _ in range(chance.randrange(6)):
            if spoilt:
                spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
        found = capture_times.from_exif(bytes(spoilt))
        assert found is None or found.utcoffset() == dt.timedelta(0)


def test_frames_of_one_second_keep_their_numbers(root, add):
    for name in ("s__2025-09-01__10-00-00(3).jpg", "s__2025-09-01__10-00-00(2).jpg"):
        add(name)

    assert keys(root, "s") == ["20250901100000-2", "20250901100000-3"]


def test_frames_of_one_second_without_numbers_are_ordered_by_name(root, add):
    for folder in ("b", "a", "c"):
        add(f"{folder}/in_gate/20250901100000.jpg")
    add("in_gate/20250901100000.jpg")
    add("in_gate/20250901100000.png")

    found = [(entry.item_key, entry.name) for entry in listing(root).entries]

    assert found == [
        ("20250901100000", "in_gate/20250901100000.jpg"),
        ("20250901100000-2", "in_gate/20250901100000.png"),
    ]


def test_numbers_given_twice_lose_no_frame(root, add, index):
    lines = []
    for name in ("x/2025-09-01__10-00-00(1).jpg", "y/2025-09-01__10-00-00(1).jpg", "z/other.jpg"):
        add(name)
        lines.append(f"{name},in_gate,2025-09-01T10:00:00")
    index(*lines)

    assert keys(root) == ["20250901100000", "20250901100000-2", "20250901100000-3"]


def test_files_that_are_no_pictures_are_left_alone(root, add):
    for name in ("README.md", ".hidden.jpg", "20250901100734.txt", ".git/20250901100734.jpg"):
        add(name)

    source = FolderSource(root)
    assert (source.collections(), source.misfits()) == ([], [])


def test_what_is_no_plain_file_is_told_and_never_opened(root, add):
    os.mkfifo(root / "20250901100000_in_gate.jpg")

    (misfit,) = listing(root).misfits

    assert misfit.reason == "not a plain file; never opened"


def test_links_out_of_the_folder_are_told_and_never_followed(root, add, tmp_path):
    (tmp_path / "secret.jpg").write_bytes(exif(b"2025:09:01 10:07:34"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "20250901110000_in_gate.jpg").write_bytes(b"x")
    (root / "20250901100000_in_gate.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "in_gate").symlink_to(tmp_path / "other")
    (root / "20250901120000_in_gate.jpg").symlink_to(root / "nowhere")
    (root / "20250901130000_in_gate.jpg").symlink_to(root / "20250901130000_in_gate.jpg")

    reasons = sorted(misfit.reason for misfit in FolderSource(root).misfits())

    assert listing(root).entries == ()
    assert reasons == [
        "a link that leads nowhere",
        "a link that leads nowhere",
        "a link that leaves the folder; never followed",
        "a link to a folder; never followed",
    ]


def test_a_link_within_the_folder_is_a_frame(root, add, tmp_path):
    target = add("objects/ab12", b"frame")
    (root / "20250901100000_in_gate.jpg").symlink_to(target)

    (entry,) = listing(root).entries
    FolderSource(root).fetch(entry, tmp_path / "new")

    assert (tmp_path / "new").read_bytes() == b"frame"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_told(root, add):
    add("20250901100000_in_gate.jpg").chmod(0)

    (misfit,) = listing(root).misfits

    assert misfit.reason == "not readable; check its owner and rights"


@pytest.mark.parametrize(
    "name", [b"20250901100000_in_gate\xff.jpg", "20250901100000_in_gate\u202e.jpg".encode(),
             b"20250901100000_in_gate\n\x1b[31m.jpg", b"20250901100000_$(sleep 10)'\".jpg"],
)  # fmt: skip
def test_a_hostile_name_is_data(root, tmp_path, name):
    Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_bytes(b"frame")
    source = FolderSource(root)

    ((collection, entry),) = everything(source)
    source.fetch(entry, tmp_path / "new")

    assert (collection + entry.name).isprintable()
    assert (tmp_path / "new").read_bytes() == b"frame"


def test_a_file_that_changed_just_now_is_told_and_listed_once_it_rests(root, add):
    file = add("20250901100000_in_gate.jpg")
    changed = dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC)
    clock = iter([changed + dt.timedelta(seconds=s) for s in (4, 6)])
    source = FolderSource(root, settle=dt.timedelta(seconds=5), now=lambda: next(clock))
    day = Partition("archive", "in_gate", DAY)

    arriving, resting = source.list(day), source.list(day)

    assert [m.reason for m in arriving.misfits] == ["still being written; run again"]
    assert (len(arriving.entries), len(resting.entries), resting.misfits) == (0, 1, ())


def test_a_time_of_change_far_ahead_keeps_no_file_waiting(root, add):
    os.utime(add("20250901100000_in_gate.jpg"), (4e9, 4e9))
    source = FolderSource(root, settle=dt.timedelta(seconds=5))

    assert len(everything(source)) == 1


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(NotFoundError, match="nowhere"):
        FolderSource(tmp_path / "nowhere").collections()


def test_a_new_a_removed_and_a_renamed_file_are_seen(root, add):
    source = FolderSource(root)
    first = add("a/20250901100000_in_gate.jpg")
    seen = [len(everything(source))]
    second = add("a/b/20250901110000_in_gate.jpg")
    seen.append(len(everything(source)))
    first.unlink()
    seen.append(len(everything(source)))
    second.rename(root / "20250902110000_in_gate.jpg")

    assert seen == [1, 2, 1]
    assert [entry.item_key for _, entry in everything(source)] == ["20250902110000"]


def test_a_file_that_came_within_the_clocks_tick_is_seen(root, add):
    """Times of change are coarse: a folder that changed just now may have changed again."""
    add("20250901100000_in_gate.jpg")
    changed = root.stat().st_mtime_ns
    source = FolderSource(root)
    source.collections()
    add("20250901110000_in_gate.jpg")
    os.utime(root, ns=(changed, changed))

    assert len(everything(source)) == 2


def test_a_changed_index_is_seen(root, add, index):
    add("a.jpg")
    source = FolderSource(root)
    index("a.jpg,in_gate,2025-09-01")
    before = source.collections()
    index("a.jpg,yard,2025-09-01")

    assert (before, source.collections()) == (["in_gate"], ["yard"])


def test_an_unchanged_folder_is_looked_through_once(root, add, monkeypatch):
    add("20250901100000_in_gate.jpg")
    os.utime(root, (1e9, 1e9))
    source = FolderSource(root)
    source.collections()
    monkeypatch.setattr(os, "walk", None)

    assert len(everything(source)) == 1


def test_fetching_copies_and_hashes(root, add, tmp_path):
    file = add("20250901100000_in_gate.jpg", b"x" * 3_000_000)
    (entry,) = listing(root).entries

    fetched = FolderSource(root).fetch(entry, tmp_path / "new")

    assert (fetched.sha256, fetched.size) == (
        hashlib.sha256(b"x" * 3_000_000).hexdigest(),
        3_000_000,
    )
    assert fetched.variant is Variant.FULL
    assert (file.stat().st_nlink, (tmp_path / "new").stat().st_ino == file.stat().st_ino) == (
        1,
        False,
    )


def test_a_thumbnail_is_fetched_as_one(root, add, tmp_path):
    add("2025-09-01T10:07:34-in_gate-thumbnail.jpeg")
    (entry,) = listing(root).entries

    assert FolderSource(root).fetch(entry, tmp_path / "new").variant is Variant.THUMBNAIL


def test_a_file_that_left_is_not_found(root, add, tmp_path):
    file = add("20250901100000_in_gate.jpg")
    (entry,) = listing(root).entries
    file.unlink()

    with pytest.raises(NotFoundError):
        FolderSource(root).fetch(entry, tmp_path / "new")


def test_a_file_that_became_a_link_or_a_pipe_is_not_opened(root, add, tmp_path):
    file = add("20250901100000_in_gate.jpg")
    (entry,) = listing(root).entries
    (tmp_path / "secret").write_bytes(b"secret")
    file.unlink()
    file.symlink_to(tmp_path / "secret")
    with pytest.raises(RejectedError, match="leads out of"):
        FolderSource(root).fetch(entry, tmp_path / "new")
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(RejectedError, match="no longer a plain file"):
        FolderSource(root).fetch(entry, tmp_path / "new")

    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "address", ["../secret", "%2e%2e/secret", "/etc/passwd", "a/../../secret", "%00"]
)
def test_an_address_out_of_the_folder_is_refused(root, tmp_path, address):
    (tmp_path / "secret").write_bytes(b"secret")

    with pytest.raises((RejectedError, NotFoundError)):
        FolderSource(root).fetch(Entry("k", "n", address=address), tmp_path / "new")

    assert not (tmp_path / "new").exists()


def test_a_file_beyond_the_limit_is_refused_unread(root, add, tmp_path):
    add("20250901100000_in_gate.jpg", b"x" * 1001)
    (entry,) = listing(root).entries

    with pytest.raises(UnreadableImageError) as raised:
        FolderSource(root, max_bytes=1000).fetch(entry, tmp_path / "new")

    assert (raised.value.reason, (tmp_path / "new").exists()) == ("too_large", False)


def test_a_file_that_changes_while_it_is_copied_is_taken_later(root, add, tmp_path):
    """It grows when the copy is opened, which is after it was looked at."""
    file = add("20250901100000_in_gate.jpg", b"x" * 3_000_000)
    (entry,) = listing(root).entries
    into = tmp_path / "new"

    class Grows(type(into)):
        def open(self, *arguments, **options):
            with file.open("ab") as more:
                more.write(b"y")
            return super().open(*arguments, **options)

    with pytest.raises(TransientError, match="changed while it was copied"):
        FolderSource(root).fetch(entry, Grows(into))

    assert not into.exists()


def test_many_threads_may_list_at_once(root, add):
    for minute in range(50):
        add(f"2025090110{minute:02}00_in_gate.jpg")
    source = FolderSource(root)
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(len(everything(source)))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [50] * 8


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared real frames are not here")
class TestSharedFrames:
    def test_every_real_frame_is_one_entry_of_its_camera_and_stream(self):
        source = FolderSource(SHARED)
        with (SHARED / "frames.csv").open() as lines:
            expected = {
                (f"{row['camera']}/{row['stream']}", row["file"]) for row in csv.DictReader(lines)
            }

        found = everything(source)

        assert len(found) == len({(c, entry.item_key) for c, entry in found}) == 147
        assert {(collection, entry.name) for collection, entry in found} == expected
        assert source.misfits() == []

    def test_names_alone_tell_the_same_times(self):
        by_index = {entry.name: entry.item_key for _, entry in everything(FolderSource(SHARED))}
        by_name = dict(
            (entry.name, entry) for _, entry in everything(FolderSource(SHARED, "none.csv"))
        )

        assert len(by_name) == 147
        assert {n: e.item_key[:14] for n, e in by_name.items()} == {
            n: key[:14] for n, key in by_index.items()
        }

    def test_every_real_frame_arrives_as_the_index_says(self, tmp_path):
        source = FolderSource(SHARED)
        with (SHARED / "frames.csv").open() as lines:
            expected = {row["file"]: row["sha256"] for row in csv.DictReader(lines)}

        fetched = {
            entry.name: source.fetch(entry, tmp_path / str(number)).sha256
            for number, (_, entry) in enumerate(everything(source))
        }

        assert fetched == expected
