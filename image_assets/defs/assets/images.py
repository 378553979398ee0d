"""A source's pictures, by UTC day and stream."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import dagster as dg

from image_assets.core.model import ImageState, Partition
from image_assets.defs import metadata
from image_assets.defs.assets.options import clock, frames_asset
from image_assets.defs.checks import checks_of
from image_assets.defs.failures import Work, each_partition
from image_assets.defs.partitions import partition_of
from image_assets.defs.resources import source_key
from image_assets.ports import Decoder, FileStore
from image_assets.settings import Settings, SourceSpec
from image_assets.stages.images import Collector, Terms

NOTES = ("stored", "stale", "rejected", "missing", "gone", "misfit", "known", "sealed")
SHEET_PICTURES = 12


def images_asset(spec: SourceSpec, settings: Settings) -> dg.AssetsDefinition:
    """The first asset of a source's chain."""
    source = source_key(spec.name)

    @frames_asset(
        spec,
        settings,
        "images",
        needs={"catalog", "store", "decoder", source},
        kinds={"python", "http" if spec.root is None else "filesystem"},
        # Politeness holds across runs: one step at a time at a site.
        pool=f"{spec.name}_site" if spec.root is None else None,
    )
    def images(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Every picture the source took on a UTC day, verified by full decode and stored once.

        A frame that repeats an earlier one is kept as a record and flagged stale. Refused pictures
        wait in quarantine with their reason. A day that is closed and settled is sealed: running it
        again costs no request.
        """
        resources = context.resources
        collector = Collector(
            getattr(resources, source),
            resources.catalog.images,
            resources.store,
            resources.decoder,
            Terms(settings.image_assets_workers, settings.grace, settings.gone_after),
        )

        def work(key: str) -> Work:
            partition = partition_of(spec, key)
            report = collector.collect(partition, now=clock())
            context.log.info("%s: %s", key, dict(report.counts))
            return Work(report, metadata.figures(report, NOTES) | shown(resources, partition))

        return each_partition(context, work, checks_of(spec, settings, "images", resources))

    return images


def shown(resources: Any, partition: Partition) -> dict[str, Any]:
    """What the partition has now, in figures and as a contact sheet."""
    catalog, store, decoder = resources.catalog, resources.store, resources.decoder
    counts = catalog.images.counts(partition)
    has = {
        "images": counts.states.get(ImageState.STORED, 0),
        "dagster/partition_row_count": counts.states.get(ImageState.STORED, 0),
        "stored_bytes": counts.bytes,
        "gaps": sum(counts.states.values()) - counts.states.get(ImageState.STORED, 0),
    }
    sheet = contact_sheet(catalog.images.paths(partition), store, decoder)
    return (
        has if sheet is None else has | {"contact_sheet": metadata.picture(sheet, str(partition))}
    )


def contact_sheet(paths: Sequence[str], store: FileStore, decoder: Decoder) -> bytes | None:
    """A dozen of the pictures, evenly chosen, small enough for an event."""
    if not paths:
        return None
    step = max(1, len(paths) // SHEET_PICTURES)
    chosen = paths[::step][:SHEET_PICTURES]
    with ExitStack() as stack:
        files = [stack.enter_context(store.local(path)) for path in chosen]
        return decoder.contact_sheet(files, columns=4, width=640)
