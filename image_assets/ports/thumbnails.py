"""Exports of designs: which are lacking, and the desk at which they are recorded."""

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from image_assets.core.model import Blob, ImageFormat, Partition
from image_assets.core.recipes import Recipe


@dataclass(frozen=True, slots=True)
class Origin:
    """A stored picture that exports are made from."""

    sha256: str
    path: str


@dataclass(frozen=True, slots=True)
class Unexported:
    """A design that lacks exports, what they are made from, and which: recipe's name and format.

    `base` shines through composites: the picture that the partition's request came with.
    """

    design_id: str
    origin: Origin
    lacks: tuple[tuple[str, ImageFormat], ...]
    base: Origin | None = None


@dataclass(frozen=True, slots=True)
class NewExport:
    """One file of a set as it was made: which recipe, which bytes, by whom, from which pictures."""

    recipe: Recipe
    blob: Blob
    encoder: str
    source_sha256: str
    base_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bytes of an export belong. `sha256` are those that must lie there when it is recorded."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ExportsCount:
    """How many designs a partition has, and how many have every format of a recipe.

    `partial` have all that could be made: what a format lacks is in `lacking`, the first reason for
    each format.
    """

    designs: int
    whole: int
    partial: int = 0
    lacking: Mapping[ImageFormat, str] = field(default_factory=dict)


class ExportsDesk(Protocol):
    """The exports of one design, open for writing: what is done here holds together or not at all.

    Bytes are put to their places while the desk is open. Whoever removes files waits meanwhile, so
    a file with a row is never removed, and a row without a file is never left.
    """

    def add(self, export: NewExport) -> Place | None:
        """Record an export that is lacking, or live again; None when the live one stays as it is."""
        ...

    def replace(self, export: NewExport) -> Place | None:
        """Record a rebuilt export in place of the one there is, which keeps its name beside it.

        None when the live one has the same bytes: then only what they were made with is noted.
        """
        ...

    def revive(self, export: NewExport, sha256: str) -> Place:
        """Record bytes made again for the export of these `sha256`: its own, or what stands in."""
        ...

    def lacks(self, recipe: Recipe, format: ImageFormat, reason: str, *, encoder: str) -> None:
        """Record that a format could not be made, and is done without."""
        ...


class ThumbnailsCatalog(Protocol):
    """Exports of designs."""

    def unexported(self, partition: Partition, recipes: Sequence[Recipe]) -> Sequence[Unexported]:
        """Designs of the partition that lack formats which were never made, nor tried in vain."""
        ...

    def recording(self, design_id: str, *, now: dt.datetime) -> AbstractContextManager[ExportsDesk]:
        """The desk of a design's exports; nobody else is at it. An error leaves nothing recorded."""
        ...

    def exports_count(self, partition: Partition, recipe: Recipe) -> ExportsCount:
        """How complete the partition's sets are; expired sets count as whole."""
        ...
