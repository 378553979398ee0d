"""The archive as a whole, for accounts of it."""

from collections.abc import Sequence
from typing import Protocol

from image_assets.core.account import DayAccount, Lost
from image_assets.core.batches import BatchAccount
from image_assets.core.spans import Span


class ArchiveCatalog(Protocol):
    """What is held of a range, and where it lies."""

    def accounts(self, span: Span) -> Sequence[DayAccount]:
        """One account for each day and collection that was ever listed or received, in that order."""
        ...

    def lost(self, span: Span, most: int) -> Sequence[Lost]:
        """The first `most` of the span's pictures that are not here, by day, stream and time."""
        ...

    def batches(self, source: str) -> Sequence[BatchAccount]:
        """One account for each batch of an inbox, by shop and time of taking."""
        ...

    def paths(self) -> frozenset[str]:
        """Where the bytes of every picture and export lie, as keys of the store."""
        ...
