"""Batches of designs: taken from where they are dropped, and how far each one is."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from image_assets.core.batches import BatchProgress, StepProgress
from image_assets.core.model import Entry, Fetched, Listing, Partition
from image_assets.core.recipes import Recipe


@dataclass(frozen=True, slots=True)
class Reached:
    """How many of a batch's stored pictures are how far, and the bytes of their files.

    `exported` have, or had, every format of every recipe that was asked for, `mocked` a mockup on every
    template, `listed` a finished draft in a shop.
    """

    stored: int
    stored_bytes: int
    designed: int
    designed_bytes: int
    exported: int
    exported_bytes: int
    mocked: int = 0
    mocked_bytes: int = 0
    listed: int = 0
    listed_bytes: int = 0


class Inbox(Protocol):
    """A source (`ImageSource`) of files that people drop, by shop; it hands them out in batches."""

    def take(self, now: dt.datetime) -> Sequence[Partition]:
        """Make batches of what has settled; what is still arriving waits. Gives the new ones.

        Taken files are the batch's for good: a file dropped under the same name is another one.
        """
        ...

    def waiting(self) -> Sequence[Partition]:
        """Batches that were taken and are not finished, in order of shop and time."""
        ...

    def measure(self, partition: Partition) -> tuple[int, int]:
        """Files and bytes of a batch; nothing of one whose files are no longer there."""
        ...

    def finish(self, partition: Partition) -> None:
        """Put the files of a batch away; nothing happens when they are away already."""
        ...

    def troubles(self) -> Sequence[str]:
        """What lies there and cannot be taken, and what to do about it."""
        ...

    def list(self, partition: Partition) -> Listing:
        """The batch's files.

        Raises:
            NotFoundError: there is no such batch, or its files were put away.
        """
        ...

    def fetch(self, entry: Entry, into: Path) -> Fetched:
        """Copy the entry's bytes to the new file `into`, whole or not at all, and hash them."""
        ...


class BatchesCatalog(Protocol):
    """What is recorded of the progress of batches. A batch's tenant exists once it is open."""

    def open(
        self, partition: Partition, steps: Collection[StepProgress], *, now: dt.datetime
    ) -> None:
        """Remember the batch with its steps, and its tenant; one that is open stays as it is."""
        ...

    def record(self, partition: Partition, progress: StepProgress, *, now: dt.datetime) -> None:
        """How far one step is now."""
        ...

    def progress(self, partition: Partition) -> BatchProgress | None:
        """How far a batch is; None when it was never opened."""
        ...

    def latest(self, *, limit: int) -> Sequence[BatchProgress]:
        """The batches that were opened last, of all tenants, newest first."""
        ...

    def unfinished(self, source: str) -> Sequence[Partition]:
        """The source's batches of which a step is neither done nor without a service, oldest first."""
        ...

    def ask_again(self, partition: Partition, *, now: dt.datetime) -> bool:
        """A person wants the batch taken through its steps once more; False when it is not known."""
        ...

    def reached(
        self, partition: Partition, recipes: Collection[Recipe], templates: Collection[str] = ()
    ) -> Reached:
        """How far the batch's pictures are, whoever did the work."""
        ...
