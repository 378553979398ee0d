"""Mockups of designs: each design on each template, stored, recorded and put on the shops' NAS by itself."""

import datetime as dt
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from image_assets.core import naming
from image_assets.core.errors import PermanentError
from image_assets.core.model import Blob, Partition
from image_assets.core.recipes import Recipe
from image_assets.core.templates import Template
from image_assets.ports import (
    Decoder,
    FileStore,
    MadeMockup,
    MockupsCatalog,
    Nas,
    Unmade,
)
from image_assets.stages.report import Outcome, Progress, Report, each
from image_assets.stages.sets import put_at

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mocker:
    """The rooms that mockups need, together. `recipe` has the one format of mockups."""

    templates: Sequence[Template]
    recipe: Recipe
    catalog: MockupsCatalog
    store: FileStore
    decoder: Decoder
    workers: int = 2

    @property
    def names(self) -> tuple[str, ...]:
        """The templates' names."""
        return tuple(template.name for template in self.templates)

    def make(
        self, partition: Partition, *, now: dt.datetime, progress: Progress | None = None
    ) -> Report:
        """Make the mockups that the partition's designs lack; one that fails stops no other."""
        return each(
            self.catalog.unmade(partition, self.names),
            lambda lacking: self._make(lacking, now),
            workers=self.workers,
            name=lambda lacking: f"{partition}: {lacking.name} on {lacking.template}",
            progress=progress,
        )

    def _make(self, lacking: Unmade, now: dt.datetime) -> Outcome:
        template = next(one for one in self.templates if one.name == lacking.template)
        (format,) = self.recipe.formats
        try:
            with self.store.local(lacking.origin.path) as design:
                made = self.decoder.mockup(design, template, self.recipe)
        except PermanentError as error:
            self.catalog.failed(lacking.design_id, template.name, str(error), now=now)
            raise
        content = made.files[format]
        sha256 = hashlib.sha256(content).hexdigest()
        path = naming.mockup_path(lacking.design_id, template.name, sha256, format)
        blob = Blob(sha256, path, len(content), format, made.width, made.height)
        with self.store.scratch() as folder:
            file = folder / "mockup"
            file.write_bytes(content)
            with self.catalog.recording(lacking.design_id, template.name, blob, now=now) as place:
                if place is None:
                    return Outcome("there already")
                put_at(self.store, file, place)
        return Outcome("made", blob.size)


@dataclass(frozen=True, slots=True)
class MockupShelver:
    """Puts mockups on the NAS, in a folder of their own beside a shop's designs."""

    templates: Sequence[str]
    catalog: MockupsCatalog
    store: FileStore
    nas: Nas
    workers: int = 4

    def shelve(self, partition: Partition, *, progress: Progress | None = None) -> Report:
        """Put every mockup of the partition there that is not known to be; nothing is replaced."""
        folder = naming.nas_folder(partition, naming.MOCKUPS)
        return each(
            self.catalog.unshelved(partition, self.templates),
            lambda mockup: self._put(folder, mockup),
            workers=self.workers,
            name=lambda mockup: f"{partition}: {mockup.name} on {mockup.template}",
            progress=progress,
        )

    def _put(self, folder: str, mockup: MadeMockup) -> Outcome:
        name = naming.nas_name(mockup.name, mockup.blob.sha256, mockup.blob.format.extension)
        path = f"{folder}/{naming.segment(mockup.template)}/{name}"
        with self.store.local(mockup.blob.path) as file:
            new = self.nas.put(file, path)
        self.catalog.shelved(mockup.number, path)
        return Outcome("stored", mockup.blob.size) if new else Outcome("there already")
