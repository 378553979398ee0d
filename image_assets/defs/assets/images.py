"""A source's pictures, by UTC day and stream."""

from functools import partial
from typing import Any

import dagster as dg
from pydantic import Field

from image_assets.core.model import ImageState, Partition
from image_assets.defs import metadata
from image_assets.defs.accounts import accounted
from image_assets.defs.assets.gaps import assessed, gaps
from image_assets.defs.assets.options import clock, frames_asset
from image_assets.defs.assets.preview import preview
from image_assets.defs.expectations import checks_of
from image_assets.defs.failures import Work, each_partition
from image_assets.defs.partitions import partition_of
from image_assets.defs.progress import logged
from image_assets.defs.resources import source_key
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.due import Choice
from image_assets.stages.images import Collector, Terms
from image_assets.stages.report import Report

NOTES = ("thumbnail", "rejected", "missing", "gone", "misfit", "known", "sealed", "beyond_limit")

RECEIVED = ("stored", "stale", "thumbnail")


def images_asset(spec: SourceSpec, settings: Settings) -> dg.AssetsDefinition:
    """The first asset of a source's chain."""

    class Collecting(dg.Config):
        """How much of each date a run, or a backfill, takes."""

        max_images_per_date: int | None = Field(
            settings.download_max_images_per_date,
            ge=1,
            description="Most pictures of one stream and date; all when null.",
        )
        newest_first: bool = Field(
            settings.download_newest_first,
            description="Fetch, and count towards the limit, from the newest back.",
        )

    @frames_asset(
        spec,
        "images",
        needs={"catalog", "store", "decoder", source_key(spec.name)},
        kinds={"python", "http" if spec.remote else "filesystem"},
        # Politeness holds across runs: one step at a time at a site.
        pool=f"{spec.name}_site" if spec.remote else None,
    )
    def images(context: dg.AssetExecutionContext, config: Collecting) -> dg.MaterializeResult[None]:
        """Every picture the source took on a UTC day, verified by full decode and stored once.

        A frame that repeats an earlier one is kept as a record and flagged stale. Refused pictures
        wait in quarantine with their reason. A day that is closed and settled is sealed: running it
        again costs no request.
        """
        resources, place = context.resources, partial(partition_of, spec)
        choice = Choice(config.max_images_per_date, config.newest_first)
        collector = _collector(resources, spec, settings, choice)

        def work(key: str) -> Work:
            partition = place(key)
            report = collector.collect(partition, now=clock(), progress=logged(context, key))
            context.log.info("%s: %s", key, dict(report.counts))
            lacks = gaps(assessed(resources, spec, settings, partition, clock()))
            return Work(report, shown(resources, partition) | lacks | done(report))

        checks = checks_of(spec, settings, "images", resources)
        told = accounted(context, resources.store, settings.public_base_url, place, work)
        return each_partition(
            context, told, checks, retry_after=settings.image_assets_retry_seconds
        )

    return images


def _collector(resources: Any, spec: SourceSpec, settings: Settings, choice: Choice) -> Collector:
    terms = Terms(settings.image_assets_workers, settings.grace, settings.gone_after, choice)
    source = getattr(resources, source_key(spec.name))
    return Collector(source, resources.catalog.images, resources.store, resources.decoder, terms)


def done(report: Report) -> dict[str, Any]:
    """What came, in figures that plot."""
    new = sum(report.counts.get(note, 0) for note in RECEIVED)
    return {"stored": new} | metadata.figures(report, NOTES)


def shown(resources: Any, partition: Partition) -> dict[str, Any]:
    """What the partition has now, in figures and as a contact sheet."""
    catalog = resources.catalog
    counts = catalog.images.counts(partition)
    has = {
        "images": counts.states.get(ImageState.STORED, 0),
        "dagster/partition_row_count": counts.states.get(ImageState.STORED, 0),
        # Not the report's: of two that arrive together, the earlier one is settled afterwards.
        "stale": counts.stale,
        "stored_bytes": counts.bytes,
        "gaps": sum(counts.states.values()) - counts.states.get(ImageState.STORED, 0),
    }
    return has | preview(resources, catalog.images.paths(partition), str(partition))
