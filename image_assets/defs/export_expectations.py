"""What should be true of a partition's exports: whole sets that are there, made as they would be now."""

from collections.abc import Callable
from typing import Any

import dagster as dg

from image_assets.core.encoding import encoder_version
from image_assets.core.model import Partition, Publishes
from image_assets.core.recipes import Recipe
from image_assets.defs.assets.recipes import exported, published
from image_assets.defs.failures import Evaluation
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.renewing import Reason, counted, due

_SHOWN = 50


def all_formats(spec: SourceSpec, settings: Settings) -> Callable[[Any, Partition], Evaluation]:
    """Every design has every format of each recipe; a set that may be partial is a warning."""

    def evaluate(resources: Any, partition: Partition) -> Evaluation:
        thumbnails = resources.catalog.thumbnails
        recipes = published(spec, settings, resources, partition)
        counts = {recipe.name: thumbnails.exports_count(partition, recipe) for recipe in recipes}
        whole = min(count.whole for count in counts.values())
        designs = max(count.designs for count in counts.values())
        partial = sum(count.partial for count in counts.values())
        lacking = {
            f"{name}.{format.extension}": reason
            for name, count in counts.items()
            for format, reason in count.lacking.items()
        }
        lost = _lost(resources, partition, recipes)
        done = all(c.whole + c.partial == c.designs for c in counts.values())
        said = f"{whole} of {designs} designs have every format"
        said += f"; {partial} sets are partial: {', '.join(lacking)}" if partial else ""
        said += f"; {len(lost)} files are lost" if lost else ""
        return Evaluation(
            "all_formats",
            done and not partial and not lost,
            {
                "designs": designs,
                "whole": whole,
                "partial": partial,
                "lacking": dg.MetadataValue.json(lacking),
                "lost": dg.MetadataValue.json(lost[:_SHOWN]),
            },
            said,
            dg.AssetCheckSeverity.WARN if done and not lost else dg.AssetCheckSeverity.ERROR,
        )

    return evaluate


def up_to_date(spec: SourceSpec, settings: Settings) -> Callable[[Any, Partition], Evaluation]:
    """Exports are what would be made now; nothing makes them anew but the command."""

    def evaluate(resources: Any, partition: Partition) -> Evaluation:
        recipes = exported(spec, settings, resources, partition)
        found = resources.catalog.rebuilding.renewable(partition, recipes)
        outdated = list(due(found, recipes, encoder_version()))
        counts = counted(outdated)
        files = sum(len(part.formats) for design in outdated for part in design.parts)
        told = ", ".join(f"{n} by {_WORDS[reason]}" for reason, n in counts.items() if n)
        return Evaluation(
            "up_to_date",
            not outdated,
            {
                "exports": sum(len(design.exports) for design in found),
                "outdated": files,
                **{f"older_{reason}": n for reason, n in counts.items()},
            },
            f"{files} exports would be made otherwise now ({told}): image-assets rebuild"
            f" --source {spec.name}"
            if outdated
            else "every export is what would be made now",
            dg.AssetCheckSeverity.WARN,
        )

    return evaluate


_WORDS = {
    Reason.RECIPE: "other settings of their recipe",
    Reason.ENCODER: "other encoders",
    Reason.PICTURE: "another picture of their design",
    Reason.LACKING: "encoders that failed",
}


def _lost(resources: Any, partition: Partition, recipes: tuple[Recipe, ...]) -> list[str]:
    uploads = resources.catalog.uploads
    return [
        export.path
        for recipe in recipes
        for export in uploads.publishable(partition, Publishes.EXPORTS, recipe)
        if resources.store.size(export.path) is None
    ]
