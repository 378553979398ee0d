import datetime as dt

import pytest

from image_assets.core.errors import AuthenticationError, NotFoundError
from image_assets.core.model import Level, Publishes, UploadState
from image_assets.ports import ImageHost
from image_assets.stages.report import Cause, Report
from image_assets.stages.uploads import Publisher
from image_assets_tests.drawing import picture
from image_assets_tests.fakes import (
    BusyHost,
    CannotBeAsked,
    FakeHost,
    FallsSilent,
    MangledHost,
    RefusesSome,
)
from image_assets_tests.stages.conftest import DAY, NOW, RECIPE, House

DESTINATION = "somewhere"


@pytest.fixture
def exported(house: House) -> House:
    """Two designs with three exports each."""
    house.collect({f"2025090110{n:02}00_in_gate.jpg": picture(n) for n in range(2)})
    house.admit()
    house.export()
    return house


def publish(
    house: House,
    host: ImageHost,
    *,
    publishes: Publishes = Publishes.EXPORTS,
    owner: str = "run 1",
    now: dt.datetime = NOW,
) -> Report:
    publisher = Publisher(
        DESTINATION, host, house.catalog.uploads, house.store, owner, lambda: now, workers=1
    )
    return publisher.publish(DAY, publishes, RECIPE)


def states(house: House) -> dict[UploadState, int]:
    return dict(house.catalog.uploads.counts(DAY, DESTINATION))


def attempts(house: House) -> list[tuple[int, str]]:
    with house.catalog.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT number, outcome FROM attempts ORDER BY id")
        return [(number, outcome) for number, outcome in rows]


def test_every_export_is_published_and_verified_at_the_level_of_the_host(exported):
    host = FakeHost()

    report = publish(exported, host)

    published = exported.catalog.uploads.published(DAY, DESTINATION)
    assert report.counts == {"verified": 6}
    assert {p.upload.level for p in published} == {Level.L3}
    assert {p.upload.content.name for p in published} == host.held.keys()


@pytest.mark.parametrize(
    ("publishes", "count"),
    [(Publishes.ORIGINALS, 2), (Publishes.EXPORTS, 6), (Publishes.BOTH, 8)],
)
def test_a_source_says_what_it_publishes(exported, publishes, count):
    assert publish(exported, FakeHost(), publishes=publishes).counts == {"verified": count}


def test_a_second_run_sends_nothing(exported):
    host = FakeHost()
    publish(exported, host)

    report = publish(exported, host)

    assert (report.counts, host.uploads) == ({"unchanged": 6}, 6)


def test_one_refused_content_stops_no_other_and_is_not_offered_again(exported):
    name = exported.catalog.uploads.publishable(DAY, Publishes.EXPORTS, RECIPE)[0].name
    host = RefusesSome(name)
    first = publish(exported, host)

    second = publish(exported, host)

    assert (first.counts, first.causes) == ({"verified": 5}, {Cause.PERMANENT: 1})
    assert second.counts == {"unchanged": 5, "refused_before": 1}


def test_what_a_busy_host_did_not_take_is_sent_by_the_next_run(exported):
    host = BusyHost(times=2)
    first = publish(exported, host)

    second = publish(exported, host)

    assert (first.counts, first.transient_only) == ({"verified": 4}, True)
    assert second.counts == {"unchanged": 4, "verified": 2}
    assert host.uploads == 6


def test_a_send_in_doubt_is_asked_for_and_never_repeated(exported):
    host = FallsSilent(each=3)
    first = publish(exported, host)
    assert first.causes == {Cause.IN_DOUBT: 2}

    second = publish(exported, host)

    assert (second.counts, host.uploads) == ({"unchanged": 4, "verified": 2}, 6)


def test_what_cannot_be_asked_stays_in_doubt_and_is_shown(exported):
    class Silent(FallsSilent, CannotBeAsked):
        """Falls silent, and cannot be asked afterwards."""

    host = Silent(each=6)
    publish(exported, host)

    report = publish(exported, host)

    assert report.causes == {Cause.IN_DOUBT: 1}
    assert states(exported) == {UploadState.VERIFIED: 5, UploadState.IN_DOUBT: 1}
    assert len(exported.catalog.uploads.in_doubt(DESTINATION, "default")) == 1
    assert host.uploads == 6


def test_a_live_send_of_another_run_is_left_alone(exported):
    class Dies(FakeHost):
        """Its process ends in the middle of the first send, after the host took the body."""

        def upload(self, content, file):
            super().upload(content, file)
            raise KeyboardInterrupt

    host = Dies()
    with pytest.raises(KeyboardInterrupt):
        publish(exported, host)
    sent = host.uploads

    report = publish(exported, FakeHost(), owner="run 2")

    assert sent == 1
    assert report.counts == {"verified": 5}
    assert report.transient_only


def test_after_its_lease_a_send_is_asked_for_before_it_is_repeated(exported):
    class Dies(FakeHost):
        """Its process ends in the middle of the first send."""

        dead = False

        def upload(self, content, file):
            receipt = super().upload(content, file)
            if not self.dead:
                self.dead = True
                raise KeyboardInterrupt
            return receipt

    host = Dies()
    with pytest.raises(KeyboardInterrupt):
        publish(exported, host)

    report = publish(exported, host, owner="run 2", now=NOW + dt.timedelta(minutes=5))

    assert (report.counts, host.uploads) == ({"verified": 6}, 6)
    assert (1, "found") in attempts(exported)


def test_a_wrong_credential_ends_the_batch_at_once(exported):
    class Locked(FakeHost):
        def upload(self, content, file):
            self.uploads += 1
            raise AuthenticationError("check THE_KEY")

    host = Locked()

    report = publish(exported, host)

    assert (report.failed, host.uploads) == (6, 1)
    assert "THE_KEY" in report.failures[0].reason


def test_a_host_that_keeps_other_bytes_is_never_believed(exported):
    report = publish(exported, MangledHost())

    assert (report.failed, report.counts) == (6, {})
    assert states(exported) == {UploadState.RECEIPT: 6}


def test_a_receipt_that_is_not_shown_yet_is_looked_at_again_and_not_sent_again(exported):
    class Slow(FakeHost):
        """Shows what it has only after a while."""

        shows = False

        def verify(self, content, file, receipt):
            if not self.shows:
                raise NotFoundError("not listed yet")
            return super().verify(content, file, receipt)

    host = Slow()
    first = publish(exported, host)
    host.shows = True

    second = publish(exported, host)

    assert first.transient_only
    assert (second.counts, host.uploads) == ({"verified": 6}, 6)


def test_every_try_is_recorded_with_its_number_and_outcome(exported):
    host = BusyHost(times=1)
    publish(exported, host)
    publish(exported, host)

    assert sorted(attempts(exported)) == [(1, "failure"), *[(1, "success")] * 5, (2, "success")]
