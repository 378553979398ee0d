"""Folders to hosts through the ledger: the plan, mirrors, the first that takes, and putting away."""

import os
import threading
import time
import zlib
from pathlib import Path

import pytest

from image_assets.core.errors import AuthenticationError
from image_assets.core.file_filter import FileFilter
from image_assets.core.model import UploadState
from image_assets.services.local_folder import InPlace, PlainFolder
from image_assets.stages.folder_plan import FolderPlan, FolderPlanner
from image_assets.stages.folder_uploads import FolderUploads, Moving, proven
from image_assets.stages.report import Cause
from image_assets.stages.uploads import Publisher, Tried
from image_assets_tests.drawing import picture
from image_assets_tests.fakes import (
    BusyHost,
    CannotBeAsked,
    FakeHost,
    FallsSilent,
    MangledHost,
    RefusesSome,
)
from image_assets_tests.stages.conftest import NOW, House

OLD = 1_000_000_000


class LocksOut(FakeHost):
    """Lets nobody in."""

    def upload(self, content, file):
        self.uploads += 1
        raise AuthenticationError("check THE_KEY")


class Batch:
    """A folder of pictures, and hosts to publish them at."""

    def __init__(self, house: House, *hosts: FakeHost, failover: bool = False) -> None:
        self.house, self.hosts, self.failover = house, hosts, failover
        self.root = house.root / "ready"
        self.root.mkdir(exist_ok=True)
        self.folder = PlainFolder(self.root, house.root / "generated")
        self.tried: list[Tried] = []

    def add(self, *names: str, seed: int | None = None) -> None:
        for name in names:
            file = self.root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(picture(zlib.crc32(name.encode()) if seed is None else seed))
            os.utime(file, (OLD, OLD))

    def plan(self, *, wanted: FileFilter | None = None, **how) -> FolderPlan:
        catalog = self.house.catalog
        planner = FolderPlanner(
            self.folder,
            catalog.local_files,
            catalog.uploads,
            self.house.decoder,
            [host.name for host in self.hosts],
            lambda: time.time_ns() + 10**10,  # long after: nothing is written at this moment
            self.failover,
        )
        return planner.plan(wanted or FileFilter(), **how)

    def uploads(self) -> FolderUploads:
        catalog = self.house.catalog
        publishers = [
            Publisher(
                host.name,
                host,
                catalog.uploads,
                InPlace(self.house.store),
                "run 1",
                lambda: NOW,
                1,
                told=self.tried.append,
            )
            for host in self.hosts
        ]
        return FolderUploads(publishers, "default", lambda: NOW, self.failover)

    def run(self, *, force: bool = False, **how):
        plan = self.plan(force=force, **how)
        return plan, self.uploads().publish(plan.todo, force=force)


def names(pictures) -> list[str]:
    return [file.name for picture in pictures for file in picture.files]


def test_the_first_by_name_are_sent_and_the_next_run_sends_the_next(house):
    batch = Batch(house, FakeHost())
    batch.add("a.jpg", "b.jpg", "c.jpg")

    first, _ = batch.run(count=2)
    second, reports = batch.run(count=2)

    assert (names(first.todo), first.waiting) == (["a.jpg", "b.jpg"], 1)
    assert (names(second.todo), names(second.settled)) == (["c.jpg"], ["a.jpg", "b.jpg"])
    assert reports["fake"].counts == {"verified": 1}


def test_the_same_content_under_other_names_is_sent_once(house):
    host = FakeHost()
    batch = Batch(house, host)
    batch.add("a.jpg", "copy of a.jpg", "sub/a.jpg", seed=1)

    plan, _ = batch.run(recursive=True)

    assert (len(plan.todo), names(plan.todo)) == (1, ["a.jpg", "copy of a.jpg", "sub/a.jpg"])
    assert host.uploads == 1


def test_a_renamed_file_is_not_sent_again(house):
    host = FakeHost()
    batch = Batch(house, host)
    batch.add("a.jpg")
    batch.run()
    (batch.root / "a.jpg").rename(batch.root / "b.jpg")

    plan, _ = batch.run()

    assert (plan.todo, names(plan.settled), host.uploads) == ((), ["b.jpg"], 1)


def test_other_bytes_under_the_same_name_are_sent(house):
    host = FakeHost()
    batch = Batch(house, host)
    batch.add("a.jpg", seed=1)
    batch.run()
    batch.add("a.jpg", seed=2)

    batch.run()

    assert host.uploads == 2


def test_a_file_is_read_once_while_it_stays_what_it_is(house):
    batch = Batch(house, FakeHost())
    batch.add("a.jpg")
    before = batch.plan().report

    again = batch.plan().report

    assert (before.counts, again.counts) == ({"identified": 1}, {})


def test_a_plan_that_is_only_shown_leaves_nothing_behind(house):
    batch = Batch(house, FakeHost())
    batch.add("a.jpg")

    batch.plan(remember=False)

    assert house.catalog.local_files.known("default", "file:///") == {}
    with house.catalog.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM uploads").scalar() == 0


def test_what_is_no_picture_is_told_once_and_holds_up_nobody(house):
    batch = Batch(house, FakeHost())
    batch.add("b.jpg")
    (batch.root / "a.png").write_bytes(b"no picture")
    os.utime(batch.root / "a.png", (OLD, OLD))

    first, reports = batch.run(count=1)
    second = batch.plan(count=1)

    assert (first.report.failed, first.fresh) != (0, frozenset())
    assert reports["fake"].counts == {"verified": 1}
    assert (second.report.failed, [file.name for file, _ in second.problems]) == (0, ["a.png"])


def test_a_refused_picture_takes_nobodys_place_in_the_next_batch(house):
    batch = Batch(house, FakeHost())
    batch.add("a.jpg", "b.jpg")
    name = batch.plan(count=1).todo[0].content.name
    batch.hosts = (RefusesSome(name),)
    batch.run(count=1)

    plan, reports = batch.run(count=1)

    assert (names(plan.todo), reports["fake"].counts) == (["b.jpg"], {"verified": 1})


def test_what_is_in_doubt_is_asked_for_beside_the_count(house):
    batch = Batch(house, FallsSilent(each=1))
    batch.add("a.jpg", "b.jpg")
    batch.run(count=1)
    sent = batch.hosts[0].uploads
    batch.hosts = (FakeHost(),)
    batch.hosts[0].held = {batch.plan().todo[0].content.name: (batch.root / "a.jpg").read_bytes()}

    plan, reports = batch.run(count=1)

    assert (sent, names(plan.todo)) == (1, ["a.jpg", "b.jpg"])
    assert (reports["fake"].counts, batch.hosts[0].uploads) == ({"verified": 2}, 1)


def test_force_sends_again_what_is_published_refused_or_in_doubt(house):
    class Silent(FallsSilent, CannotBeAsked):
        """Cannot be asked afterwards."""

    batch = Batch(house, Silent(each=1))
    batch.add("a.jpg")
    batch.run()
    stuck = batch.run()[1]["fake"]
    batch.hosts = (FakeHost(),)

    _, forced = batch.run(force=True)
    _, again = batch.run(force=True)

    assert stuck.causes == {Cause.IN_DOUBT: 1}
    assert (forced["fake"].counts, again["fake"].counts) == ({"verified": 1}, {"verified": 1})
    assert batch.hosts[0].uploads == 2


def test_mirrors_all_get_every_picture_and_one_failure_stops_no_other(house):
    batch = Batch(house, LocksOut("first"), FakeHost("second"))
    batch.add("a.jpg", "b.jpg")

    plan, reports = batch.run()
    at = batch.uploads().published(plan.todo)

    assert (reports["first"].causes, reports["second"].counts) == (
        {Cause.PERMANENT: 2},
        {"verified": 2},
    )
    assert [[shown.destination for shown in one] for one in at] == [["second"], ["second"]]
    assert not proven(at[0], ["first", "second"], failover=False)


def test_with_failover_the_first_that_takes_a_picture_has_it(house):
    batch = Batch(house, BusyHost(times=1), FakeHost("second"), failover=True)
    batch.add("a.jpg", "b.jpg")

    plan, reports = batch.run()
    at = batch.uploads().published(plan.todo)

    assert reports["failover"].counts == {"verified at second": 1, "verified at fake": 1}
    assert [[shown.destination for shown in one] for one in at] == [["second"], ["fake"]]
    assert proven(at[0], ["fake", "second"], failover=True)
    assert batch.plan().todo == ()


def test_a_host_that_lets_nobody_in_is_not_tried_with_every_picture(house):
    batch = Batch(house, LocksOut("first"), FakeHost("second"), failover=True)
    batch.add("a.jpg", "b.jpg", "c.jpg")

    _, reports = batch.run()

    assert reports["failover"].counts == {"verified at second": 3}
    assert batch.hosts[0].uploads == 1


def test_where_no_host_takes_it_the_last_ones_reason_is_told(house):
    batch = Batch(house, LocksOut("first"), LocksOut("second"), failover=True)
    batch.add("a.jpg", "b.jpg")

    _, reports = batch.run()

    assert reports["failover"].causes == {Cause.PERMANENT: 2}
    assert "check THE_KEY" in reports["failover"].failures[0].reason


def test_what_the_host_mangles_is_not_put_away(house):
    batch = Batch(house, MangledHost())
    batch.add("a.jpg")

    plan, reports = batch.run()
    at = batch.uploads().published(plan.todo)

    assert (reports["fake"].failed, at) == (1, [[]])


def test_files_are_put_away_and_the_ledger_knows_where(house):
    batch = Batch(house, FakeHost())
    batch.add("a.jpg", "sub/b.jpg", seed=3)
    plan, _ = batch.run(recursive=True)

    moving = Moving(batch.folder, house.catalog.local_files, "default")
    report = moving.move(plan.todo)

    there = house.root / "generated"
    found = sorted(str(f.relative_to(there)) for f in there.rglob("*") if f.is_file())
    [row] = house.catalog.uploads.register("fake", "default", [plan.todo[0].content], now=NOW)
    kept = house.catalog.uploads.upload(row.id).content.path
    assert (report.counts, found) == ({"moved": 2}, ["a.jpg", "sub/b.jpg"])
    assert kept == (there / "a.jpg").as_uri()


def test_who_comes_while_another_sends_waits_for_what_he_gets(house):
    entered, leave = threading.Event(), threading.Event()

    class Slow(FakeHost):
        """Answers when it is told to."""

        def upload(self, content, file):
            entered.set()
            assert leave.wait(10)
            return super().upload(content, file)

    batch = Batch(house, Slow())
    batch.add("a.jpg")
    [planned] = batch.plan().todo
    ledger = house.catalog.uploads
    [row] = ledger.register("fake", "default", [planned.content], now=NOW)
    first, second = batch.uploads().publishers[0], batch.uploads().publishers[0]
    waiting = threading.Event()

    def sleep(seconds: float) -> None:
        waiting.set()
        leave.set()
        time.sleep(0.01)

    patient = Publisher(
        "fake",
        batch.hosts[0],
        ledger,
        second.store,
        "run 2",
        lambda: NOW,
        patience=60,
        sleep=sleep,
    )
    sender = threading.Thread(target=first.settle_one, args=(row,))
    sender.start()
    assert entered.wait(10)

    outcome = patient.settle_one(row)
    sender.join()

    assert waiting.is_set()
    assert (batch.hosts[0].uploads, outcome.note) in [(1, "unchanged"), (1, "verified")]
    assert ledger.upload(row.id).state is UploadState.VERIFIED


def test_every_attempt_is_told_with_its_number(house):
    batch = Batch(house, BusyHost(times=1))
    batch.add("a.jpg")

    batch.run()
    batch.run()

    told = [(t.number, t.attempt.outcome, t.receipt is not None) for t in batch.tried]
    assert told == [(1, "failure", False), (2, "success", True)]


@pytest.mark.parametrize("name", ["=1+1.jpg", "a b\n.jpg", "-rf.jpg", "\udcff.jpg"])
def test_odd_names_are_published_like_others(house, name):
    batch = Batch(house, FakeHost())
    batch.add(name, seed=5)

    plan, reports = batch.run()

    assert reports["fake"].counts == {"verified": 1}
    assert Path(plan.todo[0].name).name.isprintable()
