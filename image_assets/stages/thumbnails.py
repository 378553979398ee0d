"""Exporting designs: every format of a recipe, together or not at all."""

import datetime as dt
import hashlib
from dataclasses import dataclass

from image_assets.core import naming
from image_assets.core.model import Blob, ImageFormat, Partition, Rendered
from image_assets.core.render import Recipe
from image_assets.ports import Decoder, FileStore, ThumbnailsCatalog, Unexported
from image_assets.stages.report import Outcome, Progress, Report, each


@dataclass(frozen=True, slots=True)
class Exporter:
    """The rooms that exporting needs, together."""

    recipe: Recipe
    catalog: ThumbnailsCatalog
    store: FileStore
    decoder: Decoder
    workers: int = 2

    def export(
        self, partition: Partition, *, now: dt.datetime, progress: Progress | None = None
    ) -> Report:
        """Make the exports that the partition's designs lack; what was made once stays as it is."""
        return each(
            self.catalog.unexported(partition, self.recipe),
            lambda design: self._export(design, now),
            workers=self.workers,
            name=lambda design: f"{partition}: design {design.design_id}",
            progress=progress,
        )

    def _export(self, design: Unexported, now: dt.datetime) -> Outcome:
        with self.store.local(design.path) as file:
            rendered = self.decoder.render(file, self.recipe)
        blobs = [self._put(design.design_id, format, rendered) for format in self.recipe.formats]
        paths = self.catalog.add_exports(
            design.design_id, self.recipe, blobs, encoder=rendered.encoder, now=now
        )
        for blob in blobs:
            if blob.path not in paths:  # another run was quicker, or the bytes were here already
                self.store.delete(blob.path)
        return Outcome("exported", sum(blob.size for blob in blobs))

    def _put(self, design: str, format: ImageFormat, rendered: Rendered) -> Blob:
        content = rendered.files[format]
        sha256 = hashlib.sha256(content).hexdigest()
        path = naming.export_path(design, self.recipe.name, sha256, format)
        self.store.put_bytes(content, path)
        return Blob(sha256, path, len(content), format, rendered.width, rendered.height)
