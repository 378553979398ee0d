"""Designs on their way to a NAS: a real one, mounted; the faulty ones are named after what they do."""

import datetime as dt
import itertools
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from image_assets.core.errors import PermanentError, TransientError
from image_assets.core.model import Partition, Policy, Scope
from image_assets.services.catalog.shops import nas_index
from image_assets.services.nas import Share
from image_assets.services.nas.line import Line
from image_assets.services.nas.mounted import MARKER, MountedLine
from image_assets.services.politeness import Retry
from image_assets.stages.nas import Shelver
from image_assets.stages.report import Cause
from image_assets_tests.drawing import encoded, picture
from image_assets_tests.stages.conftest import DAY, NOW, House
from image_assets_tests.stages.test_curation import artwork

NEXT_DAY = Partition("camera", "apm/in_gate", "2025-09-02")
ONCE = Retry(1, 0, 10)


def fails_every_third() -> type[Line]:
    """Lines of which every third file breaks one."""
    sent = itertools.count(1)

    class FailsEveryThird(MountedLine):
        def send(self, file: Path, path: str) -> None:
            super().send(file, path)
            if next(sent) % 3 == 0:
                raise TransientError("the line broke")

    return FailsEveryThird


@pytest.fixture
def base(tmp_path: Path) -> Path:
    base = tmp_path / "nas"
    base.mkdir()
    (base / MARKER).touch()
    return base


def shelver(
    house: House,
    base: Path,
    *,
    line: type[Line] = MountedLine,
    retry: Retry = ONCE,
    policy: Policy = Policy.NEAR,
    index_age: dt.timedelta = dt.timedelta(0),
    workers: int = 2,
) -> Shelver:
    share = Share("nas", lambda: line(base), retry=retry)
    return Shelver(
        Scope("camera", policy),
        share,
        house.catalog.nas,
        house.store,
        house.decoder,
        index_age=index_age,
        workers=workers,
    )


def drop(house: House, *pictures: bytes, partition: Partition = DAY) -> None:
    day = partition.key.replace("-", "")
    named = {f"{day}{hour:02}0000_in_gate.jpg": body for hour, body in enumerate(pictures)}
    house.collect(named, partition)
    house.admit(partition, Policy.NEAR)


def held(base: Path) -> list[str]:
    return sorted(
        p.relative_to(base).as_posix() for p in base.rglob("*") if p.is_file() and p.name != MARKER
    )


def test_new_designs_are_stored_by_shop_under_their_names(house, base):
    drop(house, encoded(artwork(1), "PNG"), encoded(artwork(5), "PNG"))

    report = shelver(house, base).shelve(DAY, now=NOW)

    assert (report.counts["stored"], report.failed) == (2, 0)
    assert [name.rpartition("_")[0] for name in held(base)] == [
        "in_gate/20250901000000_in_gate",
        "in_gate/20250901010000_in_gate",
    ]
    assert house.catalog.nas.shelved(DAY, "in_gate") == 2


def test_a_second_run_stores_and_reads_nothing(house, base):
    drop(house, picture(1), picture(2))
    shelver(house, base).shelve(DAY, now=NOW)
    before = held(base)

    report = shelver(house, base).shelve(DAY, now=NOW)

    assert report.counts.get("stored", 0) == report.counts.get("indexed", 0) == 0
    assert held(base) == before


def test_what_the_nas_has_in_any_bytes_or_size_is_not_stored_again(house, base):
    (base / "in_gate/old").mkdir(parents=True)
    (base / "in_gate/old/mine.bmp").write_bytes(encoded(artwork(1), "BMP"))
    (base / "in_gate/old/small.png").write_bytes(encoded(artwork(5, 380), "PNG"))
    (base / "in_gate/notes.txt").write_text("no picture")
    drop(house, *(encoded(artwork(seed), "PNG") for seed in (1, 5, 9)))

    report = shelver(house, base).shelve(DAY, now=NOW)

    assert report.counts["indexed"] == 3
    assert (report.counts["stored"], report.counts["duplicates"]) == (1, 1)
    assert len(held(base)) == 4


def test_under_the_exact_policy_only_the_same_pixels_are_there(house, base):
    (base / "in_gate").mkdir()
    (base / "in_gate/small.png").write_bytes(encoded(artwork(5, 380), "PNG"))
    drop(house, encoded(artwork(5), "PNG"))

    report = shelver(house, base, policy=Policy.EXACT).shelve(DAY, now=NOW)

    assert report.counts["stored"] == 1


def test_only_files_whose_size_or_time_changed_are_read_again(house, base):
    folder = base / "in_gate"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / f"{name}.png").write_bytes(picture(ord(name)))
    worker = shelver(house, base)
    worker.refresh("default", "in_gate", now=NOW)

    (folder / "a.png").write_bytes(picture(7))
    (folder / "b.png").unlink()
    report = worker.refresh("default", "in_gate", now=NOW)

    assert (report.counts["indexed"], report.counts["forgotten"]) == (1, 1)
    assert sorted(house.catalog.nas.indexed("default", "in_gate")) == [
        "in_gate/a.png",
        "in_gate/c.png",
    ]


def test_what_an_older_version_saw_is_read_once_more(house, base):
    """Else nothing would ever be compared with it again: its size and time are as they were."""
    (base / "in_gate").mkdir()
    (base / "in_gate/small.png").write_bytes(encoded(artwork(5, 380), "PNG"))
    worker = shelver(house, base)
    worker.refresh("default", "in_gate", now=NOW)
    with house.catalog.engine.begin() as connection:
        connection.execute(sa.update(nas_index).values(version="0", fingerprint=b"older"))
    drop(house, encoded(artwork(5), "PNG"))

    first, second = (worker.shelve(DAY, now=NOW) for _ in range(2))

    assert (first.counts["indexed"], first.counts["duplicates"]) == (1, 1)
    assert second.counts.get("indexed", 0) == 0


def test_a_file_that_nobody_may_read_keeps_no_design_from_the_nas(house, base):
    (base / "in_gate").mkdir()
    (base / "in_gate/secret.png").write_bytes(picture(9))
    drop(house, picture(1))

    class MayNotRead(MountedLine):
        def receive(self, path: str, into: Path) -> None:
            raise PermanentError(f"{path}: permission denied")

    report = shelver(house, base, line=MayNotRead).shelve(DAY, now=NOW)

    assert (report.counts["stored"], report.counts["unreadable"], report.failed) == (1, 1, 0)


def test_a_file_too_large_to_be_a_design_is_not_read(house, base):
    (base / "in_gate").mkdir()
    (base / "in_gate/film.mp4").write_bytes(b"x" * 1001)

    report = replace(shelver(house, base), most_bytes=1000).refresh("default", "in_gate", now=NOW)

    assert (report.counts["too large"], report.counts.get("indexed", 0)) == (1, 0)


def test_a_listing_holds_for_a_while(house, base):
    drop(house, picture(1))
    worker = shelver(house, base, index_age=dt.timedelta(minutes=15))
    worker.shelve(DAY, now=NOW)

    soon = worker.refresh("default", "in_gate", now=NOW + dt.timedelta(minutes=14))
    later = worker.refresh("default", "in_gate", now=NOW + dt.timedelta(minutes=16))

    assert (soon.counts.get("listed lately"), later.counts.get("listed")) == (1, 1)


def test_a_nas_that_is_down_is_a_failure_that_waiting_may_cure(house, base):
    drop(house, picture(1))
    (base / MARKER).unlink()

    report = shelver(house, base).shelve(DAY, now=NOW)

    assert (report.causes, report.transient_only) == ({Cause.TRANSIENT: 1}, True)
    (base / MARKER).touch()
    assert shelver(house, base).shelve(DAY, now=NOW).counts["stored"] == 1


def test_one_file_that_fails_stops_no_other_and_is_stored_by_the_next_run(house, base):
    drop(house, *(picture(seed) for seed in range(1, 8)))

    first = shelver(house, base, line=fails_every_third()).shelve(DAY, now=NOW)
    second = shelver(house, base).shelve(DAY, now=NOW)

    assert first.failed == 2
    assert first.counts["stored"] + second.counts["stored"] == 7
    assert len(held(base)) == 7


def test_a_line_that_breaks_is_tried_again(house, base):
    drop(house, *(picture(seed) for seed in range(1, 8)))
    again = shelver(house, base, line=fails_every_third(), retry=Retry(2, 0, 10), workers=1)

    report = again.shelve(DAY, now=NOW)

    assert (report.counts["stored"], report.failed) == (7, 0)


def test_a_file_that_somebody_left_under_our_name_is_never_replaced(house, base):
    drop(house, picture(1))
    shelver(house, base).shelve(DAY, now=NOW)
    [name] = held(base)
    (base / name).write_bytes(b"somebody's")

    report = shelver(house, base).shelve(DAY, now=NOW)

    assert (report.failed, "other bytes" in report.failures[0].reason) == (1, True)
    assert (base / name).read_bytes() == b"somebody's"


def test_two_shops_have_each_their_copy(house, base):
    other = Partition("camera", "apm/out_gate", "2025-09-01")
    drop(house, picture(1))
    shelver(house, base).shelve(DAY, now=NOW)
    house.collect({"20250901000000_out_gate.jpg": picture(1)}, other)
    house.admit(other, Policy.NEAR)

    report = shelver(house, base).shelve(other, now=NOW)

    assert report.counts["stored"] == 1
    assert [name.partition("/")[0] for name in held(base)] == ["in_gate", "out_gate"]
