import pytest

from image_assets.core.model import ImageFormat, Level, Publishes, UploadState
from image_assets.core.optimising import Bounds, Rendering
from image_assets.core.taking import Takes
from image_assets.services.optimising import OptimisingHost
from image_assets.stages.report import Report
from image_assets.stages.uploads import Publisher
from image_assets_tests.drawing import picture
from image_assets_tests.fakes import FakeHost, FallsSilent
from image_assets_tests.stages.conftest import DAY, NOW, RECIPE, House

JPEG_ALONE = Takes.alike([ImageFormat.JPEG], None)


@pytest.fixture
def exported(house: House) -> House:
    """A design with three exports."""
    house.collect({"20250901100000_in_gate.jpg": picture(1)})
    house.admit()
    house.export()
    return house


def publish(house: House, host: FakeHost) -> Report:
    optimising = OptimisingHost(host, JPEG_ALONE, Bounds(), house.decoder)
    publisher = Publisher(
        "somewhere", optimising, house.catalog.uploads, house.store, "run", lambda: NOW, workers=1
    )
    return publisher.publish(DAY, Publishes.EXPORTS, RECIPE)


def published(house: House) -> dict[ImageFormat, tuple[str | None, Level | None]]:
    rows = [p.upload for p in house.catalog.uploads.published(DAY, "somewhere")]
    return {r.content.format: (r.receipt.rendering, r.level) for r in rows if r.receipt}


def test_what_stands_in_for_content_is_told_and_kept_in_the_ledger(exported):
    report = publish(exported, FakeHost())

    told = published(exported)
    assert dict(report.counts) == {"verified": 1, "optimised": 2}
    assert told[ImageFormat.JPEG] == (None, Level.L3)
    assert [Rendering.read(told[f][0])[0].format for f in (ImageFormat.PNG, ImageFormat.WEBP)] == [
        ImageFormat.JPEG, ImageFormat.JPEG,
    ]  # fmt: skip


def test_a_rendering_never_proves_that_the_content_is_there(exported):
    publish(exported, FakeHost())

    assert published(exported)[ImageFormat.PNG][1] is Level.L2


def test_a_second_run_sends_nothing_more(exported):
    host = FakeHost()
    publish(exported, host)

    report = publish(exported, host)

    assert (dict(report.counts), host.uploads) == ({"unchanged": 3}, 3)


def test_a_rendering_in_doubt_is_found_and_not_sent_again(exported):
    host = FallsSilent(each=1)
    publish(exported, host)

    publish(exported, host)

    states = dict(exported.catalog.uploads.counts(DAY, "somewhere"))
    assert (states, host.uploads) == ({UploadState.VERIFIED: 3}, 3)
