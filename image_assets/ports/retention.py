"""What may go, and what there is in all."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from image_assets.core.model import DeletionKind, UploadState
from image_assets.core.retention import DeletionPlan, ExportFacts
from image_assets.ports.images import ImageCounts


@dataclass(frozen=True, slots=True)
class PlannedDeletion:
    """A deletion that waits to be applied."""

    id: int
    kind: DeletionKind
    subject: str
    path: str
    size: int
    reason: str


class RetentionCatalog(Protocol):
    """What may go, what went, and why."""

    def export_facts(self, recipes: Collection[str]) -> Iterable[ExportFacts]:
        """Every live export, with what decides whether it may go; `recipes` are those still known."""
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

    def tombstone(self, deletion_id: int, *, now: dt.datetime) -> str | None:
        """Mark the subject deleted, if nothing came to need it since the plan; else withdraw it.

        Gives the path of the file that is nobody's any more: delete it while `purging`. None when
        no file may go: the deletion was withdrawn, or something else lives on the same bytes.
        """
        ...

    def unpurged(self, *, after: int = 0, most: int = 1000) -> Sequence[PlannedDeletion]:
        """Deletions tombstoned and not purged: a run was cut off before its file went."""
        ...

    def purging(self, deletion_id: int, *, now: dt.datetime) -> AbstractContextManager[str | None]:
        """The path whose file goes within the block; when that ends well, the bytes are gone.

        None when it may not go any more: something is recorded at the path again. While the block is
        open nobody records anything there (`ports.ExportsDesk`).
        """
        ...

    def take_turn(self, owner: str, *, until: dt.datetime, now: dt.datetime) -> bool:
        """Take the one turn there is at cleaning up, or keep it; False while another has it."""
        ...

    def end_turn(self, owner: str) -> None:
        """Give it back."""
        ...


@dataclass(frozen=True, slots=True)
class Totals:
    """All that a tenant has, in a few figures.

    `designs` are distinct, `exports` live files, `uploads` ledger rows by state, `latest` keys that
    were published at least once.
    """

    images: ImageCounts
    designs: int
    exports: int
    uploads: Mapping[UploadState, int]
    latest: int

    @property
    def received(self) -> int:
        """Ledger rows with a receipt."""
        return self.uploads.get(UploadState.RECEIPT, 0) + self.verified

    @property
    def verified(self) -> int:
        """Ledger rows proven at their host."""
        return self.uploads.get(UploadState.VERIFIED, 0)


class TotalsCatalog(Protocol):
    """The catalog as a whole, for summaries."""

    def tenants(self) -> Sequence[str]:
        """Every tenant there is, by name: ourselves and the shops."""
        ...

    def totals(self, tenant: str) -> Totals:
        """Everything at one moment."""
        ...
