"""A dead host's pictures, published elsewhere."""

import datetime as dt

import pytest

from image_assets.core.model import Publishes
from image_assets.stages.rebuilding import Rebuilder
from image_assets.stages.report import Cause
from image_assets.stages.republishing import Republished, Republisher
from image_assets.stages.uploads import Publisher
from image_assets_tests.drawing import picture
from image_assets_tests.fakes import FakeHost, RefusesSome
from image_assets_tests.stages.conftest import DAY, NOW, RECIPE, House


def publisher(house: House, host: FakeHost) -> Publisher:
    return Publisher(
        host.name, host, house.catalog.uploads, house.store, "run 1", lambda: NOW, workers=1
    )


@pytest.fixture
def published(house: House) -> House:
    """Two pictures and their exports, all of them at the host `old`."""
    house.collect({f"2025090110{n:02}00_in_gate.jpg": picture(n) for n in range(2)})
    house.admit()
    house.export()
    publisher(house, FakeHost("old")).publish(DAY, Publishes.BOTH, RECIPE)
    return house


def republisher(house: House) -> Republisher:
    catalog = house.catalog
    rebuilder = Rebuilder(catalog.rebuilding, house.store, house.decoder, [RECIPE])
    return Republisher(
        catalog.republishing, catalog.rebuilding, house.store, house.store, rebuilder
    )


def republish(house: House, host: FakeHost) -> Republished:
    done = Republished()
    for page in republisher(house).republish("old", publisher(house, host)):
        done += page
    return done


def test_everything_goes_to_the_other_host_and_only_once(published):
    new = FakeHost("new")

    first, second = republish(published, new), republish(published, new)

    assert (first.stored, first.report.counts) == (8, {"verified": 8})
    assert (second.there, second.stored, new.uploads) == (8, 0, 8)


def test_a_dry_run_tells_and_does_nothing(published):
    looked = republisher(published).look("old", "new")

    assert (looked.stored, looked.rebuilt, looked.lost_count) == (8, 0, 0)
    assert published.catalog.links.destinations() == ("old",)


def test_what_was_cut_off_goes_on_where_it_was(published):
    new = FakeHost("new")
    pages = republisher(published).republish("old", publisher(published, new))
    next(iter(pages))

    rest = republish(published, new)

    assert (rest.there, new.uploads) == (8, 8)


def test_an_export_that_is_not_here_is_made_again(published):
    for key in published.files("exports"):
        published.store.delete(key)
    new = FakeHost("new")
    looked = republisher(published).look("old", "new")

    done = republish(published, new)

    assert (looked.stored, looked.rebuilt) == (2, 6)
    assert (done.stored, done.rebuilt, done.report.counts) == (2, 6, {"verified": 8})
    assert done.lost_count == 0


def test_what_only_the_old_host_had_is_told_with_where_it_belongs(published):
    for key in published.files("exports") + published.files("images")[:1]:
        published.store.delete(key)
    looked = republisher(published).look("old", "new")

    done = republish(published, FakeHost("new"))

    assert looked.lost_count >= 1
    assert done.lost_count == 4
    assert {partition for lost in done.lost for partition in lost.partitions} == {DAY}
    assert all(lost.url.startswith("https://old.example/") for lost in done.lost)


def test_what_the_new_host_refuses_is_a_failure_and_stops_no_other(published):
    name = published.catalog.republishing.given("old")[0][1].content.name
    host = RefusesSome(name)

    done = republish(published, host)

    assert (done.report.counts, done.report.causes) == ({"verified": 7}, {Cause.PERMANENT: 1})


def test_what_was_taken_down_there_is_not_published_elsewhere(published):
    [*_, (_, last)] = published.catalog.republishing.given("old")
    with published.catalog.uploads.removing(last.id, now=NOW + dt.timedelta(days=1)):
        pass  # the host did what it was told

    assert republish(published, FakeHost("new")).stored == 7
