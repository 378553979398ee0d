"""A source's exports, by UTC day and stream or by batch."""

from typing import Any

import dagster as dg

from image_assets.core.model import ImageFormat, Partition, Publishes
from image_assets.core.recipes import Recipe
from image_assets.defs import metadata
from image_assets.defs.assets.batches import batch_seconds, following
from image_assets.defs.assets.options import clock, frames_asset
from image_assets.defs.assets.preview import preview
from image_assets.defs.assets.recipes import exported, published
from image_assets.defs.expectations import checks_of
from image_assets.defs.failures import Work, each_partition
from image_assets.defs.partitions import partition_of
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.generation import Finisher
from image_assets.stages.thumbnails import Exporter

NOTES = ("exported", "partial")


def thumbnails_asset(spec: SourceSpec, settings: Settings) -> dg.AssetsDefinition:
    """The third asset of a source's chain."""

    @frames_asset(
        spec,
        "thumbnails",
        deps=["designs"],
        needs={"catalog", "store", "decoder"},
        kinds={"python", "pillow"},
    )
    def thumbnails(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Every design by each recipe of its source, in all formats, metadata stripped.

        A set appears whole or its design fails. What was exported once is not made again. What
        people dropped is brought to its canvas as well, beside the original.
        """
        resources = context.resources
        rooms = (resources.catalog.thumbnails, resources.store, resources.decoder)

        def work(key: str) -> Work:
            partition = partition_of(spec, key)
            wanted = exported(spec, settings, resources, partition)
            with following(context, spec, settings, partition, "thumbnails") as follower:
                exporter = Exporter(wanted, *rooms, workers=follower.workers)
                report = exporter.export(partition, now=clock(), progress=follower.progress)
                told = follower.ended(report)
            if spec.generated:
                finisher = Finisher(resources.catalog.generation, clock)
                finisher.exported(partition, wanted[0], report)
            context.log.info("%s: %s", key, dict(report.counts))
            has = _shown(spec, settings, resources, partition, key)
            has |= told | ({} if spec.dated else batch_seconds(context))
            return Work(report, has | metadata.figures(report, NOTES))

        checks = checks_of(spec, settings, "thumbnails", resources)
        return each_partition(
            context, work, checks, retry_after=settings.image_assets_retry_seconds
        )

    return thumbnails


def _shown(
    spec: SourceSpec, settings: Settings, resources: Any, partition: Partition, key: str
) -> dict[str, Any]:
    """How many sets are whole, by recipe, and what they look like: of the first, which is announced."""
    thumbnails, uploads = resources.catalog.thumbnails, resources.catalog.uploads
    recipes = published(spec, settings, resources, partition)
    counts = {recipe.name: thumbnails.exports_count(partition, recipe) for recipe in recipes}
    first = recipes[0]
    exports = uploads.publishable(partition, Publishes.EXPORTS, first)
    files = [export.path for export in exports if export.format is _looked_at(first)]
    lacking = {
        f"{name}.{format.extension}": reason
        for name, count in counts.items()
        for format, reason in count.lacking.items()
    }
    return {
        "designs": counts[first.name].designs,
        "whole_sets": sum(count.whole for count in counts.values()),
        "recipe": ", ".join(counts),
        **({"lacking": dg.MetadataValue.json(lacking)} if lacking else {}),
        **preview(resources, files, key),
    }


def _looked_at(recipe: Recipe) -> ImageFormat:
    """The format to look at: JPEG where there is one, which small pictures are quickest made from."""
    return ImageFormat.JPEG if ImageFormat.JPEG in recipe.formats else recipe.formats[-1]
