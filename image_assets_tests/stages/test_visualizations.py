import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from image_assets.core.model import ImageFormat, Level, Publishes
from image_assets.core.originals import OriginalsPolicy
from image_assets.ports import ImageHost
from image_assets.services.visualization import VisualizationFolder
from image_assets.stages.images import AT_ONCE, Terms
from image_assets.stages.latest import Announcement, Announcer
from image_assets.stages.report import Report
from image_assets.stages.uploads import Publisher
from image_assets.stages.visualizations import HandOver
from image_assets_tests.fakes import FakeHost, FakeLatestStore
from image_assets_tests.plotting import DRAWN, draw
from image_assets_tests.stages.conftest import NOW, RECIPE, House

DAILY = "temperature:daily"
LATER = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
"""A file that a test wrote changed now, whatever it says of itself: its folder looks later."""


@dataclass
class Desk:
    """A folder of visualisations, and who takes them from there to a latest key."""

    house: House
    folder: Path
    host: FakeHost
    store: FakeLatestStore
    plots: VisualizationFolder

    def publish(self, host: ImageHost | None = None, destination: str = "far") -> None:
        """Take in what lies there, and publish it."""
        catalog = self.house.catalog
        for partition in self.plots.waiting():
            collector = self.house.collector(self.plots, Terms(1, *AT_ONCE))
            assert not collector.collect(partition, now=NOW).failed
            rooms = (host or self.host, catalog.uploads, self.house.store)
            publisher = Publisher(destination, *rooms, "run", lambda: NOW, 1)
            publisher.publish(partition, Publishes.ORIGINALS, RECIPE)

    def announce(self, now: dt.datetime = NOW) -> None:
        what = Announcement("visualization", DAILY, "far", None, ImageFormat.PNG, "daily")
        Announcer(self.store, self.house.catalog.latest, "run", lambda: now).announce(what)

    def hand_over(
        self, *destinations: str, now: dt.datetime = NOW, deletes: bool = True
    ) -> HandOver:
        catalog = self.house.catalog
        return HandOver(
            self.plots,
            catalog.visualizations,
            catalog.latest,
            destinations or ("far",),
            lambda collection: f"{collection}:latest",
            lambda: now,
            OriginalsPolicy(on=deletes),
        )

    def tidy(self, *destinations: str, **how: object) -> Report:
        return self.hand_over(*destinations, **how).tidy()  # type: ignore[arg-type]

    def lying(self) -> list[str]:
        """The files that are still where they were drawn."""
        return sorted(f.name for f in self.folder.iterdir() if f.is_file())


@pytest.fixture
def desk(house: House, tmp_path: Path) -> Desk:
    folder = tmp_path / "plots"
    folder.mkdir()
    plots = VisualizationFolder(
        "visualization",
        folder,
        (DAILY,),
        settle=dt.timedelta(seconds=1),
        max_bytes=1_000_000,
        now=lambda: LATER,
    )
    return Desk(house, folder, FakeHost("far"), FakeLatestStore(), plots)


Drawing = Callable[[int], Path]


@pytest.fixture
def drawn(desk: Desk) -> Drawing:
    """Draw the plot of a day of January."""

    def drawn(day: int) -> Path:
        period = {"start": f"2025-01-{day}T00:00:00Z", "end": f"2025-01-{day + 1}T00:00:00Z"}
        at = DRAWN.replace(day=day + 1)
        return draw(desk.folder, f"{day}.png", seed=day, drawn=at, **period)

    return drawn


def test_published_and_announced_it_is_put_away(desk, drawn):
    drawn(15)
    desk.publish()
    desk.announce()

    report = desk.tidy()

    assert (report.counts, desk.lying()) == ({"put_away": 1}, [])


def test_what_is_nowhere_yet_is_unpublished(desk, drawn):
    drawn(15)
    before = [p.key for p in desk.hand_over().unpublished()]

    desk.publish()

    assert before == ["2025-01-15"]
    assert desk.hand_over().unpublished() == {}


def test_what_is_not_stored_or_not_published_stays(desk, drawn):
    drawn(15)
    desk.announce()

    assert desk.tidy().counts == {}
    assert desk.lying() == ["15.json", "15.png"]


def test_published_and_not_announced_it_stays(desk, drawn):
    drawn(15)
    desk.publish()

    assert not desk.hand_over().due()
    assert desk.tidy().counts == {}


def test_an_announcement_that_was_not_read_back_is_none(desk, drawn):
    drawn(15)
    desk.publish()
    desk.store.staleness = dt.timedelta(days=400)
    desk.announce()

    assert desk.tidy().counts == {}


def test_what_a_newer_one_overtook_needs_no_announcement_of_its_own(desk, drawn):
    drawn(14)
    drawn(15)
    desk.publish()
    desk.announce()

    assert desk.tidy().counts == {"put_away": 2}


def test_what_is_newer_than_the_key_stays(desk, drawn):
    drawn(14)
    desk.publish()
    desk.announce()
    drawn(15)
    desk.publish()

    desk.tidy()

    assert desk.lying() == ["15.json", "15.png"]


def test_a_copy_on_this_disk_alone_does_not_count(desk, drawn):
    drawn(15)
    desk.publish(FakeHost("local"), "local")

    here = replace(desk.hand_over("local"), latest_key=lambda _: None)

    assert here.tidy().counts == {}


def test_every_destination_must_hold_it(desk, drawn):
    drawn(15)
    desk.publish()
    desk.announce()

    assert desk.tidy("far", "further").counts == {}


def test_a_host_that_shows_the_picture_encoded_anew_is_no_proof(desk, drawn):
    drawn(15)
    desk.host.level = Level.L2
    desk.publish()
    desk.announce()

    assert desk.tidy().counts == {}


def test_nothing_is_put_away_where_local_files_are_kept(desk, drawn):
    drawn(15)
    desk.publish()
    desk.announce()

    assert not desk.hand_over(deletes=False).due()
    assert desk.tidy(deletes=False).counts == {}


def test_nothing_is_purged_any_more_where_local_files_are_kept(desk, drawn):
    drawn(15)
    desk.publish()
    desk.announce()
    desk.tidy()

    assert desk.tidy(now=NOW + dt.timedelta(days=8), deletes=False).counts == {}


def test_other_bytes_under_the_same_time_are_not_put_away(desk, drawn):
    file = drawn(15)
    desk.publish()
    desk.announce()
    draw(desk.folder, "other.png", seed=7, drawn=DRAWN).replace(file)

    (failure,) = desk.tidy().failures

    assert "its bytes are not those that were published" in failure.reason
    assert "15.png" in desk.lying()


def test_a_period_that_is_drawn_again_is_published_and_announced_again(desk, drawn):
    drawn(15)
    desk.publish()
    desk.announce()
    told = desk.store.get(f"{DAILY}:latest")
    draw(
        desk.folder,
        "15.png",
        seed=99,
        drawn=DRAWN + dt.timedelta(hours=1),
        start="2025-01-15T00:00:00Z",
        end="2025-01-16T00:00:00Z",
        data_points=1500,
    )

    desk.publish()
    assert desk.tidy().counts == {}  # the key shows the drawing before
    desk.announce(NOW + dt.timedelta(minutes=5))

    assert desk.tidy().counts == {"put_away": 1}
    again = desk.store.get(f"{DAILY}:latest") or ""
    assert told != again
    assert '"data_points":1500' in again


def test_purged_only_when_its_time_has_come(desk, drawn):
    drawn(15)
    desk.publish()
    desk.announce()
    desk.tidy()

    early = desk.tidy(now=NOW + dt.timedelta(days=6))
    late = desk.tidy(now=NOW + dt.timedelta(days=8))

    assert (early.counts, late.counts) == ({}, {"purged": 1})
    assert desk.plots.away() == []


def test_a_proof_that_is_old_lets_nothing_go(desk, drawn):
    drawn(15)
    desk.publish()
    desk.announce()

    assert desk.tidy(now=NOW + dt.timedelta(days=31)).counts == {}


def test_a_clock_that_runs_ahead_of_what_was_put_away_purges_nothing(desk, drawn):
    drawn(15)
    desk.publish()
    desk.announce()
    desk.tidy(now=NOW + dt.timedelta(days=29))

    assert desk.tidy(now=NOW).counts == {}


def test_what_was_changed_after_it_was_put_away_is_never_purged(desk, drawn):
    drawn(15)
    desk.publish()
    desk.announce()
    desk.tidy()
    (away,) = desk.folder.rglob("*.png")
    away.write_bytes(b"other bytes")

    (failure,) = desk.tidy(now=NOW + dt.timedelta(days=8)).failures

    assert "its bytes are not proven at far any more; it stays" in failure.reason
    assert away.exists()


def test_without_a_latest_key_being_published_is_enough(desk, drawn):
    drawn(15)
    desk.publish()

    report = replace(desk.hand_over(), latest_key=lambda _: None).tidy()

    assert report.counts == {"put_away": 1}
