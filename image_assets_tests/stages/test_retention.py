import datetime as dt
import os

import pytest

from image_assets.core.model import Publishes
from image_assets.core.retention import RetentionPolicy
from image_assets.stages.report import Report
from image_assets.stages.retention import Retention
from image_assets.stages.uploads import Publisher
from image_assets_tests.drawing import picture
from image_assets_tests.fakes import FakeHost
from image_assets_tests.stages.conftest import DAY, NOW, RECIPE, House

IN_A_WEEK = NOW + dt.timedelta(days=8)


@pytest.fixture
def exported(house: House) -> House:
    house.collect({"20250901100000_in_gate.jpg": picture(1)})
    house.admit()
    house.export()
    return house


def retention(house: House, recipes: tuple[str, ...] = (RECIPE.name,)) -> Retention:
    return Retention(house.catalog.retention, house.store, RetentionPolicy(), recipes)


def clean(house: House, now: dt.datetime, recipes: tuple[str, ...] = (RECIPE.name,)) -> Report:
    stage = retention(house, recipes)
    stage.plan(now=now)
    return stage.apply(now=now)


def test_old_exports_go_and_originals_stay(exported):
    originals = exported.files("images")

    report = clean(exported, IN_A_WEEK)

    assert report.counts == {"export_deleted": 3}
    assert (exported.files("exports"), exported.files("images")) == ([], originals)


def test_young_exports_stay(exported):
    report = clean(exported, NOW + dt.timedelta(days=6))

    assert (report.done, len(exported.files("exports"))) == (0, 3)


def test_planning_removes_nothing(exported):
    plan = retention(exported).plan(now=IN_A_WEEK)

    assert plan.going.total() == 3
    assert len(exported.files("exports")) == 3


def test_every_verdict_has_its_reason(exported):
    plan = retention(exported).plan(now=NOW)

    assert set(plan.kept) == {"younger than 7 days"}


def test_expired_exports_are_not_made_again_by_the_next_run(exported):
    clean(exported, IN_A_WEEK)

    report = exported.export()

    assert (report.done, exported.files("exports")) == (0, [])


def test_an_export_that_is_still_to_be_sent_stays(exported):
    contents = exported.catalog.uploads.publishable(DAY, Publishes.EXPORTS, RECIPE)
    exported.catalog.uploads.register("somewhere", "default", contents[:1], now=NOW)

    report = clean(exported, IN_A_WEEK)

    assert report.counts == {"export_deleted": 2}


def test_a_published_export_may_go(exported):
    publisher = Publisher(
        "somewhere", FakeHost(), exported.catalog.uploads, exported.store, "run", lambda: NOW, 1
    )
    publisher.publish(DAY, Publishes.EXPORTS, RECIPE)

    assert clean(exported, IN_A_WEEK).counts == {"export_deleted": 3}


def test_an_export_that_was_never_offered_to_its_destinations_stays(exported):
    stage = Retention(
        exported.catalog.retention,
        exported.store,
        RetentionPolicy(),
        (RECIPE.name,),
        {"camera": 2},
    )

    plan = stage.plan(now=IN_A_WEEK)

    assert set(plan.kept) == {"published at 0 of 2 destinations so far"}
    assert not plan.going.total()


def test_an_export_whose_recipe_is_forgotten_stays(exported):
    with exported.catalog.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM recipes")

    assert clean(exported, IN_A_WEEK, recipes=("another",)).done == 0


def test_what_came_to_be_needed_after_the_plan_stays(exported):
    stage = retention(exported)
    stage.plan(now=IN_A_WEEK)
    contents = exported.catalog.uploads.publishable(DAY, Publishes.EXPORTS, RECIPE)
    exported.catalog.uploads.register("somewhere", "default", contents, now=IN_A_WEEK)

    report = stage.apply(now=IN_A_WEEK)

    assert report.counts == {"withdrawn": 3}
    assert len(exported.files("exports")) == 3


def test_more_than_fits_at_once_is_decided_and_removed_portion_by_portion(exported, monkeypatch):
    monkeypatch.setattr("image_assets.stages.retention._TOGETHER", 2)
    monkeypatch.setattr("image_assets.services.catalog.retention._PAGE", 2)

    outlook = retention(exported).look(now=IN_A_WEEK)
    report = clean(exported, IN_A_WEEK)

    assert (outlook.considered, outlook.going.total()) == (3, 3)
    assert report.counts == {"export_deleted": 3}


def test_one_clean_up_at_a_time(exported):
    first, second = retention(exported), retention(exported)

    with first.turn() as mine, second.turn() as also:
        during = (mine, also)
    with second.turn() as later:
        pass

    assert (during, later) == ((True, False), True)


def test_a_look_is_not_remembered(exported):
    stage = retention(exported)

    plan = stage.look(now=IN_A_WEEK)

    assert plan.going.total() == 3
    assert exported.catalog.retention.planned() == ()


def test_scratch_files_go_after_a_day(house):
    left = house.root / "data/tmp/abandoned/file"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    written = NOW.timestamp()
    os.utime(left, (written, written))

    young = clean(house, NOW + dt.timedelta(hours=23))
    old = clean(house, NOW + dt.timedelta(hours=25))

    assert (young.done, old.counts) == (0, {"temporary_deleted": 1})
    assert house.files("tmp") == []


def test_a_clock_in_the_far_past_or_a_date_in_the_future_deletes_nothing(exported):
    assert clean(exported, NOW - dt.timedelta(days=3650)).done == 0


def test_a_purge_that_was_cut_off_is_finished_by_the_next_run(exported):
    class Stuck:
        """A store that cannot delete for now."""

        def __getattr__(self, name):
            return getattr(exported.store, name)

        def delete(self, key):
            raise KeyboardInterrupt

    stage = Retention(exported.catalog.retention, Stuck(), RetentionPolicy(), (RECIPE.name,))  # type: ignore[arg-type]
    stage.plan(now=IN_A_WEEK)
    with pytest.raises(KeyboardInterrupt):
        stage.apply(now=IN_A_WEEK)

    clean(exported, IN_A_WEEK)

    assert exported.files("exports") == []
