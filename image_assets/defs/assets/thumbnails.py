"""A source's exports, by UTC day and stream or by batch."""

from typing import Any

import dagster as dg

from image_assets.core.model import ImageFormat, Publishes
from image_assets.core.render import Recipe
from image_assets.defs import metadata
from image_assets.defs.assets.batches import batch_seconds, following, recipes
from image_assets.defs.assets.options import clock, frames_asset
from image_assets.defs.assets.preview import preview
from image_assets.defs.expectations import checks_of
from image_assets.defs.failures import Work, each_partition
from image_assets.defs.partitions import partition_of
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.report import Report
from image_assets.stages.thumbnails import Exporter

NOTES = ("exported",)


def thumbnails_asset(spec: SourceSpec, settings: Settings) -> dg.AssetsDefinition:
    """The third asset of a source's chain."""
    recipe, wanted = settings.recipe, recipes(spec, settings)

    @frames_asset(
        spec,
        "thumbnails",
        deps=["designs"],
        needs={"catalog", "store", "decoder"},
        kinds={"python", "pillow"},
    )
    def thumbnails(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Every design as PNG, JPEG and WebP in the size of the recipe, metadata stripped.

        A set appears whole or its design fails. What was exported once is not made again. What
        people dropped is brought to its canvas as well, beside the original.
        """
        resources = context.resources
        catalog, rooms = resources.catalog.thumbnails, (resources.store, resources.decoder)

        def work(key: str) -> Work:
            partition, report = partition_of(spec, key), Report()
            with following(context, spec, settings, partition, "thumbnails") as follower:
                for made in wanted:
                    exporter = Exporter(made, catalog, *rooms, workers=follower.workers)
                    report += exporter.export(partition, now=clock(), progress=follower.progress)
                told = follower.ended(report)
            context.log.info("%s: %s", key, dict(report.counts))
            count = resources.catalog.thumbnails.exports_count(partition, recipe)
            exports = resources.catalog.uploads.publishable(partition, Publishes.EXPORTS, recipe)
            shown = [export.path for export in exports if export.format is _shown(recipe)]
            has: dict[str, Any] = {
                "designs": count.designs,
                "whole_sets": count.whole,
                "recipe": recipe.name,
                **preview(resources, shown, key),
            }
            has |= told | ({} if spec.dated else batch_seconds(context))
            return Work(report, has | metadata.figures(report, NOTES))

        checks = checks_of(spec, settings, "thumbnails", resources)
        return each_partition(
            context, work, checks, retry_after=settings.image_assets_retry_seconds
        )

    return thumbnails


def _shown(recipe: Recipe) -> ImageFormat:
    """The format to look at: JPEG where there is one, which small pictures are quickest made from."""
    return ImageFormat.JPEG if ImageFormat.JPEG in recipe.formats else recipe.formats[-1]
