"""Publishing through the ledger at hosts that cannot be asked, by their stand-ins."""

import pytest

from image_assets import compose
from image_assets.core.model import Level, Publishes, UploadState
from image_assets.rehearsal import Rehearsal
from image_assets.settings import isolated
from image_assets.stages.report import Report
from image_assets.stages.uploads import Publisher
from image_assets_tests.drawing import picture
from image_assets_tests.host_bench import QUICK
from image_assets_tests.stages.conftest import DAY, NOW, RECIPE, House


@pytest.fixture(scope="module")
def rehearsal():
    with Rehearsal() as rehearsal:
        yield rehearsal


@pytest.fixture
def publish(house: House, rehearsal):
    """Publishes the exports of two designs (PNG, JPEG and WebP of each) at a destination."""
    rehearsal.reset()
    house.collect({f"2025090110{n:02}00_in_gate.jpg": picture(n) for n in range(2)})
    house.admit()
    house.export()
    settings = isolated({**rehearsal.environment(), **QUICK})

    def publish(destination: str) -> Report:
        host = compose.host(settings, destination)
        try:
            rooms = (house.catalog.uploads, house.store, "run 1", lambda: NOW)
            publisher = Publisher(destination, host, *rooms, workers=2)
            return publisher.publish(DAY, Publishes.EXPORTS, RECIPE)
        finally:
            host.close()

    return publish


def levels(house: House, destination: str) -> list[Level | None]:
    published = house.catalog.uploads.published(DAY, destination)
    return sorted(row.upload.level for row in published)


@pytest.mark.parametrize("destination", ["freeimage", "chevereto", "imgbb"])
def test_a_second_run_sends_nothing(publish, rehearsal, destination):
    first, second = publish(destination), publish(destination)

    assert (first.counts, second.counts) == ({"verified": 6}, {"unchanged": 6})
    assert len(rehearsal.shelves[destination]) == 6


def test_jpegs_that_are_encoded_anew_are_proven_by_their_look(publish, house):
    publish("freeimage")

    assert levels(house, "freeimage") == [Level.L2] * 2 + [Level.L3] * 4


def test_what_got_no_answer_is_shown_in_doubt_and_never_sent_again(publish, house, rehearsal):
    rehearsal.inject("POST /imgbb", {"kind": "drop_after"}, times=2)
    publish("imgbb")
    rehearsal.clear_faults()

    publish("imgbb")

    counts = house.catalog.uploads.counts(DAY, "imgbb")
    assert counts == {UploadState.IN_DOUBT: 2, UploadState.VERIFIED: 4}
    assert len(rehearsal.shelves["imgbb"]) == 6


def test_where_sending_again_is_safe_nothing_stays_in_doubt(publish, house, rehearsal):
    rehearsal.inject("POST /freeimage", {"kind": "drop_after"}, probability=0.5, seed=1)
    for _ in range(4):
        publish("freeimage")

    assert house.catalog.uploads.counts(DAY, "freeimage") == {UploadState.VERIFIED: 6}
    assert len(rehearsal.shelves["freeimage"]) == 6


def test_what_somebody_else_sent_to_a_stock_site_is_shown_and_stops_no_other(
    publish, house, rehearsal
):
    (first, *_) = house.catalog.uploads.publishable(DAY, Publishes.EXPORTS, RECIPE)
    with house.store.local(first.path) as file:
        rehearsal.shelves["chevereto"].add(file.read_bytes(), name="theirs")

    publish("chevereto")

    counts = house.catalog.uploads.counts(DAY, "chevereto")
    assert counts == {UploadState.IN_DOUBT: 1, UploadState.VERIFIED: 5}
