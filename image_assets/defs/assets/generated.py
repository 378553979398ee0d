"""Pictures that are drawn by request, one partition for each request."""

from typing import Any

import dagster as dg

from image_assets.defs import metadata
from image_assets.defs.assets.images import shown
from image_assets.defs.assets.options import clock, frames_asset, owner
from image_assets.defs.expectations import checks_of
from image_assets.defs.failures import Work, each_partition
from image_assets.defs.partitions import partition_of
from image_assets.defs.progress import logged
from image_assets.defs.resources import GENERATOR
from image_assets.ports import Asked
from image_assets.settings import Settings
from image_assets.sources import SourceSpec
from image_assets.stages.generation import Studio, lineage

NOTES = ("generated", "blocked", "refused", "in_doubt", "stored", "stale", "rejected")

_COLUMNS = ("variation", "state", "model_version", "response_id", "reason")
_SHOWN = 2000  # characters of a prompt


def generated_asset(spec: SourceSpec, settings: Settings) -> dg.AssetsDefinition:
    """The first asset of the chain of what is drawn by request."""

    @frames_asset(
        spec,
        "images",
        needs={"catalog", "store", "decoder", GENERATOR},
        kinds={"python", "gemini"},
        pool=GENERATOR,  # one step at a time: the rate limiter in it is true across runs
    )
    def images(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Every variation that a request asks for, drawn once, verified by full decode, stored once.

        Each call is written down before it is made and kept as soon as it is answered: nothing is paid
        for twice. A variation that a policy blocks, or of which nobody knows whether it was drawn, is
        settled with its reason; the request fails when none came.
        """
        resources = context.resources
        catalog = resources.catalog
        studio = Studio(
            getattr(resources, GENERATOR),
            catalog.generation,
            catalog.images,
            resources.store,
            resources.decoder,
            owner(context),
            clock,
            settings.generation_workers,
            settings.give_up,
        )

        def work(key: str) -> Work:
            partition = partition_of(spec, key)
            report = studio.generate(partition, progress=logged(context, key))
            context.log.info("%s: %s", key, dict(report.counts))
            told = _told(catalog.generation.asked(partition))
            has = shown(resources, partition) | told
            return Work(report, has | metadata.figures(report, NOTES))

        checks = checks_of(spec, settings, "images", resources)
        return each_partition(
            context, work, checks, retry_after=settings.image_assets_retry_seconds
        )

    return images


def _told(asked: Asked) -> dict[str, Any]:
    """The request and where its pictures come from. The prompt is plain text, and never a page."""
    received = asked.received
    models = {lineage(variation).get("model_version") for variation in received} - {None}
    told: dict[str, Any] = {
        "prompt": dg.MetadataValue.text(asked.prompt[:_SHOWN]),
        "aspect_ratio": asked.aspect_ratio.value,
        "model": asked.model,
        "model_versions": ", ".join(sorted(filter(None, models))),
        "variations": len(asked.variations),
        "received": len(received),
        "lineage": _table(asked),
    }
    if asked.base is not None:
        told["base"] = asked.base.path
    return told


def _table(asked: Asked) -> dg.MetadataValue[Any]:
    records = [
        dg.TableRecord(
            {
                "variation": f"var-{variation.number}",
                "state": variation.state.value,
                "model_version": variation.model_version or "",
                "response_id": variation.response_id or "",
                "reason": variation.reason or "",
            }
        )
        for variation in asked.variations
    ]
    return dg.MetadataValue.table(
        records, dg.TableSchema([dg.TableColumn(name) for name in _COLUMNS])
    )
