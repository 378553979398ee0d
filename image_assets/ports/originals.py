"""Originals that go from the store, and how they come back."""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from image_assets.core.originals import OriginalFacts, OriginalsPolicy
from image_assets.core.retention import DeletionPlan
from image_assets.ports.retention import PlannedDeletion


@dataclass(frozen=True, slots=True)
class Purge:
    """What became of a purge: the path whose file goes, or why none does (`shared`, `restored`)."""

    path: str | None
    kept: str = ""


class OriginalsCatalog(Protocol):
    """What decides about originals, and what became of those that went."""

    def known(self, sources: Collection[str]) -> int:
        """How many originals these sources ever had, those that went among them; equal bytes once."""
        ...

    def facts(self, sources: Collection[str]) -> Iterable[OriginalFacts]:
        """Every original that a stored picture of these sources lives on."""
        ...

    def forget_plan(self) -> None:
        """Forget what was planned and not applied: another plan begins."""
        ...

    def record_plan(self, plan: DeletionPlan, *, now: dt.datetime) -> None:
        """Remember what goes."""
        ...

    def planned(self, *, after: int = 0, most: int = 1000) -> Sequence[PlannedDeletion]:
        """Deletions planned and not tombstoned by number, from the one after `after`."""
        ...

    def tombstone(self, deletion_id: int, policy: OriginalsPolicy, *, now: dt.datetime) -> bool:
        """Mark the pictures expired, if the policy still lets them go; else withdraw the deletion.

        The bytes stay where they are, with the proof on record, until they are purged.
        """
        ...

    def tombstoned(
        self, *, before: dt.datetime | None = None, after: int = 0, most: int = 1000
    ) -> Sequence[PlannedDeletion]:
        """Tombstones whose bytes are still here, made before a moment; by number."""
        ...

    def purging(
        self, deletion_id: int, policy: OriginalsPolicy, *, now: dt.datetime
    ) -> AbstractContextManager[Purge]:
        """The file that goes within the block; when that ends well, the bytes are gone.

        The proof is looked at once more: what it does not carry any longer is restored.
        """
        ...

    def restore(self, deletion_id: int, *, now: dt.datetime) -> bool:
        """Make the pictures of a tombstone stored ones again, and pin them: a person wants them here.

        False when its bytes were purged.
        """
        ...

    def pin(self, paths: Collection[str], *, pinned: bool) -> Sequence[str]:
        """Keep the pictures on these bytes for good, or let them go again; the paths nobody knows."""
        ...
