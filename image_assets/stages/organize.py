"""Organizing old downloads: look at each, plan them all, then bring them home one by one."""

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from image_assets.core import naming
from image_assets.core.errors import ImageAssetsError, TransientError
from image_assets.core.model import Blob, Entry, Fetched
from image_assets.core.organizing import (
    Arrival,
    Contents,
    Fate,
    OldDownload,
    Planner,
    Step,
    beside,
    shown,
)
from image_assets.ports import Decoder, FileStore, FoundFile, ImagesCatalog, OldDownloads
from image_assets.stages.report import Outcome, Progress, Report, each, nothing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Organizer:
    """The rooms that organizing needs. Without a catalog, files are placed and nothing is recorded."""

    downloads: OldDownloads
    store: FileStore
    decoder: Decoder
    catalog: ImagesCatalog | None = None
    workers: int = 8

    def plan(self, planner: Planner, *, progress: Progress | None = None) -> tuple[Step, ...]:
        """What is to become of each file; nothing is changed. Every picture is decoded in full."""
        looked: dict[str, OldDownload] = {}

        def look(found: FoundFile) -> Outcome:
            looked[found.file] = self._look(found)
            return Outcome("looked at")

        files = self.downloads.find()
        each(files, look, workers=self.workers, name=_name, progress=progress)
        return tuple(planner.decide(looked[found.file]) for found in files)

    def apply(
        self,
        steps: Sequence[Step],
        *,
        copy: bool,
        now: dt.datetime,
        progress: Progress | None = None,
    ) -> Report:
        """Bring home what the plan places; a move ends with the old file's removal.

        A file is at its place, durably, and recorded before its old name goes; what is cut off at
        any moment is completed by planning and applying again.
        """
        going = [(step, step.arrival) for step in steps if step.arrival is not None]
        # Who has the place itself is recorded first: then it is the other that is the conflict.
        first = [move for move in going if beside(move[1]) != move[1]]
        second = [move for move in going if beside(move[1]) == move[1]]
        report = Report()
        for moves in filter(None, (first, second)):
            report += self._bring_all(moves, copy=copy, now=now, progress=progress)
        left = len(steps) - len(going)
        return report + nothing(Fate.LEFT.value, left) if left else report

    def _bring_all(
        self,
        moves: Sequence[tuple[Step, Arrival]],
        *,
        copy: bool,
        now: dt.datetime,
        progress: Progress | None,
    ) -> Report:
        with self.store.scratch() as scratch:
            return each(
                list(enumerate(moves)),
                lambda move: self._bring(*move[1], scratch / str(move[0]), copy, now),
                workers=self.workers,
                name=lambda move: shown(move[1][0].file),
                progress=progress,
            )

    def _look(self, found: FoundFile) -> OldDownload:
        if found.problem is not None:
            return OldDownload(found.file, found.claim, problem=found.problem)
        try:
            sha256, size = self.downloads.digest(found.file)
            with self.downloads.readable(found.file) as path:
                picture = self.decoder.inspect(path)
        except (
            ImageAssetsError
        ) as error:  # that is what becomes of the file: it is told in the plan
            return OldDownload(found.file, found.claim, problem=str(error))
        return OldDownload(found.file, found.claim, Contents(sha256, size, picture))

    def _bring(
        self, step: Step, arrival: Arrival, file: Path, copy: bool, now: dt.datetime
    ) -> Outcome:
        kept = self._keep(step.file, arrival, file, copy)
        if self.catalog is not None:
            kept = self._record(self.catalog, step.file, arrival, kept, now)
        if not copy:
            with self.store.local(kept) as path:
                if not self.downloads.is_at(step.file, path):
                    self.downloads.remove(step.file)
        log.debug("%s: %s at %s", shown(step.file), step.fate, kept)
        return Outcome(step.fate.value, 0 if step.fate is Fate.THERE else arrival.blob.size)

    def _keep(self, source: str, arrival: Arrival, file: Path, copy: bool) -> str:
        """The place that the bytes have in the end: a file that is there is never overwritten."""
        for candidate in (arrival, beside(arrival)):
            place, sha256 = candidate.blob.path, candidate.blob.sha256
            if self.store.sha256(place) == sha256:
                return place
            if not file.exists():
                self.downloads.bring(source, file, sha256=sha256, copy=copy)
            if self.store.put(file, place) or self.store.sha256(place) == sha256:
                return place
        raise TransientError(
            f"{shown(source)}: its place and the one beside it were taken; run again"
        )

    def _record(
        self, catalog: ImagesCatalog, source: str, arrival: Arrival, kept: str, now: dt.datetime
    ) -> str:
        """The path under which the catalog has the bytes now."""
        blob = arrival.blob
        entry = Entry(arrival.item_key, shown(source), arrival.captured_at, arrival.url, blob.size)
        stored = catalog.add_stored(
            arrival.partition,
            entry,
            Blob(blob.sha256, kept, blob.size, blob.format, blob.width, blob.height),
            fetched=Fetched(blob.sha256, blob.size, arrival.variant, arrival.url),
            exif=arrival.exif,
            now=now,
        )
        if stored.path == kept or self.store.sha256(stored.path) != blob.sha256:
            return kept
        # The bytes were here already, under an older name: once is enough.
        with self.store.local(kept) as path:
            if self.downloads.is_at(source, path):
                return kept
        self.store.delete(kept)
        return stored.path


def _name(found: FoundFile) -> str:
    return naming.segment(found.file)
