import datetime as dt
from collections.abc import Iterator

import httpx
import pytest

from image_assets.rehearsal import Profile, Rehearsal

NOON = dt.datetime(2025, 9, 3, 12, tzinfo=dt.UTC)


@pytest.fixture
def profile() -> Profile:
    """What a test overrides to rehearse under other conditions."""
    return Profile(now=NOON)


@pytest.fixture
def rehearsal(profile: Profile) -> Iterator[Rehearsal]:
    """A rehearsal whose clock stands still at the profile's now."""
    with Rehearsal(profile) as rehearsal:
        rehearsal.clock.set(profile.now or NOON, frozen=True)
        yield rehearsal


@pytest.fixture
def client(rehearsal: Rehearsal) -> Iterator[httpx.Client]:
    # No certificates: reading them costs more than most of these tests.
    with httpx.Client(base_url=rehearsal.address, timeout=20, verify=False) as client:
        yield client
