"""Filing designs where the search for alike ones finds them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, insert, select, update

from image_assets.core.bands import keys
from image_assets.core.codes import packed
from image_assets.core.fingerprint import Fingerprint
from image_assets.services.catalog.schema import designs
from image_assets.services.catalog.spaces import bands, codes, spaces

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Space:
    """A row of `spaces`."""

    id: int
    filed: int
    banded: bool


def find_space(connection: Connection, tenant: int, group: str, version: str) -> Space | None:
    """The space of these codes; None where nobody searched among them yet."""
    row = connection.execute(
        select(spaces.c.id, spaces.c.filed, spaces.c.banded).where(_of(tenant, group, version))
    ).one_or_none()
    return None if row is None else Space(*row)


def file_designs(
    connection: Connection, tenant: int, group: str, made: Sequence[tuple[str, Fingerprint]]
) -> None:
    """File new designs, where their scope is searched at all.

    The space's row is held until the transaction ends: numbers become visible in their order.
    """
    for version in {look.version for _, look in made}:
        rows = [(design, packed(look)) for design, look in made if look.version == version]
        space = _more(connection, tenant, group, version, len(rows))
        if space is not None:
            first = space.filed - len(rows) + 1
            _file(connection, space, [(first + n, *row) for n, row in enumerate(rows)])


def _more(
    connection: Connection, tenant: int, group: str, version: str, count: int
) -> Space | None:
    """The space, with so many numbers more."""
    row = connection.execute(
        update(spaces)
        .where(_of(tenant, group, version))
        .values(filed=spaces.c.filed + count)
        .returning(spaces.c.id, spaces.c.filed, spaces.c.banded)
    ).one_or_none()
    return None if row is None else Space(*row)


def open_space(
    connection: Connection, tenant: int, group: str, version: str, *, banded: bool
) -> None:
    """Make the space, or the keys it lacks, from the designs that are there.

    The caller holds the scope's lock.
    """
    space = find_space(connection, tenant, group, version)
    if space is None:
        row = {"tenant_id": tenant, "scope": group, "version": version}
        connection.execute(insert(spaces).values(**row, filed=0, banded=banded))
        space = find_space(connection, tenant, group, version)
        assert space is not None
        _fill(connection, space, tenant, group, version)
    elif banded and not space.banded:
        for rows in _filed(connection, space):
            _band(connection, space, rows)
        connection.execute(update(spaces).where(spaces.c.id == space.id).values(banded=True))


def _fill(connection: Connection, space: Space, tenant: int, group: str, version: str) -> None:
    """File every design, those that were merged into another too: merging can be undone."""
    ours = (
        (designs.c.tenant_id == tenant)
        & (designs.c.scope == group)
        & (designs.c.version == version)
    )
    last, filed = "", 0
    while True:
        rows = connection.execute(
            select(designs.c.id, designs.c.fingerprint)
            .where(ours, designs.c.id > last)
            .order_by(designs.c.id)
            .limit(_AT_ONCE)
        ).all()
        if not rows:
            break
        looks = [(row.id, packed(Fingerprint.from_bytes(row.fingerprint))) for row in rows]
        numbered = [(filed + n, *look) for n, look in enumerate(looks, start=1)]
        _file(connection, space, numbered)
        last, filed = rows[-1].id, filed + len(rows)
    connection.execute(update(spaces).where(spaces.c.id == space.id).values(filed=filed))


def _file(connection: Connection, space: Space, rows: Sequence[tuple[int, str, bytes]]) -> None:
    connection.execute(
        insert(codes),
        [
            {"space_id": space.id, "number": number, "design_id": design, "code": code}
            for number, design, code in rows
        ],
    )
    if space.banded:
        _band(connection, space, [(number, code) for number, _, code in rows])


def _band(connection: Connection, space: Space, rows: Sequence[tuple[int, bytes]]) -> None:
    connection.execute(
        insert(bands),
        [
            {"space_id": space.id, "key": key, "number": number}
            for number, code in rows
            for key in keys(code)
        ],
    )


def _filed(connection: Connection, space: Space) -> Iterator[list[tuple[int, bytes]]]:
    last = 0
    while True:
        rows = connection.execute(
            select(codes.c.number, codes.c.code)
            .where(codes.c.space_id == space.id, codes.c.number > last)
            .order_by(codes.c.number)
            .limit(_AT_ONCE)
        ).all()
        if not rows:
            return
        yield [(number, code) for number, code in rows]
        last = rows[-1].number


def _of(tenant: int, group: str, version: str) -> ColumnElement[bool]:
    return (
        (spaces.c.tenant_id == tenant) & (spaces.c.scope == group) & (spaces.c.version == version)
    )
