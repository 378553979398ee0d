"""Progress bars that read the catalog: they show what is recorded, whoever does the work."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from image_assets.compose import Catalog
from image_assets.core.model import DEFAULT_TENANT, ImageState, Partition
from image_assets.ports import Totals

_EVERY_SECONDS = 0.5
_STAGES = ("frames", "designs", "exports", "uploads", "verified", "latest")


@contextmanager
def watching(catalog: Catalog, partitions: Sequence[Partition], console: Console) -> Iterator[None]:
    """Show how far each stage is while the block runs."""
    columns = (
        TextColumn("{task.description:>9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    over = threading.Event()
    with Progress(*columns, console=console) as bars:
        tasks = {stage: bars.add_task(stage, total=None) for stage in _STAGES}

        def update() -> None:
            totals = catalog.totals.totals(DEFAULT_TENANT)
            listed = [catalog.images.day(partition) for partition in partitions]
            frames = sum(day.listed for day in listed if day) if all(listed) else None
            for stage, (done, total) in _figures(totals, frames).items():
                bars.update(tasks[stage], completed=done, total=total)

        def watch() -> None:
            while not over.wait(_EVERY_SECONDS):
                update()

        watcher = threading.Thread(target=watch, name="watching", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()
            update()


def _figures(totals: Totals, frames: int | None) -> dict[str, tuple[int, int | None]]:
    """Done and total of each stage; a total is known once the stage before has ended."""
    stored = totals.images.states.get(ImageState.STORED, 0)
    sent = sum(totals.uploads.values()) or None
    return {
        "frames": (stored, frames),
        "designs": (totals.designs, None if stored != frames else totals.designs),
        "exports": (totals.exports, totals.designs * 3 or None),
        "uploads": (totals.received, sent),
        "verified": (totals.verified, sent),
        "latest": (totals.latest, None if not totals.latest else totals.latest),
    }
