"""What becomes of pictures at a host, seen and told."""

import hashlib
import threading

import pytest

from image_assets.core.errors import VerificationError
from image_assets.core.fidelity import Treatment
from image_assets.core.model import Content, ImageFormat, Publishes
from image_assets.stages.uploads import Publisher
from image_assets.stages.verification import Witness, show
from image_assets_tests.drawing import picture
from image_assets_tests.fakes import FakeHost, MangledHost
from image_assets_tests.stages.conftest import DAY, NOW, RECIPE, House


@pytest.fixture
def collected(house: House) -> House:
    house.collect({f"2025090110{n:02}00_in_gate.jpg": picture(n) for n in range(3)})
    return house


def witness(house: House, destination: str = "fake") -> Witness:
    return Witness(destination, house.catalog.fidelity, house.catalog.notices, lambda: NOW)


def publish(house: House, host: FakeHost, seen: Witness) -> None:
    Publisher(
        "fake", host, house.catalog.uploads, house.store, "us", lambda: NOW, 1, witness=seen
    ).publish(DAY, Publishes.ORIGINALS, RECIPE)


def treatments(house: House) -> dict[Treatment, int]:
    return {habit.treatment: habit.count for habit in house.catalog.fidelity.habits("fake")}


def test_a_host_that_proves_equal_bytes_keeps_them(tmp_path):
    host, file = FakeHost(), tmp_path / "a.jpg"
    file.write_bytes(picture(1))
    content = Content(hashlib.sha256(picture(1)).hexdigest(), "a", 9, ImageFormat.JPEG, "a.jpg")
    receipt = host.upload(content, file)

    assert show(host, content, file, receipt).treatments == {Treatment.SAME_BYTES}


def test_what_a_batch_saw_is_written_at_its_end(collected):
    publish(collected, FakeHost(), witness(collected))

    assert treatments(collected) == {Treatment.SAME_BYTES: 3}


def test_what_is_not_ours_is_seen_too(collected):
    publish(collected, MangledHost(), witness(collected))

    assert treatments(collected) == {Treatment.REPLACED: 3}


def test_an_error_of_the_host_passes_on(collected):
    class Swaps(FakeHost):
        def verify(self, content, file, receipt):
            raise VerificationError(f"{content.name}: another size", Treatment.RESIZED)

    publish(collected, Swaps(), witness(collected))

    assert treatments(collected) == {Treatment.RESIZED: 3}


def test_many_threads_lose_no_sighting(collected):
    publish(collected, FakeHost(), witness(collected))
    seen = witness(collected)

    def look() -> None:
        for _ in range(200):
            seen.see(ImageFormat.JPEG, [Treatment.SAME_BYTES], "https://fake.example/a")

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen.tell()

    assert treatments(collected) == {Treatment.SAME_BYTES: 803}


def test_what_was_told_is_not_told_again(collected):
    publish(collected, FakeHost(), witness(collected))
    seen = witness(collected)
    seen.see(ImageFormat.JPEG, [Treatment.STRIPPED], "https://fake.example/a")

    first, second = seen.tell(), seen.tell()

    assert [habit.treatment for habit in first] == [Treatment.STRIPPED]
    assert second == ()
    assert treatments(collected)[Treatment.STRIPPED] == 1
