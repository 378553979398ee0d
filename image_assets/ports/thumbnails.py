"""Exports of designs."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from image_assets.core.model import Blob, Partition
from image_assets.core.render import Recipe


@dataclass(frozen=True, slots=True)
class Unexported:
    """A design that lacks exports of a recipe, and the bytes to make them from."""

    design_id: str
    sha256: str
    path: str


@dataclass(frozen=True, slots=True)
class ExportsCount:
    """How many designs a partition has, and how many have every format of a recipe."""

    designs: int
    whole: int


class ThumbnailsCatalog(Protocol):
    """Exports of designs."""

    def unexported(self, partition: Partition, recipe: Recipe) -> Sequence[Unexported]:
        """Designs of the partition that never had every format of the recipe (expired ones had)."""
        ...

    def add_exports(
        self,
        design_id: str,
        recipe: Recipe,
        blobs: Sequence[Blob],
        *,
        encoder: str,
        now: dt.datetime,
    ) -> Sequence[str]:
        """Record all formats of a design at once; a live export stays as it is, an expired one lives.

        Gives the path under which each blob's bytes live, which is an older one when the bytes
        were known already, or the path of the live export that stays instead of them.
        """
        ...

    def exports_count(self, partition: Partition, recipe: Recipe) -> ExportsCount:
        """How complete the partition's sets are; expired sets count as whole."""
        ...
