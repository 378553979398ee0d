"""Killed at any moment, a journey loses nothing, and the next one brings it to the same end (R1)."""

import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from image_assets.core.cid import compute
from image_assets.core.model import UploadState
from image_assets_tests.end_to_end.worlds import (
    AT,
    Come,
    Server,
    World,
    draw_plots,
    sha256_of,
    world_in,
)

KILLS = int(os.environ.get("IMAGE_ASSETS_TEST_KILLS", "2"))
"""At how many different calls of each point a process is killed; 20 in the full run."""

POINTS = (
    # download
    *("camera.list+", "camera.fetch:", "os.rename:", "camera.fetch+", "plots.fetch+"),
    # write
    *("store.put:", "os.fsync:", "os.link:", "os.link+", "os.unlink:", "store.put+"),
    # row
    *("images.record_listing+", "images.add_stored:", "images.add_stored+", "images.seal+"),
    # ledger
    *("uploads.register:", "uploads.register+", "uploads.begin:", "uploads.begin+"),
    # upload
    *("pinata.upload:", "pinata.upload+", "imgbb.upload:", "imgbb.upload+"),
    # receipt
    *("uploads.receive:", "uploads.receive+"),
    # proof
    *("pinata.verify+", "imgbb.verify:", "uploads.verified:", "uploads.verified+"),
    # latest
    *("latest.lease+", "latest.append:", "latest.append+", "kv.put:", "kv.put+"),
    *("kv.get+", "latest.published:", "latest.published+", "latest.release:"),
    # tombstone and purge: of the producer's files, and of originals in the store
    *("plots.put_away:", "plots.sha256+", "plots.put_away+", "plots.purge:", "plots.purge+"),
    *("originals.record_plan+", "originals.tombstone:", "originals.tombstone+"),
    *("originals.purging:", "store.delete:", "store.delete+"),
)
FIRST, SECOND = "2025-09-01", "2025-09-02"
NEXT, LATER = 1, 3
"""Hours after the first journey: the second, and the one after its kill, when all leases ran out."""

KEYS = ("apm/in_gate:daily:latest", "temperature:daily:latest")


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    """A folder in memory where there is one: a kill is no power cut, and hundreds of worlds wait for no disk."""
    shared = Path("/dev/shm")
    place = shared if os.access(shared, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="worlds-", dir=place) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture(scope="module")
def before(memory: Path, server: Server) -> Path:
    """A world of which a first day is published and announced, and a second one drawn."""
    folder = memory / "before"
    with world_in(folder, server) as world:
        draw_plots(world.plots, 1)
        assert world.take(FIRST) == 0
        assert {len(written) for written in world.announced().values()} == {1}
        draw_plots(world.plots, 2, 3)
    return folder


@pytest.fixture
def fresh(before: Path, memory: Path, server: Server) -> Iterator[World]:
    """That world, once more."""
    folder = memory / "fresh"
    shutil.copytree(before, folder)
    with world_in(folder, server) as world:
        yield world
    shutil.rmtree(folder)


@dataclass(frozen=True)
class Undisturbed:
    """What comes of the second day when nothing is killed, and how often each point is reached."""

    come: Come
    reached: dict[str, int]
    sends: int


@pytest.fixture(scope="module")
def undisturbed(before: Path, memory: Path, server: Server) -> Undisturbed:
    folder = memory / "undisturbed"
    shutil.copytree(before, folder)
    with world_in(folder, server) as world:
        assert world.take(SECOND, hours_ahead=NEXT) == 0
        reached = json.loads((folder / "reached.json").read_text())
        return Undisturbed(Come.of(world), reached, world.sends())


def check_killed(world: World) -> None:
    """What must hold whenever the power fails: no half picture is accepted, nothing goes unproven."""
    for sha256, path in world.rows(
        "SELECT b.sha256, b.path FROM blobs b JOIN images i ON i.blob_id = b.id"
    ):
        assert sha256_of((world.data / path).read_bytes()) == sha256, path
    here, pinned = world.lying(), world.pinned()
    for cid, path in world.rows(
        "SELECT u.cid, d.path FROM images i JOIN deletions d USING (sha256)"
        " JOIN uploads u USING (sha256) WHERE i.state = 'expired' AND u.cid IS NOT NULL"
    ):
        assert (world.data / path).exists() or cid in pinned, f"{path} is gone, and nobody has it"
    for name, content in draw_plots(world.folder / "drawn", 1, 2, 3).items():
        assert name in here or compute(content) in pinned, f"{name} is gone, and nobody has it"
    check_announced(world)


def check_recovered(world: World, undisturbed: Undisturbed) -> None:
    """What must hold after the next journey: all is as if nothing had been killed."""
    assert Come.of(world) == undisturbed.come
    assert world.sends() == undisturbed.sends
    states = dict(world.rows(f"SELECT sha256, uploads.state {AT} = 'imgbb'"))
    copies = world.copies()
    unclear = [sha256 for sha256, state in states.items() if state != UploadState.VERIFIED]
    assert {states[sha256] for sha256 in unclear} <= {UploadState.IN_DOUBT}
    assert len(unclear) <= 1
    assert {copies[sha256] for sha256 in states if sha256 not in unclear} == {1}
    assert all(copies[sha256] <= 1 for sha256 in unclear)
    check_announced(world)


def check_announced(world: World) -> None:
    for key, written in world.announced().items():
        assert written == sorted(written), f"{key} went back"


WIRE = [
    *(("socket.send+", kill, 3 * KILLS) for kill in range(3 * KILLS)),
    *(("socket.recv_into+", kill, KILLS) for kill in range(KILLS)),
]
"""Moments between two pieces of a request, or of an answer: many, and all alike."""


@pytest.mark.parametrize(
    ("point", "kill", "kills"),
    [*((point, kill, KILLS) for point in POINTS for kill in range(KILLS)), *WIRE],
)
def test_killed_at_a_point_nothing_is_lost_and_the_next_journey_ends_the_same(
    point, kill, kills, fresh, undisturbed
):
    calls = undisturbed.reached[point]
    # Spread over all calls, from the first one on.
    moment = f"{point}{1 + (kill * calls // kills if calls >= kills else kill % calls)}"

    assert fresh.take(SECOND, moment, hours_ahead=NEXT) == -signal.SIGKILL
    check_killed(fresh)

    assert fresh.take(SECOND, hours_ahead=LATER) == 0
    check_recovered(fresh, undisturbed)


def test_the_points_are_many_and_each_is_reached(undisturbed):
    assert len(set(POINTS)) >= 25
    assert set(POINTS) <= undisturbed.reached.keys()


def kill_when(world: World, is_time: Callable[[], bool]) -> None:
    """Start the second day, and kill it from outside at a time."""
    number = world.begin(SECOND, hours_ahead=NEXT)
    try:
        deadline = time.monotonic() + 60
        while not is_time():
            assert time.monotonic() < deadline, "it never came to that"
            time.sleep(0.002)
    finally:
        with suppress(ProcessLookupError):  # it ended by itself
            os.kill(number, signal.SIGKILL)
        ended = world.server.end()
    assert ended == -signal.SIGKILL
    world.rehearsal.clear_faults()


def test_killed_in_the_middle_of_a_download(fresh, undisturbed):
    fresh.rehearsal.inject("cdn", {"kind": "slow_body", "seconds": 60}, times=1)

    kill_when(fresh, lambda: "draydog/cdn" in fresh.rehearsal.requests()["peaks"])
    check_killed(fresh)

    assert fresh.take(SECOND, hours_ahead=LATER) == 0
    check_recovered(fresh, undisturbed)


@pytest.mark.parametrize("host", ["pinata", "imgbb"])
def test_killed_when_the_body_is_there_and_no_answer_came(host, fresh, undisturbed):
    before = {"pinata": len(fresh.pinned()), "imgbb": fresh.copies().total()}[host]
    held = {"pinata": lambda: len(fresh.pinned()), "imgbb": lambda: fresh.copies().total()}[host]
    route = {"pinata": "POST /pinata/uploads*", "imgbb": "POST /imgbb*"}[host]
    fresh.rehearsal.inject(route, {"kind": "slow_body", "seconds": 60}, times=1)

    kill_when(fresh, lambda: held() > before)
    check_killed(fresh)

    assert fresh.take(SECOND, hours_ahead=LATER) == 0
    check_recovered(fresh, undisturbed)
