import pytest
import sqlalchemy as sa

from image_assets.core.fingerprint import VERSION
from image_assets.core.model import Policy, Scope
from image_assets.services.catalog.schema import designs, images
from image_assets.stages.refingerprinting import Refingerprinter
from image_assets_tests.drawing import picture
from image_assets_tests.stages.conftest import House

OLD = "0"


@pytest.fixture
def aged(house: House) -> House:
    """Three designs, one with a repeat, as an older version would have left them."""
    house.collect({frame(n): picture(n % 3, format="PNG") for n in range(4)})
    house.admit()
    age(house)
    return house


def frame(number: int) -> str:
    return f"apm/in_gate/20250901T10000{number}_in_gate.png"


def age(house: House) -> None:
    with house.catalog.engine.begin() as connection:
        connection.execute(
            sa.update(designs).values(
                version=OLD,
                pixel_hash="00" + sa.func.substr(designs.c.pixel_hash, 3),
                fingerprint=b"of another layout",
            )
        )
        connection.execute(
            sa.update(images).values(pixel_hash="00" + sa.func.substr(images.c.pixel_hash, 3))
        )


def renew(house: House):
    return Refingerprinter(
        house.catalog.refingerprinting, house.store, house.decoder, workers=2
    ).renew()


def ids(house: House) -> list[str]:
    return [design.id for design in house.catalog.gallery.listed("default")]


def test_every_design_is_renewed_once_and_keeps_its_id(aged: House):
    before = ids(aged)

    first, again = renew(aged), renew(aged)

    assert dict(first.counts) == {"renewed": 3}
    assert dict(again.counts) == {}
    assert ids(aged) == before
    with aged.catalog.engine.connect() as connection:
        assert set(connection.scalars(sa.select(designs.c.version))) == {VERSION}


def test_new_pictures_find_renewed_designs(aged: House):
    renew(aged)
    aged.collect({frame(9): picture(1, format="BMP")})

    report = aged.admit()

    assert report.counts["aliases"] == 1
    assert len(ids(aged)) == 3


def test_a_design_whose_anchor_is_lost_stays_as_it_is(aged: House):
    [lost, *_] = aged.catalog.refingerprinting.outdated(VERSION, tenant=None, after="", most=9)
    aged.store.delete(lost.pictures[0][1])

    report = renew(aged)

    assert dict(report.counts) == {"renewed": 2}
    assert (report.failed, report.failures[0].item) == (1, lost.design_id)


def test_what_is_searched_by_likeness_is_searched_among_renewed_designs(house: House):
    scope = Scope("camera", Policy.NEAR)
    house.collect({frame(n): picture(n, (320, 180), "PNG") for n in range(2)})
    house.admit(policy=scope.policy)
    age(house)
    renew(house)

    house.collect({frame(7): picture(1, (320, 180), "JPEG")})
    report = house.admit(policy=scope.policy)

    assert report.counts["aliases"] == 1
