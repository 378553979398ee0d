"""Four writers of one key, reads up to a minute old, kills: the catalog never goes back, the store follows.

IMAGE_ASSETS_TEST_INTERLEAVINGS says how many; 500 where it says nothing.
"""

import datetime as dt
import os
import random
from itertools import pairwise

import pytest

from image_assets.core.errors import RejectedError
from image_assets.core.model import LatestState
from image_assets.services.catalog import Catalog
from image_assets_tests.latest_simulation import WHAT, MemoryLatest, World, sequences

PLAYED = int(os.environ.get("IMAGE_ASSETS_TEST_INTERLEAVINGS", "500"))
STEPS = 300


def check_history(world: World) -> None:
    """The catalog's sequences are gapless, and go forward but where a person said otherwise."""
    history = list(reversed(world.catalog.history("default", WHAT.key, most=10_000)))
    assert [entry.sequence for entry in history] == list(range(1, len(history) + 1))
    for before, after in pairwise(history):
        assert after.captured_at >= before.captured_at or after.sequence in world.by_hand


def check_convergence(world: World) -> None:
    """The store says what the catalog says, and that is the newest but where a person holds it."""
    world.settle()
    current = world.catalog.current("default", WHAT.key)
    if current is None:
        assert world.pictures == []
        return
    assert (world.store.holds, current.state) == (current.value, LatestState.PUBLISHED)
    newest = world.newest_verified()
    assert newest is not None
    assert current.hold or current.captured_at == newest.captured_at


def check_pace(world: World) -> None:
    """No two writes of the key within a second."""
    times = [at for at, value in world.store.writes if value is not None]
    assert all((after - before).total_seconds() >= 1 for before, after in pairwise(times))


def check_order(world: World) -> None:
    """What the store was given never goes back."""
    written = sequences(world.store.writes)
    assert written == sorted(written)


@pytest.mark.parametrize("tenth", range(10))
def test_whoever_overtakes_whom_nothing_goes_back_and_the_store_follows(tenth):
    for seed in range(tenth, PLAYED, 10):
        world = World(seed, MemoryLatest())
        world.play(STEPS)
        check_history(world)
        check_order(world)
        check_pace(world)
        check_convergence(world)


def test_writers_that_stand_still_for_minutes_are_overtaken_and_the_store_follows_all_the_same():
    for seed in range(PLAYED // 5):
        world = World(seed, MemoryLatest(), pauses=True)
        world.play(STEPS)
        check_history(world)
        check_convergence(world)


def test_a_real_catalog_keeps_the_same_promises(catalog: Catalog):
    world = World(7, catalog.latest)
    world.play(STEPS)

    check_history(world)
    check_order(world)
    check_pace(world)
    check_convergence(world)


def test_the_play_is_worth_watching():
    """Chance brings writes, losses, rollbacks, kills and writers who wait for each other."""
    worlds = [World(seed, MemoryLatest()) for seed in range(30)]
    for world in worlds:
        world.play(STEPS)

    written = [value for world in worlds for _, value in world.store.writes]
    assert len([value for value in written if value is not None]) > 100
    assert None in written
    assert any(world.by_hand for world in worlds)
    assert any(world.killed for world in worlds)


def test_the_catalog_in_memory_says_what_the_real_one_says(catalog: Catalog):
    for seed in range(3):
        chance, key = random.Random(seed), f"{WHAT.key} {seed}"
        memory = MemoryLatest()
        for _ in range(40):
            asked = _ask(chance, key)
            assert _answer(memory, *asked) == _answer(catalog.latest, *asked)


def _ask(chance: random.Random, key: str) -> tuple[str, list[object], dict[str, object]]:
    """Any call with any arguments."""
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=chance.randrange(100))
    sequence = chance.randrange(1, 8)
    owner = chance.choice(["us", "them"])
    calls: list[tuple[str, list[object], dict[str, object]]] = [
        ("current", ["default", key], {}),
        ("history", ["default", key], {"most": 3}),
        ("entry", ["default", key, sequence], {}),
        ("written", ["default", key, sequence], {"now": now}),
        ("published", ["default", key, sequence], {"now": now}),
        ("let_go", ["default", key], {}),
        ("lease", [key, owner], {"until": now + dt.timedelta(seconds=20), "now": now}),
        ("release", [key, owner], {}),
    ]
    append = {
        "sequence": sequence,
        "captured_at": now,
        "value": str(sequence),
        "sha256": "0" * 64,
        "now": now,
        "hold": chance.random() < 0.3,
    }
    return chance.choice([*calls, *[("append", ["default", key], append)] * 8])


def _answer(
    catalog: object, call: str, arguments: list[object], named: dict[str, object]
) -> object:
    try:
        return getattr(catalog, call)(*arguments, **named)
    except RejectedError as error:
        return str(error)
