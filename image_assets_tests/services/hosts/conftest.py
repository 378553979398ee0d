import pytest

from image_assets.rehearsal import Rehearsal


@pytest.fixture(scope="module")
def rehearsal():
    """One rehearsal for the hosts of a module; each bench empties it."""
    with Rehearsal() as rehearsal:
        yield rehearsal
