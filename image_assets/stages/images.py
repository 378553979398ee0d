"""Collecting a partition's pictures: list, fetch, verify by full decode, keep, record."""

import datetime as dt
import logging
from dataclasses import dataclass, replace
from pathlib import Path

from image_assets.core import naming
from image_assets.core.acceptance import ANYTHING, Acceptance
from image_assets.core.errors import ImageAssetsError, NotFoundError, UnreadableImageError
from image_assets.core.model import (
    Blob,
    Entry,
    Fetched,
    ImageFormat,
    ImageState,
    Listing,
    Partition,
    Picture,
    Variant,
)
from image_assets.ports import Day, Decoder, FileStore, ImagesCatalog, ImageSource, KnownImage
from image_assets.stages.due import (
    EVERYTHING,
    Choice,
    due,
    is_last_look,
    is_open,
    left_out,
    unsettled,
)
from image_assets.stages.report import Outcome, Progress, Report, each, nothing

log = logging.getLogger(__name__)

SHOWN_MISFITS = 20
"""Misfits told one by one; the rest are counted."""

_NO_FULL_SIZE = "no_full_size"

AT_ONCE = (None, dt.timedelta(0))
"""`grace` and `gone_after` of what lies on a disk of ours: closed when listed, gone when not there."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a source is collected.

    A day is closed `grace` after its end; what comes in batches (None) once its listing is complete.
    Two absent looks `gone_after` apart make a picture gone, or a thumbnail all there is; without any
    time between them one look does. A day of which not all is wanted stays open. `accepts` says
    which of the pictures that decode are taken.
    """

    workers: int = 8
    grace: dt.timedelta | None = dt.timedelta(hours=1)
    gone_after: dt.timedelta = dt.timedelta(hours=6)
    choice: Choice = EVERYTHING
    accepts: Acceptance = ANYTHING

    @property
    def believes_absence(self) -> bool:
        """Whether what is not there any more was taken away: so it is on a disk of ours."""
        return not self.gone_after


def closed_at(partition: Partition, terms: Terms, now: dt.datetime) -> dt.datetime | None:
    """When the day was closed; None of one that is not, or that has no end of its own."""
    if terms.grace is None:
        return None
    end = dt.datetime.combine(partition.day, dt.time(), dt.UTC) + dt.timedelta(days=1)
    return end + terms.grace if now >= end + terms.grace else None


def closed(partition: Partition, listing: Listing, terms: Terms, now: dt.datetime) -> bool:
    """Whether nothing can be added to the partition any more."""
    over = terms.grace is None or closed_at(partition, terms, now) is not None
    return listing.complete and over


@dataclass(frozen=True, slots=True)
class Collector:
    """The rooms that collecting needs, together."""

    source: ImageSource
    catalog: ImagesCatalog
    store: FileStore
    decoder: Decoder
    terms: Terms = Terms()

    def collect(
        self, partition: Partition, *, now: dt.datetime, progress: Progress | None = None
    ) -> Report:
        """Bring home what the source has for the partition and we lack.

        A sealed day costs nothing. Pictures that are refused are recorded and quarantined; a picture
        the source lists and does not have is recorded as missing, and in time as gone; one that has
        only its thumbnail is kept so, and asked for once more; what else goes wrong with a picture
        is a failure in the report.

        Raises:
            ImageAssetsError: the partition could not be listed.
        """
        day = self.catalog.day(partition)
        if day is not None and day.sealed_at is not None:
            log.info("%s: sealed, %d pictures", partition, day.listed)
            return nothing("sealed", day.listed)
        listing = self.source.list(partition)
        _tell_misfits(partition, listing)
        listed = self._listed(partition, listing, day)
        limit = self.terms.choice.limit
        self.catalog.record_listing(
            partition, listed=listed, complete=listing.complete, limit=limit, now=now
        )
        report = self._withdraw(partition, listing, now)
        report += self._fetch_missing(partition, listing, now, progress)
        if not report.failed:
            self._seal_if_settled(partition, listing, listed, now)
        return report

    def _listed(self, partition: Partition, listing: Listing, before: Day | None) -> int:
        """How many pictures were named of the day: a listing that shrinks takes none of them back."""
        named = len(listing.entries)
        if before is None or before.listed <= named or self.terms.believes_absence:
            return named
        message = "%s: %d pictures were listed before, and %d now; none of them is taken for gone"
        log.warning(message, partition, before.listed, named)
        return before.listed

    def _withdraw(self, partition: Partition, listing: Listing, now: dt.datetime) -> Report:
        """What was named before, never came, and is named no more has been taken away."""
        if not (self.terms.believes_absence and listing.complete):
            return Report()
        listed = {entry.item_key for entry in listing.entries}
        left = [
            key
            for key, held in self.catalog.known(partition).items()
            # What was here and got lost did come: that is not settled by its absence.
            if key not in listed and is_open(held) and held.sha256 is None
        ]
        for key in left:
            self._record_absent(partition, Entry(key, key), "taken away before it was stored", now)
        return Report({"gone": len(left)} if left else {})

    def _fetch_missing(
        self, partition: Partition, listing: Listing, now: dt.datetime, progress: Progress | None
    ) -> Report:
        held = self.catalog.known(partition)
        named = listing
        if not self.terms.believes_absence:
            named = replace(listing, entries=listing.entries + left_out(listing, held))
        wanted = self.terms.choice.of(named)
        over = closed_at(partition, self.terms, now)
        todo = due(wanted, held, self._refused_size, closed_at=over)
        log.info("%s: %d listed, %d to fetch", partition, len(listing.entries), len(todo))
        with self.store.scratch() as scratch:
            report = each(
                todo,
                lambda entry: self._look(
                    partition,
                    entry,
                    held.get(entry.item_key),
                    scratch / naming.segment(entry.item_key),
                    now,
                ),
                workers=self.terms.workers,
                name=lambda entry: f"{partition}: {entry.name}",
                progress=progress,
            )
        untouched = {
            "misfit": len(listing.misfits),
            "known": len(wanted.entries) - len(todo),
            "beyond_limit": self.terms.choice.beyond(named),
        }
        return report + Report({note: count for note, count in untouched.items() if count})

    def _seal_if_settled(
        self, partition: Partition, listing: Listing, listed: int, now: dt.datetime
    ) -> None:
        # What the listing named and we could not read may be readable the next time.
        if listing.misfits or not closed(partition, listing, self.terms, now):
            return
        if not unsettled(listing, self.catalog.known(partition), listed):
            self.catalog.seal(partition, now=now)

    def _refused_size(self, held: KnownImage) -> int | None:
        return self.store.size(naming.quarantine_path(held.sha256)) if held.sha256 else None

    def _look(
        self,
        partition: Partition,
        entry: Entry,
        held: KnownImage | None,
        file: Path,
        now: dt.datetime,
    ) -> Outcome:
        outcome = self._receive(partition, entry, file, now)
        if is_last_look(held, now, self.terms.gone_after):
            self.catalog.accept_thumbnail(partition, entry.item_key, reason=_NO_FULL_SIZE)
        return outcome

    def _receive(self, partition: Partition, entry: Entry, file: Path, now: dt.datetime) -> Outcome:
        fetched: Fetched | None = None
        try:
            fetched = self.source.fetch(entry, file)
            picture = self.decoder.inspect(file)
            self.terms.accepts.check(picture, fetched.size)
        except NotFoundError as error:
            return self._record_absent(partition, entry, str(error), now)
        except UnreadableImageError as error:
            return self._reject(partition, entry, file, fetched, error, now)
        except ImageAssetsError as error:
            self._record_missing(partition, entry, str(error), absent=False, now=now)
            raise
        return self._keep(partition, entry, file, fetched, picture, now)

    def _keep(
        self,
        partition: Partition,
        entry: Entry,
        file: Path,
        fetched: Fetched,
        picture: Picture,
        now: dt.datetime,
    ) -> Outcome:
        path = self._put(partition, entry, file, fetched, picture.format)
        blob = Blob(
            fetched.sha256, path, fetched.size, picture.format, picture.width, picture.height
        )
        stored = self.catalog.add_stored(
            partition, entry, blob, fetched=fetched, exif=picture.exif, now=now
        )
        thumbnail = fetched.variant is Variant.THUMBNAIL
        if stored.path != path:  # the bytes were here already, under an older name
            if not thumbnail:  # of which the other path may be its full size's
                self._bring_back(stored.path, path)
            self.store.delete(path)
        if stored.stale:
            log.warning("%s: %s repeats an earlier picture", partition, entry.name)
            return Outcome("stale", fetched.size)
        return Outcome("thumbnail" if thumbnail else "stored", fetched.size)

    def _bring_back(self, older: str, path: str) -> None:
        """Bytes that a disk lost under their older name return to it from where they came again."""
        if self.store.size(older) is None:
            log.warning("%s: it was not in the store; its bytes came again", older)
            with self.store.local(path) as file:
                self.store.put(file, older)

    def _put(
        self, partition: Partition, entry: Entry, file: Path, fetched: Fetched, format: ImageFormat
    ) -> str:
        """The bytes in the store; a file that is there already is never overwritten."""
        thumbnail = fetched.variant is Variant.THUMBNAIL
        path = naming.image_path(partition, entry.item_key, format, thumbnail=thumbnail)
        if self._put_or_find(file, path, fetched.sha256):
            return path
        other = naming.conflict_key(entry.item_key, fetched.sha256)
        path = naming.image_path(partition, other, format, thumbnail=thumbnail)
        self.store.put(file, path)
        return path

    def _put_or_find(self, file: Path, path: str, sha256: str) -> bool:
        """Whether `path` holds these bytes now, be it from a run that was cut off before its row."""
        if self.store.put(file, path):
            return True
        there = self.store.sha256(path)
        if there is None:  # another run took its duplicate away meanwhile
            return self.store.put(file, path)
        return there == sha256

    def _reject(
        self,
        partition: Partition,
        entry: Entry,
        file: Path,
        fetched: Fetched | None,
        error: UnreadableImageError,
        now: dt.datetime,
    ) -> Outcome:
        """Record the refusal; what arrived waits in quarantine (too large a file never arrives)."""
        quarantine = None
        if fetched is not None:
            quarantine = naming.quarantine_path(fetched.sha256)
            self.store.put(file, quarantine)
        self.catalog.add_rejected(
            partition,
            entry,
            reason=error.reason,
            sha256=fetched.sha256 if fetched else None,
            quarantine=quarantine,
            now=now,
        )
        log.warning("%s: %s rejected: %s (in %s)", partition, entry.name, error, quarantine)
        return Outcome("rejected", fetched.size if fetched else 0)

    def _record_absent(
        self, partition: Partition, entry: Entry, reason: str, now: dt.datetime
    ) -> Outcome:
        state = self._record_missing(partition, entry, reason, absent=True, now=now)
        log.warning("%s: %s is listed and not there (%s)", partition, entry.name, state)
        return Outcome("known" if state == ImageState.STORED else state)

    def _record_missing(
        self, partition: Partition, entry: Entry, reason: str, *, absent: bool, now: dt.datetime
    ) -> str:
        return self.catalog.add_missing(
            partition,
            entry,
            reason=reason,
            absent=absent,
            gone_after=self.terms.gone_after,
            now=now,
        )


def _tell_misfits(partition: Partition, listing: Listing) -> None:
    for misfit in listing.misfits[:SHOWN_MISFITS]:
        log.warning("%s: listing names %s: %s", partition, misfit.name, misfit.reason)
    if (more := len(listing.misfits) - SHOWN_MISFITS) > 0:
        log.warning("%s: listing names %d more that do not fit", partition, more)
