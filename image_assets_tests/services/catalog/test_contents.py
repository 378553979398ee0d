from image_assets.core.model import Publishes
from image_assets.services.catalog import Catalog
from image_assets_tests.services.catalog.samples import publishable, register, store

CAME_FROM = {
    "tenant": "default",
    "source": "camera",
    "collection": "apm/in_gate",
    "partition": "2025-09-01",
    "item": "20250901000100",
    "captured_at": "2025-09-01T00:01:00+00:00",
}


def test_a_content_tells_where_the_first_picture_with_its_bytes_came_from(catalog: Catalog) -> None:
    store(catalog, 1, "truck")
    store(catalog, 2, "truck")

    [content] = publishable(catalog, publishes=Publishes.ORIGINALS)

    assert content.labels == CAME_FROM


def test_a_row_of_the_ledger_is_sent_with_what_is_told_of_it_now(catalog: Catalog) -> None:
    store(catalog, 1, "truck")

    rows = [register(catalog, publishes=Publishes.ORIGINALS)[0] for _ in range(2)]

    assert [row.content.labels for row in rows] == [CAME_FROM] * 2
