"""A source's distinct designs, by UTC day and stream."""

from typing import Any

import dagster as dg

from image_assets.core.model import Scope
from image_assets.defs import metadata
from image_assets.defs.assets.options import clock, frames_asset
from image_assets.defs.assets.preview import preview
from image_assets.defs.expectations import checks_of
from image_assets.defs.failures import Work, each_partition
from image_assets.defs.partitions import partition_of
from image_assets.defs.progress import logged
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.designs import Admitter

NOTES = ("fingerprinted",)


def designs_asset(spec: SourceSpec, settings: Settings) -> dg.AssetsDefinition:
    """The second asset of a source's chain."""

    @frames_asset(
        spec,
        "designs",
        deps=["images"],
        needs={"catalog", "store", "decoder"},
        kinds={"python"},
    )
    def designs(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """The distinct designs among the pictures; a duplicate becomes an alias and is kept.

        Which pictures are one design is the source's policy; for cameras only identical pixels are.
        """
        resources = context.resources
        admitter = Admitter(
            Scope(spec.name, spec.policy),
            resources.catalog.designs,
            resources.store,
            resources.decoder,
            workers=settings.image_assets_decode_workers,
        )

        def work(key: str) -> Work:
            partition = partition_of(spec, key)
            report = admitter.admit(partition, now=clock(), progress=logged(context, key))
            context.log.info("%s: %s", key, dict(report.counts))
            counts = resources.catalog.designs.counts(partition)
            has: dict[str, Any] = {
                "new_designs": report.counts.get("designs", 0),
                "designs": counts.designs,
                "aliases": counts.aliases,
                "images": counts.images,
            }
            has |= preview(resources, resources.catalog.images.paths(partition), key)
            return Work(report, has | metadata.figures(report, NOTES))

        checks = checks_of(spec, settings, "designs", resources)
        return each_partition(
            context, work, checks, retry_after=settings.image_assets_retry_seconds
        )

    return designs
