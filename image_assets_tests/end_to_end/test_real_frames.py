"""147 real frames of nine cameras, from a folder to verified public URLs."""

import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_assets import compose
from image_assets.core.model import DEFAULT_TENANT, ImageState, Partition, Policy, Publishes, Scope
from image_assets.services.folder import FolderSource
from image_assets.settings import Settings, isolated
from image_assets.stages.designs import Admitter
from image_assets.stages.images import Collector
from image_assets.stages.report import Report
from image_assets.stages.thumbnails import Exporter
from image_assets.stages.uploads import Publisher

FRAMES = Path(__file__).parents[2].parent / "shared" / "data" / "camera"

pytestmark = [
    pytest.mark.skipif(not FRAMES.is_dir(), reason="the shared real frames are not here"),
    pytest.mark.timeout(600),
]


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.fixture
def settings(data, rehearsal) -> Settings:
    return isolated(rehearsal.environment() | {"IMAGE_ASSETS_DATA_DIR": str(data)})


@pytest.fixture
def catalog(settings) -> Iterator[compose.Catalog]:
    catalog = compose.catalog(settings)
    yield catalog
    catalog.dispose()


def test_no_frame_is_lost_and_every_design_is_exported_published_and_verified(settings, catalog):
    source, store = FolderSource(FRAMES), compose.store(settings)
    partitions = [
        Partition("archive", collection, day.isoformat())
        for collection in source.collections()
        for day in source.days(collection)
    ]
    report = Report()

    with compose.decoder(settings) as decoder:
        collector = Collector(source, catalog.images, store, decoder)
        admitter = Admitter(Scope("archive", Policy.EXACT), catalog.designs, store, decoder)
        exporter = Exporter([settings.recipe], catalog.thumbnails, store, decoder)
        for partition in partitions:
            report += collector.collect(partition, now=now())
            report += admitter.admit(partition, now=now())
            report += exporter.export(partition, now=now())
    for destination in ("local", "pinata"):
        host = compose.host(settings, destination)
        publisher = Publisher(destination, host, catalog.uploads, store, "test", now, workers=4)
        for partition in partitions:
            report += publisher.publish(partition, Publishes.EXPORTS, settings.recipe)

    expected = list(csv.DictReader((FRAMES / "frames.csv").read_text("utf-8").splitlines()))
    distinct = len({row["sha256"] for row in expected})
    totals = catalog.totals.totals(DEFAULT_TENANT)
    assert report.failures == ()
    assert totals.images.states == {ImageState.STORED: len(expected)}
    assert totals.images.stale == len(expected) - distinct
    assert totals.designs == distinct
    assert totals.exports == 3 * distinct
    assert totals.verified == totals.received == 2 * totals.exports
