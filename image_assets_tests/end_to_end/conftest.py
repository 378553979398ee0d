import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_assets.rehearsal import Profile, Rehearsal


@pytest.fixture
def rehearsal() -> Iterator[Rehearsal]:
    with Rehearsal(Profile.demo()) as rehearsal:
        yield rehearsal


@pytest.fixture
def days() -> int:
    """Days of the backfill through the web server; 30 in the full run."""
    return int(os.environ.get("IMAGE_ASSETS_TEST_DAYS", "2"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"
