"""A source's designs on the shops' NAS, by UTC day and stream or by batch."""

from typing import Any

import dagster as dg

from image_assets.core import naming
from image_assets.core.model import Partition, Scope
from image_assets.defs import metadata
from image_assets.defs.assets.options import clock, frames_asset
from image_assets.defs.expectations import checks_of
from image_assets.defs.failures import Work, each_partition
from image_assets.defs.partitions import partition_of
from image_assets.defs.progress import logged
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.mockups import MockupShelver
from image_assets.stages.nas import Shelver
from image_assets.stages.report import Report

NOTES = ("stored", "duplicates", "there already", "indexed", "forgotten", "unreadable", "too large")


def nas_asset(spec: SourceSpec, settings: Settings) -> dg.AssetsDefinition:
    """The asset of a source whose `nas` is on: a leaf, so that a NAS that is down stops nothing."""

    @frames_asset(
        spec,
        "nas",
        deps=["designs", *(["mockups"] if spec.mockups else [])],
        needs={"catalog", "store", "decoder", "nas"},
        kinds={"python"},
        pool="nas",  # one step at a time: its index is one
    )
    def nas(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """New designs, and mockups, on the NAS by shop, whole or not at all; what is there stays as it is.

        Compared with what the NAS holds, in any size or format where the source's policy says so.
        """
        resources = context.resources

        def work(key: str) -> Work:
            partition = partition_of(spec, key)
            report = shelver(spec, settings, resources, partition).shelve(
                partition, now=clock(), progress=logged(context, key)
            )
            if spec.mockups:
                report += _shelve_mockups(spec, settings, resources, partition)
            context.log.info("%s: %s", key, dict(report.counts))
            folder = naming.nas_folder(partition, settings.nas_folder)
            has: dict[str, Any] = {
                "on_nas": resources.catalog.nas.shelved(partition, folder),
                "nas_folder": folder,
                "nas_success_rate": success_rate(report),
            }
            return Work(report, has | metadata.figures(report, NOTES))

        checks = checks_of(spec, settings, "nas", resources)
        return each_partition(
            context, work, checks, retry_after=settings.image_assets_retry_seconds
        )

    return nas


def _shelve_mockups(
    spec: SourceSpec, settings: Settings, resources: Any, partition: Partition
) -> Report:
    rooms = (resources.catalog.mockups, resources.store, resources.nas)
    return MockupShelver(spec.mockups, *rooms, settings.nas_connections).shelve(partition)


def shelver(spec: SourceSpec, settings: Settings, resources: Any, partition: Partition) -> Shelver:
    """The shelver of a source, with a run's services."""
    return Shelver(
        Scope(spec.name, spec.policy, partition.tenant),
        resources.nas,
        resources.catalog.nas,
        resources.store,
        resources.decoder,
        settings.limits(spec, partition.tenant),
        settings.nas_folder,
        settings.nas_index_age,
        settings.nas_connections,
        settings.image_assets_max_bytes,
    )


def success_rate(report: Report) -> float:
    """The share of designs and calls to the NAS that did not fail; 1 when there was nothing to do."""
    tried = report.done + report.failed
    return round(report.done / tried, 4) if tried else 1.0
