"""Finding the distinct designs among the stored pictures; a duplicate is an alias, nothing is lost."""

import datetime as dt
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from image_assets.core import fingerprint, nearest
from image_assets.core.codes import PackedCodes, packed, unpacked
from image_assets.core.fingerprint import FLAT_SCORE, Fingerprint
from image_assets.core.model import Partition, Policy, Scope
from image_assets.core.naming import design_id
from image_assets.core.nearest import Limits
from image_assets.ports import (
    Admission,
    Anchor,
    Decoder,
    DesignsCatalog,
    FileStore,
    Reach,
    Undesigned,
)
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
        reach = _reach(self.scope.policy, self.limits)
        with self.catalog.admission(self.scope, reach) as desk:
            matching = _Matching(desk, self.scope, self.limits, looks.values())
            for picture in batch:
                look = looks.get(picture.sha256)
                design = picture.design_of_blob
                if design is None and look is not None:
                    design = matching.design_of(look)
                if design is not None:
                    pixels = look.pixel_hash if look else None
                    if desk.join(picture.image_id, design, pixels, sha256=picture.sha256):
                        aliases += 1
                        log.warning(
                            "%s: %s is design %s again", partition, picture.item_key, design
                        )
                elif look is not None and matching.create(picture, look, now) is not None:
                    new += 1
                # else it could not be looked at, which is reported already, or it has other bytes
                # since the look: the next run looks again
        log.info("%s: %d new designs, %d aliases", partition, new, aliases)
        return Report({"designs": new, "aliases": aliases})


def doubles(catalog: DesignsCatalog, scope: Scope, limits: Limits) -> Iterator[tuple[str, str]]:
    """Two designs that the policy takes for one: a new version or other limits may leave some.

    Admission makes none. Nothing is merged here: what is published stays what it is until people
    say that the two are the same.
    """
    reach = _reach(scope.policy, limits)
    told: set[tuple[str, str]] = set()
    for one, other in catalog.pairs(scope, reach) if reach else ():
        pair = (one.design_id, other.design_id)
        matching = nearest.matches(scope.policy, one.fingerprint, other.fingerprint, limits)
        if matching and pair not in told:
            told.add(pair)
            yield pair


def _reach(policy: Policy, limits: Limits) -> Reach | None:
    """How far designs are searched for; no further than their pixels under `exact`."""
    return None if policy is Policy.EXACT else Reach(fingerprint.VERSION, _bits(policy, limits))


class _Matching:
    """Which design each look of one admission is of.

    The pictures' looks are searched for together, once, among the designs that were there; the few
    that the admission creates are searched beside them.
    """

    def __init__(
        self, desk: Admission, scope: Scope, limits: Limits, looks: Iterable[Fingerprint]
    ) -> None:
        self._desk = desk
        self._scope = scope
        self._policy = scope.policy
        self._limits = limits
        self._created: list[Anchor] = []
        self._codes = PackedCodes()
        wanted = [look for look in looks if _compared(self._policy, look)]
        found = desk.near(wanted) if wanted else ()
        self._there = {
            look.pixel_hash: anchors for look, anchors in zip(wanted, found, strict=True)
        }

    def design_of(self, look: Fingerprint) -> str | None:
        """The design of these pixels, else the nearest that the policy takes for the same."""
        exact = self._desk.exact(look.pixel_hash, look.version)
        if exact is not None:
            return exact
        # A person's word goes before any likeness, and before its absence.
        said = self._desk.judged(look.pixel_hash, look.version)
        if said.same is not None or not _compared(self._policy, look):
            return said.same
        anchors = (
            (anchor.design_id, anchor.fingerprint)
            for anchor in self._candidates(look)
            if anchor.design_id not in said.apart
        )
        return nearest.plain_scan(self._policy, look, anchors, self._limits)

    def create(self, picture: Undesigned, look: Fingerprint, now: dt.datetime) -> str | None:
        design = self._desk.create(picture.image_id, look, sha256=picture.sha256, now=now)
        own = (self._scope.tenant, self._scope.group, look.pixel_hash, look.version)
        if design == design_id(*own):  # and not one that the picture got meanwhile
            self._created.append(Anchor(design, look))
            self._codes.add(unpacked([packed(look)]))
        return design

    def _candidates(self, look: Fingerprint) -> list[Anchor]:
        """Every design that the policy might take for the same."""
        bits = _bits(self._policy, self._limits)
        [positions] = self._codes.within(unpacked([packed(look)]), bits)
        return [*self._there[look.pixel_hash], *(self._created[p] for p in positions)]


def _compared(policy: Policy, look: Fingerprint) -> bool:
    """Whether likeness counts: a flat picture abstains, and would find every other flat one."""
    return policy is not Policy.EXACT and look.score >= FLAT_SCORE


def _bits(policy: Policy, limits: Limits) -> int:
    return limits.seed_bits if policy is Policy.SEED else limits.near_bits


def _batches(pictures: Sequence[Undesigned]) -> Iterator[Sequence[Undesigned]]:
    for start in range(0, len(pictures), _ADMITTED_TOGETHER):
        yield pictures[start : start + _ADMITTED_TOGETHER]
