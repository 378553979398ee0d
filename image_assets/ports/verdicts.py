"""What people see of designs, and what they decide about them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from image_assets.core.display import Candidate, Choice
from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import Partition


class DecisionKind(StrEnum):
    """What a person can decide."""

    SAME = "same"
    DIFFERENT = "different"
    MERGE = "merge"
    SPLIT = "split"
    DISPLAY = "display"


@dataclass(frozen=True, slots=True)
class By:
    """Who decides, and when (aware UTC)."""

    person: str
    now: dt.datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided; `said` is it in words. It stands until it is undone."""

    id: int
    kind: DecisionKind
    scope: str
    person: str
    said: str
    decided_at: dt.datetime
    undone_by: str | None = None
    undone_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision's number (None: it was so already), and the designs that it touched."""

    decision_id: int | None
    designs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """What a person named: a design (by its anchor's pixels) or one picture of it.

    `design` is the one that rules, `own` the one it had before merges. `path` is where the picture's
    bytes are, None when they are not here.
    """

    design: str
    own: str
    scope: str
    pixels: str
    path: str | None = None
    image_id: int | None = None


@dataclass(frozen=True, slots=True)
class DesignPicture:
    """A picture of a design, with all that is known of it alone; an alias loses nothing."""

    image_id: int
    own: str
    source: str
    collection: str
    partition_key: str
    item_key: str
    original_name: str
    captured_at: dt.datetime | None
    state: str
    pixels: str | None
    path: str | None
    format: str | None
    width: int | None
    height: int | None
    size: int | None
    anchor: bool = False
    displayed: bool = False
    exif: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DesignSummary:
    """A design that rules, as a list shows it."""

    id: str
    scope: str
    created_at: dt.datetime
    pictures: int
    distinct: int
    """Pictures that differ in their bytes."""
    display_path: str | None


@dataclass(frozen=True, slots=True)
class DesignView:
    """A design with everything a page shows of it; `merged` are the ids that lead to it."""

    id: str
    scope: str
    version: str
    created_at: dt.datetime
    display_reason: str | None
    merged: tuple[str, ...]
    pictures: tuple[DesignPicture, ...]


class GalleryCatalog(Protocol):
    """Looking at designs; every name is one of `tenant`, and nobody else's is found."""

    def listed(
        self, tenant: str, *, group: str | None = None, after: str = "", most: int = 50
    ) -> Sequence[DesignSummary]:
        """Designs that rule, by id, from the one after `after` on."""
        ...

    def shown(self, tenant: str, design: str) -> DesignView:
        """A design with its pictures, by item key; an id that was merged leads to the one that rules.

        Raises:
            NotFoundError: no such design.
        """
        ...

    def named(self, tenant: str, name: str) -> Named:
        """What `name` says: a design's id or its beginning, or `image:17` for one picture.

        Raises:
            NotFoundError: nothing, or more than one design, goes by it.
        """
        ...

    def candidates(self, tenant: str, design: str) -> Sequence[Candidate]:
        """The stored pictures that could show the design, one for each content, by item key.

        Empty when a person chose the one that does.
        """
        ...

    def contested(self, partition: Partition) -> Sequence[str]:
        """Designs of the partition's pictures that have pictures of other bytes as well, by id."""
        ...

    def decisions(self, tenant: str, *, most: int = 50, undone: bool = False) -> Sequence[Decision]:
        """The newest decisions first; those that were undone as well if asked for."""
        ...


class VerdictsCatalog(Protocol):
    """Deciding about designs. A decision is taken whole or not at all, and can be undone.

    Every method raises `RejectedError` for what contradicts what was said before, or names designs
    of two scopes; whatever it leaves, verdicts and designs agree.
    """

    def same(self, tenant: str, into: Named, others: Sequence[Named], by: By) -> Decided:
        """All of them are one design, for ever: `into` rules, and the other ids lead to it."""
        ...

    def leaving(self, tenant: str, one: Named, other: Named) -> Named | None:
        """Which of a pair has to leave their design and has not been one yet: it must be looked at.

        Raises:
            RejectedError: both are the anchor's picture.
        """
        ...

    def different(
        self, tenant: str, one: Named, other: Named, by: By, *, look: Fingerprint | None = None
    ) -> Decided:
        """They are never one design; if they are now, the one that is not the anchor leaves.

        Args:
            tenant: whose designs they are.
            one: a design or a picture.
            other: another one.
            by: who says so.
            look: the fingerprint of the one that `leaving` gave.

        Raises:
            TransientError: one has to leave, and was not looked at.
        """
        ...

    def split(
        self, tenant: str, pictures: Sequence[Named], by: By, *, look: Fingerprint | None = None
    ) -> Decided:
        """These pictures of one design become, together, one of their own.

        Raises:
            RejectedError: they are of several designs, or the anchor is among them.
        """
        ...

    def display(self, tenant: str, picture: Named, by: By) -> Decided:
        """This picture shows its design, whatever the rule would choose."""
        ...

    def keep_best(self, tenant: str, design: str, choice: Choice) -> bool:
        """This picture shows the design by the rule; False when it is so, or a person chose."""
        ...

    def undo(self, tenant: str, decision_id: int, by: By) -> Decided:
        """Take a decision back: everything it changed is as it was.

        Raises:
            NotFoundError: no such decision. RejectedError: it was undone, or a later one builds on it.
        """
        ...
