"""A process that exports or cleans up and is killed at a named moment: `python -m … FOLDER WHAT MOMENT`."""

import datetime as dt
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from image_assets.compose import DecodingPool, LocalStore
from image_assets.core.model import Partition
from image_assets.core.recipes import Recipe
from image_assets.core.retention import RetentionPolicy
from image_assets.services.catalog import open_catalog
from image_assets.stages.rebuilding import Rebuilder
from image_assets.stages.retention import Retention
from image_assets.stages.thumbnails import Exporter

DAY = Partition("camera", "apm/in_gate", "2025-09-01")
NOW = dt.datetime(2025, 9, 3, 12, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(days=8)
RECIPES = [Recipe("small", width=64, height=36), Recipe("tiny", width=32, height=18)]


class Dies:
    """Rooms that are as they are, but for the moment at which the process is killed.

    A moment is a method and which of its calls: `put:3` before it, `put+3` after it.
    """

    def __init__(self, room: Any, moment: str) -> None:
        self._room = room
        self._after = "+" in moment
        self._method, _, count = moment.replace("+", ":").partition(":")
        self._left = int(count or 0)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._room, name)
        return self._watched(found) if name == self._method else found

    def _watched(self, method: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = method(*arguments, **named)
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call


@contextmanager
def rooms(folder: Path, moment: str) -> Iterator[tuple[Any, Any, DecodingPool]]:
    """The folder's catalog, store and decoder; the store dies at the moment."""
    with (
        open_catalog(f"sqlite:///{folder / 'catalog.db'}") as catalog,
        DecodingPool(1, 1024, 10.0, 50_000_000, 100_000_000) as decoder,
    ):
        yield catalog, Dies(LocalStore(folder / "data"), moment), decoder


def main(folder: Path, what: str, moment: str) -> None:
    with rooms(folder, moment) as (catalog, store, decoder):
        match what:
            case "export":
                thumbnails = Dies(catalog.thumbnails, moment)
                Exporter(RECIPES, thumbnails, store, decoder, workers=1).export(DAY, now=NOW)
            case "cleanup":
                names = {recipe.name for recipe in RECIPES}
                room = Dies(catalog.retention, moment)
                stage = Retention(room, store, RetentionPolicy(), names)  # type: ignore[arg-type]
                stage.plan(now=LATER)
                stage.apply(now=LATER)
            case "rebuild":
                rebuilder = Rebuilder(catalog.rebuilding, store, decoder)
                for export in catalog.rebuilding.unpublished(DAY, "any", RECIPES[0]):
                    rebuilder.rebuild(export.sha256)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
