"""What a site, a picture or a missing key can do to a run: the right thing fails, and says why."""

import datetime as dt
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from image_assets.core.model import ImageState, Partition
from image_assets_tests.journey import (
    AUTUMN,
    IN_GATE,
    KEY,
    LOCAL,
    ORIGINALS,
    PINATA,
    STAGES,
    STREAM,
    TWO_A_DAY,
    Journey,
    Run,
    journey,
)

ATTEMPTS = 3  # of one request; Dagster tries a step again once, where every failure may pass


def status(number: int, **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"kind": "status", "status": number, "headers": named}


NO_PICTURE = {"kind": "status", "status": 200, "body": "BM that is no picture " * 100}
ONCE = [(status(404), "answered 404 Not Found"), (status(403), "answered 403 Forbidden")]
AGAIN = [
    (status(429, Retry_After="0"), "answered 429 Too Many Requests"),
    (status(500), "answered 500 Internal Server Error"),
    ({"kind": "html"}, "which is not JSON"),
    ({"kind": "truncate", "share": 0.5}, "broken or cut answer"),
    ({"kind": "drop_before"}, "broken or cut answer"),
]


@pytest.fixture(scope="module")
def one_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    source = AUTUMN + "collections: [apm/in_gate, apm/out_gate]}"
    with journey(tmp_path_factory.mktemp("one_for_all"), source=source) as camera:
        yield camera


numbers = itertools.count(step=2)


@dataclass(frozen=True)
class Days:
    """A journey, and a bad day of it, and the good one after it, that are this test's alone."""

    camera: Journey
    bad: str = field(default_factory=lambda: f"{date(next(numbers))}|{STREAM}")

    @property
    def good(self) -> str:
        day = dt.date.fromisoformat(self.bad[:10])
        return f"{day + dt.timedelta(days=1)}|{STREAM}"

    @property
    def partition(self) -> Partition:
        return Partition("camera", STREAM, self.bad[:10])

    @property
    def index(self) -> str:
        return f"/draydog/index/apm/in_gate/{self.bad[:10]}"

    @property
    def pictures(self) -> str:
        return f"/draydog/cdn/apm/{self.bad[:10]}"

    def break_(self, path: str, fault: dict[str, Any], times: int | None = None) -> None:
        self.camera.rehearsal.inject(f"GET {path}", fault, times=times)

    def run(self) -> Run:
        return self.camera.run("images", key=self.bad)

    def run_both(self) -> Run:
        return self.camera.run_range("images", first=self.bad, last=self.good)


def date(number: int) -> str:
    return (dt.date(2025, 9, 1) + dt.timedelta(days=number)).isoformat()


@pytest.fixture
def days(one_for_all: Journey) -> Iterator[Days]:
    yield Days(one_for_all)
    one_for_all.rehearsal.clear_faults()


def asked(camera: Journey, path: str) -> int:
    """Requests to addresses that hold `path`."""
    return sum(path in request["path"] for request in camera.rehearsal.requests()["requests"])


def named(faults: list[tuple[dict[str, Any], str]]) -> list[Any]:
    return [pytest.param(*f, id=f"{f[0]['kind']} {f[0].get('status', '')}".strip()) for f in faults]


@pytest.mark.parametrize(("fault", "reason"), named(ONCE))
def test_a_day_that_the_site_refuses_fails_alone_and_is_asked_for_once(days, fault, reason):
    days.break_(days.index, fault)

    run = days.run_both()

    assert (run.partitions("images"), run.tries("images")) == ([days.good], 1)
    assert asked(days.camera, days.index) == 1
    failed = run.failure()["failed_partitions"]
    assert failed.keys() == {days.bad}
    assert reason in failed[days.bad]


@pytest.mark.parametrize(("fault", "reason"), named(AGAIN))
def test_a_day_that_may_be_listed_later_is_asked_for_again_within_bounds(days, fault, reason):
    days.break_(days.index, fault)

    run = days.run_both()

    assert (set(run.partitions("images")), run.tries("images")) == ({days.good}, 2)
    assert asked(days.camera, days.index) == 2 * ATTEMPTS
    assert asked(days.camera, f"index/apm/in_gate/{days.good[:10]}") == 1
    assert reason in run.failed_steps()["camera__images"]


@pytest.mark.parametrize(("fault", "reason"), named(AGAIN))
def test_what_passes_by_itself_costs_one_more_request(days, fault, reason, caplog):
    days.break_(days.index, fault, times=1)

    run = days.run()

    assert (run.success, run.tries("images")) == (True, 1)
    assert asked(days.camera, days.index) == 2
    (warning,) = [r.message for r in caplog.records if "attempt 1 of 3" in r.message]
    assert reason in warning


def test_what_takes_longer_is_cured_by_trying_the_step_again(days):
    days.break_(days.index, status(500), times=ATTEMPTS)

    run = days.run()

    assert (run.success, run.tries("images")) == (True, 2)


@pytest.mark.parametrize(
    "fault",
    [
        status(500),
        status(429, Retry_After="0"),
        {"kind": "html"},
        {"kind": "truncate"},
        {"kind": "empty"},
    ],
    ids=["500", "429", "a page with 200", "cut", "empty"],
)
def test_a_picture_that_does_not_arrive_fails_its_partition_after_bounded_tries(days, fault):
    days.break_(days.pictures, fault)

    run = days.run()

    assert (run.partitions("images"), run.tries("images")) == ([], 2)
    assert asked(days.camera, days.pictures) == 2 * ATTEMPTS
    assert days.camera.catalog.images.counts(days.partition).states == {ImageState.MISSING: 1}
    reason = run.failure()["failed_partitions"][days.bad]
    assert reason.startswith(
        "1 items failed (1 transient); first: camera site: GET http://127.0.0.1"
    )


def test_a_picture_that_the_site_forbids_fails_its_partition_and_is_asked_for_once(days):
    days.break_(days.pictures, status(403))

    run = days.run()

    assert (run.partitions("images"), run.tries("images")) == ([], 1)
    assert asked(days.camera, days.pictures) == 2  # itself, and its thumbnail
    reason = run.failure()["failed_partitions"][days.bad]
    assert reason.startswith("1 items failed (1 permanent); first: ")
    assert "403 Forbidden" in reason


def test_the_failed_picture_is_in_the_table_of_the_runs_event(days):
    days.break_(days.pictures, status(500))

    run = days.run()

    (row,) = run.failure()["failures"].records
    assert row.data["cause"] == "transient"
    assert "in_gate.jpeg" in row.data["item"]
    assert "answered 500" in row.data["reason"]


def test_what_failed_arrives_with_the_next_run(days):
    days.break_(days.pictures, status(500), times=2 * ATTEMPTS)

    first, again = days.run(), days.run()

    assert (first.success, again.success) == (False, True)
    assert days.camera.catalog.images.counts(days.partition).states == {ImageState.STORED: 1}


def test_a_picture_that_is_listed_and_not_there_is_a_gap_and_no_failure(days):
    days.break_(days.pictures, status(404))

    run = days.run()

    assert run.success
    assert (run.metadata("images")["missing"], run.metadata("images")["gaps"]) == (1, 1)
    assert asked(days.camera, days.pictures) == 2  # itself, and its thumbnail
    assert run.check("images", "complete", days.bad)["gap_missing"] == 1


def test_a_file_that_is_no_picture_is_refused_and_kept_for_a_person(days):
    days.break_(days.pictures, NO_PICTURE)

    run = days.run()

    (known,) = days.camera.catalog.images.known(days.partition).values()
    (quarantined,) = (days.camera.data / "quarantine").rglob(f"{known.sha256}.rejected")
    assert quarantined.read_text() == NO_PICTURE["body"]
    assert run.success
    assert run.metadata("images")["rejected"] == 1
    assert run.check("images", "complete", days.bad)["gap_rejected"] == 1


def test_a_refused_picture_is_not_fetched_again(days):
    days.break_(days.pictures, NO_PICTURE)

    days.run()
    again = days.run()

    assert again.success
    assert asked(days.camera, days.pictures) == 1


def test_the_other_camera_does_not_notice(days):
    days.break_(days.index, status(500))
    other = days.bad.replace("in_gate", "out_gate")

    run = days.camera.run_range("images", first=days.bad, last=other)

    assert set(run.partitions("images")) == {other}


@pytest.mark.parametrize(
    ("limit", "reason", "kept"),
    [
        ({"IMAGE_ASSETS_MAX_PIXELS": "10000"}, "too_many_pixels", 1),
        ({"IMAGE_ASSETS_MAX_BYTES": "10000"}, "too_large", 0),
    ],
)
def test_a_picture_beyond_the_limits_is_refused_with_its_reason(tmp_path, limit, reason, kept):
    with journey(tmp_path, **limit) as camera:
        run = camera.run("images")

        (known,) = camera.catalog.images.known(IN_GATE).values()
        assert run.metadata("images")["rejected"] == 1
        assert (known.state, known.reason) == (ImageState.REJECTED, reason)
        assert len(list((tmp_path / "quarantine").rglob("*.rejected"))) == kept
        assert asked(camera, "cdn/apm/2025-09-01") == 1


@dataclass(frozen=True)
class Keyless:
    """What a journey came to without the keys of Pinata and Cloudflare, and once they were there."""

    chain: Run
    latest: Run
    later: Run


@pytest.fixture(scope="module")
def keyless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyless]:
    folder = tmp_path_factory.mktemp("keyless")
    source = AUTUMN + (
        "collections: [apm/in_gate], destinations: [local, pinata],"
        " latest: {store: cloudflare_kv, destination: local}}"
    )
    with journey(folder, source=source, without=["PINATA_JWT", "CLOUDFLARE_API_TOKEN"]) as camera:
        chain, latest = camera.run(*STAGES), camera.announce()
    with journey(folder, source=source) as camera:
        yield Keyless(chain, latest, camera.run(PINATA))


def test_without_pinatas_key_pinata_alone_fails_and_names_it(keyless):
    assert keyless.chain.failed_steps().keys() == {"camera__uploaded_urls__pinata"}
    assert "PINATA_JWT is not set" in keyless.chain.failed_steps()["camera__uploaded_urls__pinata"]
    assert keyless.chain.tries(PINATA) == 1
    for stage in ("images", "designs", "thumbnails", LOCAL):
        assert keyless.chain.partitions(stage) == [KEY]


def test_what_could_not_be_sent_is_counted_as_waiting(keyless):
    found = keyless.chain.check(PINATA, "published", KEY)

    assert (found["passed"], found["waiting"], found["intent"]) == (False, 3, 3)


def test_without_cloudflares_token_latest_alone_fails_and_names_it(keyless):
    assert keyless.latest.failed_steps().keys() == {"camera__latest"}
    assert "CLOUDFLARE_API_TOKEN is not set" in keyless.latest.failed_steps()["camera__latest"]
    assert keyless.latest.tries("latest") == 1


def test_what_was_not_sent_for_want_of_a_key_is_sent_once_it_is_there(keyless):
    assert keyless.later.success
    assert keyless.later.metadata(PINATA)["verified"] == 3


def test_a_wrong_key_is_offered_once_and_named(tmp_path):
    """Every further upload would meet the same refusal: the rest is not tried."""
    wrong = {"PINATA_JWT": "wrong", "UPLOAD_WORKERS": "1"}
    with journey(tmp_path, TWO_A_DAY, source=ORIGINALS, **wrong) as camera:
        run = camera.run("images", PINATA)

        refused = run.failed_steps()["camera__uploaded_urls__pinata"]
        assert asked(camera, "pinata/uploads") == 1

    assert "2 items failed (2 permanent)" in refused
    assert "check PINATA_JWT" in refused


@pytest.mark.parametrize("kind", ["drop_after", "non_json"])
def test_an_upload_of_which_nobody_knows_is_not_sent_again_but_asked_for(tmp_path, kind):
    with journey(tmp_path, source=ORIGINALS) as camera:
        fault = {"kind": kind, "processed": True}
        camera.rehearsal.inject("POST /pinata/uploads", fault, times=1)
        first, again = camera.run("images", PINATA), camera.run(PINATA)

        assert asked(camera, "pinata/uploads") == 1

    assert "1 items failed (1 in_doubt)" in first.failed_steps()["camera__uploaded_urls__pinata"]
    assert (first.tries(PINATA), again.success) == (1, True)


def test_what_the_latest_store_refused_is_announced_by_a_later_run(tmp_path):
    with journey(tmp_path, source=ORIGINALS) as camera:
        camera.run("images", PINATA)
        camera.rehearsal.inject("PUT /cloudflare", status(400), times=1)

        first = camera.announce()
        camera.an_hour_passes()
        again = camera.announce()

        held = camera.services["cloudflare_kv_latest"].get(f"{STREAM}:daily:latest")

    assert "answered 400" in first.failed_steps()["camera__latest"]
    assert (again.metadata("latest")["outcome"], held is None) == ("published", False)
