"""Every file is hashed; what differs is named for what it is, and a look-up that fails is no absence."""

import datetime as dt
import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from image_assets.core.errors import PermanentError, TransientError
from image_assets.core.model import Entry, ImageState, Listing, Partition
from image_assets.core.naming import item_key
from image_assets.core.spans import Span
from image_assets.services.store.inventory import LocalInventory
from image_assets.services.store.local import LocalStore
from image_assets.stages.images import Terms
from image_assets.stages.mend import Mended, Mender, collect_again
from image_assets.stages.report import Cause
from image_assets.stages.verify import Flaw, Verification, Verifier
from image_assets_tests.drawing import picture
from image_assets_tests.fakes import FakeSource
from image_assets_tests.stages.conftest import DAY, NOW, House

NEXT_DAY = Partition(DAY.source, DAY.collection, "2025-09-02")
LONG_AGO = dt.datetime(2025, 9, 2, tzinfo=dt.UTC).timestamp()
SPAN = Span.of(DAY)


def entry(hour: int) -> Entry:
    at = dt.datetime(2025, 9, 1, hour, tzinfo=dt.UTC)
    return Entry(item_key(at), f"{hour}.jpg", at, f"https://cdn.test/{hour}.jpg")


@dataclass(frozen=True)
class Archive:
    """A day of four pictures, collected and sealed; the last two share their bytes."""

    house: House
    source: FakeSource

    @property
    def rooms(self) -> tuple[object, LocalStore, LocalInventory]:
        root = self.house.root / "data"
        return self.house.catalog.verify, self.house.store, LocalInventory(root)

    def file(self, hour: int) -> Path:
        return self.house.root / "data" / self.path(hour)

    def path(self, hour: int) -> str:
        return f"images/2025-09-01/in_gate/202509010{hour}0000_in_gate.jpg"

    def change(self, hour: int, content: bytes) -> None:
        self.file(hour).chmod(0o644)
        self.file(hour).write_bytes(content)

    def verify(self) -> Verification:
        return Verifier(*self.rooms, workers=2).verify([DAY])

    def untracked(self, folder: str = "images") -> Verification:
        now = dt.datetime.now(dt.UTC)
        return Verifier(*self.rooms).untracked([folder], SPAN, now=now)

    def mend(self, found: Verification, **most: float) -> Mended:
        return Mender(*self.rooms).mend(found, now=NOW, **most)

    def collect_again(self, mended: Mended) -> dict[str, int]:
        collector = self.house.collector(self.source)
        (again,) = collect_again(collector, mended.pictures, clock=lambda: NOW)
        return dict(again[1].counts)

    def state(self, hour: int) -> ImageState:
        return self.house.catalog.images.known(DAY)[entry(hour).item_key].state

    @property
    def is_sealed(self) -> bool:
        day = self.house.catalog.images.day(DAY)
        return day is not None and day.sealed_at is not None


@pytest.fixture
def archive(house: House) -> Archive:
    pictures: dict[str, bytes | Exception] = {
        entry(hour).item_key: picture(min(hour, 3)) for hour in (1, 2, 3, 4)
    }
    source = FakeSource(Listing(tuple(map(entry, (1, 2, 3, 4))), complete=True), pictures)
    # One after another: of two with the same bytes, the first to come has the path.
    house.collector(source, Terms(workers=1)).collect(DAY, now=NOW)
    archive = Archive(house, source)
    assert archive.is_sealed
    source.fetches = source.listings = 0
    return archive


def flaws(found: Verification) -> dict[str, str]:
    return {finding.path: finding.flaw.value for finding in found.findings}


def test_what_is_as_it_was_is_intact(archive):
    found = archive.verify()

    assert (found.intact, found.findings, dict(found.report.counts)) == (True, (), {"intact": 3})
    assert found.report.bytes == sum(archive.file(hour).stat().st_size for hour in (1, 2, 3))


def test_missing_and_changed_files_are_told_apart(archive):
    archive.file(1).unlink()
    archive.change(2, picture(9))

    found = archive.verify()

    assert flaws(found) == {archive.path(1): "missing", archive.path(2): "changed"}
    assert dict(found.report.counts) == {"missing": 1, "changed": 1, "intact": 1}


def test_one_flipped_bit_is_a_change(archive):
    content = bytearray(archive.file(1).read_bytes())
    content[-3] ^= 1
    archive.change(1, bytes(content))

    assert flaws(archive.verify()) == {archive.path(1): "changed"}


def test_verifying_changes_nothing(archive):
    archive.file(1).unlink()
    archive.change(2, b"cut")

    archive.verify()

    assert archive.file(2).read_bytes() == b"cut"
    assert (archive.state(1), archive.is_sealed) == (ImageState.STORED, True)


def test_a_file_that_cannot_be_read_is_a_failure_and_no_absence(archive):
    archive.file(1).unlink()
    archive.file(1).mkdir()  # what root, too, cannot read as a file

    found = archive.verify()

    assert (found.findings, found.report.failed, found.intact) == ((), 1, False)
    assert found.report.failures[0].item == archive.path(1)


def test_a_disk_that_answers_with_errors_is_a_failure_of_each_file(archive):
    verifier = Verifier(archive.rooms[0], FailingStore(), archive.rooms[2], workers=2)

    found = verifier.verify([DAY])

    assert (found.findings, dict(found.report.causes)) == ((), {Cause.TRANSIENT: 3})


def test_a_store_that_is_not_there_is_a_failure_of_each_file(archive):
    (archive.house.root / "data").rename(archive.house.root / "unmounted")

    found = archive.verify()

    assert (found.findings, found.report.failed) == ((), 3)
    assert "not there" in found.report.failures[0].reason


class FailingStore:
    """Every look at a file ends in an error of the disk."""

    def sha256(self, key: str) -> str | None:
        raise TransientError(f"{key}: Input/output error")


def stray(archive: Archive, key: str, age: float = LONG_AGO) -> str:
    file = archive.house.root / "data" / key
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"?")
    os.utime(file, (age, age))
    return key


def test_files_in_no_record_are_untracked_wherever_they_lie(archive):
    paths = [
        stray(archive, "images/2025-09-01/in_gate/extra.jpg"),
        stray(archive, "images/2025-09-01/side_gate/of_a_stream_nobody_knows.jpg"),
        stray(archive, "images/no_date.jpg"),
        stray(archive, "images/webcam/2025-09-01/other/a.jpg"),
    ]

    found = archive.untracked()

    assert flaws(found) == dict.fromkeys(paths, "untracked")
    assert (found.intact, found.mendable) == (True, ())


def test_files_of_other_days_are_not_asked_about(archive):
    stray(archive, "images/2025-09-02/in_gate/extra.jpg")

    assert archive.untracked().findings == ()


def test_a_file_that_has_just_come_may_be_waiting_for_its_record(archive):
    now = dt.datetime.now(dt.UTC).timestamp()
    stray(archive, "images/2025-09-01/in_gate/extra.jpg", now)

    assert archive.untracked().findings == ()


def test_a_folder_that_is_not_there_holds_no_file(archive):
    assert archive.untracked("images/1999-01-01/in_gate") == Verification()


def test_image_folders_that_cannot_be_read_are_a_failure(archive):
    (archive.house.root / "data").rename(archive.house.root / "unmounted")

    found = archive.untracked()

    assert (found.report.failed, found.report.failures[0].item) == (1, "images")


def test_a_missing_file_is_fetched_again_and_nothing_else(archive):
    before = archive.file(1).read_bytes()
    archive.file(1).unlink()

    mended = archive.mend(archive.verify())
    came = archive.collect_again(mended)

    assert (came["stored"], archive.source.listings, archive.source.fetches) == (1, 1, 1)
    assert archive.file(1).read_bytes() == before
    assert archive.verify().intact
    assert archive.is_sealed


def test_a_changed_file_waits_in_quarantine_and_its_picture_comes_again(archive):
    before = archive.file(1).read_bytes()
    archive.change(1, b"changed by a bad disk")

    archive.collect_again(archive.mend(archive.verify()))

    sha256 = hashlib.sha256(b"changed by a bad disk").hexdigest()
    aside = archive.house.root / "data" / "quarantine" / sha256[:2] / f"{sha256}.rejected"
    assert aside.read_bytes() == b"changed by a bad disk"
    assert archive.file(1).read_bytes() == before


def test_a_picture_with_repeated_bytes_comes_again_with_every_record(archive):
    archive.file(3).unlink()

    mended = archive.mend(archive.verify())
    came = archive.collect_again(mended)

    assert [picture.item_key for picture in mended.pictures] == [
        entry(3).item_key,
        entry(4).item_key,
    ]
    assert came.get("stored", 0) + came.get("stale", 0) == 2  # which is stale is settled at the end
    assert archive.verify().intact
    assert [archive.state(3), archive.state(4)] == [ImageState.STORED] * 2


def test_what_is_otherwise_due_is_not_fetched_with_it(archive):
    archive.file(1).unlink()
    extra = entry(7)
    archive.source.listing = Listing((*archive.source.listing.entries, extra), complete=True)
    archive.source.pictures[extra.item_key] = picture(7)

    archive.collect_again(archive.mend(archive.verify()))

    assert archive.source.fetches == 1
    assert not archive.is_sealed  # for the next collection


def test_a_file_that_came_back_before_it_was_mended_stays(archive):
    before = archive.file(1).read_bytes()
    archive.file(1).unlink()
    found = archive.verify()
    archive.file(1).write_bytes(before)

    mended = archive.mend(found)

    assert (dict(mended.report.counts), mended.pictures) == ({"intact": 1}, ())
    assert (archive.state(1), archive.is_sealed) == (ImageState.STORED, True)


def test_a_source_that_cannot_be_asked_leaves_the_picture_missing_for_later(archive):
    archive.file(1).unlink()
    archive.source.pictures[entry(1).item_key] = TransientError("time-out")

    archive.collect_again(archive.mend(archive.verify()))

    assert (archive.state(1), archive.is_sealed) == (ImageState.MISSING, False)


def test_more_than_a_disk_loses_is_not_mended(archive, monkeypatch):
    """An empty mount point looks like an archive whose every file is missing."""
    monkeypatch.setattr("image_assets.stages.mend.FEW", 1)
    for hour in (1, 2, 3):
        archive.file(hour).unlink()
    found = archive.verify()

    with pytest.raises(PermanentError, match="3 of 3 files are missing or changed"):
        archive.mend(found)

    assert (archive.state(1), archive.is_sealed) == (ImageState.STORED, True)
    assert len(archive.mend(found, most=1.0).pictures) == 4


def test_a_file_that_cannot_be_set_aside_loses_nothing(archive):
    archive.change(1, b"changed")
    sha256 = hashlib.sha256(b"changed").hexdigest()
    taken = archive.house.root / "data" / "quarantine" / sha256[:2] / f"{sha256}.rejected"
    taken.parent.mkdir(parents=True)
    taken.write_bytes(b"something else")

    mended = archive.mend(archive.verify())

    assert (mended.report.failed, mended.pictures) == (1, ())
    assert (archive.file(1).read_bytes(), taken.read_bytes()) == (b"changed", b"something else")
    assert archive.state(1) is ImageState.STORED


def test_a_mending_cut_off_after_setting_aside_goes_on(archive):
    archive.change(1, b"changed")
    archive.rooms[2].set_aside(archive.path(1))  # and then the power went

    archive.collect_again(archive.mend(archive.verify()))

    assert archive.verify().intact


def test_the_same_changed_bytes_are_set_aside_twice(archive):
    for _ in range(2):
        archive.change(1, b"changed")
        archive.collect_again(archive.mend(archive.verify()))

    assert archive.verify().intact
    assert archive.house.files("quarantine") != []


def test_a_flaw_says_what_it_is():
    assert [flaw.value for flaw in Flaw] == ["missing", "changed", "untracked"]


def test_files_that_nobody_knows_do_not_make_a_loss_look_small(archive, monkeypatch):
    monkeypatch.setattr("image_assets.stages.mend.FEW", 0)
    for number in range(30):
        stray(archive, f"images/2025-09-01/in_gate/{number}.jpg")
    archive.file(1).unlink()

    with pytest.raises(PermanentError, match="1 of 3 files"):
        archive.mend(archive.verify() + archive.untracked())


def test_a_lost_picture_that_is_listed_no_more_is_fetched_where_it_was(archive):
    archive.file(1).unlink()
    archive.source.listing = Listing((), complete=True)

    archive.collect_again(archive.mend(archive.verify()))

    assert archive.verify().intact
    assert archive.is_sealed


def test_the_second_picture_of_a_second_is_fetched_again_too(archive):
    """Its record has a key of its own that no listing names."""
    moved = replace(entry(1), address="https://cdn.test/other.jpg")
    archive.source.listing = Listing((moved,), complete=True)
    archive.source.pictures[entry(1).item_key] = picture(8)
    reopen(archive)
    archive.house.collector(archive.source, Terms(workers=1)).collect(DAY, now=NOW)
    (beside,) = archive.file(1).parent.glob("*~*")
    beside.unlink()
    archive.source.pictures[f"{entry(1).item_key}~{beside.stem.partition('~')[2][:8]}"] = picture(8)

    archive.collect_again(archive.mend(archive.verify()))

    assert archive.verify().intact


def test_a_repair_leaves_a_limited_day_limited(archive):
    reopen(archive)
    archive.house.catalog.images.record_listing(DAY, listed=4, complete=True, limit=3, now=NOW)
    archive.file(1).unlink()

    archive.collect_again(archive.mend(archive.verify()))

    assert archive.house.catalog.images.day(DAY).limit == 3


def reopen(archive: Archive) -> None:
    """The day costs requests again, as after a loss that was mended."""
    archive.file(2).unlink()
    archive.mend(archive.verify())
