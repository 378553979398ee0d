"""Searching for what is near: equal to the plain scan on both databases, by keys and in memory."""

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from image_assets.core.codes import MOST_BITS
from image_assets.core.fingerprint import VERSION, Fingerprint
from image_assets.core.model import (
    Blob,
    Entry,
    Fetched,
    ImageFormat,
    Partition,
    Policy,
    Scope,
)
from image_assets.core.naming import design_id
from image_assets.core.nearest import Limits, distance, plain_scan
from image_assets.ports import Reach
from image_assets.services.catalog import Catalog, open_catalog
from image_assets.services.catalog.anchors import add_design
from image_assets.services.catalog.engine import tenant_id
from image_assets.services.catalog.schema import designs, images, verdicts
from image_assets.services.catalog.spaces import bands, codes, spaces
from image_assets.stages.designs import Admitter, doubles
from image_assets.stages.report import Report
from image_assets_tests.core.test_codes import CODES, turned
from image_assets_tests.fakes import KnownLooks
from image_assets_tests.looks import HASHES, relative, with_hashes
from image_assets_tests.services.catalog.samples import NOW, add_tenant, column

SCOPE = Scope("inbox", Policy.NEAR)
BATCH = Partition("inbox", "shop", "batch")
BY_KEYS_AND_IN_MEMORY = [16, 40]

_scopes = itertools.count()


def a_new_scope() -> Scope:
    return Scope(f"inbox {next(_scopes)}", Policy.NEAR)


def admit(catalog: Catalog, scope: Scope, *looks: Fingerprint) -> list[str]:
    """Designs of these looks; what they are designs of is not the search's business."""
    with catalog.designs.admission(scope) as desk:
        return [
            add_design(desk.connection, desk.tenant, scope, number, look, now=NOW)
            for number, look in enumerate(looks)
        ]


def near(catalog: Catalog, scope: Scope, bits: int, *looks: Fingerprint) -> list[list[str]]:
    with catalog.designs.admission(scope, Reach(VERSION, bits)) as desk:
        return [[anchor.design_id for anchor in found] for found in desk.near(looks)]


def plainly(scope: Scope, bits: int, look: Fingerprint, stored: Sequence[Fingerprint]) -> list[str]:
    """What the search must give: the specification."""
    return sorted(
        own_id(scope, other)
        for other in stored
        if all(distance(getattr(look, hash), getattr(other, hash)) <= bits for hash in HASHES)
    )


def own_id(scope: Scope, look: Fingerprint) -> str:
    return design_id(scope.tenant, scope.group, look.pixel_hash, look.version)


@contextmanager
def opened_again(catalog: Catalog) -> Iterator[Catalog]:
    """The same catalog as another process sees it."""
    other = open_catalog(catalog.engine.url.render_as_string(hide_password=False))
    yield other
    other.dispose()


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(CODES, min_size=1, max_size=4),
    st.lists(st.lists(st.integers(0, 1023), max_size=40), min_size=1, max_size=12),
    st.integers(0, MOST_BITS),
)
def test_the_search_equals_the_plain_scan(catalog, origins, flips, bits):
    every = origins + [turned(origins[n % len(origins)], some) for n, some in enumerate(flips)]
    looks = [look_of(code, str(n)) for n, code in enumerate(every)]
    scope = a_new_scope()
    admit(catalog, scope, *looks[::2])
    near(catalog, scope, bits, looks[0])  # what comes later is found as well
    admit(catalog, scope, *looks[1::2])

    found = near(catalog, scope, bits, *looks)

    assert found == [plainly(scope, bits, look, looks) for look in looks]


ORIGINS = {
    "a drawing": random.Random(1).randbytes(128),
    "white ink": bytes(32) + random.Random(2).randbytes(32) + bytes(64),
    "nothing": bytes(128),
}
SPREADS: tuple[Callable[[int], Sequence[int]], ...] = (
    range,
    lambda count: [256 * n // count for n in range(count)],
    lambda count: random.Random(count).sample(range(256), count),
)
"""Which bits of a hash are turned: the last ones, some everywhere, any."""


def at_and_beyond(name: str, spread: Callable[[int], Sequence[int]]) -> Iterator[Fingerprint]:
    """For every limit a code with each hash that far away, and one with a hash a bit further."""
    for bits in range(MOST_BITS + 1):
        for further in (None, bits % 4):
            counts = [bits + (hash == further) for hash in range(4)]
            flips = [256 * hash + at for hash, count in enumerate(counts) for at in spread(count)]
            yield look_of(turned(ORIGINS[name], flips))


def look_of(code: bytes, name: str | None = None) -> Fingerprint:
    return with_hashes(name or code.hex(), *(code[at : at + 32] for at in range(0, 128, 32)))


@pytest.mark.parametrize("name", ORIGINS)
def test_at_every_limit_the_last_bit_within_is_found_and_the_next_is_not(catalog, name):
    every = (look for spread in SPREADS for look in at_and_beyond(name, spread))
    looks = list({look.pixel_hash: look for look in every}.values())
    admit(catalog, SCOPE, *looks)
    origin = look_of(ORIGINS[name])

    found = [near(catalog, SCOPE, bits, origin)[0] for bits in range(MOST_BITS + 1)]

    assert found == [plainly(SCOPE, bits, origin, looks) for bits in range(MOST_BITS + 1)]
    assert len(found[0]) == 1


@pytest.mark.parametrize("bits", BY_KEYS_AND_IN_MEMORY)
def test_a_batch_that_fails_at_any_statement_leaves_nothing_half_written(catalog, bits):
    looks = {f"{n}": relative(n, 0) for n in range(3)}
    add_batch(catalog, looks)
    near(catalog, SCOPE, bits, relative(9, 0))
    before = everything(catalog)

    for number in itertools.count(1):
        try:
            with cut_off_at(catalog, number):
                report = admit_batch(catalog, looks, bits)
        except ZeroDivisionError:
            assert everything(catalog) == before
        else:
            break

    assert number > 4 * len(looks)
    assert report.counts["designs"] == len(looks)
    found = near(catalog, SCOPE, bits, *looks.values())
    assert found == [[own_id(SCOPE, look)] for look in looks.values()]


def add_batch(catalog: Catalog, looks: Mapping[str, Fingerprint]) -> None:
    for name, look in looks.items():
        blob = Blob(look.pixel_hash, name, 1000, ImageFormat.PNG, 64, 64)
        fetched = Fetched(blob.sha256, blob.size)
        catalog.images.add_stored(BATCH, Entry(name, name), blob, fetched=fetched, exif={}, now=NOW)


def admit_batch(catalog: Catalog, looks: Mapping[str, Fingerprint], bits: int) -> Report:
    known = KnownLooks(looks)
    admitter = Admitter(SCOPE, catalog.designs, known, known, Limits(near_bits=bits), workers=1)
    return admitter.admit(BATCH, now=NOW)


def everything(catalog: Catalog) -> list[list[tuple[object, ...]]]:
    with catalog.engine.connect() as connection:
        tables = (designs, images, spaces, codes, bands)
        return [sorted(map(tuple, connection.execute(sa.select(t))), key=repr) for t in tables]


@contextmanager
def cut_off_at(catalog: Catalog, number: int) -> Iterator[None]:
    """The process's statement of this number, and whatever would come after it, fails."""
    numbers = itertools.count(1)

    def fail(*_: object) -> None:
        if next(numbers) >= number:
            raise ZeroDivisionError

    sa.event.listen(catalog.engine, "before_cursor_execute", fail)
    try:
        yield
    finally:
        sa.event.remove(catalog.engine, "before_cursor_execute", fail)


def test_what_an_admission_brought_itself_is_found_by_its_pixels(catalog):
    first, second = looks = [relative(1, 1), relative(2, 1)]
    add_batch(catalog, dict(zip("ab", looks, strict=True)))
    a, b = catalog.designs.undesigned(BATCH, SCOPE)

    with catalog.designs.admission(SCOPE, Reach(VERSION, 40)) as desk:
        desk.near(looks)
        before = [desk.exact(look.pixel_hash, VERSION) for look in looks]
        made = desk.create(a.image_id, first, sha256=a.sha256, now=NOW)
        desk.join(b.image_id, str(made), second.pixel_hash, sha256=b.sha256)
        after = [desk.exact(look.pixel_hash, VERSION) for look in looks]

    assert (before, after) == ([None, None], [own_id(SCOPE, first)] * 2)


@pytest.mark.parametrize("policy", [Policy.NEAR, Policy.SEED])
def test_the_policy_decides_on_what_was_found_as_it_does_on_everything(catalog, policy):
    limits = Limits()
    bits = limits.near_bits if policy is Policy.NEAR else limits.seed_bits
    stored = [relative(family, member) for family in range(4) for member in range(5)]
    admit(catalog, SCOPE, *stored)
    everything = [(own_id(SCOPE, look), look) for look in stored]

    for look in [relative(family, 99) for family in range(6)]:
        with catalog.designs.admission(SCOPE, Reach(VERSION, bits)) as desk:
            [found] = desk.near([look])
        anchors = [(anchor.design_id, anchor.fingerprint) for anchor in found]

        assert plain_scan(policy, look, anchors, limits) == plain_scan(
            policy, look, everything, limits
        )


@pytest.mark.parametrize("bits", BY_KEYS_AND_IN_MEMORY)
def test_what_another_process_admits_is_found_at_once(catalog, bits):
    first, second = relative(1, 1), relative(1, 2)
    with opened_again(catalog) as other:
        admit(catalog, SCOPE, first)
        near(catalog, SCOPE, bits, first)

        [theirs] = admit(other, SCOPE, second)

        assert theirs in near(catalog, SCOPE, bits, first)[0]


@pytest.mark.parametrize("bits", BY_KEYS_AND_IN_MEMORY)
def test_what_was_never_committed_is_never_found(catalog, bits):
    kept, lost, later = (relative(1, member) for member in range(3))
    admit(catalog, SCOPE, kept)

    def cut_off() -> None:
        with catalog.designs.admission(SCOPE, Reach(VERSION, bits)) as desk:
            add_design(desk.connection, desk.tenant, SCOPE, 1, lost, now=NOW)
            [found] = desk.near([lost])
            assert [anchor.design_id for anchor in found] == [own_id(SCOPE, kept)]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cut_off()
    admit(catalog, SCOPE, later)  # its number may have been the lost one's

    assert near(catalog, SCOPE, bits, lost) == [sorted([own_id(SCOPE, kept), own_id(SCOPE, later)])]


def test_designs_from_before_the_first_search_are_found_by_either_way(catalog):
    looks = [relative(1, member) for member in range(3)]
    ids = sorted(admit(catalog, SCOPE, *looks))
    assert column(catalog, sa.select(spaces.c.id)) == []

    found = [near(catalog, SCOPE, bits, looks[0]) for bits in (40, 16, 40)]

    assert found == [[ids]] * 3
    assert len(column(catalog, sa.select(codes.c.number))) == 3
    assert len(column(catalog, sa.select(bands.c.key))) == 3 * 9


def test_where_nobody_searches_nothing_is_filed(catalog):
    admit(catalog, SCOPE, relative(1, 1))

    assert column(catalog, sa.select(codes.c.number)) == []


@pytest.mark.parametrize("bits", BY_KEYS_AND_IN_MEMORY)
def test_what_is_like_a_merged_design_is_of_the_one_it_leads_to(catalog, bits):
    first, second = relative(1, 1), relative(1, 2)
    one, other = admit(catalog, SCOPE, first, second)
    near(catalog, SCOPE, bits, first)

    def merge_into(target: str | None) -> list[str]:
        with catalog.engine.begin() as connection:
            merged = designs.update().where(designs.c.id == other).values(merged_into_id=target)
            connection.execute(merged)
        return near(catalog, SCOPE, bits, first)[0]

    assert set(merge_into(one)) == {one}
    assert merge_into(None) == sorted([one, other])


@pytest.mark.parametrize("bits", BY_KEYS_AND_IN_MEMORY)
def test_no_search_leaves_its_scope_or_tenant(catalog, bits):
    add_tenant(catalog, "other")
    look = relative(1, 1)
    scopes = [SCOPE, Scope("other inbox", Policy.NEAR), Scope("inbox", Policy.NEAR, "other")]
    ids = [admit(catalog, scope, look) for scope in scopes]

    found = [near(catalog, scope, bits, look) for scope in scopes]

    assert found == [[own] for own in ids]


def test_only_the_version_that_is_searched_may_be_asked_for(catalog):
    with (
        catalog.designs.admission(SCOPE, Reach("0", 40)) as desk,
        pytest.raises(ValueError, match="only fingerprints of version 0"),
    ):
        desk.near([relative(1, 1)])


def test_an_admission_without_a_reach_does_not_search(catalog):
    with (
        catalog.designs.admission(SCOPE) as desk,
        pytest.raises(ValueError, match="without a reach"),
    ):
        desk.near([relative(1, 1)])


@pytest.mark.parametrize("bits", BY_KEYS_AND_IN_MEMORY)
def test_every_pair_within_reach_is_given_once_but_for_what_people_keep_apart(catalog, bits):
    looks = [relative(family, member) for family in range(2) for member in range(3)]
    admit(catalog, SCOPE, *looks)
    first, second, third = (own_id(SCOPE, look) for look in looks[:3])
    keep_apart(catalog, looks[0], looks[1])

    found = [
        {a.design_id, b.design_id} for a, b in catalog.designs.pairs(SCOPE, Reach(VERSION, bits))
    ]

    assert len(found) == 2 * 3 - 1
    assert {first, second} not in found
    assert [found.count(pair) for pair in ({first, third}, {second, third})] == [1, 1]


def test_designs_that_admission_would_have_taken_for_one_are_told(catalog):
    [one, other, _] = admit(catalog, SCOPE, relative(1, 1), relative(1, 2), relative(2, 1))

    found = list(doubles(catalog.designs, SCOPE, Limits()))

    assert found == [tuple(sorted((one, other)))]
    assert list(doubles(catalog.designs, replace(SCOPE, policy=Policy.EXACT), Limits())) == []


def keep_apart(catalog: Catalog, one: Fingerprint, other: Fingerprint) -> None:
    a, b = sorted((one.pixel_hash, other.pixel_hash))
    said = {"pixel_a": a, "pixel_b": b, "verdict": "different", "person": "Ada"}
    with catalog.engine.begin() as connection:
        tenant = tenant_id(connection, SCOPE.tenant)
        row = {"tenant_id": tenant, "scope": SCOPE.group, "decided_at": NOW}
        connection.execute(verdicts.insert().values(**row, **said))
