"""Exporting designs: every format of each recipe, together or not at all."""

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from image_assets.core.model import Partition
from image_assets.core.recipes import Recipe
from image_assets.ports import Decoder, FileStore, ThumbnailsCatalog, Unexported
from image_assets.stages.report import Outcome, Progress, Report, each
from image_assets.stages.sets import Renderer, Sets

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Exporter:
    """The rooms that exporting needs, together; all recipes of a design are made in one request."""

    recipes: Sequence[Recipe]
    catalog: ThumbnailsCatalog
    store: FileStore
    decoder: Decoder
    workers: int = 2

    def export(
        self, partition: Partition, *, now: dt.datetime, progress: Progress | None = None
    ) -> Report:
        """Make the exports that the partition's designs lack; what was made once stays as it is."""
        return each(
            self.catalog.unexported(partition, self.recipes),
            lambda design: self._export(design, now),
            workers=self.workers,
            name=lambda design: f"{partition}: design {design.design_id}",
            progress=progress,
        )

    def _export(self, design: Unexported, now: dt.datetime) -> Outcome:
        lacking = _parts(self.recipes, design)
        renderer = Renderer(self.store, self.decoder)
        with renderer.made(design.design_id, design.origin, lacking, design.base) as sets:
            written = self._record(design.design_id, renderer, sets, now)
        for lack in sets.lacks:
            log.warning(
                "design %s: %s without %s: %s",
                design.design_id, lack.recipe.name, lack.what, lack.reason,
            )  # fmt: skip
        return Outcome("partial" if sets.lacks else "exported", written)

    def _record(self, design_id: str, renderer: Renderer, sets: Sets, now: dt.datetime) -> int:
        """Rows and files of the whole set at once; gives the bytes that are new."""
        written = 0
        with self.catalog.recording(design_id, now=now) as desk:
            for made in sets.made:
                place = desk.add(made.export)
                if place is not None:  # else another run was quicker
                    renderer.put(made, place)
                    written += made.export.blob.size
            for lack in sets.lacks:
                if lack.format is not None:
                    desk.lacks(lack.recipe, lack.format, lack.reason, encoder=lack.encoder)
        return written


def _parts(recipes: Sequence[Recipe], design: Unexported) -> Sequence[Recipe]:
    """The recipes, each with those of its formats that the design lacks."""
    lacks = set(design.lacks)
    parts = []
    for recipe in recipes:
        formats = tuple(format for format in recipe.formats if (recipe.name, format) in lacks)
        if formats:
            parts.append(replace(recipe, formats=formats))
    return parts
