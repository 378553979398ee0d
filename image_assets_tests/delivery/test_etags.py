"""Tags are hashes, and no file is hashed twice."""

import hashlib
import os
from pathlib import Path

import pytest

from image_assets.delivery.etags import Etags

EMPTY = f'"{hashlib.sha256(b"").hexdigest()}"'
ONE = f'"{hashlib.sha256(b"one").hexdigest()}"'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "one"
    file.write_bytes(b"one")
    return file


def tags(etags: Etags, file: Path, *, age: float) -> list[str]:
    """Twice; whoever hashes again finds nothing, for the file was read to its end."""
    written = file.stat().st_mtime_ns - int(age * 1e9)
    state = os.stat_result([*file.stat()[:10]], {"st_mtime_ns": written, "st_ctime_ns": written})
    with file.open("rb") as opened:
        return [etags.tag(opened, state) for _ in range(2)]


def test_a_file_that_has_settled_is_hashed_once(file):
    assert tags(Etags(), file, age=60) == [ONE, ONE]


def test_a_file_that_may_change_within_a_tick_of_the_clock_is_hashed_again(file):
    assert tags(Etags(), file, age=0) == [ONE, EMPTY]


def test_no_more_than_so_many_are_remembered(file, tmp_path):
    etags = Etags(most=1)
    tags(etags, file, age=60)
    other = tmp_path / "other"
    other.write_bytes(b"other")
    tags(etags, other, age=60)

    assert tags(etags, file, age=60) == [ONE, ONE]
    assert len(etags._known) == 1
