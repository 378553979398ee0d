"""An inbox's pictures, by batch."""

from functools import partial
from typing import Any

import dagster as dg

from image_assets.core.model import Partition
from image_assets.defs import metadata
from image_assets.defs.accounts import accounted
from image_assets.defs.assets.batches import following, open_batch
from image_assets.defs.assets.images import done, shown
from image_assets.defs.assets.options import clock, frames_asset
from image_assets.defs.expectations import checks_of
from image_assets.defs.failures import Work, each_partition
from image_assets.defs.partitions import partition_of
from image_assets.defs.resources import source_key
from image_assets.ports import Inbox
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.images import AT_ONCE, Collector, Terms
from image_assets.stages.report import Report


def dropped_asset(spec: SourceSpec, settings: Settings) -> dg.AssetsDefinition:
    """The first asset of an inbox's chain."""

    @frames_asset(
        spec,
        "images",
        needs={"catalog", "store", "decoder", source_key(spec.name)},
        kinds={"python", "filesystem"},
    )
    def images(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Every file of a batch that people dropped, verified by full decode and stored once.

        Files are copied; when all of them are stored, or refused with a reason, they are put away in
        `.done` and the batch is sealed: running it again costs nothing. Refused files wait in
        quarantine.
        """
        resources, place = context.resources, partial(partition_of, spec)
        inbox: Inbox = getattr(resources, source_key(spec.name))
        catalog = resources.catalog

        def work(key: str) -> Work:
            partition = place(key)
            if partition in inbox.waiting():
                open_batch(catalog.batches, inbox, spec, partition)
            with following(context, spec, settings, partition, "images") as follower:
                terms = Terms(follower.workers, *AT_ONCE, accepts=settings.acceptance)
                collector = Collector(
                    inbox, catalog.images, resources.store, resources.decoder, terms
                )
                report = collector.collect(partition, now=clock(), progress=follower.progress)
                told = follower.ended(report)
            if is_sealed(catalog, partition):
                inbox.finish(partition)
            context.log.info("%s: %s", key, dict(report.counts))
            rates = _recorded(catalog, partition, report)
            return Work(report, shown(resources, partition) | told | rates | done(report))

        told = accounted(context, resources.store, settings.public_base_url, place, work)
        checks = checks_of(spec, settings, "images", resources)
        return each_partition(
            context, told, checks, retry_after=settings.image_assets_retry_seconds
        )

    return images


def is_sealed(catalog: Any, partition: Partition) -> bool:
    """Whether every file of the batch is stored, or refused with a reason."""
    batch = catalog.images.day(partition)
    return batch is not None and batch.sealed_at is not None


def _recorded(catalog: Any, partition: Partition, report: Report) -> dict[str, Any]:
    """How many of the batch's files the catalog has a record of, as a share, and which were refused."""
    held = catalog.images.known(partition)
    tried = len(held) + report.failed
    refused = {key: h.reason for key, h in held.items() if h.reason and h.state != "stored"}
    return {
        "database_success_rate": round(len(held) / tried, 4) if tried else 1.0,
        "refused": metadata.reasons_table(refused),
    }
