import datetime as dt
from dataclasses import replace

import pytest

from image_assets.core.errors import NotFoundError
from image_assets.core.model import Level, Publishes
from image_assets.core.originals import OriginalsPolicy
from image_assets.core.retention import RetentionPolicy
from image_assets.stages.originals import Originals
from image_assets.stages.report import Report
from image_assets.stages.retention import Retention
from image_assets.stages.uploads import Publisher
from image_assets_tests.drawing import picture
from image_assets_tests.fakes import FakeHost, MangledHost
from image_assets_tests.stages.conftest import DAY, NOW, RECIPE, House

POLICY = OriginalsPolicy(places={"camera": frozenset({"somewhere"})})
LATER = NOW + POLICY.undo
FRAMES = {f"2025090110{minute:02}00_in_gate.jpg": picture(minute) for minute in range(3)}


def publish(house: House, host: FakeHost | None = None) -> Report:
    publisher = Publisher(
        "somewhere", host or FakeHost("somewhere"), house.catalog.uploads, house.store,
        "run", lambda: NOW, 1,
    )  # fmt: skip
    return publisher.publish(DAY, Publishes.ORIGINALS, RECIPE)


@pytest.fixture
def published(house: House) -> House:
    """Three pictures, each of them provably elsewhere."""
    house.collect(FRAMES)
    publish(house)
    return house


def originals(house: House, **changes: object) -> Originals:
    return Originals(house.catalog.originals, house.store, replace(POLICY, **changes))


def clean(house: House, now: dt.datetime = NOW, **changes: object) -> dict[str, int]:
    stage = originals(house, **changes)
    stage.plan(now=now)
    return stage.apply(now=now).counts


def test_what_is_proven_elsewhere_is_marked_at_once_and_goes_after_the_days_of_undo(published):
    before = published.files("images")

    marked, again, purged = (clean(published, now) for now in (NOW, NOW, LATER))

    assert (marked, again) == ({"original_tombstoned": 2}, {})
    assert purged == {"original_deleted": 2}
    assert published.files("images") == before[-1:]


def test_the_bytes_stay_until_then(published):
    before = published.files("images")

    clean(published)

    assert published.files("images") == before


def test_what_was_never_published_stays(house):
    house.collect(FRAMES)

    plan = originals(house).look(now=NOW)

    assert (clean(house), plan.kept) == (
        {}, {"published at 0 of 1 destinations so far": 2, "the newest of its collection": 1},
    )  # fmt: skip


def test_what_a_host_mangled_stays(house):
    house.collect(FRAMES)
    publish(house, MangledHost("somewhere"))

    assert clean(house) == {}


def test_what_a_host_holds_in_another_form_alone_stays(house):
    class Encodes(FakeHost):
        level = Level.L2

    house.collect(FRAMES)
    publish(house, Encodes("somewhere"))

    assert clean(house) == {}
    assert originals(house).look(now=NOW).kept["0 of 1 proven copies elsewhere"] == 2


def test_off_is_off(published):
    plan = originals(published, on=False).look(now=NOW)

    assert (clean(published, on=False), plan.considered) == ({}, 0)


def test_more_than_the_breaker_lets_pass_stays_and_says_so(published, caplog):
    stage = originals(published, least=0)

    plan = stage.plan(now=NOW)

    assert not plan.going
    assert "2 of 3 originals would go at once, more than 10%" in (stage.refused(plan) or "")
    assert {verdict.reason for verdict in plan.shown_kept} == set(plan.kept)
    assert stage.apply(now=NOW).counts == {}
    assert "a person says so first" in caplog.text


def test_a_person_lets_it_pass(published):
    stage = replace(originals(published, least=0), approved=True)

    stage.plan(now=NOW)

    assert stage.apply(now=NOW).counts == {"original_tombstoned": 2}


def test_a_plan_that_was_refused_takes_the_one_before_with_it(published):
    originals(published).plan(now=NOW)
    originals(published, least=0).plan(now=NOW)

    assert originals(published).apply(now=NOW).counts == {}


def test_what_was_removed_comes_back_and_stays(published):
    clean(published)
    stage = originals(published)

    report = stage.restore(None, now=NOW)

    assert report.counts == {"restored": 2}
    assert clean(published, LATER) == {}
    assert stage.look(now=NOW).kept == {"pinned": 2, "the newest of its collection": 1}


def test_one_alone_comes_back(published):
    clean(published)
    stage = originals(published)
    first, second = stage.removed()

    stage.restore([first.path], now=NOW)

    assert [one.path for one in stage.removed()] == [second.path]
    assert clean(published, LATER) == {"original_deleted": 1}


def test_a_proof_that_is_too_old_is_renewed_by_asking_the_host(house):
    house.collect(FRAMES)
    host, later = FakeHost("somewhere"), NOW + 31 * dt.timedelta(days=1)
    publish(house, host)
    stage, uploads = originals(house), house.catalog.uploads

    before = clean(house, later)
    report = stage.prove({"somewhere": host}, uploads, now=later)

    assert (before, report.counts) == ({}, {"proven": 2})
    assert clean(house, later) == {"original_tombstoned": 2}


def test_a_host_that_lost_it_or_does_not_answer_proves_nothing(house):
    house.collect(FRAMES)
    host, later = FakeHost("somewhere"), NOW + 31 * dt.timedelta(days=1)
    publish(house, host)
    host.held.clear()

    lost = originals(house).prove({"somewhere": host}, house.catalog.uploads, now=later)
    nobody = originals(house).prove({}, house.catalog.uploads, now=later)

    assert (lost.failed, nobody.failed, clean(house, later)) == (2, 2, {})


def test_what_was_purged_does_not_come_back(published):
    clean(published)
    clean(published, LATER)

    assert originals(published).restore(None, now=LATER).counts == {}


def test_a_file_that_is_lost_is_told_and_not_restored(published):
    clean(published)
    stage = originals(published)
    first, _ = stage.removed()
    published.store.delete(first.path)

    report = stage.restore(None, now=NOW)

    assert (report.counts, report.failed) == ({"restored": 1}, 1)
    assert first.path in report.failures[0].reason


def test_a_purge_that_was_cut_off_is_finished_by_the_next_run(published):
    class Stuck:
        """A store that cannot delete for now."""

        def delete(self, key):
            raise KeyboardInterrupt

    clean(published)
    with pytest.raises(KeyboardInterrupt):
        Originals(published.catalog.originals, Stuck(), POLICY).apply(now=LATER)  # type: ignore[arg-type]

    assert clean(published, LATER) == {"original_deleted": 2}


def test_a_copy_that_got_lost_meanwhile_brings_the_original_back(published):
    clean(published)
    with published.catalog.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE uploads SET state = 'failed' WHERE id = 1")

    assert clean(published, LATER) == {"restored": 1, "original_deleted": 1}
    assert len(published.files("images")) == 2


def test_a_clock_ten_years_ahead_deletes_nothing_and_brings_back_what_it_marked(published):
    clean(published)

    assert clean(published, NOW + dt.timedelta(days=3650)) == {"restored": 2}
    assert clean(published, NOW - dt.timedelta(days=3650)) == {}
    assert len(published.files("images")) == 3


def test_pictures_that_went_cost_nothing_when_the_day_is_collected_again(published):
    clean(published)
    clean(published, LATER)

    report = published.collect({})

    assert report.failed == 0
    assert len(published.files("images")) == 1


def test_a_catalog_that_does_not_answer_lets_nothing_go(published):
    class Silent:
        """A catalog that cannot be read beyond the first page."""

        def __getattr__(self, name):
            return getattr(published.catalog.originals, name)

        def facts(self, sources):
            yield next(iter(published.catalog.originals.facts(sources)))
            raise NotFoundError("the table is gone")

    stage = Originals(Silent(), published.store, POLICY)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        stage.look(now=NOW)

    assert len(published.files("images")) == 3


def test_retention_cares_for_originals_where_it_is_told_to(published):
    rooms = (published.catalog.retention, published.store, RetentionPolicy(), (RECIPE.name,))
    alone = Retention(*rooms)
    both = Retention(*rooms, originals=originals(published))

    plans = [stage.look(now=NOW).considered for stage in (alone, both)]
    both.plan(now=NOW)

    assert plans == [0, 3]
    assert both.apply(now=NOW).counts == {"original_tombstoned": 2}
