"""The whole journey with the store in a bucket, and a bucket to publish in, on a real S3 server."""

import datetime as dt
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from image_assets import compose
from image_assets.core.model import DEFAULT_TENANT
from image_assets.core.retention import RetentionPolicy
from image_assets.core.spans import Span
from image_assets.library import collecting
from image_assets.stages.due import EVERYTHING
from image_assets.stages.mend import Mender, collect_again
from image_assets.stages.retention import Retention
from image_assets.stages.verify import Verifier
from image_assets_tests.journey import AUTUMN, IN_GATE, KEY, TWO_A_DAY, Journey, journey
from image_assets_tests.s3_server import KEY_ID, REGION, SECRET, Inside, StrictS3, ministack

SOURCE = (
    AUTUMN + "collections: [apm/in_gate, apm/out_gate], destinations: [local, pinata, s3],"
    " latest: {store: cloudflare_kv, destination: s3}}"
)
STAGES = ("images", "designs", "thumbnails", "uploaded_urls/local", "uploaded_urls/pinata", "uploaded_urls/s3")  # fmt: skip


@dataclass
class Place:
    """The buckets, and journeys that lead there, each with a data folder of its own."""

    server: StrictS3
    inside: Inside
    public: Inside
    folder: Path

    def journey(self, name: str = "data", **settings: str) -> AbstractContextManager[Journey]:
        own = {
            "IMAGE_ASSETS_STORE": "s3",
            "S3_BUCKET": self.inside.name,
            "S3_PREFIX": "archive",
            "S3_ENDPOINT_URL": self.server.url,
            "S3_REGION": REGION,
            "S3_RETRY_DELAY": "0.01",
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "S3_PUBLISH_BUCKET": self.public.name,
            "S3_PUBLISH_BASE_URL": f"{self.server.url}/{self.public.name}",
        }
        return journey(self.folder / name, TWO_A_DAY, source=SOURCE, **(own | settings))

    def held(self, folder: str) -> list[str]:
        return [key for key in self.inside.held() if key.startswith(f"archive/{folder}/")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StrictS3]:
    with ministack(tmp_path_factory.mktemp("ministack")) as inner, StrictS3(inner) as server:
        yield server


@pytest.fixture
def place(server: StrictS3, tmp_path: Path) -> Place:
    server.reset()
    return Place(server, server.new_bucket(), server.new_bucket("public"), tmp_path)


def test_a_journey_keeps_all_in_one_bucket_publishes_in_another_and_is_done_once(place):
    with place.journey() as house:
        run, announced = house.run(*STAGES), house.announce()
        totals = house.catalog.totals.totals(DEFAULT_TENANT)
        published = house.catalog.uploads.published(IN_GATE, "s3")

        assert (run.success, announced.success, run.failed_steps()) == (True, True, {})
        assert all(run.checks("images", "stored").values())
        assert len(place.held("images")) == 2
        assert len(place.held("exports")) == totals.exports == 3 * totals.designs
        assert len(place.public.held()) == len(published) == totals.exports
        assert not (house.data / "images").exists()
        assert not (house.data / "exports").exists()
        assert list(house.services["store"].temporary_files()) == []
        for one in published:
            assert httpx.get(one.upload.receipt.url, trust_env=False).is_success
            assert one.upload.level == "L3"

        place.server.asked.clear()
        again = house.run(*STAGES)

        assert (again.success, place.server.count("^(PUT|POST|DELETE) ")) == (True, 0)


def test_collecting_asks_one_request_for_each_picture(place):
    with place.journey() as house:
        run = house.run("images")

        assert run.success
        assert place.server.count(r"^PUT .*images/.*\.jpg") == 2
        assert (
            place.server.count(r"^HEAD .*images/.*\.jpg") <= 2
        )  # the check's sample, not the stage


def test_objects_without_a_row_are_adopted_when_their_hash_is_right(place):
    """As a kill between the object and its row leaves them."""
    with place.journey("first") as house:
        house.run("images")
    before = {key: place.inside.read(key) for key in place.held("images")}

    with place.journey("second") as house:
        run = house.run("images")

        assert run.success
        assert run.metadata("images", KEY)["stored"] == 2
    assert {key: place.inside.read(key) for key in place.held("images")} == before


def test_other_bytes_in_the_place_are_left_and_stepped_round(place):
    with place.journey("first") as house:
        house.run("images")
    taken = place.held("images")[0]
    place.inside.put(taken, b"somebody else's")

    with place.journey("second") as house:
        run = house.run("images")

        assert run.success
    assert place.inside.read(taken) == b"somebody else's"
    assert len(place.held("images")) == 3


def test_old_exports_go_from_the_bucket_and_what_is_published_stays(place):
    with place.journey() as house:
        house.run("images", "designs", "thumbnails", "uploaded_urls/s3")
        store = house.services["store"]
        left = store.bucket.client.create_multipart_upload(**store.bucket.where("images/left"))
        retention = Retention(
            house.catalog.retention, store, RetentionPolicy(), [house.settings.recipe.name]
        )
        later = dt.datetime.now(dt.UTC) + dt.timedelta(days=8)

        retention.plan(now=later)
        report = retention.apply(now=later)

        assert left["UploadId"]
        assert report.counts == {"export_deleted": 6, "temporary_deleted": 1}
        assert (place.held("exports"), len(place.held("images"))) == ([], 2)
        assert list(store.temporary_files()) == []
        assert len(place.public.held()) == 6


@pytest.fixture
def damaged(place: Place) -> Iterator[tuple[Journey, list[str]]]:
    with place.journey() as house:
        house.run("images")
        changed, lost = place.held("images")
        place.inside.put(changed, b"changed behind our back")
        place.inside.delete(lost)
        yield house, [changed, lost]


def rooms(house: Journey) -> tuple[object, ...]:
    settings = house.settings
    return house.catalog.verify, compose.store(settings), compose.inventory(settings)


def test_what_changed_and_what_is_lost_is_found(damaged):
    house, (changed, lost) = damaged

    found = Verifier(*rooms(house)).verify([IN_GATE])

    flaws = {f"archive/{finding.path}": finding.flaw.value for finding in found.findings}
    assert flaws == {changed: "changed", lost: "missing"}


def test_what_changed_is_set_aside_and_what_is_lost_is_fetched_again(damaged, place):
    house, _ = damaged
    found = Verifier(*rooms(house)).verify([IN_GATE])
    mended = Mender(*rooms(house)).mend(found, now=dt.datetime.now(dt.UTC))

    with collecting(house.settings, "camera", EVERYTHING) as collector:
        ((_, report),) = collect_again(collector, mended.pictures)

    assert report.counts["stored"] == 2
    assert Verifier(*rooms(house)).verify([IN_GATE]).intact
    (aside,) = place.held("quarantine")
    assert place.inside.read(aside) == b"changed behind our back"


def test_objects_in_no_record_are_told(place):
    with place.journey() as house:
        house.run("images")
        place.inside.put("archive/images/2025-09-01/in_gate/stranger.jpg", b"?")
        an_hour_later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
        day = Verifier(*rooms(house)).untracked(["images"], Span.of(IN_GATE), now=an_hour_later)

        assert [f.path for f in day.findings] == ["images/2025-09-01/in_gate/stranger.jpg"]


def test_a_bucket_that_is_away_is_no_loss(damaged, place):
    house, _ = damaged
    place.server.fault(".*", {"kind": "status", "status": 404, "body": "nobody here"})

    found = Verifier(*rooms(house)).verify([IN_GATE])

    assert (found.findings, found.report.failed) == ((), 2)


def test_keys_are_in_no_log_and_no_catalog(place, caplog):
    caplog.set_level("DEBUG")
    with place.journey() as house:
        house.run("images", "uploaded_urls/s3")
        place.server.fault("(HEAD|GET) .*images", {"kind": "status", "status": 403})
        house.run("designs", key=f"2025-09-02|{IN_GATE.collection}")
    kept = b"".join(file.read_bytes() for file in place.folder.rglob("catalog.db*"))

    assert SECRET not in caplog.text
    assert SECRET.encode() not in kept
