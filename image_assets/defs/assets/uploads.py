"""What a source published at one destination, by UTC day and stream or by batch."""

from typing import Any

import dagster as dg

from image_assets.core import fidelity
from image_assets.core.model import Publishes
from image_assets.defs import metadata
from image_assets.defs.assets.batches import batch_seconds
from image_assets.defs.assets.options import clock, frames_asset, owner
from image_assets.defs.assets.recipes import portions
from image_assets.defs.assets.recipes import published as published_recipes
from image_assets.defs.expectations import checks_of
from image_assets.defs.failures import Work, each_partition
from image_assets.defs.partitions import partition_of
from image_assets.defs.progress import logged
from image_assets.defs.resources import host_key
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.rebuilding import Restorer
from image_assets.stages.report import Report
from image_assets.stages.uploads import Publisher
from image_assets.stages.verification import Witness

NOTES = ("verified", "optimised", "unchanged", "withdrawn", "refused_before")


def uploads_asset(spec: SourceSpec, settings: Settings, destination: str) -> dg.AssetsDefinition:
    """The asset of one destination: its own lineage, checks and pool."""
    # Originals are there without exports; only what is published must come first.
    parent = "images" if spec.publishes is Publishes.ORIGINALS else "thumbnails"

    stage = f"uploaded_urls/{destination}"

    @frames_asset(
        spec,
        stage,
        deps=[parent],
        needs={"catalog", "store", "decoder", host_key(destination)},
        kinds={"python", destination},
        pool=destination,  # one step at a time: the rate limiter in it is true across runs
    )
    def uploaded_urls(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Public URL of everything the source publishes, each content once, verified at the host.

        The ledger knows the intent before and the receipt after each send; what is in doubt is
        settled by asking the host, never by sending blindly again.
        """
        resources = context.resources
        publisher = _publisher(context, settings, destination, settings.uploads_at_once(spec))
        restorer = _restorer(context, settings)

        def work(key: str) -> Work:
            partition = partition_of(spec, key)
            recipes = published_recipes(spec, settings, resources, partition)
            report = Report()
            if spec.publishes is not Publishes.ORIGINALS:
                # What expired before this destination had it is made again for it.
                report += restorer.restore(partition, destination, recipes, now=clock())
            for publishes, recipe in portions(spec.publishes, recipes):
                report += publisher.publish(
                    partition, publishes, recipe, progress=logged(context, key)
                )
            context.log.info("%s: %s", key, dict(report.counts))
            published = resources.catalog.uploads.published(partition, destination)
            urls = {p.upload.content.name: p.upload.receipt.url for p in published}
            has: dict[str, Any] = {"published": len(published), "urls": metadata.links(urls)}
            has["treats"] = fidelity.profile(resources.catalog.fidelity.habits(destination))
            has |= {} if spec.dated else batch_seconds(context)
            return Work(report, has | metadata.figures(report, NOTES))

        checks = checks_of(spec, settings, stage, resources)
        return each_partition(
            context, work, checks, retry_after=settings.image_assets_retry_seconds
        )

    return uploaded_urls


def _publisher(
    context: dg.AssetExecutionContext, settings: Settings, destination: str, workers: int
) -> Publisher:
    resources = context.resources
    catalog = resources.catalog
    return Publisher(
        destination,
        getattr(resources, host_key(destination)),
        catalog.uploads,
        resources.store,
        owner(context),
        clock,
        workers,
        witness=Witness(destination, catalog.fidelity, catalog.notices, clock),
    )


def _restorer(context: dg.AssetExecutionContext, settings: Settings) -> Restorer:
    resources = context.resources
    return Restorer(
        resources.catalog.rebuilding,
        resources.store,
        resources.decoder,
        settings.image_assets_decode_workers,
    )
