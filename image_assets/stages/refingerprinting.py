"""New fingerprints for designs whose own are of another version: until then nothing is compared with them."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from image_assets.core import fingerprint
from image_assets.core.errors import NotFoundError
from image_assets.ports import Decoder, FileStore, Outdated, RefingerprintCatalog
from image_assets.stages.report import Outcome, Report, each

log = logging.getLogger(__name__)

_TOGETHER = 200
"""Designs in one question: memory does not grow with the library."""

Told = Callable[[Report], None]


@dataclass(frozen=True, slots=True)
class Refingerprinter:
    """The rooms that renewing needs, together."""

    catalog: RefingerprintCatalog
    store: FileStore
    decoder: Decoder
    workers: int = 2

    def renew(self, tenant: str | None = None, *, told: Told | None = None) -> Report:
        """Look again at every picture of every design of another version; of one tenant, or of all.

        Cut off at any moment, run it again: it goes on where it was. A design whose anchor is not
        here, or cannot be read, is a failure: it stays as it is and is never compared.
        """
        report = Report()
        for designs in self._outdated(tenant):
            report += each(
                designs, self._renew, workers=self.workers, name=lambda design: design.design_id
            )
            log.info("fingerprints of version %s: %s", fingerprint.VERSION, dict(report.counts))
            if told is not None:
                told(report)
        return report

    def _outdated(self, tenant: str | None) -> Iterator[Sequence[Outdated]]:
        after = ""
        while designs := self.catalog.outdated(
            fingerprint.VERSION, tenant=tenant, after=after, most=_TOGETHER
        ):
            yield designs
            after = designs[-1].design_id

    def _renew(self, design: Outdated) -> Outcome:
        if design.anchor is None:
            raise NotFoundError(
                f"design {design.design_id}: the bytes of its anchor are not here; it stays as it is"
            )
        looks = {}
        for sha256, path in design.pictures:
            with self.store.local(path) as file:
                looks[sha256] = self.decoder.fingerprint(file)
        pixels = {sha256: look.pixel_hash for sha256, look in looks.items()}
        return Outcome(self.catalog.renew(design, looks[design.anchor], pixels).value)
