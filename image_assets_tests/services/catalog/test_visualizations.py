import datetime as dt
from dataclasses import replace

import pytest

from image_assets.core.model import (
    Blob,
    Entry,
    Fetched,
    ImageFormat,
    ImageState,
    Level,
    Partition,
    Publishes,
    Receipt,
)
from image_assets.services.catalog import Catalog
from image_assets_tests.services.catalog.samples import (
    ATTEMPT,
    DAY,
    LEASE,
    NEXT_DAY,
    NOW,
    OTHER_SHOP,
    add_tenant,
    at,
    blob,
    entry,
    publish,
    register,
    sha256,
    store,
)

KEY = entry(1).item_key


def published(catalog: Catalog, *, level: Level = Level.L4, rendering: str | None = None) -> None:
    """One original, sent to Pinata and proven there at a level."""
    store(catalog, 1, "plot")
    (upload,) = register(catalog, publishes=Publishes.ORIGINALS)
    catalog.uploads.begin(upload.id, "us", lease_until=LEASE, now=NOW)
    receipt = Receipt("https://host.test/plot", rendering=rendering)
    catalog.uploads.receive(upload.id, "us", receipt, attempt=ATTEMPT, now=NOW)
    catalog.uploads.verified(upload.id, level, now=NOW)


def test_what_is_unknown_has_no_standing(catalog: Catalog) -> None:
    assert catalog.visualizations.standings(DAY) == {}
    assert catalog.visualizations.proven("default", sha256("plot")) == {}


def test_stored_and_published_nowhere_it_is_proven_nowhere(catalog: Catalog) -> None:
    store(catalog, 1, "plot")

    (standing,) = catalog.visualizations.standings(DAY).values()

    assert (standing.state, standing.sha256) == (ImageState.STORED, sha256("plot"))
    assert (standing.proven, standing.settled) == ({}, frozenset())


def test_verified_it_is_proven_there_with_its_moment(catalog: Catalog) -> None:
    store(catalog, 1, "plot")
    publish(catalog, publishes=Publishes.ORIGINALS)
    publish(catalog, publishes=Publishes.ORIGINALS, destination="further")

    standing = catalog.visualizations.standings(DAY)[KEY]

    assert standing.proven == {"pinata": NOW, "further": NOW}
    assert standing.settled == {"pinata", "further"}
    assert catalog.visualizations.proven("default", sha256("plot")) == standing.proven


@pytest.mark.parametrize("level", [Level.L0, Level.L1, Level.L2])
def test_less_than_equal_bytes_proves_nothing(catalog: Catalog, level: Level) -> None:
    published(catalog, level=level)

    standing = catalog.visualizations.standings(DAY)[KEY]

    assert (standing.proven, standing.settled) == ({}, {"pinata"})


def test_a_rendering_that_stands_in_proves_nothing(catalog: Catalog) -> None:
    published(catalog, rendering="jpeg 80")

    assert catalog.visualizations.standings(DAY)[KEY].proven == {}
    assert catalog.visualizations.proven("default", sha256("plot")) == {}


def test_what_the_host_refuses_is_settled_and_proves_nothing(catalog: Catalog) -> None:
    store(catalog, 1, "plot")
    (upload,) = register(catalog, publishes=Publishes.ORIGINALS)
    catalog.uploads.begin(upload.id, "us", lease_until=LEASE, now=NOW)
    catalog.uploads.fail(upload.id, "us", attempt=ATTEMPT, rejected=True, now=NOW)

    standing = catalog.visualizations.standings(DAY)[KEY]

    assert (standing.proven, standing.settled) == ({}, {"pinata"})


def test_what_is_being_sent_is_not_settled(catalog: Catalog) -> None:
    store(catalog, 1, "plot")
    (upload,) = register(catalog, publishes=Publishes.ORIGINALS)
    catalog.uploads.begin(upload.id, "us", lease_until=LEASE, now=NOW)

    assert catalog.visualizations.standings(DAY)[KEY].settled == frozenset()


def test_nothing_of_another_partition_or_tenant_counts(catalog: Catalog) -> None:
    add_tenant(catalog, "other")
    store(catalog, 1, "plot")
    publish(catalog, publishes=Publishes.ORIGINALS)

    assert catalog.visualizations.standings(NEXT_DAY) == {}
    assert catalog.visualizations.standings(OTHER_SHOP) == {}
    assert catalog.visualizations.proven("other", sha256("plot")) == {}


def test_what_was_told_of_a_picture_comes_with_the_newest(catalog: Catalog) -> None:
    told = {"filename": "plot.png", "data_points": 1440, "processing_time": 1.23}
    plots = Partition("visualization", "temperature:daily", "2025-09-01")
    picture = replace(entry(1), told=told)
    add(catalog, plots, picture, blob("plot"))
    publish(catalog, plots, publishes=Publishes.ORIGINALS)

    found = catalog.latest.newest_verified(
        "visualization",
        "temperature:daily",
        "pinata",
        None,
        ImageFormat.PNG,
        until=at(2),
        tenant="default",
    )

    assert found is not None
    assert found.told == told


def test_of_most_pictures_nothing_was_told(catalog: Catalog) -> None:
    store(catalog, 1, "frame")
    publish(catalog, publishes=Publishes.ORIGINALS)

    found = catalog.latest.newest_verified(
        "camera",
        "apm/in_gate",
        "pinata",
        None,
        ImageFormat.JPEG,
        until=NOW + dt.timedelta(minutes=1),
        tenant="default",
    )

    assert found is not None
    assert found.told == {}


def add(catalog: Catalog, partition: Partition, picture: Entry, bytes_: Blob) -> None:
    fetched = Fetched(bytes_.sha256, bytes_.size)
    catalog.images.add_stored(partition, picture, bytes_, fetched=fetched, exif={}, now=NOW)
