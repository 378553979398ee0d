"""Distinct pictures, and which received picture is of which."""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import Partition, Scope


@dataclass(frozen=True, slots=True)
class Undesigned:
    """A stored picture that belongs to no design yet."""

    image_id: int
    item_key: str
    sha256: str
    path: str
    design_of_blob: str | None
    """The design, in the same scope, of another picture with the same bytes."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A design as matching sees it."""

    design_id: str
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class Reach:
    """How far an admission searches: designs of `version`, each of four hashes within `bits` of 256."""

    version: str
    bits: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What people said of a picture: the design that it is the same as, and those it never is."""

    same: str | None = None
    apart: frozenset[str] = frozenset()


class Admission(Protocol):
    """One open admission to a scope: nobody else admits to it meanwhile."""

    def exact(self, pixel_hash: str, version: str) -> str | None:
        """The design whose anchor or alias has exactly these pixels."""
        ...

    def near(self, looks: Sequence[Fingerprint]) -> Sequence[Sequence[Anchor]]:
        """For each look the anchors within the admission's reach, in the order of their designs' ids.

        All of them and no others, as they were when the admission opened: what it creates itself
        its caller has. The anchor of a merged design is one of the design that it leads to.
        """
        ...

    def judged(self, pixel_hash: str, version: str) -> Judged:
        """What people said of these pixels, in terms of designs as they are now."""
        ...

    def create(
        self, image_id: int, fingerprint: Fingerprint, *, sha256: str, now: dt.datetime
    ) -> str | None:
        """A new design with this picture as anchor and display image; its id.

        The picture is joined to it. Where the picture, or an anchor with these pixels, has a design
        already, that one is given: repeating changes nothing. None, and nothing is made, when the
        picture no longer has the bytes `sha256` that were looked at.
        """
        ...

    def join(self, image_id: int, design_id: str, pixel_hash: str | None, *, sha256: str) -> bool:
        """The picture is of this design (as its anchor or as an alias), unless it has one already.

        False, and nothing changes, when it no longer has the bytes `sha256` that were looked at.
        """
        ...


@dataclass(frozen=True, slots=True)
class DesignCounts:
    """Of a partition: its distinct designs, its pictures that have one, and how many are aliases."""

    designs: int
    images: int
    aliases: int


@dataclass(frozen=True, slots=True)
class DesignFlaws:
    """Where the invariants of designs do not hold; all empty when all is well.

    `undesigned` are item keys of stored pictures without a design, `unanchored` ids of designs whose
    anchor picture is not theirs, `twins` ids of designs that share exact pixels with another one.
    """

    undesigned: Sequence[str]
    unanchored: Sequence[str]
    twins: Sequence[str]


class DesignsCatalog(Protocol):
    """Distinct pictures and which received picture is of which design."""

    def undesigned(self, partition: Partition, scope: Scope) -> Sequence[Undesigned]:
        """Stored pictures of the partition without a design, by item key."""
        ...

    def admission(
        self, scope: Scope, reach: Reach | None = None
    ) -> AbstractContextManager[Admission]:
        """Open one transaction that admits to `scope`; all of it or nothing.

        Only with a `reach` can it search for what is near.
        """
        ...

    def pairs(self, scope: Scope, reach: Reach) -> Iterator[tuple[Anchor, Anchor]]:
        """Anchors of two designs of the scope within reach of each other, the first by id first.

        But for those of which people said that they are different. The whole scope against itself,
        a thousand designs at a time; what a design has been merged with may make it come again.
        """
        ...

    def counts(self, partition: Partition) -> DesignCounts:
        """How many designs the partition's pictures show."""
        ...

    def flaws(self, partition: Partition) -> DesignFlaws:
        """Where the partition's designs break an invariant."""
        ...
