"""Finding the distinct designs among the stored pictures; a duplicate is an alias, nothing is lost."""

import datetime as dt
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from image_assets.core import fingerprint, nearest
from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import Partition, Policy, Scope
from image_assets.core.nearest import Limits
from image_assets.ports import Admission, Decoder, DesignsCatalog, FileStore, Undesigned
from image_assets.stages.report import Outcome, Progress, Report, each, nothing

log = logging.getLogger(__name__)

_ADMITTED_TOGETHER = 256
"""Pictures per admission: bounds the memory for fingerprints and the time the scope is locked."""


@dataclass(frozen=True, slots=True)
class Admitter:
    """The rooms that finding designs needs, together.

    Fingerprints are computed side by side; admission is serial, by item key, so that a partition
    that was cut off and is run again gives the same designs.
    """

    scope: Scope
    catalog: DesignsCatalog
    store: FileStore
    decoder: Decoder
    limits: Limits = field(default_factory=Limits)
    workers: int = 2

    def admit(
        self, partition: Partition, *, now: dt.datetime, progress: Progress | None = None
    ) -> Report:
        """Give every stored picture of the partition its design."""
        pictures = self.catalog.undesigned(partition, self.scope)
        if not pictures:
            return nothing("unchanged", 0)
        report = Report()
        for batch in _batches(pictures):
            report += self._admit_batch(partition, batch, now, progress)
        return report

    def _admit_batch(
        self,
        partition: Partition,
        batch: Sequence[Undesigned],
        now: dt.datetime,
        progress: Progress | None,
    ) -> Report:
        looks: dict[str, Fingerprint] = {}

        def look(picture: Undesigned) -> Outcome:
            with self.store.local(picture.path) as file:
                looks[picture.sha256] = self.decoder.fingerprint(file)
            return Outcome("fingerprinted")

        # Equal bytes are looked at once.
        unseen = {p.sha256: p for p in batch if p.design_of_blob is None}
        looked = each(
            list(unseen.values()),
            look,
            workers=self.workers,
            name=lambda picture: f"{partition}: {picture.item_key}",
            progress=progress,
        )
        return looked + self._decide(partition, batch, looks, now)

    def _decide(
        self,
        partition: Partition,
        batch: Sequence[Undesigned],
        looks: Mapping[str, Fingerprint],
        now: dt.datetime,
    ) -> Report:
        new, aliases = 0, 0
        with self.catalog.admission(self.scope) as desk:
            anchors = _Anchors(desk, self.scope.policy, self.limits)
            for picture in batch:
                look = looks.get(picture.sha256)
                design = picture.design_of_blob
                if design is None and look is not None:
                    design = anchors.matching(look)
                if design is not None:
                    pixels = look.pixel_sha256 if look else None
                    if desk.join(picture.image_id, design, pixels, sha256=picture.sha256):
                        aliases += 1
                        log.warning(
                            "%s: %s is design %s again", partition, picture.item_key, design
                        )
                elif look is not None and anchors.create(picture, look, now) is not None:
                    new += 1
                # else it could not be looked at, which is reported already, or it has other bytes
                # since the look: the next run looks again
        log.info("%s: %d new designs, %d aliases", partition, new, aliases)
        return Report({"designs": new, "aliases": aliases})


class _Anchors:
    """The scope's designs during one admission; read once, and only by policies that compare."""

    def __init__(self, desk: Admission, policy: Policy, limits: Limits) -> None:
        self._desk = desk
        self._policy = policy
        self._limits = limits
        self._known: list[tuple[str, Fingerprint]] | None = None

    def matching(self, look: Fingerprint) -> str | None:
        exact = self._desk.exact(look.pixel_sha256, look.version)
        if exact is not None or self._policy is Policy.EXACT:
            return exact
        return nearest.plain_scan(self._policy, look, self._anchors(), self._limits)

    def create(self, picture: Undesigned, look: Fingerprint, now: dt.datetime) -> str | None:
        design = self._desk.create(picture.image_id, look, sha256=picture.sha256, now=now)
        if design is not None and self._known is not None:
            self._known.append((design, look))
        return design

    def _anchors(self) -> Iterable[tuple[str, Fingerprint]]:
        if self._known is None:
            anchors = self._desk.anchors(fingerprint.VERSION)
            self._known = [(anchor.design_id, anchor.fingerprint) for anchor in anchors]
        return self._known


def _batches(pictures: Sequence[Undesigned]) -> Iterator[Sequence[Undesigned]]:
    for start in range(0, len(pictures), _ADMITTED_TOGETHER):
        yield pictures[start : start + _ADMITTED_TOGETHER]
