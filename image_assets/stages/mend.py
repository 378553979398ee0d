"""Mending what verifying found: changed files are set aside, lost pictures opened and fetched again.

Nothing is deleted and nothing overwritten. The records are opened before anything is fetched: after
a kill at any moment, the next collection fetches what is lacking.
"""

import datetime as dt
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from image_assets.core.errors import PermanentError
from image_assets.core.model import Listing, Partition
from image_assets.ports import FileStore, Inventory, Reopened, VerifyCatalog
from image_assets.stages.due import Choice
from image_assets.stages.images import Collector
from image_assets.stages.ranges import collect_each, now
from image_assets.stages.report import Clock, Outcome, Report, each
from image_assets.stages.verify import Finding, Flaw, Verification

log = logging.getLogger(__name__)

FEW = 20
"""Flaws that are mended whatever share of the files they are."""

MOST = 0.1
"""The share of files that may be given up at once: more looks like a disk that is not mounted."""

_LOST = "lost: the file was not in the store"


@dataclass(frozen=True, slots=True)
class Mended:
    """What became of the flaws, and the pictures that are to be collected again."""

    report: Report
    pictures: tuple[Reopened, ...]


@dataclass(frozen=True, slots=True)
class Mender:
    """The rooms that mending needs, together."""

    catalog: VerifyCatalog
    store: FileStore
    inventory: Inventory

    def mend(self, found: Verification, *, now: dt.datetime, most: float = MOST) -> Mended:
        """Set changed files aside and open the records of what is lost.

        Raises:
            PermanentError: more than a few files, and more than the share `most` of them, would be
                given up. Nothing was changed.
        """
        flaws = found.mendable
        seen = found.report.done - found.report.counts.get(Flaw.UNTRACKED.value, 0)
        if len(flaws) > max(FEW, most * seen):
            raise PermanentError(
                f"{len(flaws)} of {seen} files are missing or changed: is the store's disk the right"
                " one, and mounted? Nothing was mended; to mend that many, allow a greater share (--most)"
            )
        pictures: list[Reopened] = []

        def mend_one(finding: Finding) -> Outcome:
            reason = self._reason(finding)
            if reason is None:
                return Outcome("intact")
            assert finding.kept is not None  # `mendable` is of those
            assert finding.partition is not None
            tenant = finding.partition.tenant
            # No picture where another partition of the same bytes was first.
            pictures.extend(self.catalog.lose(tenant, finding.kept, reason=reason, now=now))
            log.warning("%s: %s", finding.path, reason)
            return Outcome("reopened")

        report = each(flaws, mend_one, workers=1, name=lambda finding: finding.path)
        return Mended(report, tuple(sorted(pictures)))

    def _reason(self, finding: Finding) -> str | None:
        """Why the bytes are given up, once what lies in their place is out of it; None: they are back."""
        assert finding.kept is not None
        there = self.store.sha256(finding.path)
        if there == finding.kept.sha256:
            return None
        if there is None:
            return _LOST
        aside = self.inventory.set_aside(finding.path)
        return f"changed on disk: what was there is in {aside}"


@dataclass(frozen=True, slots=True)
class Only(Choice):
    """Of a listing, the pictures of these item keys and no others."""

    keys: frozenset[str] = frozenset()

    def of(self, listing: Listing) -> Listing:
        """The listing with those entries alone."""
        entries = tuple(entry for entry in listing.entries if entry.item_key in self.keys)
        return replace(listing, entries=entries)


def collect_again(
    collector: Collector, pictures: Sequence[Reopened], *, clock: Clock = now
) -> Iterator[tuple[Partition, Report]]:
    """Fetch exactly those pictures, partition by partition; nothing else that may be due.

    A day that was collected under a limit stays one.
    """
    for partition, group in groupby(sorted(pictures), key=lambda picture: picture.partition):
        day = collector.catalog.day(partition)
        keys = frozenset(picture.item_key for picture in group)
        only = Only(day.limit if day is not None else None, keys=keys)
        ours = replace(collector, terms=replace(collector.terms, choice=only))
        yield from collect_each(ours, [partition], clock=clock)
