"""An export that expired is made again for who asks, from the real catalog, store and decoder."""

import datetime as dt
from pathlib import Path

import pytest

from image_assets import compose
from image_assets.core.retention import RetentionPolicy
from image_assets.delivery.app import create_app
from image_assets.delivery.rebuilding import OnDemand
from image_assets.settings import Settings, isolated
from image_assets.stages.retention import Retention
from image_assets_tests.delivery.site import Site, serving
from image_assets_tests.drawing import picture
from image_assets_tests.services.catalog.samples import add_tenant
from image_assets_tests.stages.conftest import NOW, RECIPE, House

LATER = NOW + dt.timedelta(days=8)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return isolated({"IMAGE_ASSETS_DATA_DIR": tmp_path / "data"})


@pytest.fixture
def expired(settings: Settings, tmp_path: Path) -> dict[str, bytes]:
    """Exports that are gone, and what they were."""
    store = compose.store_at(settings.data_dir)
    with compose.catalog(settings) as catalog, compose.decoder(settings) as decoder:
        house = House(tmp_path, catalog, store, decoder)
        house.collect({"20250901100000_in_gate.jpg": picture(1)})
        add_tenant(catalog, "shop")
        house.admit()
        house.export()
        made = {key: (settings.data_dir / key).read_bytes() for key in house.files("exports")}
        retention = Retention(catalog.retention, store, RetentionPolicy(), (RECIPE.name,))
        retention.plan(now=LATER)
        retention.apply(now=LATER)
        assert house.files("exports") == []
    return made


def test_a_published_address_does_not_break(settings, expired):
    rebuilder = OnDemand(settings)
    app = create_app(settings, rebuilder=rebuilder, routers=[rebuilder.router()])
    with serving(app) as port:
        site = Site(settings.data_dir, port)
        answers = {key: site.ask(f"/static/output/{key.partition('/')[2]}") for key in expired}
        other = site.ask("/static/output/small/00/000000000000000000000000-00000000.jpg")

    assert {key: answer.body for key, answer in answers.items()} == expired
    assert {answer.headers["cache-control"] for answer in answers.values()} == {
        "public, max-age=31536000, immutable"
    }
    assert other.status == 404


def test_another_tenants_link_makes_nothing(settings, expired):
    rebuilder = OnDemand(settings)
    (key, *_) = expired

    assert rebuilder.rebuild(key, "shop") is None
    assert rebuilder.rebuild(key, "nobody we know") is None
    assert rebuilder.rebuild(key, "default") == key
    rebuilder.close()
