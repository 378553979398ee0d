"""Looking again at what was published, against hosts that lose, swap, fall silent or come back."""

import datetime as dt
import itertools
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from image_assets.core.errors import (
    AuthenticationError,
    NotFoundError,
    TransientError,
    VerificationError,
)
from image_assets.core.fidelity import Shown, Treatment
from image_assets.core.looks import LookTerms
from image_assets.core.model import Content, Level, Publishes, Receipt, UploadState
from image_assets.core.notices import NoticeKind
from image_assets.ports import ImageHost
from image_assets.stages.links import Checked, LinkChecker
from image_assets.stages.report import Cause
from image_assets.stages.uploads import Publisher
from image_assets.stages.verification import Witness
from image_assets_tests.drawing import picture
from image_assets_tests.fakes import FakeHost
from image_assets_tests.stages.conftest import DAY, NOW, RECIPE, House

DESTINATION = "somewhere"
TERMS = LookTerms(per_minute=1e9)


class WatchedHost(FakeHost):
    """A host that tells what became of a picture; what it makes of each is a name in `made`."""

    def __init__(self) -> None:
        super().__init__()
        self.made: dict[str, Treatment] = {}
        self.silent = False
        self.looks = 0

    def show(self, content: Content, file: Path, receipt: Receipt) -> Shown:
        self.looks += 1
        if self.silent:
            raise TransientError(f"{self.name}: 503")
        made = self.made.get(content.name, Treatment.SAME_BYTES)
        if made is Treatment.LOST:
            raise NotFoundError(f"{content.name}: 404")
        if made.harms:
            raise VerificationError(f"{content.name}: {made.words}", made)
        level = Level.L3 if made is Treatment.SAME_BYTES else Level.L2
        return Shown(level, content.format, frozenset({made}), content.size)

    def verify(self, content: Content, file: Path, receipt: Receipt) -> Level:
        return self.show(content, file, receipt).level


class Blind(WatchedHost):
    """It shows nothing to who has no file to compare with."""

    look = None


class LooksAlone(WatchedHost):
    """It can be looked at without a file."""

    def look(self, content: Content, receipt: Receipt, size: int | None = None) -> Level:
        if self.made.get(content.name) is Treatment.LOST:
            raise NotFoundError(f"{content.name}: 404")
        return Level.L1


@dataclass
class Place:
    """A house whose originals are published at a host, and a clock to turn."""

    house: House
    host: WatchedHost
    now: dt.datetime = NOW
    terms: LookTerms = field(default_factory=lambda: TERMS)

    def clock(self) -> dt.datetime:
        return self.now

    def witness(self) -> Witness:
        catalog = self.house.catalog
        return Witness(DESTINATION, catalog.fidelity, catalog.notices, self.clock)

    def publish(self, host: ImageHost | None = None) -> dict[str, int]:
        publisher = Publisher(
            DESTINATION,
            host or self.host,
            self.house.catalog.uploads,
            self.house.store,
            "run 1",
            self.clock,
            1,
            witness=self.witness(),
        )
        return dict(publisher.publish(DAY, Publishes.ORIGINALS, RECIPE).counts)

    def check(self, *, believe: bool = False) -> Checked:
        catalog = self.house.catalog
        checker = LinkChecker(
            DESTINATION,
            self.host,
            catalog.links,
            catalog.uploads,
            self.witness(),
            catalog.notices,
            self.house.store,
            self.clock,
            self.terms,
            believe,
            workers=1,
        )
        return checker.check()

    def after(self, **span: float) -> Checked:
        self.now += dt.timedelta(**span)
        return self.check()

    def names(self) -> list[str]:
        rows = self.house.catalog.uploads.published(DAY, DESTINATION)
        return sorted(row.upload.content.name for row in rows)

    def states(self) -> dict[UploadState, int]:
        return dict(self.house.catalog.uploads.counts(DAY, DESTINATION))

    def news(self) -> list[str]:
        with self.house.catalog.engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT kind, text FROM notices ORDER BY id").all()
        return [text for kind, text in rows if kind == NoticeKind.HOST_CHANGED]


@pytest.fixture
def place(house: House) -> Place:
    """Four originals at a host."""
    house.collect({f"2025090110{n:02}00_in_gate.jpg": picture(n) for n in range(4)})
    place = Place(house, WatchedHost())
    place.publish()
    return place


def test_what_is_as_it_was_is_alive_and_proven_anew(place):
    checked = place.after(days=31)

    assert (checked.report.counts, checked.found, place.host.looks) == ({"alive": 4}, (), 8)
    assert place.after(days=29).report.counts == {}


def test_one_look_makes_nothing_gone(place):
    name = place.names()[0]
    place.host.made[name] = Treatment.LOST

    checked = place.after(days=31)

    assert checked.report.counts == {"alive": 3, "gone": 1}
    assert [(f.name, f.finding, f.settled) for f in checked.found] == [(name, "gone", False)]
    assert place.states() == {UploadState.VERIFIED: 4}


def test_two_looks_hours_apart_make_it_gone_and_one_run_publishes_it_again(place):
    name = place.names()[0]
    place.host.made[name] = Treatment.LOST
    place.after(days=31)

    checked = place.after(hours=7)
    lost = place.states()
    sent = place.host.uploads
    place.now += dt.timedelta(hours=1)
    again = place.publish(FakeHost())

    assert (checked.lost, [found.settled for found in checked.found]) == (1, [True])
    assert lost == {UploadState.VERIFIED: 3, UploadState.FAILED: 1}
    assert (again, sent) == ({"unchanged": 3, "verified": 1}, 4)
    assert place.house.catalog.links.suspects(DESTINATION) == ()


def test_what_is_back_when_the_run_looks_once_more_is_not_sent_again(place):
    name = place.names()[0]
    place.host.made[name] = Treatment.LOST
    place.after(days=31)
    place.after(hours=7)

    place.host.made.clear()
    again = place.publish()

    assert (again, place.host.uploads) == ({"unchanged": 3, "verified": 1}, 4)


def test_a_host_that_does_not_answer_when_the_run_looks_once_more_is_sent_nothing(place):
    place.host.made[place.names()[0]] = Treatment.LOST
    place.after(days=31)
    place.after(hours=7)

    place.host.silent = True
    again = place.publish()

    assert (again, place.host.uploads) == ({"unchanged": 3}, 4)
    assert place.states() == {UploadState.VERIFIED: 3, UploadState.FAILED: 1}


def test_what_shows_something_else_is_changed_not_gone(place):
    place.host.made[place.names()[0]] = Treatment.REPLACED
    place.after(days=31)

    checked = place.after(hours=7)

    assert [(f.finding, f.settled) for f in checked.found] == [("changed", True)]
    assert place.states()[UploadState.FAILED] == 1


def test_a_failed_look_is_no_absence_however_often(place):
    place.host.silent = True

    for _ in range(4):
        checked = place.after(days=31)

    assert checked.report.counts == {"unreachable": 4}
    assert (checked.lost, place.states()) == (0, {UploadState.VERIFIED: 4})


def test_a_host_that_answers_nobody_is_left_alone_for_the_rest_of_the_check(place, monkeypatch):
    monkeypatch.setattr("image_assets.stages.links._PORTION", 5)
    frames = {f"2025090111{n:02}00_in_gate.jpg": picture(100 + n) for n in range(12)}
    place.house.collect(frames)
    place.publish()
    before, place.host.silent = place.host.looks, True

    checked = place.after(days=31)

    assert place.host.looks - before == 5
    assert checked.stopped is not None
    assert "does not answer" in checked.stopped


def test_the_check_goes_on_where_the_last_one_ended(place):
    place.terms = replace(TERMS, most=3)

    counts = [place.after(days=31).report.counts, place.check().report.counts]

    assert counts == [{"alive": 3}, {"alive": 1}]


def test_most_of_it_gone_speaks_of_the_host_and_is_not_believed(place):
    frames = {f"2025090111{n:02}00_in_gate.jpg": picture(100 + n) for n in range(8)}
    place.house.collect(frames)
    place.publish()
    for name in place.names()[:9]:
        place.host.made[name] = Treatment.LOST
    place.after(days=31)

    doubted = place.after(hours=7)
    place.now += dt.timedelta(hours=7)
    believed = place.check(believe=True)

    assert (doubted.lost, believed.lost) == (0, 9)
    assert doubted.stopped is not None
    assert "republish --from somewhere" in doubted.stopped
    assert any("likelier cause" in text for text in place.news())


def test_a_wrong_key_ends_the_check_and_accuses_nothing(place):
    class Locked(WatchedHost):
        """Its key was taken back."""

        def show(self, content, file, receipt):
            self.looks += 1
            raise AuthenticationError("check THE_KEY")

    place.host = Locked()

    checked = place.after(days=31)

    assert checked.report.causes == {Cause.PERMANENT: 4}
    assert place.host.looks == 1
    assert place.states() == {UploadState.VERIFIED: 4}


def test_without_our_bytes_only_what_can_be_looked_at_alone_is_looked_at(place):
    for key in place.house.files("images"):
        place.house.store.delete(key)
    place.host, alone = Blind(), LooksAlone()
    alone.made[place.names()[0]] = Treatment.LOST

    blind = place.after(days=31)
    place.host = alone
    seeing = place.after(hours=7)

    assert blind.report.counts == {"unreachable": 4}
    assert "not here to compare" in blind.found[0].reason
    assert seeing.report.counts == {"alive": 3, "gone": 1}


def test_a_host_that_begins_to_encode_anew_is_told_once_with_an_example(place):
    for name in place.names():
        place.host.made[name] = Treatment.ENCODED_ANEW

    changes = place.after(days=31).changes
    again = place.after(days=31).changes

    assert [habit.treatment for habit in changes] == [Treatment.ENCODED_ANEW]
    assert "where it was: keeps the bytes (4)" in changes[0].said
    assert again == ()
    assert place.news() == [changes[0].said]
    assert {r.upload.level for r in place.house.catalog.uploads.published(DAY, DESTINATION)} == {
        Level.L2
    }


def test_publishing_learns_as_well(place):
    habits = place.house.catalog.fidelity.habits(DESTINATION)

    assert [(h.treatment, h.count) for h in habits] == [(Treatment.SAME_BYTES, 4)]


def test_looks_at_one_host_are_so_far_apart(place):
    waits: list[float] = []
    place.now += dt.timedelta(days=31)
    catalog = place.house.catalog
    checker = LinkChecker(
        DESTINATION,
        place.host,
        catalog.links,
        catalog.uploads,
        place.witness(),
        catalog.notices,
        place.house.store,
        place.clock,
        LookTerms(per_minute=60),
        workers=1,
        wait=waits.append,
    )

    checker.check()

    assert len(waits) == 3
    assert all(later > earlier for earlier, later in itertools.pairwise(waits))
