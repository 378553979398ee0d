"""Visualisations that somebody draws into a folder, and what becomes of the files there."""

from functools import partial
from typing import Any

import dagster as dg

from image_assets import visualizing
from image_assets.defs import metadata
from image_assets.defs.accounts import accounted
from image_assets.defs.assets.images import done, shown
from image_assets.defs.assets.options import OWNERS, clock, frames_asset
from image_assets.defs.expectations import checks_of
from image_assets.defs.failures import Work, each_partition, failures_for_dagster, raise_failed
from image_assets.defs.partitions import partition_of
from image_assets.defs.progress import logged
from image_assets.defs.resources import source_key
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.images import AT_ONCE, Collector, Terms
from image_assets.stages.visualizations import HandOver

NOTES = ("put_away", "purged")


def visualizations_asset(spec: SourceSpec, settings: Settings) -> dg.AssetsDefinition:
    """The first asset of a chain of visualisations."""

    @frames_asset(
        spec,
        "images",
        needs={"catalog", "store", "decoder", source_key(spec.name)},
        kinds={"python", "filesystem"},
    )
    def images(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Every finished visualisation of a sensor, interval and UTC date, verified and stored once.

        Its sidecar says what it shows. What is still being written, has no sidecar or cannot be read is
        left alone, and taken by a later run. A period that is drawn again is another picture.
        """
        resources, place = context.resources, partial(partition_of, spec)
        terms = Terms(settings.image_assets_workers, *AT_ONCE)
        plots = getattr(resources, source_key(spec.name))
        rooms = (plots, resources.catalog.images, resources.store, resources.decoder)
        collector = Collector(*rooms, terms)

        def work(key: str) -> Work:
            partition = place(key)
            report = collector.collect(partition, now=clock(), progress=logged(context, key))
            context.log.info("%s: %s", key, dict(report.counts))
            return Work(report, shown(resources, partition) | done(report))

        checks = checks_of(spec, settings, "images", resources)
        told = accounted(context, resources.store, settings.public_base_url, place, work)
        return each_partition(
            context, told, checks, retry_after=settings.image_assets_retry_seconds
        )

    return images


def local_files_asset(spec: SourceSpec, settings: Settings) -> dg.AssetsDefinition:
    """The last asset of a chain of visualisations."""
    stages = ["latest"] if spec.latest else [f"uploaded_urls/{name}" for name in spec.destinations]
    retry_after = settings.image_assets_retry_seconds

    @dg.asset(
        key=[spec.name, "local_files"],
        deps=[dg.AssetKey([spec.name, *stage.split("/")]) for stage in stages],
        group_name=spec.name,
        owners=OWNERS,
        kinds={"python", "filesystem"},
        required_resource_keys={"catalog", source_key(spec.name)},
        pool=f"{spec.name}_local_files",
        code_version="1",
    )
    def local_files(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """What lies in the folder of whoever draws: published files are put away, and purged in time.

        A file goes only when its own bytes are proven at every destination and its latest key is as
        new. It waits in `.published` for the days in which that can be undone.
        """
        with failures_for_dagster(context, retry_after=retry_after):
            report = hand_over(spec, settings, context.resources).tidy()
            plots = getattr(context.resources, source_key(spec.name))
            left = sum(len(listing.entries) for listing in plots.waiting().values())
            troubles = plots.troubles()
        raise_failed(context, report, retry_after=retry_after)
        seen: dict[str, Any] = {"left": left, "troubles": dg.MetadataValue.json(list(troubles))}
        return dg.MaterializeResult(metadata=seen | metadata.figures(report, NOTES))

    return local_files


def hand_over(spec: SourceSpec, settings: Settings, resources: Any) -> HandOver:
    """What tells which files of a source's folder are published, over the run's resources."""
    plots = getattr(resources, source_key(spec.name))
    return visualizing.hand_over(spec, settings, plots, resources.catalog, clock)
