"""What a site, a picture or a missing key can do to a run: the right thing fails, and says why."""

from pathlib import Path
from typing import Any

import pytest

from image_assets.core.model import ImageState, Partition
from image_assets_tests.journey import (
    IN_GATE,
    KEY,
    LOCAL,
    PINATA,
    STAGES,
    STREAM,
    TWO_A_DAY,
    Journey,
    journey,
)

BAD, GOOD = KEY, f"2025-09-02|{STREAM}"
INDEX = "GET /draydog/index/apm/in_gate/2025-09-01"
PICTURES = "GET /draydog/cdn/apm/2025-09-01"
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


@pytest.fixture
def camera(tmp_path: Path):
    with journey(tmp_path / "data") as camera:
        yield camera


def asked(camera: Journey, path: str) -> int:
    """Requests to addresses that hold `path`."""
    return sum(path in request["path"] for request in camera.rehearsal.requests()["requests"])


def named(faults: list[tuple[dict[str, Any], str]]) -> list[Any]:
    return [pytest.param(*f, id=f"{f[0]['kind']} {f[0].get('status', '')}".strip()) for f in faults]


@pytest.mark.parametrize(("fault", "reason"), named(ONCE))
def test_a_day_that_the_site_refuses_fails_alone_and_is_asked_for_once(camera, fault, reason):
    camera.rehearsal.inject(INDEX, fault)

    run = camera.run_range("images", first=BAD, last=GOOD)

    assert (run.partitions("images"), run.tries("images")) == ([GOOD], 1)
    assert asked(camera, "index/apm/in_gate/2025-09-01") == 1
    failed = run.failure()["failed_partitions"]
    assert failed.keys() == {BAD}
    assert reason in failed[BAD]
    assert run.failure()["retried"] is False


@pytest.mark.parametrize(("fault", "reason"), named(AGAIN))
def test_a_day_that_may_be_listed_later_is_asked_for_again_within_bounds(camera, fault, reason):
    camera.rehearsal.inject(INDEX, fault)

    run = camera.run_range("images", first=BAD, last=GOOD)

    assert (run.partitions("images"), run.tries("images")) == ([GOOD, GOOD], 2)
    assert asked(camera, "index/apm/in_gate/2025-09-01") == 2 * ATTEMPTS
    assert asked(camera, "index/apm/in_gate/2025-09-02") == 1
    assert reason in run.failed_steps()["camera__images"]


@pytest.mark.parametrize(("fault", "reason"), named(AGAIN))
def test_what_passes_by_itself_costs_one_more_request(camera, fault, reason):
    camera.rehearsal.inject(INDEX, fault, times=1)

    run = camera.run("images")

    assert (run.success, run.tries("images")) == (True, 1)
    assert asked(camera, "index/apm/in_gate/2025-09-01") == 2


def test_what_takes_longer_is_cured_by_trying_the_step_again(camera):
    camera.rehearsal.inject(INDEX, status(500), times=ATTEMPTS)

    run = camera.run("images")

    assert (run.success, run.tries("images")) == (True, 2)


@pytest.mark.parametrize(
    "fault",
    [status(500), {"kind": "html"}, {"kind": "truncate"}, {"kind": "empty"}],
    ids=["500", "a page with 200", "cut", "empty"],
)
def test_a_picture_that_does_not_arrive_fails_its_partition_after_bounded_tries(camera, fault):
    camera.rehearsal.inject(PICTURES, fault)

    run = camera.run_range("images", first=BAD, last=GOOD)

    assert set(run.partitions("images")) == {GOOD}
    assert asked(camera, "cdn/apm/2025-09-01") == 2 * ATTEMPTS
    assert camera.catalog.images.counts(IN_GATE).states == {ImageState.MISSING: 1}
    assert run.failure()["failed_partitions"][BAD].startswith(
        "1 items failed (1 transient); first:"
    )


def test_the_failed_picture_is_in_the_table_of_the_runs_event(camera):
    camera.rehearsal.inject(PICTURES, status(500))

    run = camera.run("images")

    (row,) = run.failure()["failures"]
    assert row.data["cause"] == "transient"
    assert "in_gate.jpeg" in row.data["item"]
    assert "answered 500" in row.data["reason"]


def test_what_failed_arrives_with_the_next_run(camera):
    camera.rehearsal.inject(PICTURES, status(500))
    camera.run("images")
    camera.rehearsal.clear_faults()

    run = camera.run("images")

    assert run.success
    assert camera.catalog.images.counts(IN_GATE).states == {ImageState.STORED: 1}


def test_a_picture_that_is_listed_and_not_there_is_a_gap_and_no_failure(tmp_path):
    with journey(tmp_path, TWO_A_DAY) as camera:
        camera.rehearsal.inject(PICTURES, status(404), times=2)  # itself, then its thumbnail

        run = camera.run("images")

        assert run.success
        assert (run.metadata("images")["missing"], run.metadata("images")["images"]) == (1, 1)
        assert asked(camera, "cdn/apm/2025-09-01") == 3


def test_a_file_that_is_no_picture_is_refused_and_kept_for_a_person(tmp_path):
    with journey(tmp_path, TWO_A_DAY) as camera:
        camera.rehearsal.inject(PICTURES, NO_PICTURE, times=1)

        run = camera.run("images")

        (quarantined,) = (tmp_path / "quarantine").rglob("*.rejected")
        assert quarantined.read_text() == NO_PICTURE["body"]
        assert run.success
        assert (run.metadata("images")["rejected"], run.metadata("images")["images"]) == (1, 1)
        assert run.check("images", "complete", KEY)["gap_rejected"] == 1


def test_a_refused_picture_is_not_fetched_again(camera):
    camera.rehearsal.inject(PICTURES, NO_PICTURE)

    camera.run("images")
    again = camera.run("images")

    assert again.success
    assert asked(camera, "cdn/apm/2025-09-01") == 1


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


def test_without_pinatas_key_pinata_alone_fails_and_names_it(tmp_path):
    with journey(tmp_path, without=["PINATA_JWT"]) as camera:
        run = camera.run(*STAGES)

    assert run.failed_steps().keys() == {"camera__uploaded_urls__pinata"}
    assert "PINATA_JWT is not set" in run.failed_steps()["camera__uploaded_urls__pinata"]
    assert run.tries(PINATA) == 1
    for stage in ("images", "designs", "thumbnails", LOCAL):
        assert run.partitions(stage) == [KEY]


def test_without_cloudflares_token_latest_alone_fails_and_names_it(tmp_path):
    with journey(tmp_path, without=["CLOUDFLARE_API_TOKEN"]) as camera:
        chain, latest = camera.run(*STAGES), camera.announce()

    assert chain.success
    assert latest.failed_steps().keys() == {"camera__latest"}
    assert "CLOUDFLARE_API_TOKEN is not set" in latest.failed_steps()["camera__latest"]


def test_what_was_not_sent_for_want_of_a_key_is_sent_once_it_is_there(tmp_path):
    with journey(tmp_path, without=["PINATA_JWT"]) as camera:
        camera.run(*STAGES)
    with journey(tmp_path) as camera:
        run = camera.run(PINATA)

    assert run.success
    assert run.metadata(PINATA)["verified"] == 3


def test_a_wrong_key_is_offered_once_and_named(tmp_path):
    """Every further upload would meet the same refusal: the rest is not tried."""
    with journey(tmp_path, TWO_A_DAY, PINATA_JWT="wrong", UPLOAD_WORKERS="1") as camera:
        run = camera.run(*STAGES)

        refused = run.failed_steps()["camera__uploaded_urls__pinata"]
        assert asked(camera, "pinata/uploads") == 1

    assert "6 items failed (6 permanent)" in refused
    assert "check PINATA_JWT" in refused


@pytest.mark.parametrize("fault", [{"kind": "drop_after"}, {"kind": "non_json"}])
def test_an_upload_of_which_nobody_knows_is_not_sent_again_but_asked_for(tmp_path, fault):
    with journey(tmp_path, UPLOAD_WORKERS="1") as camera:
        camera.rehearsal.inject("POST /pinata/uploads", fault | {"processed": True}, times=1)
        first = camera.run(*STAGES)
        again = camera.run(PINATA)

        assert asked(camera, "pinata/uploads") == 3

    assert "1 items failed (1 in_doubt)" in first.failed_steps()["camera__uploaded_urls__pinata"]
    assert (first.tries(PINATA), again.success) == (1, True)


def test_a_latest_store_out_of_order_fails_the_announcement_and_the_next_one_repairs_it(tmp_path):
    with journey(tmp_path) as camera:
        camera.run(*STAGES)
        camera.rehearsal.inject("PUT /cloudflare", status(400), times=1)

        first, again = camera.announce(), camera.announce()

        held = camera.services["cloudflare_kv_latest"].get(f"{STREAM}:daily:latest")

    assert (first.success, again.success) == (False, True)
    assert "answered 400" in first.failed_steps()["camera__latest"]
    assert held is not None


def test_the_other_camera_does_not_notice(camera):
    camera.rehearsal.inject("GET /draydog.*in_gate", status(500))

    ends = {"first": KEY, "last": "2025-09-01|apm/out_gate"}
    run = camera.run_range("images", **ends)

    assert set(run.partitions("images")) == {"2025-09-01|apm/out_gate"}
    other = Partition("camera", "apm/out_gate", "2025-09-01")
    assert camera.catalog.images.counts(other).states == {ImageState.STORED: 1}
