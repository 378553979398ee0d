"""Looking at a library to see what its limits of likeness do. Nothing is changed here."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from image_assets.core import calibration, fingerprint
from image_assets.core.calibration import Change, Compared, Estimate, Histogram, Library
from image_assets.core.errors import PermanentError
from image_assets.core.fingerprint import Fingerprint
from image_assets.core.model import Policy, Scope
from image_assets.core.nearest import Limits
from image_assets.ports import CalibrationCatalog, Decoder, FileStore, SampledAlias, SampledDesign
from image_assets.stages.report import Outcome, Progress, Report, each

log = logging.getLogger(__name__)

_SHEET = 320  # pixels: two pictures side by side
_SHEET_BYTES = 40_000


@dataclass(frozen=True, slots=True)
class Terms:
    """How much is looked at: designs, merged pictures, and pairs that are shown."""

    designs: int = 3000
    aliases: int = 500
    shown: int = 24


@dataclass(frozen=True, slots=True)
class Findings:
    """What calibration found; pairs name pictures by design id, or `image:17`.

    `bits` are pairs of different designs by bits, `pairs` those near enough to be compared whole and
    all that were merged; `false_merges` are in the whole library, `rate` is their share of what was
    merged (None where nothing was); `sheets` are JPEGs of the pairs at the border, by pair.
    """

    scope: Scope
    limits: Limits
    library: Library
    bits: Histogram
    pairs: tuple[Compared, ...]
    false_merges: Estimate
    rate: Estimate | None
    changes: tuple[Change, ...]
    border: tuple[Compared, ...]
    sheets: Mapping[tuple[str, str], bytes]
    report: Report


@dataclass(frozen=True, slots=True)
class Calibrator:
    """The rooms that calibration needs, together."""

    catalog: CalibrationCatalog
    store: FileStore
    decoder: Decoder
    limits: Limits
    workers: int = 2
    terms: Terms = Terms()

    def calibrate(self, scope: Scope, *, progress: Progress | None = None) -> Findings:
        """Compare every two designs of a sample, and every merged picture with its design.

        Raises:
            PermanentError: the policy is exact: it has no limits.
        """
        if scope.policy is Policy.EXACT:
            raise PermanentError(
                f"{scope.group}: its policy is exact, which has no limits; try --policy near"
            )
        designs = self.catalog.designs(scope, fingerprint.VERSION, self.terms.designs)
        aliases = self.catalog.aliases(scope, fingerprint.VERSION, self.terms.aliases)
        paths = {d.design_id: d.path for d in (*designs, *(a.design for a in aliases))}
        looks, report = self._look(aliases, progress)
        bits, close = calibration.close_pairs([design.fingerprint for design in designs])
        pairs = _apart(scope.policy, [(designs[a], designs[b]) for a, b in close])
        pairs += _merged(scope.policy, aliases, looks)
        paths |= {_name(alias): alias.path for alias in aliases}
        library = Library(*self.catalog.size(scope, fingerprint.VERSION), len(designs), len(looks))
        border = calibration.border(pairs, self.limits, self.terms.shown)
        sheets, shown = self._sheets(border, paths)
        wrong = calibration.false_merges(pairs, self.limits).times(library.pair_scale)
        log.info("%s: %d pairs compared, %d merged", scope.group, int(bits.sum()), len(looks))
        return Findings(
            scope,
            self.limits,
            library,
            bits,
            tuple(pairs),
            wrong,
            _rate(wrong, library),
            tuple(calibration.changes(pairs, scope.policy, self.limits, library)),
            tuple(border),
            sheets,
            report + shown,
        )

    def _look(
        self, aliases: Sequence[SampledAlias], progress: Progress | None
    ) -> tuple[dict[str, Fingerprint], Report]:
        looks: dict[str, Fingerprint] = {}

        def look(alias: SampledAlias) -> Outcome:
            with self.store.local(alias.path) as file:
                looks[_name(alias)] = self.decoder.fingerprint(file)
            return Outcome("fingerprinted")

        report = each(aliases, look, workers=self.workers, name=_name, progress=progress)
        return looks, report

    def _sheets(
        self, border: Sequence[Compared], paths: Mapping[str, str | None]
    ) -> tuple[dict[tuple[str, str], bytes], Report]:
        sheets: dict[tuple[str, str], bytes] = {}

        def draw(pair: Compared) -> Outcome:
            keys = [path for name in (pair.a, pair.b) if (path := paths[name]) is not None]
            with ExitStack() as stack:
                files = [stack.enter_context(self.store.local(key)) for key in keys]
                sheets[pair.a, pair.b] = self.decoder.contact_sheet(
                    files, columns=2, width=_SHEET, limit=_SHEET_BYTES
                )
            return Outcome("shown")

        here = [pair for pair in border if paths[pair.a] and paths[pair.b]]
        report = each(here, draw, workers=self.workers, name=lambda pair: f"{pair.a} {pair.b}")
        return sheets, report


def _apart(policy: Policy, pairs: Sequence[tuple[SampledDesign, SampledDesign]]) -> list[Compared]:
    found = []
    for a, b in pairs:
        seen = calibration.compare(policy, a.fingerprint, b.fingerprint)
        if seen is not None:
            found.append(Compared(a.design_id, b.design_id, False, *seen))
    return found


def _merged(
    policy: Policy, aliases: Sequence[SampledAlias], looks: Mapping[str, Fingerprint]
) -> list[Compared]:
    found = []
    for alias in aliases:
        look = looks.get(_name(alias))
        seen = look and calibration.compare(policy, alias.design.fingerprint, look)
        if seen:
            found.append(Compared(alias.design.design_id, _name(alias), True, *seen))
    return found


def _rate(wrong: Estimate, library: Library) -> Estimate | None:
    if not library.merged:
        return None
    share = wrong.times(1 / library.merged)
    return Estimate(*(min(1.0, value) for value in (share.value, share.low, share.high)))


def _name(alias: SampledAlias) -> str:
    return f"image:{alias.image_id}"
