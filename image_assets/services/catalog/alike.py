"""Finding the designs that are near to a picture: by keys in the database, or by codes in memory."""

import threading
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, select

from image_assets.core.bands import MOST_BITS, probes
from image_assets.core.codes import Code, PackedCodes, all_within, packed, unpacked
from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import Scope
from image_assets.ports import Anchor, Reach
from image_assets.services.catalog.dialects import lock, portions
from image_assets.services.catalog.engine import reading, tenant_id, writing
from image_assets.services.catalog.filing import Space, find_space, open_space
from image_assets.services.catalog.loading import Numbers, load_codes
from image_assets.services.catalog.schema import designs
from image_assets.services.catalog.selections import RULING
from image_assets.services.catalog.spaces import bands, codes

_SEARCHED_TOGETHER = 1000


class Alike:
    """What one process knows of the catalog's codes, kept from one admission to the next.

    Memory: 136 bytes a design, of those scopes alone that were searched further than bands reach.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[int, _Known] = {}
        self._turn = threading.Lock()

    def make_ready(self, scope: Scope, reach: Reach) -> None:
        """Do before a scope is held what takes long: make what a search needs, and read it."""
        by_keys = reach.bits <= MOST_BITS
        with reading(self._engine) as connection:
            tenant = tenant_id(connection, scope.tenant)
            space = find_space(connection, tenant, scope.group, reach.version)
            if space is not None and not by_keys:
                self._of(space).catch_up(connection)
        if space is None or (by_keys and not space.banded):
            with writing(self._engine) as connection:
                lock(connection, "scope", str(tenant), scope.group)
                open_space(connection, tenant, scope.group, reach.version, banded=by_keys)

    def search(self, connection: Connection, tenant: int, scope: Scope, reach: Reach) -> "Search":
        """A search among the designs that are there now, to be opened by who holds the scope.

        Only the rest is read, and nothing of this transaction: what is remembered is committed.
        """
        space = find_space(connection, tenant, scope.group, reach.version)
        if space is None:
            raise RuntimeError(f"{scope}: the search was not made ready")
        if reach.bits <= MOST_BITS:
            return Search(connection, space, reach, None)
        known = self._of(space)
        known.catch_up(connection)
        return Search(connection, space, reach, known)

    def _of(self, space: Space) -> "_Known":
        with self._turn:
            return self._known.setdefault(space.id, _Known(space.id))


@dataclass(frozen=True, slots=True)
class Search:
    """One search; exact by either way."""

    connection: Connection
    space: Space
    reach: Reach
    known: "_Known | None"

    def near(self, looks: Sequence[Fingerprint]) -> Sequence[Sequence[Anchor]]:
        """For each look the designs with all four hashes within reach, in the order of their ids."""
        if any(look.version != self.reach.version for look in looks):
            raise ValueError(f"only fingerprints of version {self.reach.version} are searched for")
        packed_looks = [packed(look) for look in looks]
        if self.known is not None:
            numbers = self.known.within(packed_looks, self.reach.bits)
        else:
            numbers = [self._by_keys(code) for code in packed_looks]
        anchors = self._anchors({number for found in numbers for number in found})
        return [_by_id(anchors[n] for n in found if n in anchors) for found in numbers]

    def _by_keys(self, code: bytes) -> list[int]:
        """Numbers of codes within reach: those that share a key with it, compared whole."""
        # In two steps: a planner that joins may begin with reading every code.
        sharing: set[int] = set()
        for portion in portions(probes(code, self.reach.bits)):
            rows = self.connection.scalars(
                select(bands.c.number).where(
                    bands.c.space_id == self.space.id,
                    bands.c.key.in_(portion),
                    bands.c.number <= self.space.filed,  # nothing of this transaction
                )
            )
            sharing.update(rows)
        return self._compared(sorted(sharing), code)

    def _compared(self, numbers: Sequence[int], code: bytes) -> list[int]:
        """Of these numbers, those whose whole codes are within reach."""
        near: list[int] = []
        for portion in portions(numbers):
            rows = self.connection.execute(
                select(codes.c.number, codes.c.code).where(
                    codes.c.space_id == self.space.id, codes.c.number.in_(portion)
                )
            ).all()
            stored = unpacked([row.code for row in rows])
            within = all_within(stored, unpacked([code])[0], self.reach.bits)
            near += [row.number for row, is_near in zip(rows, within, strict=True) if is_near]
        return near

    def _anchors(self, numbers: Iterable[int]) -> Mapping[int, Anchor]:
        """The designs of these codes; what is like one that was merged is of the one it leads to."""
        found: dict[int, Anchor] = {}
        for portion in portions(sorted(numbers)):
            rows = self.connection.execute(
                select(codes.c.number, RULING, designs.c.fingerprint)
                .join_from(codes, designs, designs.c.id == codes.c.design_id)
                .where(codes.c.space_id == self.space.id, codes.c.number.in_(portion))
            )
            found.update(
                (number, Anchor(design, Fingerprint.from_bytes(fingerprint)))
                for number, design, fingerprint in rows
            )
        return found


class _Known:
    """The codes of one space that this process has read; all up to the newest it has seen."""

    def __init__(self, space: int) -> None:
        self._space = space
        self._turn = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._codes = PackedCodes()
        self._numbers = array("q")
        self._newest = 0

    def catch_up(self, connection: Connection) -> None:
        """Read what was filed since."""
        with self._turn:
            complete = False
            try:
                load_codes(connection, self._space, self._newest, self._take)
                complete = True
            finally:
                if not complete:  # some older than the newest may be missing for ever
                    self._forget()

    def _take(self, numbers: Numbers, read: Code) -> None:
        self._codes.add(read)
        self._numbers.extend(numbers.tolist())
        self._newest = max(self._newest, int(numbers.max()))

    def within(self, looks: Sequence[bytes], bits: int) -> list[list[int]]:
        """For each code the numbers of those within `bits`."""
        with self._turn:
            found = self._codes.within(unpacked(looks), bits)
            return [[self._numbers[position] for position in positions] for positions in found]


def anchors_after(
    connection: Connection, tenant: int, group: str, version: str, last: str
) -> list[Anchor]:
    """The next thousand designs of a scope, by id."""
    rows = connection.execute(
        select(designs.c.id, designs.c.fingerprint)
        .where(
            designs.c.tenant_id == tenant,
            designs.c.scope == group,
            designs.c.version == version,
            designs.c.merged_into_id.is_(None),
            designs.c.id > last,
        )
        .order_by(designs.c.id)
        .limit(_SEARCHED_TOGETHER)
    )
    return [Anchor(design, Fingerprint.from_bytes(packed)) for design, packed in rows]


def _by_id(anchors: Iterable[Anchor]) -> list[Anchor]:
    return sorted(anchors, key=lambda anchor: anchor.design_id)
