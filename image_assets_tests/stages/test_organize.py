"""Old downloads brought to their places in a real folder, store and catalog."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from image_assets.compose import LocalStore
from image_assets.core.errors import NotFoundError, PermanentError, TransientError
from image_assets.core.model import Partition, Variant
from image_assets.core.organizing import Fate, Planner, Step
from image_assets.services.folder import FolderSource
from image_assets.services.old_downloads import OldDownloadsFolder
from image_assets.stages.organize import Organizer
from image_assets.stages.report import Cause, Report
from image_assets_tests.drawing import picture
from image_assets_tests.stages.conftest import NOW, House

DAY = Partition("camera", "apm/in_gate", "2025-09-01")
NAME = "20250901100734_in_gate.jpg"
PLACE = f"images/2025-09-01/in_gate/{NAME}"


@dataclass(frozen=True)
class Attic:
    """A folder of old downloads, and the house it is to go to."""

    house: House
    folder: Path

    def keep(self, files: dict[str, bytes]) -> None:
        for name, content in files.items():
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    def left(self) -> list[str]:
        return sorted(
            str(f.relative_to(self.folder)) for f in self.folder.rglob("*") if not f.is_dir()
        )

    def organizer(self, downloads: OldDownloadsFolder | None = None) -> Organizer:
        old = downloads or OldDownloadsFolder(self.folder)
        house = self.house
        return Organizer(old, house.store, house.decoder, house.catalog.images, workers=2)

    def plan(self, organizer: Organizer | None = None) -> tuple[Step, ...]:
        planner = Planner("camera", "apm", self.house.store.sha256, lambda partition: None, NOW)
        (self.house.root / "data").mkdir(exist_ok=True)
        return (organizer or self.organizer()).plan(planner)

    def organize(self, *, copy: bool = False) -> Report:
        organizer = self.organizer()
        return organizer.apply(self.plan(organizer), copy=copy, now=NOW)

    def reasons(self) -> dict[str, str]:
        return {step.file: step.reason for step in self.plan() if step.fate is Fate.LEFT}


@pytest.fixture
def attic(house: House, tmp_path: Path) -> Attic:
    folder = tmp_path / "old"
    folder.mkdir()
    return Attic(house, folder)


def test_files_move_to_their_places_and_into_the_catalog(attic):
    attic.keep(
        {"x/20250901T100734_in_gate.jpg": picture(1), "20250902000000_in_gate.jpg": picture(2)}
    )

    report = attic.organize()

    assert (report.counts, report.failed, attic.left()) == ({"place": 2}, 0, [])
    assert attic.house.files("images") == [
        PLACE,
        "images/2025-09-02/in_gate/20250902000000_in_gate.jpg",
    ]
    assert attic.house.catalog.images.paths(DAY) == (PLACE,)


def test_a_copy_leaves_the_old_files_and_shares_no_bytes_with_them(attic):
    attic.keep({NAME: picture(1)})

    attic.organize(copy=True)
    (attic.folder / NAME).write_bytes(b"changed later")

    assert attic.left() == [NAME]
    assert (attic.house.root / "data" / PLACE).read_bytes() == picture(1)


def test_a_plan_changes_nothing(attic):
    attic.keep({NAME: picture(1), "holiday.jpg": picture(2)})

    attic.plan()

    assert (attic.left(), attic.house.files("")) == ([NAME, "holiday.jpg"], [])


@pytest.mark.parametrize("copy", [False, True])
def test_a_second_time_gives_the_same(attic, copy):
    attic.keep({NAME: picture(1), "a/20250901100734_in_gate.jpg": picture(2)})
    attic.organize(copy=copy)
    before = (attic.house.files("images"), dict(attic.house.catalog.images.known(DAY)))

    attic.organize(copy=copy)

    assert (attic.house.files("images"), dict(attic.house.catalog.images.known(DAY))) == before


def test_other_bytes_for_a_second_are_a_conflict_beside_it(attic):
    attic.keep({f"b/{NAME}": picture(2), f"a/{NAME}": picture(1)})

    attic.organize()

    known = attic.house.catalog.images.known(DAY)
    other = hashlib.sha256(picture(2)).hexdigest()[:8]
    assert sorted(known) == ["20250901100734", f"20250901100734~{other}"]
    assert known["20250901100734"].sha256 == hashlib.sha256(picture(1)).hexdigest()
    assert (attic.left(), attic.house.catalog.images.counts(DAY).conflicts) == ([], 1)


def test_a_duplicate_ends_as_one_file(attic):
    attic.keep({f"a/{NAME}": picture(1), "b/20250901T100734_in_gate.jpg": picture(1)})

    report = attic.organize()

    assert report.counts == {"place": 1, "there": 1}
    assert (attic.house.files("images"), attic.left()) == ([PLACE], [])


def test_a_repeated_frame_is_recorded_and_its_bytes_are_kept_once(attic):
    attic.keep({NAME: picture(1), "20250901101734_in_gate.jpg": picture(1)})

    attic.organize()

    assert attic.house.catalog.images.counts(DAY).stale == 1
    assert (len(attic.house.files("images")), attic.left()) == (1, [])


def test_what_the_house_has_under_that_second_stays(attic):
    attic.house.collect({"in_gate/" + NAME: picture(1)})
    attic.keep({NAME: picture(2)})

    attic.organize()

    assert (attic.house.root / "data" / PLACE).read_bytes() == picture(1)
    assert len(attic.house.files("images")) == 2


def test_a_thumbnail_is_recorded_as_one_and_gives_way_to_the_full_size(attic):
    attic.keep({"2025-09-01T10:07:34-in_gate-thumbnail.jpeg": picture(1, (80, 45))})
    attic.organize()
    recorded = attic.house.catalog.images.known(DAY)["20250901100734"]
    attic.keep({"2025-09-01T10:07:34-in_gate.jpeg": picture(1)})

    attic.organize()

    assert recorded.variant is Variant.THUMBNAIL
    assert attic.house.catalog.images.known(DAY)["20250901100734"].variant is Variant.FULL


def test_the_address_of_a_sidecar_becomes_the_origin_without_its_query(attic):
    url = "https://cdn.draydog.com/apm/2025-09-01/10/2025-09-01T10:07:34-in_gate.jpeg"
    sidecar = {"filename": NAME, "url": f"{url}?token=canary", "capture_timestamp": "2025"}
    attic.keep({NAME: picture(1), f"{NAME}.metadata.json": json.dumps(sidecar).encode()})

    attic.organize()

    assert attic.house.catalog.images.known(DAY)["20250901100734"].origin == url


def test_a_day_that_was_organized_is_not_taken_for_one_that_was_listed(attic):
    attic.keep({NAME: picture(1)})

    attic.organize()

    assert attic.house.catalog.images.day(DAY) is None


def test_the_site_is_not_asked_again_for_what_was_organized(attic):
    attic.keep({NAME: picture(1)})
    attic.organize()

    report = attic.house.collect({"in_gate/" + NAME: picture(1)})

    assert report.counts == {"known": 1}


def test_organized_files_can_be_read_by_a_folder_source(attic):
    attic.keep(
        {
            f"a/{NAME}": picture(1),
            f"b/{NAME}": picture(2),
            f"c/{NAME[:12]}59_in_gate.jpg": picture(3),
        }
    )
    attic.organize()

    source = FolderSource(attic.house.root / "data" / "images")
    listing = source.list(DAY)

    assert [entry.item_key for entry in listing.entries] == [
        "20250901100734",
        "20250901100734-2",
        "20250901100759",
    ]
    assert (source.misfits(), source.collections()) == ([], ["in_gate"])


@pytest.mark.parametrize(
    "sidecar",
    [
        b"not json",
        b"\xff\xfe",
        b"[" * 100_000,
        b"7",
        json.dumps([None, {"filename": 7}, {"files": [None]}]).encode(),
    ],
)
def test_a_sidecar_that_cannot_be_read_stops_nothing(attic, sidecar):
    attic.keep({NAME: picture(1), "download_metadata.json": sidecar})

    report = attic.organize()

    assert (report.counts, attic.left()) == ({"place": 1}, ["download_metadata.json"])


def test_a_days_sidecar_names_the_stream_of_its_files(attic):
    day = {"date": "2025-09-01", "stream": "in_gate", "files": ["/elsewhere/20250901100734.jpg"]}
    attic.keep(
        {"20250901100734.jpg": picture(1), "download_metadata.json": json.dumps(day).encode()}
    )

    attic.organize()

    assert attic.house.files("images") == [PLACE]


def test_a_sidecar_that_lies_keeps_the_file_where_it_is(attic):
    claim = {"filename": NAME, "file_hash": "0" * 64}
    attic.keep({NAME: picture(1), f"{NAME}.metadata.json": json.dumps(claim).encode()})

    report = attic.organize()

    assert (report.counts, NAME in attic.left()) == ({"left": 1}, True)


def test_what_is_no_picture_stays_where_it_is_with_its_reason(attic):
    attic.keep(
        {
            "20250901100701_in_gate.jpg": b"",
            "20250901100702_in_gate.jpg": b"<html>gone</html>",
            "20250901100703_in_gate.jpg": picture(1)[:-200],
            "20250901100704_in_gate.txt": b"notes",
        }
    )

    reasons = attic.reasons()

    assert [reason.partition(":")[0] for reason in reasons.values()][:2] == [
        "empty",
        "not a PNG, JPEG, WebP, GIF or BMP",
    ]
    assert (len(reasons), attic.organize().counts) == (4, {"left": 4})


def test_nothing_is_followed_out_of_the_folder(attic, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / NAME).write_bytes(picture(1))
    (attic.folder / "20250901100701_in_gate.jpg").symlink_to(outside / NAME)
    (attic.folder / "20250901100702_in_gate.jpg").symlink_to("nowhere")
    (attic.folder / "folder").symlink_to(outside)
    os.mkfifo(attic.folder / "20250901100703_in_gate.jpg")

    report = attic.organize()

    assert (report.counts, (outside / NAME).exists()) == ({"left": 4}, True)
    assert attic.house.files("images") == []


@pytest.mark.parametrize(
    "name",
    ["..%2f..%2fetc.jpg", "20250901100734_..jpg", "-rf.jpg", "$(id)_20250901.jpg", "two\nlines.jpg",
     "20250901100734_in_gate\u202e.jpg", os.fsdecode(b"\xff\xfe.jpg"), "a" * 251 + ".jpg"],
)  # fmt: skip
def test_a_name_with_tricks_stays_where_it_is(attic, name):
    attic.keep({name: picture(1)})

    report = attic.organize()

    assert (report.counts, attic.left()) == ({"left": 1}, [name])


def test_names_that_differ_in_case_alone_are_two_streams(attic):
    attic.keep({"20250901100734_in_gate.jpg": picture(1), "20250901100734_IN_GATE.JPG": picture(2)})

    attic.organize()

    assert (len(attic.house.files("images")), attic.left()) == (2, [])


def test_files_that_are_in_their_places_stay_there(attic):
    data = attic.house.root / "data"
    (data / PLACE).parent.mkdir(parents=True)
    (data / PLACE).write_bytes(picture(1))
    organizer = attic.organizer(OldDownloadsFolder(data / "images"))

    report = organizer.apply(attic.plan(organizer), copy=False, now=NOW)

    assert (report.counts, attic.house.files("images")) == ({"there": 1}, [PLACE])
    assert attic.house.catalog.images.paths(DAY) == (PLACE,)


def test_what_the_catalog_knows_is_not_touched_whatever_its_name(attic):
    data = attic.house.root / "data"
    elsewhere = data / "images/webcam/apm/2025-09-01/in_gate" / NAME
    elsewhere.parent.mkdir(parents=True)
    elsewhere.write_bytes(picture(1))
    old = OldDownloadsFolder(data / "images", is_ours=lambda path: path == elsewhere)

    assert attic.plan(attic.organizer(old)) == ()


def test_the_destination_is_not_looked_into(attic):
    target = attic.folder / "sorted"
    attic.keep({f"sorted/images/2025-09-01/in_gate/{NAME}": picture(1)})

    assert OldDownloadsFolder(attic.folder, without=target).find() == []


def test_a_file_that_changes_between_plan_and_move_stays_where_it_is(attic):
    attic.keep({NAME: picture(1), "20250901101734_in_gate.jpg": picture(2)})
    organizer = attic.organizer()
    steps = attic.plan(organizer)
    (attic.folder / NAME).write_bytes(picture(3))

    report = organizer.apply(steps, copy=False, now=NOW)

    assert (report.counts, report.causes) == ({"place": 1}, {Cause.TRANSIENT: 1})
    assert attic.left() == [NAME]


def test_a_duplicate_that_changes_between_plan_and_move_is_not_taken_away(attic):
    attic.keep({NAME: picture(1)})
    attic.organize()
    attic.keep({NAME: picture(1)})
    organizer = attic.organizer()
    steps = attic.plan(organizer)
    (attic.folder / NAME).write_bytes(picture(3))

    report = organizer.apply(steps, copy=False, now=NOW)

    assert ([step.fate for step in steps], report.causes) == ([Fate.THERE], {Cause.TRANSIENT: 1})
    assert (attic.folder / NAME).read_bytes() == picture(3)


def test_a_file_that_goes_between_plan_and_move_stops_no_other(attic):
    attic.keep({NAME: picture(1), "20250901101734_in_gate.jpg": picture(2)})
    organizer = attic.organizer()
    steps = attic.plan(organizer)
    (attic.folder / NAME).unlink()

    report = organizer.apply(steps, copy=False, now=NOW)

    assert (report.counts, report.causes) == ({"place": 1}, {Cause.PERMANENT: 1})


def test_a_place_that_is_taken_after_the_plan_is_not_overwritten(attic):
    attic.keep({NAME: picture(1)})
    organizer = attic.organizer()
    steps = attic.plan(organizer)
    (attic.house.root / "data" / PLACE).parent.mkdir(parents=True)
    (attic.house.root / "data" / PLACE).write_bytes(picture(2))

    organizer.apply(steps, copy=False, now=NOW)

    assert (attic.house.root / "data" / PLACE).read_bytes() == picture(2)
    assert (len(attic.house.files("images")), attic.left()) == (2, [])


def test_a_folder_that_is_not_there_is_named(attic, tmp_path):
    with pytest.raises(NotFoundError, match="nowhere"):
        OldDownloadsFolder(tmp_path / "nowhere").find()


def test_a_file_is_no_folder(attic, tmp_path):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(PermanentError, match="not a folder"):
        OldDownloadsFolder(tmp_path / "file").find()


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no second file system here")
def test_a_move_to_another_file_system_is_a_copy_and_a_removal(attic, tmp_path_factory):
    import tempfile

    attic.keep({NAME: picture(1)})
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        store = LocalStore(Path(other))
        organizer = Organizer(OldDownloadsFolder(attic.folder), store, attic.house.decoder)
        planner = Planner("camera", "apm", store.sha256, lambda partition: None, NOW)

        organizer.apply(organizer.plan(planner), copy=False, now=NOW)

        assert (Path(other) / PLACE).read_bytes() == picture(1)
    assert attic.left() == []


def test_bytes_that_came_otherwise_than_planned_are_not_kept(attic, tmp_path):
    attic.keep({NAME: picture(1)})
    old = OldDownloadsFolder(attic.folder)
    old.digest(NAME)

    with pytest.raises(TransientError, match="it changed while it was copied"):
        old.bring(NAME, tmp_path / "into", sha256="0" * 64, copy=True)

    assert not (tmp_path / "into").exists()
