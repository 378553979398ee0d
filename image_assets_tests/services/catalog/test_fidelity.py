import datetime as dt

import pytest

from image_assets.core.fidelity import ESTABLISHED, Sighting, Treatment
from image_assets.core.model import ImageFormat
from image_assets.services.catalog import Catalog
from image_assets_tests.services.catalog.samples import NOW, journey, store

JPEG = ImageFormat.JPEG
LATER = NOW + dt.timedelta(days=1)


@pytest.fixture
def published(catalog: Catalog) -> Catalog:
    """A catalog with a destination that holds something."""
    store(catalog, 1, "truck")
    journey(catalog)
    return catalog


def saw(treatment: Treatment, count: int = 1, example: str = "https://host.test/a") -> Sighting:
    return Sighting(JPEG, treatment, count, example)


def learn(catalog: Catalog, *sightings: Sighting, destination: str = "pinata") -> list[Treatment]:
    changes = catalog.fidelity.learn(destination, sightings, now=NOW)
    return [habit.treatment for habit in changes]


def test_nothing_seen_costs_nothing(catalog):
    assert learn(catalog, destination="nowhere") == []


def test_what_was_seen_adds_up(published):
    learn(published, saw(Treatment.SAME_BYTES, 2, "https://host.test/a"))
    learn(published, saw(Treatment.SAME_BYTES, 3, "https://host.test/b"))

    [habit] = published.fidelity.habits("pinata")

    assert (habit.count, habit.example, habit.alarms) == (5, "https://host.test/b", False)


def test_a_change_alarms_once_and_stands_until_it_is_taken_note_of(published):
    learn(published, saw(Treatment.SAME_BYTES, ESTABLISHED))

    first = learn(published, saw(Treatment.ENCODED_ANEW))
    second = learn(published, saw(Treatment.ENCODED_ANEW))
    standing = [h.treatment for h in published.fidelity.habits("pinata") if h.alarms]
    noted = published.fidelity.accept("pinata", now=LATER)

    assert (first, second, noted) == ([Treatment.ENCODED_ANEW], [], 1)
    assert standing == [Treatment.ENCODED_ANEW]
    assert not any(habit.alarms for habit in published.fidelity.habits("pinata"))
    assert published.fidelity.accept("pinata", now=LATER) == 0


def test_several_treatments_of_a_first_batch_are_one_habit(published):
    changes = learn(
        published,
        saw(Treatment.SAME_BYTES, 9),
        saw(Treatment.ENCODED_ANEW),
        saw(Treatment.STRIPPED),
    )

    assert changes == []


def test_hosts_are_learned_apart(published):
    learn(published, saw(Treatment.SAME_BYTES))

    assert published.fidelity.habits("imgbb") == ()
