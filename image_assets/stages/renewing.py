"""Exports that would be made otherwise now: which, why, and making them anew when told."""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from image_assets.core.model import ImageFormat, Partition
from image_assets.core.provenance import makers
from image_assets.core.recipes import Recipe
from image_assets.ports import (
    Decoder,
    FileStore,
    LiveExport,
    Origin,
    RebuildingCatalog,
    Renewable,
)
from image_assets.stages.report import Outcome, Progress, Report, each
from image_assets.stages.sets import Renderer


class Reason(StrEnum):
    """Why an export would be made otherwise now."""

    RECIPE = "recipe"  # its recipe has other settings under the same name
    ENCODER = "encoder"  # other versions encode its format now
    PICTURE = "picture"  # another picture is shown of its design
    LACKING = "lacking"  # it failed once, with other versions


@dataclass(frozen=True, slots=True)
class Due:
    """A design with the parts of recipes that would be made otherwise, and a base if they have one."""

    design_id: str
    origin: Origin
    parts: tuple[Recipe, ...]
    base: Origin | None
    reasons: Mapping[Reason, int]


def due(
    found: Sequence[Renewable],
    recipes: Sequence[Recipe],
    encoder: str,
    *,
    why: Collection[Reason] = tuple(Reason),
) -> Iterator[Due]:
    """What of `found` would be made otherwise by these recipes and this encoder, for these reasons.

    Of what was exported before recipes were recorded only the encoder is known. What is of a recipe
    that is made no longer stays as it is.
    """
    by_name = {recipe.name: recipe for recipe in recipes}
    for design in found:
        reasons: Counter[Reason] = Counter()
        formats: dict[tuple[str, Origin | None], list[ImageFormat]] = {}
        for export in design.exports:
            recipe = by_name.get(export.recipe)
            told = set() if recipe is None else _reasons(export, recipe, design.origin, encoder)
            if told := told & set(why):
                reasons.update(told)
                formats.setdefault((export.recipe, export.base), []).append(export.format)
        for name, format, tried in design.lacking:
            if Reason.LACKING in why and name in by_name and tried != encoder:
                reasons[Reason.LACKING] += 1
                formats.setdefault((name, _base_of(design, name)), []).append(format)
        for base in dict.fromkeys(base for _, base in formats):
            parts = tuple(
                replace(by_name[name], formats=tuple(own))
                for (name, over), own in formats.items()
                if over == base
            )
            yield Due(design.design_id, design.origin, parts, base, dict(reasons))
            reasons.clear()  # told once


@dataclass(frozen=True, slots=True)
class Renewer:
    """The rooms that renewing exports needs, together."""

    recipes: Sequence[Recipe]
    catalog: RebuildingCatalog
    store: FileStore
    decoder: Decoder
    encoder: str
    workers: int = 2

    def outdated(
        self, partition: Partition, why: Collection[Reason] = tuple(Reason)
    ) -> Sequence[Due]:
        """The partition's designs with exports that would be made otherwise, by design."""
        found = self.catalog.renewable(partition, self.recipes)
        return tuple(due(found, self.recipes, self.encoder, why=why))

    def renew(
        self, designs: Sequence[Due], *, now: dt.datetime, progress: Progress | None = None
    ) -> Report:
        """Make these anew. What changes becomes a new file; the old one keeps its name beside it."""
        return each(
            designs,
            lambda design: self._renew(design, now),
            workers=self.workers,
            name=lambda design: f"design {design.design_id}",
            progress=progress,
        )

    def _renew(self, design: Due, now: dt.datetime) -> Outcome:
        renderer, written = Renderer(self.store, self.decoder), 0
        with (
            renderer.made(design.design_id, design.origin, design.parts, design.base) as sets,
            self.catalog.recording(design.design_id, now=now) as desk,
        ):
            for made in sets.made:
                if (place := desk.replace(made.export)) is not None:
                    renderer.put(made, place)
                    written += made.export.blob.size
            for lack in sets.lacks:
                if lack.format is not None:
                    desk.lacks(lack.recipe, lack.format, lack.reason, encoder=lack.encoder)
        return Outcome("rebuilt" if written else "the_same", written)


def counted(found: Sequence[Due]) -> dict[Reason, int]:
    """How many exports are outdated for each reason; one may be for several."""
    total: Counter[Reason] = Counter()
    for design in found:
        total.update(design.reasons)
    return {reason: total[reason] for reason in Reason}


def _reasons(export: LiveExport, recipe: Recipe, origin: Origin, encoder: str) -> set[Reason]:
    told = set()
    if export.format in recipe.formats:
        if export.digest not in (None, recipe.digest_of(export.format)):
            told.add(Reason.RECIPE)
        if makers(export.encoder, export.format) != makers(encoder, export.format):
            told.add(Reason.ENCODER)
        if export.source_sha256 not in (None, origin.sha256):
            told.add(Reason.PICTURE)
    return told


def _base_of(design: Renewable, name: str) -> Origin | None:
    """The base of a recipe's other exports."""
    return next((export.base for export in design.exports if export.recipe == name), None)
