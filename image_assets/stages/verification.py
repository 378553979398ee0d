"""Proving what a host shows, and remembering how it treats what it is sent."""

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from image_assets.core.errors import VerificationError
from image_assets.core.fidelity import Habit, Shown, Sighting, Treatment
from image_assets.core.model import Content, ImageFormat, Receipt
from image_assets.core.notices import Happening, NoticeKind
from image_assets.ports import FidelityCatalog, ImageHost, Showing
from image_assets.ports.notifications import NoticesCatalog
from image_assets.stages.report import Clock

log = logging.getLogger(__name__)


def show(host: ImageHost, content: Content, file: Path, receipt: Receipt) -> Shown:
    """What a host shows of `file`: as much as it can tell.

    Raises:
        VerificationError: it is something else.
        NotFoundError: the host answers that nothing is there.
    """
    if isinstance(host, Showing):
        return host.show(content, file, receipt)
    return Shown.proven(content, host.verify(content, file, receipt))


class Witness:
    """Sees what becomes of pictures at one destination; threads may share it.

    What it saw is kept here until `tell`: a write for each picture would be half of an upload.

    Args:
        destination: its name in the ledger.
        catalog: where its profile is.
        notices: who is told of a change.
        clock: now, aware UTC.
    """

    def __init__(
        self,
        destination: str,
        catalog: FidelityCatalog,
        notices: NoticesCatalog,
        clock: Clock,
    ) -> None:
        self._destination, self._catalog = destination, catalog
        self._notices, self._clock = notices, clock
        self._lock = threading.Lock()
        self._seen: Counter[tuple[ImageFormat, Treatment]] = Counter()
        self._examples: dict[tuple[ImageFormat, Treatment], str] = {}

    def show(self, host: ImageHost, content: Content, file: Path, receipt: Receipt) -> Shown:
        """As the function of that name, and remember it."""
        try:
            shown = show(host, content, file, receipt)
        except VerificationError as error:
            self.see(content.format, (error.treatment,), receipt.url)
            raise
        self.see(shown.format, shown.treatments, receipt.url)
        return shown

    def see(self, format: ImageFormat, treatments: Iterable[Treatment], example: str) -> None:
        """Remember what became of a picture that was sent in this format."""
        with self._lock:
            for treatment in treatments:
                self._seen[format, treatment] += 1
                self._examples[format, treatment] = example

    def tell(self) -> Sequence[Habit]:
        """Add what was seen to the profile: what of it is a change, which people are told of."""
        with self._lock:
            seen, self._seen = self._seen, Counter()
        sightings = [
            Sighting(format, treatment, count, self._examples[format, treatment])
            for (format, treatment), count in sorted(seen.items())
        ]
        now = self._clock()
        changes = self._catalog.learn(self._destination, sightings, now=now)
        for habit in changes:
            log.warning("%s %s", self._destination, habit.said)
        told = [Happening(NoticeKind.HOST_CHANGED, self._destination, h.said) for h in changes]
        if told:
            self._notices.tell(told, now=now)
        return changes
