"""Exporting a folder of pictures: every picture in every recipe, beside nobody's catalog.

The names of the files say it all: what a picture with its recipe is called is there, or is made.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from image_assets.core import naming
from image_assets.core.model import ImageFormat, Rendered
from image_assets.core.organizing import shown
from image_assets.core.recipes import Recipe, content_name
from image_assets.ports import Decoder, FileStore, FolderPicture, PictureFolder
from image_assets.stages.report import Outcome, Progress, Report, each


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """One export: its key in the store, what it is, and its bytes."""

    key: str
    recipe: Recipe
    format: ImageFormat
    size: int


@dataclass(frozen=True, slots=True)
class ExportedPicture:
    """A picture of the folder with the exports that are there now."""

    name: str
    size: int
    files: tuple[ExportedFile, ...]


@dataclass(frozen=True, slots=True)
class FolderExporter:
    """The rooms that it needs, together; `base` shines through where the recipes are composites."""

    recipes: tuple[Recipe, ...]
    folder: PictureFolder
    store: FileStore
    decoder: Decoder
    workers: int = 2
    base: Path | None = None
    base_sha256: str | None = None

    def export(
        self, pictures: Sequence[FolderPicture], *, progress: Progress | None = None
    ) -> tuple[Report, tuple[ExportedPicture, ...]]:
        """Make what is lacking; the pictures that have exports, in their order."""
        done = _Done()
        report = each(
            pictures,
            lambda picture: self._export(picture, done),
            workers=self.workers,
            name=lambda picture: shown(picture.name),
            progress=progress,
        )
        return report, done.of(pictures)

    def _export(self, picture: FolderPicture, done: "_Done") -> Outcome:
        sha256 = self.folder.sha256(picture)
        wanted = [
            (self._key(picture, recipe, format, sha256), recipe, format)
            for recipe in self.recipes
            for format in recipe.formats
        ]
        sizes = {key: self.store.size(key) for key, _, _ in wanted}
        made: Sequence[Rendered] = ()
        if None in sizes.values():
            made = self.decoder.render_all(picture.path, self.recipes, self.base)
        written = 0
        for rendered, recipe in zip(made, self.recipes, strict=bool(made)):
            for format, content in rendered.files.items():
                key = self._key(picture, recipe, format, sha256)
                if sizes[key] is None:
                    self.store.put_bytes(content, key)
                    sizes[key] = len(content)
                    written += len(content)
        files = [
            ExportedFile(key, recipe, format, size)
            for key, recipe, format in wanted
            if (size := sizes[key]) is not None
        ]
        done.add(ExportedPicture(picture.name, picture.size, tuple(files)))
        return Outcome("exported" if made else "there already", written)

    def _key(self, picture: FolderPicture, recipe: Recipe, format: ImageFormat, sha256: str) -> str:
        own = content_name(recipe, format, sha256, self.base_sha256 if recipe.composite else None)
        return naming.folder_export_path(picture.name, recipe.name, own, format)


@dataclass(slots=True)
class _Done:
    """What threads have exported."""

    by_name: dict[str, ExportedPicture] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, picture: ExportedPicture) -> None:
        with self.lock:
            self.by_name[picture.name] = picture

    def of(self, pictures: Sequence[FolderPicture]) -> tuple[ExportedPicture, ...]:
        return tuple(self.by_name[p.name] for p in pictures if p.name in self.by_name)
