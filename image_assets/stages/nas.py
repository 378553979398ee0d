"""Putting new designs on the shops' NAS, after a look at what it holds already.

Files of the NAS are read once and then known by size and time, until a new version of fingerprints. Nothing there is ever replaced or
deleted; a NAS that is down fails this step alone, and the next run takes up where it stopped.
"""

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from image_assets.core import fingerprint, naming, nearest
from image_assets.core.codes import PackedCodes, packed, unpacked
from image_assets.core.errors import (
    AuthenticationError,
    MissingSettingError,
    NotFoundError,
    PermanentError,
    UnreadableImageError,
)
from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import Partition, Policy, Scope
from image_assets.core.nearest import Limits
from image_assets.ports import Decoder, FileStore, Nas, NasCatalog, NasFile, NasRecord, Unshelved
from image_assets.stages.report import Outcome, Progress, Report, each, nothing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shelver:
    """The rooms that shelving needs, together.

    `folder` is a folder below each shop's (none: the shop's own), `index_age` how long a listing of
    it holds. Files beyond `most_bytes` are no pictures that we accept: they are never read.
    """

    scope: Scope
    nas: Nas
    catalog: NasCatalog
    store: FileStore
    decoder: Decoder
    limits: Limits = field(default_factory=Limits)
    folder: str = ""
    index_age: dt.timedelta = dt.timedelta(minutes=15)
    workers: int = 4
    most_bytes: int = 100_000_000

    def shelve(
        self, partition: Partition, *, now: dt.datetime, progress: Progress | None = None
    ) -> Report:
        """Put every design of the partition on the NAS that is not there yet, nor anything like it."""
        folder = naming.nas_folder(partition, self.folder)
        report = self.refresh(partition.tenant, folder, now=now)
        if report.failed:
            # What it holds is not known: a design that is there already would be put again.
            return report
        lacking = self.catalog.unshelved(partition, folder)
        alike = self._alike(partition.tenant, folder, lacking)
        new = [design for design in lacking if design.design_id not in alike]
        for design in lacking:
            if path := alike.get(design.design_id):
                log.warning("%s: %s is on the NAS as %s", partition, design.name, path)
        report += nothing("duplicates", len(alike))
        return report + each(
            new,
            lambda design: self._put(partition.tenant, folder, design, now),
            workers=self.workers,
            name=lambda design: f"{partition}: {design.name}",
            progress=progress,
        )

    def refresh(self, tenant: str, folder: str, *, now: dt.datetime) -> Report:
        """Compare the index of a folder with the NAS, unless that was done lately."""
        listed = self.catalog.listed_at(tenant, folder)
        if listed is not None and now - listed < self.index_age:
            return nothing("listed lately")
        known = self.catalog.indexed(tenant, folder)
        files: list[NasFile] = []

        def look_through(below: str) -> Outcome:
            # Mockups show designs, and are none.
            aside = f"{below}/{naming.MOCKUPS}/"
            files.extend(f for f in self.nas.files(below) if not f.path.startswith(aside))
            return Outcome("listed")

        report = each([folder], look_through, workers=1, name=lambda below: f"NAS {below}")
        if report.failed:
            return report
        gone = sorted(set(known) - {file.path for file in files})
        self.catalog.forget(tenant, gone)
        old = self.catalog.outdated(tenant, folder, fingerprint.VERSION)
        changed = [file for file in files if known.get(file.path) != file or file.path in old]
        small = [file for file in changed if file.size <= self.most_bytes]
        report += self._index(tenant, small, now) + nothing("too large", len(changed) - len(small))
        self.catalog.listed(tenant, folder, now=now)
        log.info("%s: %d files, %d read, %d gone", folder, len(files), len(changed), len(gone))
        return report + nothing("forgotten", len(gone))

    def _index(self, tenant: str, files: Sequence[NasFile], now: dt.datetime) -> Report:
        def read(file: NasFile) -> Outcome:
            try:
                record = self._read(file)
            except NotFoundError:
                return Outcome("vanished")  # between the listing and the look; the next one tells
            except (AuthenticationError, MissingSettingError):
                raise
            except PermanentError as error:
                # One file that nobody may read keeps no design from the NAS; the next look tries again.
                log.warning("NAS %s: not compared with: %s", file.path, error)
                return Outcome("unreadable")
            self.catalog.record(tenant, [record], now=now)
            return Outcome("indexed", file.size)

        return each(files, read, workers=self.workers, name=lambda file: f"NAS {file.path}")

    def _read(self, file: NasFile) -> NasRecord:
        with self.store.scratch() as folder:
            copy = folder / "copy"
            sha256 = self.nas.fetch(file.path, copy)
            try:
                return NasRecord(file, sha256, self.decoder.fingerprint(copy))
            except UnreadableImageError as error:
                log.debug("%s: not a picture that we accept: %s", file.path, error)
                return NasRecord(file, sha256)

    def _alike(self, tenant: str, folder: str, lacking: Sequence[Unshelved]) -> dict[str, str]:
        """Of these designs, those of which the policy finds one on the NAS, and where.

        The NAS may hold far more than a partition: its looks pass by once, the partition's stay.
        """
        compared = [d for d in lacking if d.look.score >= fingerprint.FLAT_SCORE]
        if self.scope.policy is Policy.EXACT or not compared:
            return {}
        seed = self.scope.policy is Policy.SEED
        bits = self.limits.seed_bits if seed else self.limits.near_bits
        codes = PackedCodes()
        codes.add(unpacked([packed(design.look) for design in compared]))
        found: dict[str, str] = {}
        for path, held in self.catalog.looks(tenant, folder, fingerprint.VERSION):
            [positions] = codes.within(unpacked([packed(held)]), bits)
            for design in (compared[position] for position in positions):
                if self._matches(design.look, held):
                    found.setdefault(design.design_id, path)
        return found

    def _matches(self, look: Fingerprint, held: Fingerprint) -> bool:
        same_version = look.version == held.version
        return same_version and nearest.matches(self.scope.policy, look, held, self.limits)

    def _put(self, tenant: str, folder: str, design: Unshelved, now: dt.datetime) -> Outcome:
        name = naming.nas_name(design.name, design.sha256, design.extension)
        path = f"{folder}/{name}"
        with self.store.local(design.path) as file:
            new = self.nas.put(file, path)
        held = self.nas.find(path) or NasFile(path, design.size, now)
        self.catalog.record(tenant, [NasRecord(held, design.sha256, design.look)], now=now)
        return Outcome("stored", design.size) if new else Outcome("there already")
