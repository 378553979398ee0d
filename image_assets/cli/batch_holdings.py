"""The part of `image-assets holdings` that is about batches: what of each was dropped is here."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from image_assets.core.batches import BatchAccount
from image_assets.core.model import ImageState


@dataclass(frozen=True, slots=True)
class BatchHolding:
    """A batch. `damaged` files were found missing or changed, or could not be read."""

    batch: BatchAccount
    damaged: int = 0

    @property
    def state(self) -> str:
        """held: every file had its verdict; open: not yet; lacking: some that were here are lost."""
        if self.damaged:
            return "damaged"
        if self.batch.lost:
            return "lacking"
        return "held" if self.batch.sealed else "open"

    @property
    def stored(self) -> int:
        """Its files that are here."""
        return self.batch.states.get(ImageState.STORED, 0)

    @property
    def remarks(self) -> str:
        """What became of the others."""
        if self.damaged:
            return f"{self.damaged} files missing, changed or unreadable: image-assets verify"
        states = self.batch.states
        other = {str(state): n for state, n in states.items() if state is not ImageState.STORED}
        if self.batch.lost:
            other["lost: image-assets verify --repair"] = self.batch.lost
            other["missing"] = other.get("missing", 0) - self.batch.lost
        return ", ".join(f"{n} {state}" for state, n in sorted(other.items()) if n)


def show(found: Sequence[BatchHolding], verified: bool, out: Console) -> None:
    """A table of the batches, and a sentence on all of them; nothing without any."""
    if not found:
        return
    table = Table()
    for name in ("shop", "batches", "state", "files", "stored"):
        table.add_column(name, no_wrap=True)
    table.add_column("the others", overflow="fold")
    for _, alike in groupby(found, key=_alike):
        table.add_row(*_row(list(alike)))
    out.print(table)
    held = sum(holding.state == "held" for holding in found)
    waiting = sum(holding.state == "open" for holding in found)
    said = f"{held} of {len(found) - waiting} batches held" + (", verified" if verified else "")
    out.print(Text(said + (f", {waiting} still open" if waiting else "")))


def document(holding: BatchHolding) -> dict[str, Any]:
    """A batch as JSON."""
    batch = holding.batch
    return {
        "source": batch.partition.source,
        "shop": batch.partition.collection,
        "batch": batch.partition.key,
        "state": holding.state,
        "files": batch.files,
        "states": {str(state): n for state, n in sorted(batch.states.items())},
        "lost": batch.lost,
        "damaged": holding.damaged,
    }


def _alike(holding: BatchHolding) -> tuple[str, str, str, str]:
    """What batches that follow one another have in common to share a row; remarks have their own."""
    partition = holding.batch.partition
    own = partition.key if holding.remarks else ""
    return partition.source, partition.collection, holding.state, own


def _row(alike: Sequence[BatchHolding]) -> tuple[str, str, str, str, str, Text]:
    first, last = alike[0].batch.partition, alike[-1].batch.partition
    several = len(alike) > 1
    return (
        first.collection,
        first.key + (f" … {last.key}" if several else ""),
        alike[0].state + (f" ({len(alike)} batches)" if several else ""),
        str(sum(holding.batch.files for holding in alike)),
        str(sum(holding.stored for holding in alike)),
        Text(alike[0].remarks),
    )
