"""Comparing what lies in the store with what the catalog says of it. Nothing is changed here."""

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from image_assets.core import naming
from image_assets.core.errors import ImageAssetsError
from image_assets.core.model import Partition
from image_assets.core.spans import Span
from image_assets.ports import FileInStore, FileStore, Inventory, Kept, VerifyCatalog
from image_assets.stages.report import Cause, ItemFailure, Outcome, Report, each

log = logging.getLogger(__name__)

ARRIVING = dt.timedelta(minutes=1)
"""Younger files may still be waiting for their record: the file comes first."""

_AT_ONCE = 500  # paths in one question


class Flaw(StrEnum):
    """What is wrong with a file."""

    MISSING = "missing"  # the catalog says it is here, the store says it is not
    CHANGED = "changed"  # it is here with other bytes
    UNTRACKED = "untracked"  # it is here and no record speaks of it


@dataclass(frozen=True, slots=True)
class Finding:
    """A flaw: the file, the partition it was looked for by, and its record where it has one."""

    flaw: Flaw
    path: str
    partition: Partition | None = None
    kept: Kept | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """What was looked at (bytes are those of intact files), and every flaw that was found."""

    report: Report = Report()  # noqa: RUF009 - frozen
    findings: tuple[Finding, ...] = ()

    def __add__(self, other: "Verification") -> "Verification":
        """Both together."""
        return Verification(self.report + other.report, self.findings + other.findings)

    @property
    def mendable(self) -> tuple[Finding, ...]:
        """The flaws of files that the catalog knows; of others nothing is ever changed."""
        return tuple(finding for finding in self.findings if finding.kept is not None)

    @property
    def intact(self) -> bool:
        """Whether every file could be looked at, and is what the catalog says."""
        return not (self.mendable or self.report.failed)


Told = Callable[[Partition], None]
"""Told after each partition."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """The rooms that verifying needs, together."""

    catalog: VerifyCatalog
    store: FileStore
    inventory: Inventory
    workers: int = 8

    def verify(self, partitions: Iterable[Partition], *, told: Told | None = None) -> Verification:
        """Hash every file that the partitions' stored pictures stand on.

        A file that cannot be read is a failure: neither missing nor changed.
        """
        total = Verification()
        for partition in partitions:
            found = self._verify(partition)
            counts, failed = dict(found.report.counts), found.report.failed
            log.info("%s: %s, %d could not be looked at", partition, counts, failed)
            total += found
            if told is not None:
                told(partition)
        return total

    def untracked(
        self, folders: Iterable[str], span: Span | None, *, now: dt.datetime
    ) -> Verification:
        """Files in image folders that are of the span's days, or of no day, and in no record.

        Without a span, of whatever day.
        """
        found, causes = list[Finding](), list[ItemFailure]()
        for folder in folders:
            try:
                for path in self._strangers(folder, span, now):
                    log.warning("%s: in no record", path)
                    found.append(Finding(Flaw.UNTRACKED, path))
            except ImageAssetsError as error:
                log.error("%s: not looked through: %s", folder, error)  # noqa: TRY400
                causes.append(ItemFailure(folder, Cause.of(error), str(error)))
        report = Report({Flaw.UNTRACKED.value: len(found)} if found else {})
        for failure in causes:
            report += Report(causes={failure.cause: 1}, failures=(failure,))
        return Verification(report, tuple(found))

    def _verify(self, partition: Partition) -> Verification:
        findings: list[Finding] = []

        def look(kept: Kept) -> Outcome:
            found = self.store.sha256(kept.path)
            if found == kept.sha256:
                return Outcome("intact", kept.size)
            flaw = Flaw.MISSING if found is None else Flaw.CHANGED
            log.warning("%s: %s is %s", partition, kept.path, flaw)
            findings.append(Finding(flaw, kept.path, partition, kept))
            return Outcome(flaw.value)

        kept = self.catalog.kept(partition)
        report = each(kept, look, workers=self.workers, name=lambda file: file.path)
        return Verification(report, tuple(sorted(findings, key=lambda finding: finding.path)))

    def _strangers(self, folder: str, span: Span | None, now: dt.datetime) -> Iterator[str]:
        """Untracked files, asked for some hundred at a time: memory does not grow with the archive."""
        files = (file for file in self.inventory.files(folder) if _is_of(file, span, now))
        while portion := [file.path for file in islice(files, _AT_ONCE)]:
            known = self.catalog.tracked(portion)
            yield from (path for path in portion if path not in known)


def _is_of(file: FileInStore, span: Span | None, now: dt.datetime) -> bool:
    if now - file.modified_at < ARRIVING:
        return False
    day = naming.date_of(file.path)
    return span is None or day is None or span.first <= day <= span.last
