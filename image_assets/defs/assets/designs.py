"""A source's distinct designs, by UTC day and stream or by batch."""

from typing import Any

import dagster as dg

from image_assets.core.model import Partition, Policy, Scope
from image_assets.defs import metadata
from image_assets.defs.assets.batches import following, rates
from image_assets.defs.assets.options import clock, frames_asset
from image_assets.defs.assets.preview import preview
from image_assets.defs.expectations import checks_of
from image_assets.defs.failures import Work, each_partition
from image_assets.defs.partitions import partition_of
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.curation import Curator
from image_assets.stages.designs import Admitter
from image_assets.stages.report import Report

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

        def work(key: str) -> Work:
            partition = partition_of(spec, key)
            with following(context, spec, settings, partition, "designs") as follower:
                admitter = Admitter(
                    Scope(spec.name, spec.policy, partition.tenant),
                    resources.catalog.designs,
                    resources.store,
                    resources.decoder,
                    settings.limits(spec, partition.tenant),
                    workers=follower.workers,
                )
                report = admitter.admit(partition, now=clock(), progress=follower.progress)
                told = follower.ended(report)
            report += _shown_best(spec, resources, partition, follower.workers)
            context.log.info("%s: %s", key, dict(report.counts))
            counts = resources.catalog.designs.counts(partition)
            has: dict[str, Any] = {
                "new_designs": report.counts.get("designs", 0),
                "designs": counts.designs,
                "aliases": counts.aliases,
                "images": counts.images,
                **told,
                **({} if spec.dated else rates(resources.catalog, partition, counts)),
            }
            has |= preview(resources, resources.catalog.images.paths(partition), key)
            return Work(report, has | metadata.figures(report, NOTES))

        checks = checks_of(spec, settings, "designs", resources)
        return each_partition(
            context, work, checks, retry_after=settings.image_assets_retry_seconds
        )

    return designs


def _shown_best(spec: SourceSpec, resources: Any, partition: Partition, workers: int) -> Report:
    """Let the best picture show each design; under the exact policy all of them look the same."""
    if spec.policy is Policy.EXACT:
        return Report()
    gallery, verdicts = resources.catalog.gallery, resources.catalog.verdicts
    curator = Curator(gallery, verdicts, resources.store, resources.decoder, partition.tenant)
    return curator.keep_best(gallery.contested(partition), workers=workers)
