"""What people do to designs: same, different, split, show another picture, undo; and the rule's choice.

After every decision each design it touched shows its best picture again, and the reason is kept.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from image_assets.core import display
from image_assets.core.display import Candidate
from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import DEFAULT_TENANT, ImageFormat
from image_assets.ports import (
    By,
    Decided,
    Decoder,
    FileStore,
    GalleryCatalog,
    Named,
    VerdictsCatalog,
)
from image_assets.stages.report import Outcome, Report, each

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Curator:
    """The rooms that a person's decisions need, together; names are those of `GalleryCatalog.named`."""

    gallery: GalleryCatalog
    verdicts: VerdictsCatalog
    store: FileStore
    decoder: Decoder
    tenant: str = DEFAULT_TENANT

    def same(self, into: str, others: Sequence[str], by: By) -> Decided:
        """Designs or pictures that are one design: the first rules, the other ids lead to it."""
        target, *rest = self._named([into, *others])
        return self._after(self.verdicts.same(self.tenant, target, rest, by))

    def different(self, one: str, other: str, by: By) -> Decided:
        """Designs or pictures that never are one design; what had been one comes apart."""
        first, second = self._named([one, other])
        leaver = self.verdicts.leaving(self.tenant, first, second)
        look = self._look(leaver) if leaver is not None else None
        return self._after(self.verdicts.different(self.tenant, first, second, by, look=look))

    def split(self, pictures: Sequence[str], by: By) -> Decided:
        """Pictures of one design that become, together, one of their own."""
        named = self._named(pictures)
        look = self._look(named[0])
        return self._after(self.verdicts.split(self.tenant, named, by, look=look))

    def show(self, picture: str, by: By) -> Decided:
        """A picture that shows its design, whatever the rule would choose."""
        (named,) = self._named([picture])
        decided = self.verdicts.display(self.tenant, named, by)
        log.info("%s: shown by image:%s", ", ".join(decided.designs), named.image_id)
        return decided

    def undo(self, decision_id: int, by: By) -> Decided:
        """Take a decision back; designs show what the rule chooses of what they have then."""
        return self._after(self.verdicts.undo(self.tenant, decision_id, by))

    def keep_best(self, designs: Iterable[str], *, workers: int = 1) -> Report:
        """Let each design show the best of its pictures; a person's choice stays."""
        return each(list(designs), self._choose, workers=workers, name=lambda id: f"design {id}")

    def _choose(self, design: str) -> Outcome:
        candidates = self.gallery.candidates(self.tenant, design)
        if not candidates:
            return Outcome("unchanged")  # nothing stored, or a person chose
        if display.contested(candidates):
            candidates = [self._measured(candidate) for candidate in candidates]
        choice = display.best(candidates)
        if not self.verdicts.keep_best(self.tenant, design, choice):
            return Outcome("unchanged")
        log.info("design %s: shown by image:%d: %s", design, choice.image_id, choice.reason)
        return Outcome("chosen")

    def _measured(self, candidate: Candidate) -> Candidate:
        with self.store.local(candidate.path) as file:
            rendered = self.decoder.render(file, display.FRAME)
        sharpness = display.sharpness(rendered.files[ImageFormat.PNG])
        return replace(candidate, sharpness=sharpness)

    def _named(self, names: Sequence[str]) -> list[Named]:
        return [self.gallery.named(self.tenant, name) for name in names]

    def _look(self, named: Named) -> Fingerprint | None:
        if named.path is None:
            return None
        with self.store.local(named.path) as file:
            return self.decoder.fingerprint(file)

    def _after(self, decided: Decided) -> Decided:
        # What fails here is in the report and the log; the decision stands, and the next run of
        # keep_best chooses again.
        self.keep_best(decided.designs)
        return decided
