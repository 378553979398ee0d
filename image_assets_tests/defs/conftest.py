from collections.abc import Iterator
from pathlib import Path

import pytest

from image_assets_tests.journey import Journey, journey


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[Journey]:
    """A journey at its start: nothing was collected yet."""
    with journey(tmp_path / "data") as camera:
        yield camera
