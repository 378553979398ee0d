"""An inbox's mockups, by batch: every design on every template of the source."""

from typing import Any

import dagster as dg

from image_assets.core.model import Partition
from image_assets.defs import metadata
from image_assets.defs.assets.batches import batch_seconds, following
from image_assets.defs.assets.options import clock, frames_asset
from image_assets.defs.assets.preview import preview
from image_assets.defs.expectations import checks_of
from image_assets.defs.failures import Work, each_partition
from image_assets.defs.partitions import partition_of
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.mockups import Mocker
from image_assets.template_specs import templates

NOTES = ("made", "there already")


def mockups_asset(spec: SourceSpec, settings: Settings) -> dg.AssetsDefinition:
    """The asset of a source that names templates."""

    @frames_asset(
        spec,
        "mockups",
        deps=["designs"],
        needs={"catalog", "store", "decoder"},
        kinds={"python", "opencv"},
    )
    def mockups(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Every design on each template of its source, each recorded by itself.

        What was made once is not made again; one that fails stops no other, and is tried again by the
        next run.
        """
        resources = context.resources
        chosen = templates(settings.mockup_templates, spec.mockups)

        def work(key: str) -> Work:
            partition = partition_of(spec, key)
            with following(context, spec, settings, partition, "mockups") as follower:
                mocker = Mocker(
                    chosen,
                    settings.mockup_recipe,
                    resources.catalog.mockups,
                    resources.store,
                    resources.decoder,
                    follower.workers,
                )
                report = mocker.make(partition, now=clock(), progress=follower.progress)
                told = follower.ended(report)
            context.log.info("%s: %s", key, dict(report.counts))
            has = _shown(spec, resources, partition, key) | told | batch_seconds(context)
            return Work(report, has | metadata.figures(report, NOTES))

        checks = checks_of(spec, settings, "mockups", resources)
        return each_partition(
            context, work, checks, retry_after=settings.image_assets_retry_seconds
        )

    return mockups


def _shown(spec: SourceSpec, resources: Any, partition: Partition, key: str) -> dict[str, Any]:
    made = resources.catalog.mockups.made(partition, spec.mockups)
    return {
        "mockups": len(made),
        "templates": ", ".join(spec.mockups),
        **preview(resources, [one.blob.path for one in made], key),
    }
